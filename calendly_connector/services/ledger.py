"""A snapshot → the ledger, the events it calls for, and the job to write them to Brevo. One transaction."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from calendly_connector.core import booking as core_booking
from calendly_connector.core import decide, merge
from calendly_connector.core.booking import Status
from calendly_connector.core.merge import Entry, Happening, Merged
from calendly_connector.core.rules import RuleSet
from calendly_connector.core.steps import Skip, TrackEvent
from calendly_connector.models import Booking, Connection, Person, StatusChange, SyncLogEntry, WebhookDelivery
from calendly_connector.services import erasures, held, journal, limits, links_use, normalise, queue, trail

RESTORED = "It may have been sent before the backup was restored: it is looked up in Brevo first."
PUSH = "push"
MISSING_HALF = "missing_half"
GREET_GUESTS = "greet_guests"
MISSING_HALF_SECONDS = 60


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where a snapshot comes from, and what may be told of it.

    Quiet: history, for which no automation event may leave. `events_since`: none may leave for what happened before.
    `gathering`: the import that the person's contact waits for, instead of being written at once.
    """

    delivery: WebhookDelivery | None = None
    is_withdrawal: bool = False
    is_quiet: bool = False
    events_since: datetime | None = None
    gathering: int | None = None

    @property
    def is_loud(self) -> bool:
        """Return whether everything may be told."""
        return not self.is_quiet and self.events_since is None

    def why_held(self, happening: Happening) -> str:
        """Return why an event is held back; empty when it may leave."""
        if self.is_quiet:
            return decide.HELD_BACK
        return decide.HELD_LATE if self.events_since and happening.at < self.events_since else ""


def record(connection: Connection, seen: core_booking.Booking, *, rules: RuleSet, source: Source) -> Merged:
    """Merge a snapshot into the ledger and leave in the outbox what Brevo must hear of it.

    Whoever changes a person's bookings holds the person's row, so the same person's news are taken in one by one.
    """
    seen = erasures.without_erased_guests(normalise.with_names(seen))
    with transaction.atomic():
        person = lock_person(connection, seen.invitee.email)
        trail.note(person=person.pk)
        relatives = _Relatives.of(connection, seen)
        known = relatives.itself.to_entry() if relatives.itself else None
        if known is None and erasures.is_erased(seen.invitee.email, made_at=seen.invitee.created_at):
            transaction.set_rollback(True)  # the person's row may have been made just now
            return _erased(seen)
        is_past = source.is_quiet and not held.may_be_told(seen.invitee.updated_at)
        merged = relatives.merge(known, seen, is_withdrawal=source.is_withdrawal, is_quiet=is_past)
        if known is None and (source.is_quiet or source.events_since):
            merged = _aged(merged, rules.grace)
        if source.delivery and relatives.itself and held.release(relatives.itself, source.delivery, rules=rules):
            ask_for_push(person)
        if not merged.is_news:
            if relatives.itself and merged.entry != known:  # the same facts, seen later: what comes late must know that
                relatives.itself.take(merged.entry).save()
            return merged
        person = _owner(connection, person, merged.entry, relatives.itself)
        row = relatives.itself or Booking(connection=connection)
        row.person = person
        row.take(merged.entry).save()
        trail.note(booking=row.pk, person=person.pk)
        if known is None:
            links_use.note(row, seen.invitee)
        if known is None or known.status is not merged.entry.status:
            first = seen.invitee.created_at if known is None and merged.entry.status is Status.BOOKED else None
            note_status(row, merged.entry, source=_how(source), delivery=source.delivery, at=first)
        _relink(connection, row, relatives, merged.entry, is_loud=source.is_loud)
        log(person, row, merged.happenings, rules=rules, source=source)
        _ask(person, source)
        if merged.happenings and connection.guest_policy == Connection.GuestPolicy.CONTACT:
            queue.enqueue(GREET_GUESTS, row.pk)
    return merged


