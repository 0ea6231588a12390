"""Counts what happened per day, so that the home page never counts the ledger. Days are the installation's."""

import math
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

from django.db import transaction
from django.db.models import Count, Q
from django.utils import timezone

from calendly_connector.models import Booking, DailyFigure, StatusChange, SyncLogEntry, WebhookDelivery
from calendly_connector.services import arrivals, retention, subscription

BOOKED, MOVED, CANCELED, NO_SHOW, ATTENDED = "booked", "moved", "canceled", "no_show", "attended"
"""Of a day, without detail: what happened on it. With a detail: what became of the meetings that begin on it."""

LAG_P50, LAG_P95 = "lag_p50", "lag_p95"
"""Seconds from a delivery's arrival until it was taken in."""

FAILURES, WRITTEN, RECEIVED = "failures", "written", "received"
"""Steps wanted on the day that failed, and that were done; webhooks that arrived."""

TYPE, HOST = "type:", "host:"
"""How a detail begins; the event type's address, or the host's name, follows."""

SCHEDULE = "figures"  # the repeating work that counts today
CERTAINLY_KEPT = timedelta(days=30)  # deliveries, by every version and setting
PAST_DAYS = 90
CHUNK_DAYS = 7
DAY = timedelta(days=1)
SKEW = timedelta(hours=1)  # between Calendly's clock and ours
Key = tuple[int, date, str, str]
"""Connection, day, name, detail: what a figure is of."""

Figures = dict[Key, float]
Renew = Callable[[], None]

HAPPENED = {
    Booking.Status.RESCHEDULED: MOVED,
    Booking.Status.CANCELED: CANCELED,
    Booking.Status.NO_SHOW: NO_SHOW,
    Booking.Status.ATTENDED: ATTENDED,
}
"""Status that a booking took on → figure. When it was booked stands in the booking itself."""

BECAME = {
    Booking.Status.CANCELED: CANCELED,
    Booking.Status.NO_SHOW: NO_SHOW,
    Booking.Status.ATTENDED: ATTENDED,
}


@dataclass(frozen=True, kw_only=True)
class Days:
    """A stretch of whole days in the installation's zone."""

    first: date
    last: date

    @property
    def start(self) -> datetime:
        """Return its beginning."""
        return _midnight(self.first)

    @property
    def end(self) -> datetime:
        """Return the beginning of the day after it."""
        return _midnight(self.last + DAY)

    def __iter__(self) -> Iterator[date]:
        """Walk through the days."""
        return (self.first + DAY * step for step in range((self.last - self.first).days + 1))

    def in_pieces(self) -> Iterator["Days"]:
        """Walk through it in stretches of CHUNK_DAYS at most."""
        for first in list(self)[::CHUNK_DAYS]:
            yield Days(first=first, last=min(self.last, first + (CHUNK_DAYS - 1) * DAY))

    def __contains__(self, moment: datetime) -> bool:
        """Return whether a moment lies in it."""
        return self.start <= moment < self.end


def today() -> date:
    """Return the day that it is where the installation is."""
    return day_of(timezone.now())


def day_of(moment: datetime) -> date:
    """Return the day of a moment in the installation's zone."""
    return moment.astimezone(timezone.get_default_timezone()).date()


def count_recent() -> str:
    """Count today and yesterday; return words for the schedule's last result."""
    days = Days(first=today() - DAY, last=today())
    arrivals.advance()
    return f"{count(days)} figures have changed"


def count_past(renew: Renew = lambda: None) -> str:
    """Count the days before, some at a time: a meeting's outcome, and what is read later, belong to their own day."""
    past = Days(first=today() - (PAST_DAYS + 1) * DAY, last=today() - 2 * DAY)
    changed = _keep(past, _what_happened(past, renew))
    for days in past.in_pieces():
        renew()
        changed += _count_rows(days)
    return f"{changed} figures have changed"


def count(days: Days) -> int:
    """Count a few days anew, and return how many figures changed."""
    return _keep(days, _what_happened(days)) + _count_rows(days)


def _count_rows(days: Days) -> int:
    """Count what is found by the day itself."""
    counters = (_what_became, _steps, *((_deliveries,) if _has_deliveries(days) else ()))
    return sum(_keep(days, counter(days)) for counter in counters)


Counted = tuple[Sequence[str], bool, Figures]
"""The names that were counted, whether with details, and the figures that aren't zero."""


def _what_happened(days: Days, renew: Renew = lambda: None) -> Counted:
    """Count what was booked, moved, canceled… on each day.

    Everything is noted after it happened, be it long after: what was noted since the first day is looked through once.
    """
    seen: dict[Key, set[int]] = defaultdict(set)
    for noted in Days(first=days.first, last=today()).in_pieces():
        renew()
        for booking, status, happened_at, connection, booked_at, old_invitee in _changes(days, noted):
            if not old_invitee and booked_at in days:
                seen[connection, day_of(booked_at), BOOKED, ""].add(booking)
            if status in HAPPENED and happened_at in days:
                seen[connection, day_of(happened_at), HAPPENED[status], ""].add(booking)
    return (BOOKED, *HAPPENED.values()), False, {key: float(len(bookings)) for key, bookings in seen.items()}


