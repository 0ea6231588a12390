"""What counts as unusually quiet, and what doesn't."""

from datetime import UTC, datetime, timedelta

import pytest

from calendly_connector.core import silence

MONDAY = datetime(2026, 11, 2, tzinfo=UTC)
HOUR = timedelta(hours=1)


def office(weeks: int = 4, *, hours: range = range(9, 17)) -> list[datetime]:
    """Return a delivery in every office hour, Monday to Friday."""
    days = (MONDAY + timedelta(weeks=week, days=day) for week in range(weeks) for day in range(5))
    return [day + hour * HOUR for day in days for hour in hours]


AFTER = MONDAY + timedelta(weeks=4)  # a Monday, midnight


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        (AFTER, False),  # the weekend is always quiet
        (AFTER + 17 * HOUR, False),  # one quiet day is a holiday
        (AFTER + 38 * HOUR, True),  # the afternoon of the next day
    ],
    ids=["a weekend", "one day", "a day and a half"],
)
def test_only_what_is_much_longer_than_usual_is_a_silence(now: datetime, expected: bool) -> None:
    assert silence.is_unusual(office(), now=now) is expected


def test_hours_of_habit_are_counted_and_weekends_are_not() -> None:
    assert silence.expected_hours(office(), now=AFTER) == 0
    assert silence.expected_hours(office(), now=AFTER + 12 * HOUR) == pytest.approx(3)
    assert silence.expected_hours([], now=AFTER) == 0


def test_a_new_delivery_ends_it() -> None:
    now = AFTER + 40 * HOUR

    assert silence.is_unusual(office(), now=now)
    assert not silence.is_unusual([*office(), now - HOUR], now=now)


def test_a_new_installation_never_alarms() -> None:
    heard = office(1, hours=range(24))

    assert not silence.is_unusual(heard, now=MONDAY + timedelta(days=13))


def test_few_bookings_never_alarm() -> None:
    heard = [MONDAY + timedelta(days=day, hours=10) for day in range(0, 28, 1)]

    assert not silence.is_unusual(heard, now=AFTER + timedelta(days=20))


def test_bursts_count_once() -> None:
    burst = [MONDAY + timedelta(weeks=week, minutes=minute) for week in range(4) for minute in range(60)]

    assert not silence.is_unusual(burst, now=AFTER + timedelta(days=6))


def test_nothing_at_all_is_no_silence() -> None:
    assert not silence.is_unusual([], now=AFTER)