def foresee(connection: Connection, seen: core_booking.Booking) -> tuple[Entry | None, Merged]:
    """Return what the ledger knows of a booking, and what a snapshot would make of it. Nothing is written."""
    seen = erasures.without_erased_guests(normalise.with_names(seen))
    relatives = _Relatives.of(connection, seen)
    known = relatives.itself.to_entry() if relatives.itself else None
    if known is None and erasures.is_erased(seen.invitee.email, made_at=seen.invitee.created_at):
        return None, _erased(seen)
    return known, relatives.merge(known, seen)


def _erased(seen: core_booking.Booking) -> Merged:
    """Return what comes of a booking whose person was erased since: nothing."""
    return Merged(entry=Entry(booking=seen), happenings=(), is_news=False, is_erased=True)


def _aged(merged: Merged, grace: timedelta) -> Merged:
    """Return history with the attendance that the clock would conclude: once recorded here, it is held back too."""
    over_at = merged.entry.booking.meeting.end_at + grace
    if over_at > timezone.now():
        return merged
    aged = merge.attend(merged.entry, at=over_at)
    return replace(aged, happenings=(*merged.happenings, *aged.happenings), is_news=merged.is_news or aged.is_news)


def note_status(
    row: Booking,
    entry: Entry,
    *,
    source: StatusChange.Source,
    delivery: WebhookDelivery | None = None,
    at: datetime | None = None,
) -> None:
    """Keep that a booking took on a status, `at` the moment when it happened: by default the invitee's last change."""
    happened_at = at or entry.changed_at
    StatusChange.objects.create(
        booking=row, status=entry.status.value, source=source, delivery=delivery, happened_at=happened_at
    )


def _how(source: Source) -> StatusChange.Source:
    return StatusChange.Source.WEBHOOK if source.delivery else StatusChange.Source.LISTING


def lock_person(connection: Connection, email: str) -> Person:
    """Return the person, their row made on first sight and locked until the transaction ends.

    One statement finds, makes and locks; of the columns only key, connection and e-mail are filled in.
    """
    person = Person(connection=connection, email=email)
    Person.objects.bulk_create(
        [person], update_conflicts=True, unique_fields=["connection", "email"], update_fields=["email"]
    )
    return person


def log(
    person: Person, row: Booking, happenings: Iterable[Happening], *, rules: RuleSet, source: Source = Source()
) -> None:
    """Write the steps that a change calls for: one for the contact, one for each event or the reason why not."""
    entries = [_contact_entry(person, row, source, is_ignored=row.event_type in rules.ignored_types)]
    for happening in happenings:
        decision = decide.decide_event(happening, rules=rules, held=source.why_held(happening))
        entries.append(_event_entry(person, row, happening, decision, source))
    SyncLogEntry.objects.bulk_create(entries, ignore_conflicts=True)
    journal.tell(entry for entry in entries if entry.state == SyncLogEntry.State.SKIPPED)


def _ask(person: Person, source: Source) -> None:
    """Ask for the person to be written: now, or together with all those whom a reading gathers."""
    if source.gathering is None:
        ask_for_push(person)
    else:
        Person.objects.filter(pk=person.pk, bulk_import=None).update(bulk_import=source.gathering)


def ask_for_push(person: Person) -> None:
    """Ask for the person's waiting steps to be written, as soon as Brevo's limit allows."""
    lane = limits.key_of(person.connection.brevo_account_id, "contacts")
    queue.enqueue(PUSH, person.pk, lane=lane)


def _moved_from(connection: Connection, uri: str) -> QuerySet[Booking]:
    """Return the new halves of a booking. The second condition is the index's own: without it, it wouldn't be used."""
    return Booking.objects.filter(connection=connection, old_invitee=uri).exclude(old_invitee="")


@dataclass(frozen=True, kw_only=True)
class _Relatives:
    """The ledger rows around one invitee URI."""

    itself: Booking | None
    old_half: Booking | None
    new_half: Booking | None

    @classmethod
    def of(cls, connection: Connection, seen: core_booking.Booking) -> "_Relatives":
        uri, old = seen.invitee.uri, seen.invitee.old_invitee
        named = Booking.objects.filter(connection=connection, uri__in=[uri, old] if old else [uri])
        rows = list(named.union(_moved_from(connection, uri), all=True))  # with OR, SQLite would read every booking
        return cls(
            itself=next((row for row in rows if row.uri == uri), None),
            old_half=next((row for row in rows if old and row.uri == old), None),
            new_half=next((row for row in rows if row.old_invitee == uri), None),
        )

    def merge(self, known: Entry | None, seen: core_booking.Booking, **how: bool) -> Merged:
        """Return `core.merge.merge` of a snapshot among these."""
        return merge.merge(
            known,
            seen,
            successor=self.new_half.uri if self.new_half else "",
            predecessor=self.old_half.to_entry() if self.old_half else None,
            **how,
        )


