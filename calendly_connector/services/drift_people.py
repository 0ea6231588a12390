"""People beside their contacts in Brevo: what differs is kept as lines, what Brevo has is kept in the mirror."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet
from django.utils import timezone

from calendly_connector.clients import errors
from calendly_connector.clients.brevo import BrevoClient
from calendly_connector.clients.brevo_contacts import Contact
from calendly_connector.core import difference
from calendly_connector.core import drift as core_drift
from calendly_connector.core.decide import ContactDecision
from calendly_connector.core.drift import Line
from calendly_connector.core.rules import RuleSet
from calendly_connector.models import BrevoAccount, Connection, ContactMirror, Person, SyncLogEntry
from calendly_connector.services import accounts, catalogue, drift, mapping, push, queue
from calendly_connector.services import connection as connections
from calendly_connector.services import mirror as mirrors

PAUSED = "Writing to Brevo is paused, and so is asking it. {}"
OptOut = ContactMirror.OptOut


@dataclass(frozen=True, kw_only=True)
class Pair:
    """A person and their contact, None when Brevo has none, as it was read at one moment."""

    person: Person
    contact: Contact | None


def people_of(connection: Connection) -> QuerySet[Person]:
    """Return a connection's people with all that comparing needs; `is_busy`: they are about to be written."""
    steps = SyncLogEntry.objects.filter(
        person=OuterRef("pk"), kind=SyncLogEntry.Kind.CONTACT, state__in=("waiting", "sending")
    )
    people = Person.objects.filter(connection=connection).annotate(is_busy=Exists(steps))
    return people.select_related("mirror").prefetch_related("bookings")


def is_busy(person: Person) -> bool:
    """Return whether a person of `people_of` is about to be written, so that a difference would tell nothing."""
    return bool(person.__dict__["is_busy"] or person.bulk_import_id)


def client_of(account: BrevoAccount) -> BrevoClient:
    """Return the account's client; raise queue.Later with words while it can't be asked. Nothing is paused for it."""
    if account.is_paused:
        raise queue.Later(PAUSED.format(account.pause_reason), seconds=60, is_failure=False)
    try:
        return connections.brevo_client(account)
    except connections.NotConfigured as error:
        raise queue.Later(str(error), seconds=60, is_failure=False) from error


def rules_of(connection: Connection, client: BrevoClient, renew: accounts.Renew) -> RuleSet:
    """Return today's mapping, after reading Brevo's attributes where that was long ago."""
    account = connection.brevo_account
    if catalogue.is_stale(account):
        read = partial(catalogue.refresh_attributes, account, client)
        accounts.call(account, "contacts", read, renew=renew)
    return mapping.rules_of(connection)


def decision_of(person: Person, connection: Connection, rules: RuleSet) -> ContactDecision | None:
    """Return how the contact should look; None when no booking speaks for the person."""
    person.connection = connection
    for booking in person.bookings.all():
        booking.connection = connection
    return push.decide_now(person, rules)[0]


def ask(person: Person, client: BrevoClient, renew: accounts.Renew) -> Pair | None:
    """Ask Brevo for one person, by one call; None when they were erased meanwhile. Raises what `accounts.call` raises.

    The person is read again afterwards, so that what is compared is as new as the answer.
    """
    account = person.connection.brevo_account
    contact = accounts.call(account, "contacts", lambda: _contact(client, person), renew=renew)
    fresh = people_of(person.connection).filter(pk=person.pk).first()
    return Pair(person=fresh, contact=contact) if fresh else None


def _contact(client: BrevoClient, person: Person) -> Contact | None:
    try:
        return client.get_contact(person.email)
    except errors.NotFound:
        return None


@dataclass(frozen=True, kw_only=True)
class Found:
    """What a look at some people found: their mirrors, unsaved, and their lines."""

    connection: Connection
    mirrors: Sequence[ContactMirror]
    lines: Mapping[Person, Sequence[Line]]

    def keep(self) -> int:
        """Save it, in one transaction; return how many people were compared."""
        with transaction.atomic():
            keep_mirrors(self.mirrors)
            drift.keep(self.connection, self.lines, at=timezone.now())
        return len(self.lines)


def compare(connection: Connection, pairs: Sequence[Pair], *, rules: RuleSet, read_at: datetime) -> Found:
    """Return what differs for these people, and what Brevo has of them. Nothing is written, so nobody is held up.

    Who was written after `read_at`, or is about to be, is left out.
    """
    settled = [pair for pair in pairs if not is_busy(pair.person) and not _is_written_since(pair.person, read_at)]
    mirrors = {pair.person.pk: mirrored(pair, read_at=read_at) for pair in settled}
    lines = {pair.person: _lines(pair, mirrors[pair.person.pk], connection, rules) for pair in settled}
    return Found(connection=connection, mirrors=list(mirrors.values()), lines=lines)


def _is_written_since(person: Person, moment: datetime) -> bool:
    return person.pushed_at is not None and person.pushed_at >= moment


def _lines(pair: Pair, mirror: ContactMirror, connection: Connection, rules: RuleSet) -> list[Line]:
    decision = decision_of(pair.person, connection, rules)
    found = difference.difference(
        decision,
        pair.contact,
        applied={int(number): what for number, what in pair.person.list_operations.items()},
        attributes=rules.attributes or {},
    )
    return core_drift.brevo_lines(
        found,
        was_written=bool(pair.person.pushed_at or mirror.deleted_at or mirror.contact_id),
        opt_out=str(mirror.opt_out),
        unsubscribed=mirror.unsubscribed_lists,
        held_back=decision.held_back if decision else (),
    )


def mirrored(pair: Pair, *, read_at: datetime) -> ContactMirror:
    """Return the person's mirror with what was read, unsaved. What Brevo told of later than that stands."""
    row: ContactMirror = getattr(pair.person, "mirror", None) or ContactMirror(person=pair.person)
    was_there = bool(pair.person.pushed_at or row.contact_id)
    mirrors.note_read(row, pair.contact, was_there=was_there, at=read_at)
    return row


READ = (
    *("contact_id", "opt_out", "opted_out_at", "unsubscribed_lists", "deleted_at", "read_at"),
    *("attributes", "heard", "told_at"),
)


def keep_mirrors(mirrors: Sequence[ContactMirror]) -> None:
    """Save mirrors that were read."""
    ContactMirror.objects.bulk_create(
        list(mirrors), update_conflicts=True, unique_fields=["person"], update_fields=list(READ)
    )
