"""The confluence: a stored delivery, or a row read from Calendly, is interpreted and recorded."""

import json
import logging
from datetime import datetime

from django.db import OperationalError
from django.utils import timezone

from calendly_connector.clients import errors
from calendly_connector.core import booking as core_booking
from calendly_connector.core import interpret
from calendly_connector.core.errors import MalformedPayload
from calendly_connector.core.interpret import Ignored
from calendly_connector.core.merge import Merged
from calendly_connector.models import Booking, Connection, WebhookDelivery
from calendly_connector.services import catalogue, erasures, journal, ledger, mapping, queue, trail
from calendly_connector.services import connection as connections

logger = logging.getLogger(__name__)

State = WebhookDelivery.State
OPEN = (State.STORED, State.FAILED)
NOT_CONNECTED_WAIT = 300.0  # seconds
LONGEST_WAIT = 3600.0  # seconds, whatever Calendly's rate limit says


def take_in(delivery_id: int) -> None:
    """Interpret a stored delivery and record what it says, after those of the same person that came before it.

    Several workers may do this at once, and twice: recording the same again changes nothing.
    """
    delivery = _open_delivery(delivery_id)
    if delivery is None:
        return
    if delivery.email:
        earlier = WebhookDelivery.objects.filter(
            connection=delivery.connection_id, email=delivery.email, state=State.STORED, pk__lt=delivery.pk
        )
        for number in earlier.order_by("pk").values_list("pk", flat=True):
            trail.note(delivery=number, booking=None, person=None)
            _take_in_if_possible(number)
    trail.note(delivery=delivery.pk, booking=None, person=None)
    _take_in(delivery)


def _open_delivery(delivery_id: int) -> WebhookDelivery | None:
    deliveries = WebhookDelivery.objects.select_related("connection__brevo_account")
    return deliveries.filter(pk=delivery_id, state__in=OPEN).first()


def _take_in_if_possible(delivery_id: int) -> None:
    """Take in a delivery for whose failure another job answers: one bad delivery never stops the river."""
    try:
        if delivery := _open_delivery(delivery_id):
            _take_in(delivery)
    except OperationalError:
        raise
    except Exception:
        logger.exception("Delivery %s can't be taken in; its own job tries again", delivery_id)


def _take_in(delivery: WebhookDelivery) -> None:
    try:
        body = json.loads(bytes(delivery.body))
        delivery.webhook_name = interpret.webhook_name(body)[:100]
        seen = interpret.interpret_webhook(body)
    except (MalformedPayload, ValueError, RecursionError) as error:
        words = str(error) if isinstance(error, MalformedPayload) else "The body is no JSON."
        _settle(delivery, State.MALFORMED, words)
        return
    if isinstance(seen, Ignored):
        _settle(delivery, State.IGNORED, seen.reason)
        return
    delivery.booking_uri = seen.booking.invitee.uri[:255]
    source = ledger.Source(delivery=delivery, is_withdrawal=seen.is_no_show_withdrawn)
    merged = record(delivery.connection, seen.booking, source=source)
    if merged.is_erased:
        _forget(delivery)
        return
    _settle(delivery, State.PROCESSED, "" if merged.is_news else "Nothing new: we knew this, or something newer.")


def _forget(delivery: WebhookDelivery) -> None:
    """Settle the delivery of a booking whose person was erased, without what it says."""
    _settle(delivery, State.PROCESSED, erasures.WORDS)
    WebhookDelivery.objects.filter(pk=delivery.pk).update(body=b"", email="")


def record(connection: Connection, seen: core_booking.Booking, *, source: ledger.Source) -> Merged:
    """Record a snapshot by today's configuration, after reading the name of an event type that is new to us."""
    rules = mapping.rules_of(connection)
    if seen.meeting.event_type not in rules.type_names:
        catalogue.learn_event_type(connection, seen.meeting.event_type)
        rules = mapping.rules_of(connection)
    return ledger.record(connection, seen, rules=rules, source=source)


def fetch(connection: Connection, invitee_uri: str, *, events_since: datetime | None = None) -> None:
    """Read one invitee and their meeting from Calendly and record them. Raises ApiError, NotConfigured.

    With `events_since`, no automation event leaves for what happened before.
    """
    client = connections.calendly_client(connection)
    taken_at: datetime = timezone.now()
    invitee = client.get_invitee(invitee_uri)
    meeting = client.get_scheduled_event(str(invitee.get("event") or invitee_uri.split("/invitees/")[0]))
    seen = interpret.interpret_listing(invitee, meeting, taken_at=taken_at)
    record(connection, seen, source=ledger.Source(events_since=events_since))


def fetch_meeting(connection: Connection, meeting_uri: str) -> None:
    """Read one meeting and record all of its bookings that we know. Raises ApiError, NotConfigured, MalformedPayload.

    Those that we don't know are left to their own webhooks: who canceled before our time is nobody's news.
    """
    client = connections.calendly_client(connection)
    taken_at: datetime = timezone.now()
    meeting = client.get_scheduled_event(meeting_uri)
    known = set(Booking.objects.filter(connection=connection, meeting_uri=meeting_uri).values_list("uri", flat=True))
    for invitee in client.list_invitees(meeting_uri):
        seen = interpret.interpret_listing(invitee, meeting, taken_at=taken_at)
        if seen.invitee.uri in known:
            record(connection, seen, source=ledger.Source())


def fetch_if_there(connection: Connection, invitee_uri: str, *, events_since: datetime | None = None) -> bool:
    """Fetch one invitee; return False when Calendly doesn't know them. Raises queue.Later when it can't be asked."""
    try:
        fetch(connection, invitee_uri, events_since=events_since)
    except errors.NotFound:
        return False
    except errors.ApiError as error:
        wait = min(error.wait or 60.0, LONGEST_WAIT) if isinstance(error, errors.RateLimited) else None
        raise queue.Later(str(error), seconds=wait, is_failure=wait is None) from error
    except connections.NotConfigured as error:  # reconnect needed too: the work waits, however long that takes
        raise queue.Later(str(error), seconds=NOT_CONNECTED_WAIT, is_failure=False) from error
    return True


def fetch_missing_half(booking_id: int) -> None:
    """Fetch the new half of a move whose old half arrived alone (design.md §3)."""
    old = Booking.objects.select_related("connection__brevo_account").filter(pk=booking_id).first()
    if old is None or not old.successor:
        return
    trail.note(delivery=journal.delivery_of(old.pk), person=old.person_id)
    if Booking.objects.filter(connection=old.connection, uri=old.successor).exists():
        return
    if not fetch_if_there(old.connection, old.successor):
        logger.warning("Calendly doesn't know the booking that %s was moved to", old.uri.rsplit("/", 1)[-1])


def give_up(delivery_id: int, reason: str) -> None:
    """Mark a delivery that could not be taken in after many tries; staff may try it again."""
    WebhookDelivery.objects.filter(pk=delivery_id, state=State.STORED).update(
        state=State.FAILED, reason=f"Given up after {queue.MAX_FAILURES} tries. Last: {reason}"
    )


def _settle(delivery: WebhookDelivery, state: WebhookDelivery.State, reason: str) -> None:
    """Write the outcome, unless another worker was first."""
    WebhookDelivery.objects.filter(pk=delivery.pk, state__in=OPEN).update(
        state=state,
        reason=reason,
        processed_at=timezone.now(),
        webhook_name=delivery.webhook_name,
        booking_uri=delivery.booking_uri,
    )
    logger.log(trail.level(), "Delivery %s (%s): %s %s", delivery.pk, delivery.webhook_name, state, reason)