def _owner(connection: Connection, person: Person, entry: Entry, row: Booking | None) -> Person:
    """Return whose booking it is: the newest snapshot's e-mail decides. A former owner's contact is refreshed too."""
    email = entry.booking.invitee.email
    owner = person if person.email == email else lock_person(connection, email)
    if row and row.person_id != owner.pk:
        former = row.person
        SyncLogEntry.objects.create(
            connection=connection,
            person=former,
            booking=row,
            kind=SyncLogEntry.Kind.CONTACT,
            summary="Bring the contact up to date: a booking now belongs to another e-mail address",
        )
        ask_for_push(former)
    return owner


def _relink(connection: Connection, row: Booking, relatives: _Relatives, entry: Entry, *, is_loud: bool) -> None:
    """Tell both neighbours of a move about this booking, and ask Calendly for a new half that stays away.

    Not for what may not be told: what is fetched is told, and a reading comes to the new half by itself.
    """
    old = relatives.old_half
    if old and old.successor != row.uri:
        before = old.status
        superseded = merge.supersede(old.to_entry(), successor=row.uri)
        old.take(superseded).save()
        if old.status != before:
            note_status(old, superseded, source=StatusChange.Source.NEIGHBOUR, at=entry.booking.invitee.created_at)
    if relatives.new_half:
        _carry_moves(connection, row)
    if is_loud and entry.status is Status.RESCHEDULED and entry.successor and not relatives.new_half:
        queue.enqueue(MISSING_HALF, row.pk, delay=MISSING_HALF_SECONDS)


def _carry_moves(connection: Connection, row: Booking) -> None:
    """Carry the number of moves on to bookings that were seen before the one they were moved from."""
    walked = {row.uri}  # Calendly makes no rings, but whoever signs may send one
    while following := _moved_from(connection, row.uri).first():
        if following.moves == row.moves + 1 or following.uri in walked:
            return
        walked.add(following.uri)
        following.moves = row.moves + 1
        following.save(update_fields=["moves"])
        row = following


def _contact_entry(person: Person, row: Booking, source: Source, *, is_ignored: bool) -> SyncLogEntry:
    entry = SyncLogEntry(
        connection_id=person.connection_id,
        person=person,
        booking=row,
        delivery=source.delivery,
        kind=SyncLogEntry.Kind.CONTACT,
        summary="Bring the contact up to date",
    )
    if is_ignored:
        entry.state, entry.settled_at = SyncLogEntry.State.SKIPPED, timezone.now()
        entry.summary, entry.reason = "Contact left alone", "This event type is set to “ignore” in the mapping."
    return entry


def _event_entry(
    person: Person, row: Booking, happening: Happening, decision: TrackEvent | Skip, source: Source
) -> SyncLogEntry:
    entry = SyncLogEntry(
        connection_id=person.connection_id,
        person=person,
        booking=row,
        delivery=source.delivery,
        kind=SyncLogEntry.Kind.EVENT,
        happening=happening.key,
    )
    if isinstance(decision, Skip):
        entry.state, entry.summary, entry.reason = SyncLogEntry.State.SKIPPED, decision.what, decision.reason
        entry.settled_at = timezone.now()
    else:
        entry.summary = f"Send event {decision.name}"
        entry.request = {
            "name": decision.name,
            "at": decision.at.isoformat(),
            "properties": decision.properties,
        }
        restored_at = person.connection.restored_at
        if restored_at and decision.at <= restored_at:
            entry.state, entry.reason = SyncLogEntry.State.UNKNOWN, RESTORED
    return entry
