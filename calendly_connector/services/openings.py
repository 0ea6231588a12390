"""What may be booked, and when: asked of Calendly, and kept for a short while by each process."""

import hashlib
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

from django.core.cache import cache
from django.utils import timezone

from calendly_connector import conf
from calendly_connector.clients import errors
from calendly_connector.clients.calendly_scheduling import AvailableTime, BookableType
from calendly_connector.models import BookingRequest, Connection
from calendly_connector.services import connection as connections

TYPE_SECONDS, TIME_SECONDS = 300, 30
LONGEST_WINDOW = timedelta(days=31)  # calendly-api.md §4.4
SOON = timedelta(seconds=30)  # `start_time` must still be in the future when the call arrives
PATIENCE = 5.0  # seconds behind somebody who asks the same; then ask beside them

_locks = tuple(threading.Lock() for _ in range(16))  # so that fifty visitors of one process ask Calendly once


def types_of(connection: Connection, uris: Iterable[str]) -> list[BookableType]:
    """Return the event types at these addresses, in this order; inactive and unknown ones are left out.

    Raises ApiError, NotConfigured.
    """
    found = (_type_of(connection, uri) for uri in uris)
    return [each for each in found if each is not None and each.is_active]


def type_of(connection: Connection, uri: str) -> BookableType | None:
    """Return one event type that can be booked, else None. Raises ApiError, NotConfigured."""
    return next(iter(types_of(connection, (uri,))), None)


def _type_of(connection: Connection, uri: str) -> BookableType | None:
    key = _key("type", connection, uri)
    with _one_at_a_time(key):
        kept: tuple[BookableType | None] | None = cache.get(key)
        if kept is None:
            kept = (_read_type(connection, uri),)
            cache.set(key, kept, TYPE_SECONDS)
    return kept[0]


def _read_type(connection: Connection, uri: str) -> BookableType | None:
    try:
        return connections.calendly_client(connection).get_bookable_type(uri)
    except errors.NotFound:
        return None


def available(
    connection: Connection, event_type: str, *, since: datetime, until: datetime
) -> tuple[AvailableTime, ...]:
    """Return the open times of an event type that begin in a window, the soonest first; empty when it is over.

    However long the window is, Calendly is asked for 31 days at a time. Raises ApiError, NotConfigured.
    """
    first = max(since, timezone.now() + SOON)
    found: dict[datetime, AvailableTime] = {}
    for begin, end in _windows(first, until):
        for each in _read_window(connection, event_type, begin, end)[1]:
            if first <= each.start_at < until:
                found[each.start_at] = each
    return tuple(found[start] for start in sorted(found))


def slot_at(connection: Connection, event_type: str, start_at: datetime) -> tuple[datetime, AvailableTime | None]:
    """Return when Calendly was asked, and the open time that begins at this moment, None when it isn't open.

    Raises ApiError, NotConfigured.
    """
    now = timezone.now()
    if start_at <= now + SOON:
        return now, None
    day = start_at.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    asked_at, times = _read_window(connection, event_type, day, day + timedelta(days=1))
    return asked_at, next((each for each in times if each.start_at == start_at), None)


def forget(connection: Connection, event_type: str) -> None:
    """Forget the open times of an event type; other processes see for themselves that something was booked."""
    cache.set(_key("forgotten", connection, event_type), timezone.now(), TIME_SECONDS * 2)


def _windows(since: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
    """Yield windows of 31 days at most, on whole days, so that visitors at different moments share what is kept.

    They are measured in UTC: where clocks go back, 31 days by a wall clock are an hour more than Calendly allows.
    """
    begin = since.replace(hour=0, minute=0, second=0, microsecond=0).astimezone(UTC)
    end = _end_of_day(until).astimezone(UTC)
    while begin < end:
        last = min(begin + LONGEST_WINDOW, end)
        yield begin, last
        begin = last


def _end_of_day(moment: datetime) -> datetime:
    start = moment.replace(hour=0, minute=0, second=0, microsecond=0)
    return start if start == moment else start + timedelta(days=1)


def _read_window(
    connection: Connection, event_type: str, begin: datetime, end: datetime
) -> tuple[datetime, tuple[AvailableTime, ...]]:
    """Return when Calendly was asked for a window, and what it answered."""
    key = _key("times", connection, event_type, begin.isoformat(), end.isoformat())
    with _one_at_a_time(key):
        kept: tuple[datetime, tuple[AvailableTime, ...]] | None = cache.get(key)
        if kept is None or _is_overtaken(connection, event_type, kept[0]):
            asked_at = timezone.now()
            since = max(begin, asked_at + SOON)
            client = connections.calendly_client(connection)
            kept = asked_at, client.list_available_times(event_type, since=since, until=end) if since < end else ()
            cache.set(key, kept, TIME_SECONDS)
    return kept


def _is_overtaken(connection: Connection, event_type: str, asked_at: datetime) -> bool:
    """Return whether something of this connection was booked, or found taken, since we asked: in any process, and for
    any event type, since a host's time is one."""
    forgotten_at: datetime | None = cache.get(_key("forgotten", connection, event_type))
    return bool(forgotten_at and forgotten_at >= asked_at) or settled_since(connection, asked_at)


def settled_since(connection: Connection, moment: datetime) -> bool:
    """Return whether a request of this connection was booked or found taken since a moment."""
    ends = (BookingRequest.State.BOOKED, BookingRequest.State.TAKEN)
    rows = BookingRequest.objects.filter(connection=connection, settled_at__gte=moment, state__in=ends)
    return rows.exclude(sent_at=None).exists()


@contextmanager
def _one_at_a_time(key: str) -> Iterator[None]:
    """Let one thread of this process ask at a time, as long as Calendly answers quickly."""
    lock = _locks[hash(key) % len(_locks)]
    is_ours = lock.acquire(timeout=PATIENCE)
    try:
        yield
    finally:
        if is_ours:
            lock.release()


def _key(kind: str, connection: Connection, *parts: str) -> str:
    text = "\n".join((conf.calendly_api_url(), *parts))
    return f"openings:{kind}:{connection.pk}:{hashlib.sha256(text.encode()).hexdigest()}"
