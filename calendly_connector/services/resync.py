"""Staff's "sync again": a person's contact is written once more, from the ledger as it is now. No event is sent."""

from django.db import transaction

from calendly_connector.models import Person, SyncLogEntry
from calendly_connector.services import ledger


def sync_again(person: Person, *, by: str) -> SyncLogEntry:
    """Put a write of the contact into the outbox, ask for it, and return its entry in the log.

    What it writes is decided when it is written. Lists that were joined or left before stay as Brevo has them.
    """
    with transaction.atomic():
        entry = SyncLogEntry.objects.create(
            connection_id=person.connection_id,
            person=person,
            kind=SyncLogEntry.Kind.CONTACT,
            summary=f"Bring the contact up to date: asked for by {by}",
        )
        ledger.ask_for_push(person)
    return entry
