"""Guests whom an invitee brings along: left alone, or made contacts in no list, as the connection says.

A guest has no booking, no answers and gave no consent: nothing but the address is written.
"""

from django.db import transaction

from calendly_connector.models import Booking, SyncLogEntry
from calendly_connector.services import erasures, journal, ledger, mapping, trail


def greet(booking_id: int) -> None:
    """Make contacts of a booking's guests whom Brevo doesn't know from us yet."""
    row = Booking.objects.select_related("connection", "person").filter(pk=booking_id).first()
    if row is None or row.event_type in mapping.rules_of(row.connection).ignored_types:
        return
    delivery = journal.delivery_of(row.pk)
    trail.note(delivery=delivery, person=row.person_id)
    for email in dict.fromkeys(row.to_entry().booking.meeting.guests):
        if email and email != row.person.email:
            _greet_one(row, email, delivery=delivery)


def _greet_one(row: Booking, email: str, *, delivery: int | None) -> None:
    with transaction.atomic():
        person = ledger.lock_person(row.connection, email)
        if erasures.is_erased(email, made_at=row.booked_at):
            transaction.set_rollback(True)  # the person's row may have been made just now
            return
        person.refresh_from_db()
        if person.pushed_at or person.sync_log.exists():
            return
        SyncLogEntry.objects.create(
            connection=row.connection,
            person=person,
            booking=row,
            delivery_id=delivery,
            kind=SyncLogEntry.Kind.CONTACT,
            summary="Make a contact of a guest",
            request={"guest": True},
        )
        ledger.ask_for_push(person)
