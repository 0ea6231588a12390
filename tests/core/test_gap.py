"""When an unchanged meeting is looked at again for the sake of a no-show mark."""

from datetime import datetime, timedelta

import pytest

from calendly_connector.core import gap

NOW = datetime.fromisoformat("2026-11-30T12:00:00+00:00")
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.mark.parametrize(
    ("began", "read", "expected"),
    [
        (-1, 0.5, False),  # still to come
        (2, 2.5, True),  # read before it began
        (2, 1, True),  # read when it was an hour old, which is an hour ago
        (10, 5.5, True),
        (10, 4, False),  # read when it was six hours old, only four hours ago
        (24 * 20, 71, False),
        (24 * 20, 73, True),  # never longer than three days
        (24 * 40, 24 * 35, True),  # last read on its fifth day: once more
        (24 * 40, 24 * 9, False),  # last read when no mark counted any more
    ],
)
def test_looks_grow_rarer_with_a_meetings_age(began: float, read: float, expected: bool) -> None:
    start, read_at = NOW - began * HOUR, NOW - read * HOUR

    assert gap.may_be_marked(start, read_at=read_at, now=NOW, is_thorough=False) is expected


@pytest.mark.parametrize(("days", "expected"), [(-1, False), (1, True), (29, True), (31, False)])
def test_a_thorough_look_takes_the_last_thirty_days(days: int, expected: bool) -> None:
    read_at = NOW - 5 * DAY

    assert gap.may_be_marked(NOW - days * DAY, read_at=read_at, now=NOW, is_thorough=True) is expected


def test_a_start_that_can_not_be_read_is_always_looked_at() -> None:
    assert gap.may_be_marked(None, read_at=NOW, now=NOW, is_thorough=False)