def _changes(days: Days, noted: Days) -> Iterator[tuple[Any, ...]]:
    """Walk through what was noted on some days and happened, or was booked, on others."""
    rows = StatusChange.objects.filter(noted_at__gte=noted.start - SKEW, noted_at__lt=noted.end)
    rows = rows.filter(_within("happened_at", days) | _within("booking__booked_at", days)).order_by()
    fields = ("booking_id", "status", "happened_at", "booking__connection_id", "booking__booked_at")
    return rows.values_list(*fields, "booking__old_invitee").iterator()


def _what_became(days: Days) -> Counted:
    """Count what became of the meetings that begin on each day, by event type and by host. Moved ones don't take place
    on it."""
    rows = Booking.objects.filter(_within("start_at", days)).exclude(status=Booking.Status.RESCHEDULED).order_by()
    fields = ("connection_id", "start_at", "status", "event_type", "data__meeting__hosts")
    found: Figures = defaultdict(float)
    for connection, start_at, status, event_type, hosts in rows.values_list(*fields).iterator():
        for detail in _details(event_type, hosts):
            for name in (BOOKED, BECAME.get(status)):
                if name:
                    found[connection, day_of(start_at), name, detail] += 1
    return (BOOKED, *BECAME.values()), True, dict(found)


def _details(event_type: str, hosts: Iterable[dict[str, str]] | None) -> set[str]:
    names = {str(host.get("name") or "") for host in hosts or ()} - {""}
    types = {TYPE + event_type} if event_type else set()
    return {detail[:255] for detail in types | {HOST + name for name in names}}


def _steps(days: Days) -> Counted:
    """Count each day's steps by their present state: what is mended counts as a failure no longer."""
    states = {SyncLogEntry.State.FAILED: FAILURES, SyncLogEntry.State.DONE: WRITTEN}
    found: Figures = {}
    for day in days:
        for state, name in states.items():
            rows = SyncLogEntry.objects.filter(_within("created_at", Days(first=day, last=day)), state=state)
            for connection, number in rows.order_by().values_list("connection").annotate(Count("pk")):
                found[connection, day, name, ""] = float(number)
    return tuple(states.values()), False, found


def _deliveries(days: Days) -> Counted:
    """Count each day's webhooks, and how long they waited until they were taken in."""
    rows = WebhookDelivery.objects.filter(_within("received_at", days)).exclude(webhook_name=subscription.PING)
    found: Figures = defaultdict(float)
    lags: dict[tuple[int, date], list[float]] = defaultdict(list)
    fields = ("connection_id", "received_at", "processed_at")
    for connection, received_at, processed_at in rows.order_by().values_list(*fields).iterator():
        day = day_of(received_at)
        found[connection, day, RECEIVED, ""] += 1
        if processed_at:
            lags[connection, day].append((processed_at - received_at).total_seconds())
    for (connection, day), seconds in lags.items():
        for name, percent in ((LAG_P50, 50), (LAG_P95, 95)):
            found[connection, day, name, ""] = max(0.001, round(percentile(seconds, percent), 3))
    return (RECEIVED, LAG_P50, LAG_P95), False, dict(found)


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the smallest value that at least `percent` of all are not above."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


def _has_deliveries(days: Days) -> bool:
    """Return whether none of the days' deliveries has been deleted yet: else what was counted then stays.

    They go in the order of their age, so one from before the days shows that theirs are there.
    """
    earlier = WebhookDelivery.objects.filter(received_at__lt=days.start, state__in=retention.SETTLED)
    return days.start > timezone.now() - CERTAINLY_KEPT or earlier.exists()


def _within(field: str, days: Days) -> Q:
    return Q(**{f"{field}__gte": days.start, f"{field}__lt": days.end})


def _midnight(day: date) -> datetime:
    return datetime.combine(day, time.min, timezone.get_default_timezone()).astimezone(UTC)


def _keep(days: Days, counted: Counted) -> int:
    """Write what differs from what is kept, and return how much that is."""
    names, with_detail, found = counted
    kept = DailyFigure.objects.filter(date__range=(days.first, days.last), name__in=names)
    kept = kept.exclude(detail="") if with_detail else kept.filter(detail="")
    known = {(row.connection_id, row.date, row.name, row.detail): row for row in kept}
    gone = [row.pk for key, row in known.items() if key not in found]
    changed = [key for key, value in found.items() if key not in known or known[key].value != value]
    if not gone and not changed:
        return 0
    rows = [
        DailyFigure(connection_id=connection, date=day, name=name, detail=detail, value=found[key])
        for key in changed
        for connection, day, name, detail in [key]
    ]
    with transaction.atomic():
        DailyFigure.objects.filter(pk__in=gone).delete()
        DailyFigure.objects.bulk_create(
            rows,
            batch_size=500,
            update_conflicts=True,
            unique_fields=["connection", "date", "name", "detail"],
            update_fields=["value"],
        )
    return len(gone) + len(rows)
