"""After a lost answer: is it booked? Calendly has no idempotency key, so it is looked up before anything is tried again
(calendly-api.md §4.11)."""

import logging
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from django.utils import timezone

from calendly_connector.clients import errors
from calendly_connector.clients.calendly import CalendlyClient
from calendly_connector.clients.calendly_scheduling import Place, Wish
from calendly_connector.clients.calendly_values import Row
from calendly_connector.core import interpret
from calendly_connector.core.errors import MalformedPayload
from calendly_connector.models import BookingRequest, Connection, EventType
from calendly_connector.services import booking_limits, ledger, openings, queue, sync
from calendly_connector.services import connection as connections

logger = logging.getLogger(__name__)

AROUND = timedelta(minutes=1)
SURE = timedelta(minutes=2)  # after the send: what isn't there by then won't come any more
HOPELESS = timedelta(days=1)
NOT_BOOKED = "Calendly doesn't have this booking: it was not made."
NEVER_KNOWN = "Whether this was booked could not be found out: look at the host's calendar."

OWN_KINDS = ("solo", "group")  # the others are shared among several hosts

State = BookingRequest.State


def find(row: BookingRequest) -> Row | None:
    """Return the invitee that a request became, None when Calendly has none. Raises ApiError, NotConfigured."""
    client = connections.calendly_client(row.connection)
    is_whole = row.connection.scope == Connection.Scope.ORGANIZATION
    whose = {"organization": row.connection.organization} if is_whole else {"user": row.connection.user}
    since, until = row.start_at - AROUND, row.start_at + AROUND
    for meeting in client.list_events_of(row.wish["email"], **whose, since=since, until=until):
        if meeting.get("event_type") == row.event_type and _moment(meeting.get("start_time")) == row.start_at:
            found = _invitee_of(client, str(meeting["uri"]), row.email)
            if found is not None:
                return found
    return None


def _invitee_of(client: CalendlyClient, meeting: str, email: str) -> Row | None:
    for invitee in client.list_invitees(meeting):
        if str(invitee.get("email") or "").strip().lower() == email and invitee.get("status") == "active":
            return invitee
    return None


def _moment(text: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def settle(request_id: int) -> None:
    """Find out what became of a request whose sender died, or heard no answer; nothing is sent again here.

    Raises queue.Later while it isn't known.
    """
    row = BookingRequest.objects.select_related("connection").filter(pk=request_id).first()
    if row is None or row.sent_at is None or row.state not in (State.SENDING, State.UNKNOWN):
        return
    age = timezone.now() - row.sent_at
    if row.state == State.SENDING and age < timedelta(seconds=booking_limits.SETTLE_SECONDS - 1):
        raise queue.Later("It is being sent.", seconds=booking_limits.SETTLE_SECONDS, is_failure=False)
    try:
        invitee = find(row)
    except (errors.ApiError, connections.NotConfigured) as error:
        if age > HOPELESS:
            end(row, State.UNKNOWN, reason=NEVER_KNOWN)
            return
        raise queue.Later(str(error), seconds=60.0, is_failure=False) from error
    if invitee is not None:
        booked(row, invitee)
    elif age < SURE:
        raise queue.Later("Calendly may still be at it.", seconds=(SURE - age).total_seconds() + 1, is_failure=False)
    elif _sees_all(row):
        end(row, State.REFUSED, reason=NOT_BOOKED)
    else:
        end(row, State.UNKNOWN, reason=NEVER_KNOWN)


def _sees_all(row: BookingRequest) -> bool:
    """Return whether what isn't found is not there: a member's token shows no meeting that a colleague holds
    (calendly-api.md §4.6), and who holds one of a shared event type, Calendly decides."""
    if row.connection.scope == Connection.Scope.ORGANIZATION:
        return True
    kind = EventType.objects.filter(connection=row.connection_id, uri=row.event_type).values_list("kind", flat=True)
    return kind.first() in OWN_KINDS


def booked(row: BookingRequest, invitee: Row) -> Row | None:
    """Note that a request was booked, take the booking into the ledger and return its meeting, None if unreadable."""
    end(row, State.BOOKED, invitee=str(invitee.get("uri") or ""))
    return take_in(row.connection, invitee)


def take_in(connection: Connection, invitee: Row) -> Row | None:
    """Record a new booking as its webhook will, which then changes nothing; what fails here is left to the webhook."""
    taken_at = timezone.now()
    try:
        client = connections.calendly_client(connection)
        meeting = client.get_scheduled_event(str(invitee.get("event") or ""))
        seen = interpret.interpret_listing(invitee, meeting, taken_at=taken_at)
        sync.record(connection, seen, source=ledger.Source())
    except (errors.ApiError, connections.NotConfigured, MalformedPayload) as error:
        logger.warning("A booking made here is left to its webhook: %s", error)
        return None
    return meeting


def end(row: BookingRequest, state: State, *, reason: str = "", invitee: str = "") -> bool:
    """Settle a request that is in hand or of unknown outcome; return False when somebody else did meanwhile."""
    is_open = state == State.UNKNOWN and reason != NEVER_KNOWN
    now = None if is_open else timezone.now()
    open_states = (State.ASKED, State.SENDING, State.UNKNOWN)
    mine = BookingRequest.objects.filter(pk=row.pk, state__in=open_states, sent_at=row.sent_at)
    changed = mine.update(state=state, reason=reason, invitee=invitee[:255], settled_at=now)
    row.refresh_from_db()
    if row.sent_at:  # what Calendly wasn't even asked for changes no open time
        openings.forget(row.connection, row.event_type)
    return bool(changed)


def to_json(wish: Wish) -> dict[str, Any]:
    """Return a wish as it is kept."""
    return {
        "name": wish.name,
        "first_name": wish.first_name,
        "last_name": wish.last_name,
        "email": wish.email,
        "timezone": wish.timezone,
        "text_reminder_number": wish.text_reminder_number,
        "place": {"kind": wish.place.kind, "text": wish.place.text} if wish.place else None,
        "answers": [list(each) for each in wish.answers],
        "tracking": dict(wish.tracking),
        "guests": list(wish.guests),
    }


def from_json(row: BookingRequest) -> Wish:
    """Return the wish of a request."""
    kept: Mapping[str, Any] = row.wish
    place = kept.get("place")
    return Wish(
        event_type=row.event_type,
        start_at=row.start_at,
        email=kept["email"],
        timezone=kept["timezone"],
        name=kept["name"],
        first_name=kept["first_name"],
        last_name=kept["last_name"],
        text_reminder_number=kept["text_reminder_number"],
        place=Place(**place) if place else None,
        answers=tuple((str(text), str(answer), int(at)) for text, answer, at in kept["answers"]),
        tracking=kept["tracking"],
        guests=tuple(kept["guests"]),
    )
