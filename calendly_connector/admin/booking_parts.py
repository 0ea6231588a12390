"""What several pages show of a booking: its time, its chain of moves, and what happened to it."""

from django.utils.html import format_html
from django.utils.safestring import SafeString

from calendly_connector.admin import parts
from calendly_connector.admin.delivery import TONES as DELIVERY_TONES
from calendly_connector.admin.parts import Tone
from calendly_connector.admin.sync_log import TONES as LOG_TONES
from calendly_connector.core import booking as core_booking
from calendly_connector.core import fields
from calendly_connector.models import Booking, SyncLogEntry, WebhookDelivery

Status = Booking.Status
TONES = {
    Status.BOOKED: Tone.GOOD,
    Status.RESCHEDULED: Tone.QUIET,
    Status.CANCELED: Tone.BAD,
    Status.NO_SHOW: Tone.WARN,
    Status.ATTENDED: Tone.GOOD,
}
LONGEST_CHAIN = 20  # moves shown either way
NEWEST = 100  # steps and deliveries each in a timeline


def snapshot(row: Booking) -> core_booking.Booking:
    """Return what Calendly said last."""
    return core_booking.Booking.from_json(row.data)


def local_time(row: Booking) -> SafeString:
    """Return the meeting's time as the invitee reads it, with the exact start in our zone as its title."""
    seen = snapshot(row)
    start = fields.local(row.start_at, seen, row.connection.timezone)
    end = fields.local(row.end_at, seen, row.connection.timezone)
    return format_html(
        '<time datetime="{}" title="{}">{}–{} <span class="cc-quiet">{}</span></time>',
        row.start_at.isoformat(),
        parts.exactly(row.start_at),
        f"{start:%a %d %b %Y, %H:%M}",
        f"{end:%H:%M}",
        start.tzinfo,
    )


def chain_of(row: Booking) -> list[Booking]:
    """Return the bookings that were moved into one another, oldest first."""
    known = Booking.objects.filter(connection=row.connection).select_related("connection")
    chain, seen = [row], {row.uri}
    while len(chain) < LONGEST_CHAIN and (old := chain[0].old_invitee) and old not in seen:
        found = known.filter(uri=old).first()
        if found is None:
            break
        chain.insert(0, found)
        seen.add(old)
    while len(chain) < 2 * LONGEST_CHAIN and (new := chain[-1].successor) and new not in seen:
        found = known.filter(uri=new).first()
        if found is None:
            break
        chain.append(found)
        seen.add(new)
    return chain


def moments_of(row: Booking) -> list[dict[str, object]]:
    """Return a booking's deliveries and steps as lines of a timeline, oldest first."""
    steps = row.sync_log.order_by("-pk")[:NEWEST]
    deliveries = WebhookDelivery.objects.filter(connection=row.connection, booking_uri=row.uri).defer("body", "digest")
    found = [(step.created_at, 1, _step(step)) for step in steps]
    found += [(each.received_at, 0, _delivery(each)) for each in deliveries.order_by("-pk")[:NEWEST]]
    return [line for _, _, line in sorted(found, key=lambda moment: moment[:2])]


def _step(step: SyncLogEntry) -> dict[str, object]:
    return {
        "time": parts.age(step.created_at),
        "kind": "Brevo",
        "badge": parts.badge(step.get_state_display(), LOG_TONES[SyncLogEntry.State(step.state)]),
        "link": parts.link_to(step),
        "reason": step.reason,
    }


def _delivery(delivery: WebhookDelivery) -> dict[str, object]:
    return {
        "time": parts.age(delivery.received_at),
        "kind": "Calendly",
        "badge": parts.badge(delivery.get_state_display(), DELIVERY_TONES[WebhookDelivery.State(delivery.state)]),
        "link": parts.link_to(delivery, delivery.webhook_name),
        "reason": delivery.reason,
    }
