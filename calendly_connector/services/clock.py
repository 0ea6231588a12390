"""What time alone changes: a meeting starts, ends, and counts as attended when its grace time is over."""

from datetime import timedelta

from django.db import transaction
from django.utils import timezone

from calendly_connector.core import merge
from calendly_connector.core.merge import Happening
from calendly_connector.models import Booking, Person, SyncLogEntry
from calendly_connector.services import ledger, mapping, push, queue

TURN = "turn"
BATCH = 1000


def find_due() -> str:
    """Ask for every person whose time has come to be looked at; return words for the schedule's last result."""
    due = list(
        Person.objects.filter(clock_at__lte=timezone.now()).order_by("clock_at").values_list("pk", flat=True)[:BATCH]
    )
    for number in due:
        queue.enqueue(TURN, number)
    return f"{len(due)} people due"


def turn(person_id: int) -> None:
    """Record the meetings that count as attended now, and refresh the contact if that changes what Brevo shows."""
    with transaction.atomic():
        person = (
            Person.objects.select_for_update(of=("self",))
            .select_related("connection__brevo_account")
            .filter(pk=person_id)
            .first()
        )
        if person is None:
            return
        rules = mapping.rules_of(person.connection)
        over = timezone.now() - timedelta(hours=person.connection.grace_hours)
        attended: list[tuple[Booking, Happening]] = []
        for row in person.bookings.filter(status=Booking.Status.BOOKED, end_at__lte=over):
            merged = merge.attend(row.to_entry(), at=row.end_at + rules.grace)
            if merged.is_news:
                row.take(merged.entry).save()
                attended += [(row, happening) for happening in merged.happenings]
        for row, happening in attended:
            ledger.log(person, row, [happening], rules=rules)
        decision, person.clock_at = push.decide_now(person)
        person.save(update_fields=["clock_at"])
        if not attended and decision and push.digest(decision) != person.pushed_digest:
            SyncLogEntry.objects.create(
                connection_id=person.connection_id,
                person=person,
                kind=SyncLogEntry.Kind.CONTACT,
                summary="Bring the contact up to date: time has passed",
            )
        ledger.ask_for_push(person)
