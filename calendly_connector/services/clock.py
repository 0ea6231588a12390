"""What time alone changes: a meeting starts, ends, and counts as attended when its grace time is over."""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils import timezone

from calendly_connector.core import merge
from calendly_connector.core.merge import Happening
from calendly_connector.models import Booking, Connection, Person, StatusChange, SyncLogEntry
from calendly_connector.services import ledger, mapping, push, queue

TURN = "turn"
BATCH = 1000
Source = StatusChange.Source
TRUST = timedelta(hours=2)  # how long a good check of the subscription counts; far less than the shortest grace time


def find_due() -> str:
    """Ask for every person whose time has come to be looked at; return words for the schedule's last result.

    People of a connection that may have missed cancellations wait: nobody may count as attended for lack of news.
    """
    now = timezone.now()
    people = Person.objects.filter(clock_at__lte=now).exclude(connection__in=_in_the_dark(now))
    due = list(people.order_by("clock_at").values_list("pk", flat=True)[:BATCH])
    for number in due:
        queue.enqueue(TURN, number)
    return f"{len(due)} people are due"


def _in_the_dark(now: datetime) -> QuerySet[Connection]:
    """Return the connections of which something is being read again, or whose subscription wasn't found well lately."""
    unchecked = Q(subscription_checked_at__lt=now - TRUST) & ~Q(subscription="")
    return Connection.objects.filter(Q(reread_since__isnull=False) | unchecked)


def turn(person_id: int) -> None:
    """Record the meetings that count as attended now, and refresh the contact if that changes what Brevo shows."""
    with transaction.atomic():
        person = _locked(person_id)
        if person is None:
            return
        over = timezone.now() - timedelta(hours=person.connection.grace_hours)
        _attend(person, Q(end_at__lte=over), after=mapping.rules_of(person.connection).grace, source=Source.CLOCK)


def attend_early(booking: Booking) -> None:
    """Let a booked meeting that is over count as attended, because staff say so and not because grace time ended.

    Whoever comes second, staff or time, changes nothing: the event is sent once.
    """
    with transaction.atomic():
        if person := _locked(booking.person_id):
            _attend(person, Q(pk=booking.pk, end_at__lte=timezone.now()), after=timedelta(0), source=Source.STAFF)


def _locked(person_id: int) -> Person | None:
    people = Person.objects.select_for_update(of=("self",)).select_related("connection__brevo_account")
    return people.filter(pk=person_id).first()


def _attend(person: Person, which: Q, *, after: timedelta, source: StatusChange.Source) -> None:
    """Record that a person came to those of their booked meetings, `after` each one's end, and what Brevo must hear."""
    rules = mapping.rules_of(person.connection)
    attended: list[tuple[Booking, Happening]] = []
    for row in person.bookings.filter(which, status=Booking.Status.BOOKED):
        merged = merge.attend(row.to_entry(), at=row.end_at + after)
        if merged.is_news:
            row.take(merged.entry).save()
            ledger.note_status(row, merged.entry, source=source)
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
