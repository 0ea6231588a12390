"""When staff hear of a trouble: at its beginning, at its end, and for some kinds now and then in between. Pure."""

from datetime import datetime, timedelta

DAYS = (0, 1, 3, 7, 14)
"""For what only people can mend: the days after its beginning on which they are told, until it is mended."""

REMINDED = (":reconnect",)
"""The ends of the keys of such troubles."""


def is_due(
    key: str,
    *,
    is_open: bool,
    opened_at: datetime,
    closed_at: datetime | None,
    last_sent_at: datetime | None,
    times_sent: int,
    now: datetime,
) -> bool:
    """Return whether a message about a trouble has to leave now.

    Of a trouble that was over before anybody heard of it, nobody hears.
    """
    if not is_open:
        return bool(times_sent and closed_at and (last_sent_at is None or last_sent_at < closed_at))
    if times_sent == 0:
        return True
    if not key.endswith(REMINDED) or times_sent >= len(DAYS):
        return False
    return now >= opened_at + timedelta(days=DAYS[times_sent])
