"""Whose booking a preview is about: one of the ledger, as it is or as if something happened to it, or a made-up one."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from django.utils import timezone

from calendly_connector.core import decide, lists, suppose
from calendly_connector.core import person as core_person
from calendly_connector.core.booking import Answer, Booking, Invitee, Meeting, Tracking
from calendly_connector.core.decide import ContactDecision
from calendly_connector.core.lists import ListOperations
from calendly_connector.core.merge import Entry, Happening
from calendly_connector.core.person import Summary
from calendly_connector.core.respect import Standing
from calendly_connector.core.rules import RuleSet
from calendly_connector.core.suppose import Supposed
from calendly_connector.core.trigger import Trigger
from calendly_connector.models import Booking as BookingRow
from calendly_connector.models import Connection, EventType, Person
from calendly_connector.services import mapping, mirror, normalise, snapshot

MADE_UP_LENGTH = timedelta(minutes=30)  # Calendly tells no length with an event type's name
BOOKED_BEFORE = timedelta(days=2)


@dataclass(frozen=True, kw_only=True)
class MadeUp:
    """A booking that nobody made. Of a moved one, `start_at` is the new time."""

    event_type: EventType
    trigger: Trigger
    name: str
    email: str
    start_at: datetime
    answers: Mapping[str, str] = field(default_factory=dict)  # question → answer
    tracking: Tracking = Tracking()
    timezone: str = ""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """One person's bookings at one moment, and what is new about them."""

    connection: Connection
    rules: RuleSet
    email: str
    entry: Entry  # the booking in question
    entries: tuple[Entry, ...]  # all of the person's
    happenings: tuple[Happening, ...]  # none: as it is in the ledger
    applied: ListOperations
    now: datetime
    person: Person | None = None
    row: BookingRow | None = None  # None: made up
    standing: Standing = decide.NO_NEWS  # what Brevo told of the person's contact
    supposed: frozenset[int] = frozenset()  # lists on which only the earlier life of a made-up booking put the person

    @property
    def event_type(self) -> str:
        """Return the booking's event type, by its URI."""
        return self.entry.booking.meeting.event_type

    @property
    def is_ignored(self) -> bool:
        """Return whether bookings of this type change nothing."""
        return self.event_type in self.rules.ignored_types

    @property
    def counted(self) -> list[Entry]:
        """Return the bookings that the contact is made of."""
        return [entry for entry in self.entries if entry.booking.meeting.event_type not in self.rules.ignored_types]

    @property
    def summary(self) -> Summary | None:
        """Return what Brevo shows about the person, None when every booking is ignored."""
        return core_person.summarise(self.counted, now=self.now, grace=self.rules.grace)

    def decide(self) -> ContactDecision | None:
        """Return how the contact should look, None when every booking is ignored."""
        summary = self.summary
        if summary is None:
            return None
        return decide.decide_contact(
            summary, self.counted, rules=self.rules, applied=self.applied, standing=self.standing
        )

    def last_happening(self) -> Happening:
        """Return what happened to the booking last, even long ago."""
        if self.happenings:
            return self.happenings[-1]
        *_, trigger = lists.stages(self.entry)
        return Happening(trigger=trigger, entry=self.entry, at=self.entry.changed_at)


def of_booking(row: BookingRow, trigger: Trigger | None = None) -> Subject:
    """Return a booking of the ledger as it is now, or as if `trigger` befell it now. `row.person` is read too."""
    entry = row.to_entry()
    as_it_is = Subject(
        connection=row.connection,
        rules=_rules_of(row.connection),
        email=row.person.email,
        entry=entry,
        entries=_bookings_of(row.person),
        happenings=(),
        applied=_applied(row.person),
        now=timezone.now(),
        person=row.person,
        row=row,
        standing=mirror.standing_of(row.person),
    )
    if trigger is None:
        return as_it_is
    return _supposing(as_it_is, suppose.suppose(entry, trigger, now=as_it_is.now, grace=as_it_is.rules.grace))


def made_up(connection: Connection, wanted: MadeUp) -> Subject:
    """Return a made-up booking together with what the ledger has of this e-mail address.

    Its earlier life counts as written: of a no-show is shown what the mark changes, not the booking before it.
    """
    rules, now = _rules_of(connection), timezone.now()
    person = Person.objects.filter(connection=connection, email=wanted.email).first()
    known = Entry(booking=normalise.with_names(_booking_of(wanted, now)))
    subject = Subject(
        connection=connection,
        rules=rules,
        email=wanted.email,
        entry=known,
        entries=_bookings_of(person) if person else (),
        happenings=(),
        applied=_applied(person) if person else {},
        now=now,
        standing=mirror.standing_of(person) if person else decide.NO_NEWS,
    )
    supposed = suppose.suppose(known, wanted.trigger, now=now, grace=rules.grace)
    earlier = replace(subject, entries=(*subject.entries, *supposed.before)).decide() if supposed.before else None
    if earlier:
        new = frozenset(each for each, what in earlier.operations.items() if subject.applied.get(each) != what)
        subject = replace(subject, applied=earlier.operations, supposed=new)
    return _supposing(subject, supposed)


def _supposing(subject: Subject, supposed: Supposed) -> Subject:
    replaced = {entry.uri for entry in (*supposed.before, *supposed.after)}
    others = tuple(entry for entry in subject.entries if entry.uri not in replaced)
    return replace(
        subject,
        entry=supposed.after[-1],
        entries=(*others, *supposed.after),
        happenings=supposed.happenings,
        now=supposed.now,
    )


def _bookings_of(person: Person) -> tuple[Entry, ...]:
    return tuple(row.to_entry() for row in person.bookings.all())


def _booking_of(wanted: MadeUp, now: datetime) -> Booking:
    """Return the snapshot of a made-up booking as it was made, two days ago at the latest of its meeting."""
    start_at = wanted.start_at - suppose.MOVED_BY if wanted.trigger is Trigger.RESCHEDULED else wanted.start_at
    at = now if wanted.trigger is Trigger.BOOKED else min(now, start_at) - BOOKED_BEFORE
    answers = enumerate(item for item in wanted.answers.items() if item[1])
    invitee = Invitee(
        uri=suppose.MADE_UP_INVITEE,
        email=wanted.email,
        name=wanted.name,
        first_name="",
        last_name="",
        is_canceled=False,
        is_rescheduled=False,
        created_at=at,
        updated_at=at,
        taken_at=at,
        timezone=wanted.timezone,
        answers=tuple(Answer(question=question, answer=text, position=number) for number, (question, text) in answers),
        tracking=wanted.tracking,
    )
    meeting = Meeting(
        uri=suppose.MADE_UP_MEETING,
        name=wanted.event_type.name,
        event_type=wanted.event_type.uri,
        start_at=start_at,
        end_at=start_at + MADE_UP_LENGTH,
        updated_at=at,
        taken_at=at,
    )
    return Booking(invitee=invitee, meeting=meeting)


def _applied(person: Person) -> dict[int, str]:
    return {int(number): what for number, what in person.list_operations.items()}


def _rules_of(connection: Connection) -> RuleSet:
    """Return the mapping as it is this moment: whoever has just changed it wants to see that."""
    return mapping.rules_from(connection, snapshot.take(connection))
