"""The people whom a reading of history takes in: their contacts wait for one another, and go to Brevo as imports.

Until then they point to an import that only gathers. Whoever gets live news meanwhile leaves it (`push.push`).
"""

from django.db import transaction

from calendly_connector.models import BulkImport, Person, Reading
from calendly_connector.services import accounts, bulk_rows, ledger, queue

CLOSE = "bulk_close"
ADVANCE = "bulk_import"
PIECE = 250  # people in one transaction: nobody who writes waits long for it
State = BulkImport.State


def gathering_of(reading: Reading) -> int:
    """Return the key of the import that gathers a reading's people, made when there is none."""
    account = reading.connection.brevo_account
    row, _ = BulkImport.objects.get_or_create(reading=reading, account=account, state=State.GATHERING)
    return row.pk


def close_when_full(reading: Reading) -> bool:
    """Have what is gathered imported when it is enough for an import; return whether it was."""
    found = BulkImport.objects.filter(reading=reading, state=State.GATHERING).first()
    is_full = found is not None and found.people.count() >= bulk_rows.AT_ONCE
    if is_full:
        close_all(reading)
    return is_full


def close_all(reading: Reading) -> None:
    """Have everybody whom a reading has gathered so far written to Brevo. Takes part in the caller's transaction."""
    rows = BulkImport.objects.filter(reading=reading, state=State.GATHERING)
    for number in rows.values_list("pk", flat=True):
        queue.enqueue(CLOSE, number)
    rows.update(state=State.CLOSED)


def close(import_id: int, renew: accounts.Renew) -> None:
    """Put gathered people into imports; the job's work. Whom an import can't serve is written one by one.

    A killed worker leaves imports without a job; whoever closes on asks for them at the end.
    """
    row = BulkImport.objects.select_related("account", "reading").filter(pk=import_id, state=State.CLOSED).first()
    if row is None:
        return
    if row.account.is_paused:
        raise queue.Later(row.account.pause_reason, seconds=60, is_failure=False)
    imports = bulk_rows.Imports(account=row.account, reading=row.reading)
    while _close_some(row, imports):
        renew()
    with transaction.atomic():
        for number in BulkImport.objects.filter(reading=row.reading, state=State.PREPARED).values_list("pk", flat=True):
            queue.enqueue(ADVANCE, number)
        row.delete()


def _close_some(row: BulkImport, imports: bulk_rows.Imports) -> bool:
    """Put a few people into imports; return whether there were any."""
    with transaction.atomic():
        locked = Person.objects.select_for_update(of=("self",)).filter(bulk_import=row).order_by("pk")[:PIECE]
        people = list(locked.select_related("connection__brevo_account", "mirror").prefetch_related("bookings"))
        added = set(imports.add(bulk_rows.prepared(people)))
        left = [person for person in people if person.pk not in added]
        Person.objects.filter(pk__in=[person.pk for person in left]).update(bulk_import=None)
        for person in left:
            ledger.ask_for_push(person)
    return bool(people)
