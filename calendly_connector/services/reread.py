"""Asks for everything that may have changed in a gap to be read again, loudly: what was missed is news all the same."""

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from calendly_connector.models import Connection, PendingMeeting, Reading
from calendly_connector.services import reading

WISHED = ("since", "events_since", "unknown_since", "until")


def reread(connection: Connection, since: datetime, until: datetime | None = None, *, why: str = "") -> Reading:
    """Ask for everything that may have changed `since` to be read again; return the row that shows how far it is.

    `until` leaves out meetings that begin later. While a reading is open, a second wish widens it and begins it anew.
    """
    with transaction.atomic():
        Connection.objects.select_for_update().get(pk=connection.pk)
        row = reading.open_reading(connection, Reading.Kind.GAP)
        if row is None:
            row = Reading.objects.create(
                connection=connection,
                kind=Reading.Kind.GAP,
                since=since,
                until=until,
                events_since=since,
                unknown_since=since,
                why=why[:200],
                asked_at=timezone.now(),
            )
        elif since < row.since or (row.until and (until is None or until > row.until)):
            _widen(row, since, until)
        Connection.objects.filter(pk=connection.pk).update(reread_since=row.since)
        reading.ask(row)
    return row


def _widen(row: Reading, since: datetime, until: datetime | None) -> None:
    row.since = row.events_since = row.unknown_since = min(since, row.since)
    row.until = max(until, row.until) if until and row.until else None
    row.listed_to, row.page_token, row.listed_last, row.is_listed = None, "", [], False
    row.state = Reading.State.RUNNING
    row.save(update_fields=[*WISHED, "listed_to", "page_token", "listed_last", "is_listed", "state"])
    PendingMeeting.objects.filter(reading=row).delete()
