"""What several pages show of a booking: its time, its chain of moves, and how its status changed."""

from collections.abc import Sequence

from django.utils import timezone
from django.utils.formats import date_format
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from calendly_connector.admin import parts
from calendly_connector.admin.parts import Cell, Tone
from calendly_connector.core import booking as core_booking
from calendly_connector.core import fields
from calendly_connector.models import Booking, CrmTask, StatusChange, WebhookDelivery
from calendly_connector.services import connection as connections

Status = Booking.Status
TONES = {
    Status.BOOKED: Tone.GOOD,
    Status.RESCHEDULED: Tone.QUIET,
    Status.CANCELED: Tone.BAD,
    Status.NO_SHOW: Tone.WARN,
    Status.ATTENDED: Tone.GOOD,
}
SECRETS = tuple(f"connection__{name}" for name in connections.SECRETS)
"""What a page of history never reads, so that a lost key for secrets hides nothing of it."""

LONGEST_CHAIN = 20  # moves shown either way
NEWEST = 100  # changes of status shown


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
        f"{date_format(start, 'D d')} {parts.short_month(start)} {date_format(start, 'Y, H:i')}",
        f"{end:%H:%M}",
        start.tzinfo,
    )


def chain_of(row: Booking) -> list[Booking]:
    """Return the bookings that were moved into one another, oldest first."""
    known = Booking.objects.filter(connection=row.connection).select_related("connection").defer(*SECRETS)
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


def task_of(row: Booking) -> SafeString:
    """Return the state of a booking's task in Brevo's CRM, and why it couldn't be written. One query."""
    task = CrmTask.objects.filter(booking=row).first()
    if task is None:
        return parts.badge(_("Is made soon"), Tone.WAIT) if _gets_task(row) else parts.NOTHING
    if task.number:
        state, words = parts.badge(_("In Brevo"), Tone.GOOD), _("task %(number)s") % {"number": task.number}
        return format_html("{} {}, {} {}", state, words, parts.moment(task.written_at), parts.said(task.words))
    state = parts.badge(_("Outcome unknown"), Tone.WARN) if task.written_at else parts.badge(_("Not made"), Tone.WARN)
    return format_html("{} {}", state, parts.said(task.words))


def _gets_task(row: Booking) -> bool:
    return bool(row.connection.makes_tasks and row.status == Status.BOOKED and row.end_at > timezone.now())


def history_of(row: Booking) -> list[tuple[Cell, ...]]:
    """Return a booking's changes of status, oldest first: what, when at Calendly, when and how we learnt of it."""
    changes = (
        StatusChange.objects.filter(booking=row).select_related("delivery").defer("delivery__body", "delivery__digest")
    )
    return [
        (
            parts.badge(change.get_status_display(), TONES[Status(change.status)]),
            parts.moment(change.happened_at),
            parts.moment(change.noted_at),
            change.get_source_display(),
            parts.link_to(change.delivery),
        )
        for change in changes.order_by("pk")[:NEWEST]
    ]


def deliveries_about(connection_id: int, uris: Sequence[str], *, newest: int = NEWEST) -> list[WebhookDelivery]:
    """Return the newest deliveries about some bookings, newest first, without their bodies.

    The connection is compared here: in the query it would lead SQLite through every delivery of that connection. That
    two connections hear of the same booking is rare.
    """
    rows = WebhookDelivery.objects.filter(booking_uri__in=uris).defer("body", "digest").order_by("-pk")
    return [row for row in rows[: 2 * newest] if row.connection_id == connection_id][:newest]


def newest_body(row: Booking) -> bytes:
    """Return what Calendly posted last about a booking; nothing when all we know was read."""
    posted = deliveries_about(row.connection_id, [row.uri], newest=1)
    return bytes(posted[0].body) if posted else b""
