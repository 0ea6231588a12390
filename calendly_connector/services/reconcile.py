"""The regular check: the last 30 days and everything to come are compared with Calendly, and what was missed is mended.

Automation events leave only for what is recent; what was found too late is written, and says so in the log.
"""

from datetime import timedelta
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from calendly_connector.core import decide, gap
from calendly_connector.models import Connection, Reading, SyncLogEntry
from calendly_connector.services import backfill, reading

RECENT = timedelta(hours=24)
REGULAR: dict[str, Any] = {"is_thorough": False, "is_asked": False, "why": "Regular check"}
SHOWN = 100  # held-back events named in a report
Kind, State = Reading.Kind, Reading.State


def unsaved(
    connection: Connection,
    *,
    days: int = gap.LOOK_BACK.days,
    recent: timedelta | None = None,
    is_thorough: bool = True,
    is_asked: bool = True,
    by: str = "",
    why: str = "",
) -> Reading:
    """Return the reading of a check, to be looked at or kept.

    `recent` is how old what is found may be to start an automation; by default a day, and never from before the
    connection was made. Not thorough: meetings that began and were read lately are passed over, so that a check costs
    little while nothing changes. Not asked for, it leaves unknown bookings from before the connection to a backfill.
    """
    now = timezone.now()
    events_since = now - recent if recent is not None else max(now - RECENT, connection.created_at)
    return Reading(
        connection=connection,
        kind=Kind.CHECK,
        since=now - timedelta(days=days),
        events_since=events_since,
        unknown_since=None if is_asked else connection.created_at,
        is_thorough=is_thorough,
        why=why[:200],
        asked_by=by[:150],
        asked_at=now,
    )


def ask(connection: Connection, **asked: Any) -> Reading:
    """Have a connection checked (`unsaved`); return the row that shows how far it is. A check under way is joined."""
    with transaction.atomic():
        Connection.objects.select_for_update().only("pk").get(pk=connection.pk)  # two requests take turns
        row = reading.open_reading(connection, Kind.CHECK)
        if row is None:
            row = unsaved(connection, **asked)
            row.save()
        if not reading.go_on(row):
            reading.ask(row)
    return row


def check_all() -> str:
    """Have every connection checked that Calendly lets in; return what was asked for, in words. For the schedule."""
    found = Connection.objects.filter(is_active=True, state=Connection.State.CONNECTED).exclude(organization="")
    names = [row.name for row in found.order_by("pk") if ask(row, **REGULAR)]
    return f"Asked to check: {', '.join(names)}." if names else "No connection is connected."


def held_entries(row: Reading) -> QuerySet[SyncLogEntry]:
    """Return what the log says of the events that a check held back."""
    rows = SyncLogEntry.objects.filter(
        connection=row.connection_id,
        kind=SyncLogEntry.Kind.EVENT,
        state=SyncLogEntry.State.SKIPPED,
        reason__in=decide.HELD,
        created_at__gte=row.asked_at,
    )
    return rows.filter(created_at__lte=row.finished_at) if row.finished_at else rows


def held_back(row: Reading) -> list[dict[str, Any]]:
    """Return the newest events that a check held back, for its report."""
    return [
        {"booking": entry.booking.uri if entry.booking else "", "trigger": entry.happening, "what": entry.summary}
        for entry in held_entries(row).select_related("booking").order_by("-pk")[:SHOWN]
    ]


def report(row: Reading) -> dict[str, Any]:
    """Return what came of a check, as JSON has it."""
    return {**backfill.report(row), "events_held_back": held_back(row)}
