"""Calendly's limits of POST /invitees (calendly-api.md §1.6), kept across processes by the rows of what was sent."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import Enum

from django.db import IntegrityError, transaction

from calendly_connector.models import BookingRequest, Connection, RateLimit
from calendly_connector.services import common_clock, openings, queue

SETTLE = "settle_request"
LONGEST_BLOCK = 86_400.0  # seconds: the longest of Calendly's own windows, whatever a header says
SETTLE_SECONDS = 100  # after a send, when whoever sent it must have heard or be dead

Window = tuple[str, int, int]  # name, seconds, bookings allowed
PAID: tuple[Window, ...] = (("minute", 60, 10), ("hour", 3600, 50), ("day", 86_400, 100))
SMALL: tuple[Window, ...] = (("day", 86_400, 5),)
ENTERPRISE: tuple[Window, ...] = (("minute", 60, 500),)

State = BookingRequest.State


class Claim(Enum):
    """What came of asking for a place."""

    OURS = "ours"
    BUSY = "busy"  # somebody else tries to get this place right now
    STALE = "stale"  # something was booked since the open times were read
    LIMIT = "limit"
    GONE = "gone"  # another process has this very request in hand


def windows_of(plan: str) -> tuple[Window, ...]:
    """Return what a plan allows, such as "teams (paid)"; one that isn't known is taken for a paid one.

    What Free allows is in no text of Calendly's: a trial's number is the safe one.
    """
    words = plan.lower()
    if "free" in words or "trial" in words:
        return SMALL
    return ENTERPRISE if "enterprise" in words else PAID


def quota(connection: Connection) -> list[tuple[str, int, int]]:
    """Return (window, used, allowed) of the bookings through our pages, for staff."""
    now, sharing = common_clock.now(), _same_user(connection)
    windows = windows_of(connection.plan)
    return [(name, _used(sharing, now, seconds), allowed) for name, seconds, allowed in windows]


def claim(row: BookingRequest, *, places: int, seen_at: datetime) -> Claim:
    """Let a request be sent now, or say why not: one decision for all processes, made before anything is sent.

    It is counted towards the limits, takes one of the `places` of its time, and a job that settles it if we die is
    left behind. `seen_at` is when the open times were asked for.
    """
    try:
        with transaction.atomic():
            return _claim(row, places=places, seen_at=seen_at)
    except IntegrityError:  # the place was taken by a process that the lock didn't hold off
        return Claim.BUSY


def _claim(row: BookingRequest, *, places: int, seen_at: datetime) -> Claim:
    _hold(row.connection)
    now = common_clock.now()
    lane = _free_lane(row, places)
    if lane is None:
        return Claim.BUSY
    if openings.settled_since(row.connection, seen_at):  # asked after the lanes: who left one has settled by now
        return Claim.STALE
    if is_full(row.connection, now):
        return Claim.LIMIT
    mine = BookingRequest.objects.filter(pk=row.pk, state=State.ASKED, sent_at=None)
    if not mine.update(state=State.SENDING, lane=lane, sent_at=now, reason=""):
        return Claim.GONE
    row.state, row.lane, row.sent_at, row.reason = State.SENDING, lane, now, ""
    queue.enqueue(SETTLE, row.pk, delay=SETTLE_SECONDS)
    return Claim.OURS


def _hold(connection: Connection) -> None:
    """Hold every connection of the same Calendly user, whose limits are one, until the transaction ends."""
    rows = Connection.objects.filter(pk__in=_same_user(connection)).order_by("pk")
    list(rows.select_for_update(no_key=True).values_list("pk", flat=True))


def _free_lane(row: BookingRequest, places: int) -> int | None:
    rows = BookingRequest.objects.filter(connection=row.connection_id, event_type=row.event_type, start_at=row.start_at)
    taken = set(rows.filter(state=State.SENDING).values_list("lane", flat=True))
    return next((lane for lane in range(places) if lane not in taken), None)


def is_full(connection: Connection, now: datetime) -> bool:
    """Return whether another booking would be over a limit, or Calendly has just said so itself."""
    if blocked_until(connection):
        return True
    sharing = _same_user(connection)
    return any(_used(sharing, now, seconds) >= allowed for _, seconds, allowed in windows_of(connection.plan))


def blocked_until(connection: Connection) -> datetime | None:
    """Return until when Calendly has asked us to send nothing, None when it hasn't."""
    until = RateLimit.objects.filter(pk=_key(connection)).values_list("blocked_until", flat=True).first()
    return datetime.fromtimestamp(until, UTC) if until and until > common_clock.timestamp() else None


def block(connection: Connection, *, seconds: float) -> None:
    """Send nothing for as long as Calendly asks for with its 429."""
    until = common_clock.timestamp() + min(seconds or 60.0, LONGEST_BLOCK)
    row = RateLimit(key=_key(connection), interval=0.0, blocked_until=until)
    RateLimit.objects.bulk_create([row], update_conflicts=True, unique_fields=["key"], update_fields=["blocked_until"])


def _key(connection: Connection) -> str:
    return f"calendly:{connection.pk}:invitees"


def _used(connections: Sequence[int], now: datetime, seconds: int) -> int:
    since = now - timedelta(seconds=seconds)
    return BookingRequest.objects.filter(connection__in=connections, sent_at__gt=since).count()


def _same_user(connection: Connection) -> Sequence[int]:
    if not connection.user:
        return [connection.pk]
    return list(Connection.objects.filter(user=connection.user).values_list("pk", flat=True))
