"""Brings one person up to date: their bookings are read again from Calendly, and their contact is written to Brevo.

Bookings that we don't know are found by the person's address, so somebody whom we never heard of can be brought in.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from calendly_connector.clients import errors
from calendly_connector.clients.calendly import CalendlyClient
from calendly_connector.clients.calendly_values import Row
from calendly_connector.core import booking as core_booking
from calendly_connector.core import interpret
from calendly_connector.core.errors import MalformedPayload
from calendly_connector.models import Booking, Connection
from calendly_connector.models.fields import SecretUnreadableError
from calendly_connector.services import connection as connections
from calendly_connector.services import ledger, people, resync, sync

RECENT = timedelta(hours=24)
"""Automation events leave for what happened since; what is older was not worth a mail any more, or had its mail."""


@dataclass(kw_only=True)
class Synced:
    """What was found of a person through one connection."""

    connection: Connection
    found: int = 0  # bookings read
    new: int = 0  # of them not known before
    changed: int = 0  # of them known, with news
    gone: int = 0  # known to us, and not to Calendly any more
    erased: int = 0  # left out, since the person was erased on request after they were made
    unreadable: int = 0
    is_queued: bool = False  # the contact is to be written
    person: int | None = None
    words: str = ""  # why Calendly couldn't be asked
    news: list[core_booking.Booking] = field(default_factory=list, repr=False)

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON types."""
        counts = {name: getattr(self, name) for name in ("found", "new", "changed", "gone", "erased", "unreadable")}
        where = {"id": self.connection.pk, "name": self.connection.name}
        return {"connection": where, "person": self.person, **counts, "queued": self.is_queued, "problem": self.words}


def sync_person(email: str, *, connection: Connection | None = None, by: str, is_dry_run: bool = False) -> list[Synced]:
    """Read a person's bookings from Calendly and ask for their contact to be written; return what came of it.

    In one connection, or in each that is connected. A dry run reads and writes nothing. Raises UnknownPerson when
    neither we nor Calendly know them; when Calendly can't be asked, that is said in `words` instead.
    """
    address = people.spelled(email)
    rows = Connection.objects.select_related("brevo_account").exclude(organization="").order_by("pk")
    chosen = [connection] if connection else list(rows)
    done = [_sync(each, address, email.strip(), by=by, is_dry_run=is_dry_run) for each in chosen]
    if not any(each.person or each.found or each.words for each in done):
        raise people.UnknownPerson("Neither we nor Calendly know anybody by this address.")
    return done


def _sync(connection: Connection, address: str, typed: str, *, by: str, is_dry_run: bool) -> Synced:
    done = Synced(connection=connection)
    try:
        for seen in _read(connection, address, typed, done):
            _take(seen, done, is_dry_run=is_dry_run)
    except (errors.ApiError, connections.NotConfigured, SecretUnreadableError) as error:
        done.words = f"Calendly couldn't be asked. {error}"
    person = people.rows().filter(connection=connection, email=address).first()
    done.person = person.pk if person else None
    if person and not is_dry_run and not done.words:
        resync.sync_again(person, by=by, makes_anew=False)
        done.is_queued = True
    return done


def _read(connection: Connection, address: str, typed: str, done: Synced) -> Iterator[core_booking.Booking]:
    """Yield every booking of the person: those that Calendly finds by the address, then those that only we know."""
    client, met = connections.calendly_client(connection), set[str]()
    for invitee, meeting, taken_at in _search(client, connection, address, typed):
        if seen := _interpreted(invitee, meeting, taken_at, done):
            met.add(seen.invitee.uri)
            yield seen
    ours = Booking.objects.filter(connection=connection, person__email=address).exclude(uri__in=met)
    for uri, meeting_uri in ours.order_by("pk").values_list("uri", "meeting_uri"):
        taken_at = timezone.now()
        try:
            invitee, meeting = client.get_invitee(uri), client.get_scheduled_event(meeting_uri)
        except errors.NotFound:
            done.gone += 1
            continue
        if seen := _interpreted(invitee, meeting, taken_at, done):
            yield seen


def _search(
    client: CalendlyClient, connection: Connection, address: str, typed: str
) -> Iterator[tuple[Row, Row, datetime]]:
    """Yield the person's invitees with their meetings. Calendly may tell cases apart, so it is asked for both."""
    is_whole = connection.scope == Connection.Scope.ORGANIZATION
    whose = {"organization": connection.organization} if is_whole else {"user": connection.user}
    met: set[str] = set()
    for spelling in dict.fromkeys((address, typed)):
        for meeting in client.find_scheduled_events(invitee_email=spelling, **whose):
            if meeting.uri in met:
                continue
            met.add(meeting.uri)
            taken_at = timezone.now()
            for invitee in client.list_invitees(meeting.uri):
                if str(invitee.get("email") or "").strip().lower() == address:
                    yield invitee, meeting.row, taken_at


def _interpreted(invitee: Row, meeting: Row, taken_at: datetime, done: Synced) -> core_booking.Booking | None:
    try:
        seen = interpret.interpret_listing(invitee, meeting, taken_at=taken_at)
    except MalformedPayload:
        done.unreadable += 1
        return None
    done.found += 1
    return seen


def _take(seen: core_booking.Booking, done: Synced, *, is_dry_run: bool) -> None:
    """Record a booking, or see what that would do, and count it."""
    known, merged = ledger.foresee(done.connection, seen)
    if not is_dry_run:
        merged = sync.record(done.connection, seen, source=ledger.Source(events_since=timezone.now() - RECENT))
    done.erased += merged.is_erased
    done.new += merged.is_news and known is None
    done.changed += merged.is_news and known is not None
