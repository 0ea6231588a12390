"""Is our webhook subscription well, and from when on may something have been missed? Pure decisions."""

from datetime import UTC, datetime, timedelta
from enum import StrEnum

MARGIN = timedelta(hours=1)
"""Read again from a little earlier: a message may have been under way when the trouble began."""


class Health(StrEnum):
    """What a look at the subscription says."""

    GOOD = "good"
    FAILING = "failing"  # Calendly can't deliver and still tries
    DISABLED = "disabled"  # Calendly has given up: nothing comes any more, and nothing is made up for
    GONE = "gone"  # somebody deleted it
    ELSEWHERE = "elsewhere"  # it posts to another address than ours


def judge(state: str, *, retry_started_at: datetime | None, last_delivery_at: datetime | None) -> Health:
    """Return how a subscription that posts to us is.

    `state` and `retry_started_at` are Calendly's (the last time that a sequence of retries began; it stays when the
    retries succeed), `last_delivery_at` is when we last stored one. Something that arrived after the last sequence
    of retries began shows that Calendly reaches us. Calendly's pages: calendly-api.md §5.6.
    """
    if state != "active":
        return Health.DISABLED
    if retry_started_at and (last_delivery_at is None or last_delivery_at < retry_started_at):
        return Health.FAILING
    return Health.GOOD


def gap_start(*moments: datetime | None, now: datetime, floor: datetime) -> datetime:
    """Return from when on things may have been missed: the earliest moment known, less a margin, but not before
    `floor` (when the connection was made: what is older is history and was never ours to hear of)."""
    return max(floor, min((moment for moment in moments if moment), default=now) - MARGIN)


def earliest(*moments: datetime | None) -> datetime | None:
    """Return the earliest of the moments that are known."""
    return min((moment for moment in moments if moment), default=None)


def parse_moment(text: str) -> datetime | None:
    """Return one of Calendly's times (aware), None when there is none to be read."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None


def in_words(moment: datetime) -> str:
    """Return an aware moment as staff read it."""
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"
