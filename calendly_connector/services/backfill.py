"""History: what was booked before, brought in quietly; asked for, looked at beforehand, and reported on."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Count
from django.utils import timezone

from calendly_connector.models import BulkImport, Connection, EventType, PendingMeeting, Reading, SyncLogEntry
from calendly_connector.services import reading

BEGINNING = datetime.fromisoformat("2013-01-01T00:00:00+00:00")
"""Before Calendly existed: everything."""

Kind, State = Reading.Kind, Reading.State


@dataclass(frozen=True, kw_only=True)
class Wish:
    """Which history: meetings that begin from `since` on and before `until` (None: all to come), of these types."""

    since: datetime = BEGINNING
    until: datetime | None = None
    event_types: tuple[str, ...] = ()  # URIs; empty: every type
    sends_events: bool = False


class OtherUnderWay(Exception):
    """Another history of this connection isn't over; `row` is it."""

    def __init__(self, row: Reading) -> None:
        super().__init__(
            f"Another backfill ({row}) isn't over. Let it end, or cancel it in the admin (Readings); then ask again."
        )
        self.row = row


class UnknownEventType(Exception):
    """No event type of the connection has that address or name."""


def find_event_types(connection: Connection, names: list[str]) -> tuple[str, ...]:
    """Return the URIs of event types by address, by the last part of it, or by name; raise UnknownEventType."""
    known = list(EventType.objects.filter(connection=connection).values_list("uri", "name"))
    found: list[str] = []
    for name in names:
        wanted = name.strip().casefold()
        matches = [uri for uri, title in known if wanted in (uri.casefold(), uri.rsplit("/", 1)[-1].casefold())]
        matches = matches or [uri for uri, title in known if title.casefold() == wanted]
        if not matches:
            titles = ", ".join(sorted({f"“{title}”" for _, title in known})) or "none; run calendly_connect first"
            raise UnknownEventType(f"There is no event type {name!r}. There are: {titles}.")
        found += matches
    return tuple(dict.fromkeys(found))


def ask(connection: Connection, wish: Wish, *, by: str = "", why: str = "") -> Reading:
    """Have history brought in; return the row that shows how far it is.

    The same wish goes on where it stood, also after a pause, and when all is read and Brevo has not taken it in yet.
    Raises OtherUnderWay for another one.
    """
    with transaction.atomic():
        Connection.objects.select_for_update().only("pk").get(pk=connection.pk)  # two requests take turns
        row = under_way(connection, wish)
        if row is None:
            row = unsaved(connection, wish, by=by, why=why)
            row.save()
        elif wish_of(row) != wish:
            raise OtherUnderWay(row)
        if row.finished_at is None and not reading.go_on(row):
            reading.ask(row)
    row.refresh_from_db()
    return row


def under_way(connection: Connection, wish: Wish) -> Reading | None:
    """Return the history that isn't over: any that is being read, or the one wished for while Brevo imports it."""
    row = reading.open_reading(connection, Kind.HISTORY)
    if row:
        return row
    last = Reading.objects.filter(connection=connection, kind=Kind.HISTORY, state=State.FINISHED).first()
    return last if last and wish_of(last) == wish and not _is_imported(last) else None


def unsaved(connection: Connection, wish: Wish, *, by: str = "", why: str = "") -> Reading:
    """Return the reading that a wish calls for, to be looked at or kept."""
    return Reading(
        connection=connection,
        kind=Kind.HISTORY,
        since=wish.since,
        until=wish.until,
        event_types=list(wish.event_types),
        events_since=wish.since if wish.sends_events else None,
        is_thorough=False,
        why=why[:200],
        asked_by=by[:150],
        asked_at=timezone.now(),
    )


def wish_of(row: Reading) -> Wish:
    """Return what a reading of history was asked for."""
    return Wish(
        since=row.since,
        until=row.until,
        event_types=tuple(row.event_types),
        sends_events=row.events_since is not None,
    )


def noted(row: Reading) -> int:
    """Return how many meetings' invitees are read in all, as far as is known: those read and those still noted."""
    return row.meetings_read + PendingMeeting.objects.filter(reading=row).count()


def is_settled(row: Reading) -> bool:
    """Return whether Brevo has everything that a reading took in, has refused it, or is to be asked about it later."""
    return _is_imported(row) and not _waiting(row)


def _is_imported(row: Reading) -> bool:
    over = (BulkImport.State.DONE, BulkImport.State.FAILED)
    return not BulkImport.objects.filter(reading=row).exclude(state__in=over).exists()


def report(row: Reading) -> dict[str, Any]:
    """Return what came of a reading, as JSON has it."""
    return {
        "connection": row.connection.name,
        "reading": row.pk,
        "state": row.state,
        "meetings": row.meetings,
        "meetings_read": row.meetings_read,
        "invitees": row.invitees,
        "new": row.added,
        "changed": row.news - row.added,
        "unchanged": max(0, row.invitees - row.news - _left_out_bookings(row)),
        "skipped": row.skipped,
        "held_back": row.held_back,
        "brevo": {
            "written": _written(row),
            "refused": _refused(row),
            "waiting": _waiting(row),
            "paused": row.connection.brevo_account.pause_reason,
        },
        "words": row.words,
    }


def _left_out_bookings(row: Reading) -> int:
    return sum(count for reason, count in row.skipped.items() if reason in reading.OF_BOOKINGS)


def _steps(row: Reading) -> Any:
    """Return the steps that a reading may have called for: those of its time without a delivery."""
    return SyncLogEntry.objects.filter(connection=row.connection_id, delivery=None, created_at__gte=row.asked_at)


def _written(row: Reading) -> int:
    done = _steps(row).filter(kind=SyncLogEntry.Kind.CONTACT, state=SyncLogEntry.State.DONE)
    count: int = done.values("person").distinct().count()
    return count


def _waiting(row: Reading) -> int:
    """Return how many people have something to be written."""
    waiting = _steps(row).filter(state__in=(SyncLogEntry.State.WAITING, SyncLogEntry.State.SENDING))
    count: int = waiting.values("person").distinct().count()
    return count


def _refused(row: Reading) -> dict[str, int]:
    """Return what Brevo refused by cause: rows of imports by its report, and what failed by itself afterwards."""
    found: Counter[str] = Counter()
    for refused in BulkImport.objects.filter(reading=row).values_list("refused", flat=True):
        found.update(refused)
    failed = _steps(row).filter(state=SyncLogEntry.State.FAILED).values("cause").annotate(count=Count("pk"))
    found.update({each["cause"] or "failed": each["count"] for each in failed.order_by()})
    return dict(found)
