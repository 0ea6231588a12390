"""The month and the day that a visitor looks at, in the visitor's zone: what the template draws."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from calendly_connector.clients.calendly_scheduling import AvailableTime
from calendly_connector.core.month import Month
from calendly_connector.services import scheduling
from calendly_connector.web.booking.visit import Visit, stamp

MOST_EMPTY = 3  # months that are turned over by themselves while nothing is open


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One day of the calendar; its link is empty where it has no open time."""

    day: date
    words: str
    count: int
    link: str
    is_chosen: bool
    is_outside: bool


@dataclass(frozen=True, kw_only=True)
class Slot:
    """One open time of the chosen day."""

    words: str
    link: str
    places: str


@dataclass(frozen=True, kw_only=True)
class Timetable:
    """A month, and the times of its chosen day."""

    title: str
    weekdays: Sequence[tuple[str, str]]
    weeks: Sequence[Sequence[Cell]]
    before: str
    after: str
    day: str
    slots: Sequence[Slot]
    is_empty: bool


def draw(visit: Visit) -> Timetable:
    """Return the timetable of a visit whose event type is chosen. Raises ApiError, NotConfigured."""
    month, times = _month_with_times(visit)
    by_day = _by_day(times, visit)
    day = visit.day if visit.day in by_day else None
    now, last = (
        Month.of(timezone.now().astimezone(visit.zone).date()),
        Month.of(visit.latest.astimezone(visit.zone).date()),
    )
    return Timetable(
        title=date_format(month.first, "YEAR_MONTH_FORMAT"),
        weekdays=[(date_format(each, "D"), date_format(each, "l")) for each in month.weeks[0]],
        weeks=[[_cell(visit, month, each, len(by_day.get(each, ()))) for each in week] for week in month.weeks],
        before=visit.here(month=month.before) if month > now else "",
        after=visit.here(month=month.following) if month < last else "",
        day=day_words(day) if day else "",
        slots=[_slot(visit, each) for each in by_day[day]] if day else (),
        is_empty=not by_day,
    )


def times_of(visit: Visit, month: Month) -> tuple[AvailableTime, ...]:
    """Return the open times of a month. Raises ApiError, NotConfigured."""
    since, until = month.window(visit.zone)
    uri = visit.kind.uri if visit.kind else ""
    return scheduling.available(visit.page.connection, uri, since=since, until=min(until, visit.latest))


def day_words(day: date) -> str:
    """Return a day as people say it."""
    return _("%(weekday)s, %(date)s") % {"weekday": date_format(day, "l"), "date": date_format(day, "DATE_FORMAT")}


def clock(moment: datetime) -> str:
    """Return the time of day; in the hour that comes twice when clocks go back, with which of the two it is."""
    is_twice = moment.replace(fold=1 - moment.fold).utcoffset() != moment.utcoffset()
    return f"{moment:%H:%M} {moment:%Z}" if is_twice else f"{moment:%H:%M}"


def places_words(left: int) -> str:
    """Return how many people can still come."""
    return ngettext("%(count)d place left", "%(count)d places left", left) % {"count": left}


def _month_with_times(visit: Visit) -> tuple[Month, tuple[AvailableTime, ...]]:
    """Return the month that was asked for, else the first from now on in which something is open."""
    asked = visit.month or (Month.of(visit.day) if visit.day else None)
    month = first = asked or Month.of(timezone.now().astimezone(visit.zone).date())
    times = times_of(visit, month)
    for _turn in range(0 if asked else MOST_EMPTY):
        if times or month >= Month.of(visit.latest.date()):
            break
        month = month.following
        times = times_of(visit, month)
    return (month, times) if times else (first, times)


def _by_day(times: Sequence[AvailableTime], visit: Visit) -> dict[date, list[AvailableTime]]:
    found: dict[date, list[AvailableTime]] = defaultdict(list)
    for each in times:
        found[each.start_at.astimezone(visit.zone).date()].append(each)
    return dict(found)


def _cell(visit: Visit, month: Month, day: date, count: int) -> Cell:
    return Cell(
        day=day,
        words=day_words(day),
        count=count,
        link=visit.here(day=day) if count else "",
        is_chosen=bool(count) and day == visit.day,
        is_outside=Month.of(day) != month,
    )


def _slot(visit: Visit, each: AvailableTime) -> Slot:
    local = each.start_at.astimezone(visit.zone)
    left = each.places_left if visit.kind and visit.kind.is_group else 0
    link = visit.here(day=local.date(), at=stamp(each.start_at))
    return Slot(words=clock(local), link=link, places=places_words(left) if left else "")
