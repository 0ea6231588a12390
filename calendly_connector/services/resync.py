"""Staff's "sync again": a person's contact is written once more, from the ledger as it is now. No event is sent."""

from django.db import transaction

from calendly_connector.models import Person, SyncLogEntry
from calendly_connector.services import journal, ledger


def sync_again(person: Person, *, by: str, makes_anew: bool = True) -> SyncLogEntry:
    """Put a write of the contact into the outbox, ask for it, and return its entry in the log.

    What it writes is decided when it is written. Lists that were joined or left before stay as Brevo has them. A
    contact that was deleted in Brevo is made anew, unless this is one wish for many: then nobody meant this very one.
    """
    with transaction.atomic():
        entry = SyncLogEntry.objects.create(
            connection_id=person.connection_id,
            person=person,
            kind=SyncLogEntry.Kind.CONTACT,
            summary=f"Bring the contact up to date: asked for by {by}",
            request={journal.MAKE_ANEW: True} if makes_anew else {},
        )
        ledger.ask_for_push(person)
    return entry
