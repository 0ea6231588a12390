"""Is it unusually quiet? The usual rate of deliveries, hour by hour of the week, against none. Pure."""

from collections import Counter
from collections.abc import Iterable
from datetime import datetime, timedelta

WEEKS = 4
MEMORY = timedelta(weeks=WEEKS)
SHORTEST_HISTORY = timedelta(weeks=2)  # younger installations have no habits yet
FEWEST_HOURS = 40  # hours with deliveries in the memory; with fewer, a long pause is nothing unusual
MISSED_HOURS = 12.0  # as if one and a half busy days had passed without a word
HOUR = timedelta(hours=1)


def expected_hours(heard: Iterable[datetime], *, now: datetime) -> float:
    """Return in how many of the hours since the last delivery there is usually something.

    `heard` are the hours (their beginnings, in UTC) of the last four weeks in which a delivery came. Each hour of the
    week counts with the share of the weeks in which something came then; bursts count once, weekends count little.
    """
    hours = sorted({_hour(moment) for moment in heard if now - MEMORY <= moment <= now})
    if not hours:
        return 0.0
    weeks = max(1, min(WEEKS, (hours[-1] - hours[0]) // timedelta(weeks=1)))
    habits = Counter(_of_week(hour) for hour in hours)
    silent = int((now - hours[-1]) / HOUR)  # the hour of the last delivery itself is no silence
    return sum(min(1.0, habits[_of_week(hours[-1] + HOUR * step)] / weeks) for step in range(1, silent))


def is_unusual(heard: Iterable[datetime], *, now: datetime) -> bool:
    """Return whether nothing has come for much longer than usual; never without enough habits to go by."""
    hours = {_hour(moment) for moment in heard if now - MEMORY <= moment <= now}
    if len(hours) < FEWEST_HOURS or max(hours) - min(hours) < SHORTEST_HISTORY:
        return False
    return expected_hours(hours, now=now) >= MISSED_HOURS


def _hour(moment: datetime) -> datetime:
    return moment.replace(minute=0, second=0, microsecond=0)


def _of_week(moment: datetime) -> tuple[int, int]:
    return moment.weekday(), moment.hour
