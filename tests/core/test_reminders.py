"""When staff hear of a trouble."""

from datetime import UTC, datetime, timedelta

import pytest

from calendly_connector.core import reminders

NOW = datetime(2026, 12, 20, 12, 0, tzinfo=UTC)


def due(key: str = "connection:1:subscription", *, days: float = 0, sent: int = 0, closed: bool = False) -> bool:
    """Return whether something is due about a trouble that began `days` ago."""
    return reminders.is_due(
        key,
        is_open=not closed,
        opened_at=NOW - timedelta(days=days),
        closed_at=NOW if closed else None,
        last_sent_at=NOW - timedelta(minutes=1) if sent else None,
        times_sent=sent,
        now=NOW,
    )


def test_of_its_beginning_and_its_end() -> None:
    assert due()
    assert not due(sent=1)
    assert due(sent=1, closed=True)


def test_not_of_what_was_over_before_anybody_heard() -> None:
    assert not due(closed=True)


def test_what_mends_itself_is_not_repeated() -> None:
    assert not due(days=30, sent=1)


@pytest.mark.parametrize(
    ("days", "sent", "expected"),
    [
        *((0, 0, True), (0.9, 1, False), (1, 1, True), (2.9, 2, False), (3, 2, True), (6, 3, False), (7, 3, True)),
        *((13, 4, False), (14, 4, True), (90, 5, False)),
    ],
)
def test_what_people_have_to_mend_is_repeated_now_and_then(days: float, sent: int, expected: bool) -> None:
    assert due("connection:1:reconnect", days=days, sent=sent) is expected
