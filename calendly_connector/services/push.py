"""One person's waiting steps → Brevo, in order: the contact first, then lists, then events (design.md §4)."""

import hashlib
import json
import logging
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any, TypeVar

from django.db import transaction
from django.utils import timezone

from calendly_connector.clients import brevo_bodies, errors
from calendly_connector.clients.brevo import BrevoClient
from calendly_connector.core import cause, decide, respect
from calendly_connector.core import person as core_person
from calendly_connector.core.decide import ContactDecision
from calendly_connector.core.merge import Entry
from calendly_connector.core.rules import RuleSet
from calendly_connector.core.steps import UpsertContact
from calendly_connector.models import BrevoAccount, BulkImport, Person, SyncLogEntry
from calendly_connector.services import (
    accounts,
    catalogue,
    crm_tasks,
    journal,
    limits,
    mapping,
    mirror,
    opt_in,
    proofs,
    queue,
    settle,
    trail,
    versions,
)
from calendly_connector.services import refused as refusals

logger = logging.getLogger(__name__)

State, Kind = SyncLogEntry.State, SyncLogEntry.Kind
T = TypeVar("T")


def push(person_id: int, renew: accounts.Renew) -> None:
    """Write everything that waits for one person. Raises queue.Later when it has to wait or to be tried again."""
    person = Person.objects.select_related("connection__brevo_account", "mirror").filter(pk=person_id).first()
    if person is None:
        return
    steps = journal.open_steps(person)
    trail.note_steps(steps)
    if not steps or (person.bulk_import_id and not _leave_gathering(person)):
        return  # an import under way asks for the person again when it is over
    account = person.connection.brevo_account
    if account.is_paused:
        raise queue.Later(account.pause_reason, seconds=60, is_failure=False)  # its lane is closed anyway
    Writer(person, account, renew).write(steps)


def _leave_gathering(person: Person) -> bool:
    """Let a person with news out of an import that only gathers so far; return whether it did."""
    gathering = (BulkImport.State.GATHERING, BulkImport.State.CLOSED)
    return bool(Person.objects.filter(pk=person.pk, bulk_import__state__in=gathering).update(bulk_import=None))


class Writer:
    """The calls for one person. Each ends in an outcome in the sync log before the next begins."""

    def __init__(self, person: Person, account: BrevoAccount, renew: accounts.Renew) -> None:
        self.person = person
        self.account = account
        self.renew = renew
        self.standing = mirror.standing_of(person)

    def write(self, steps: list[SyncLogEntry]) -> None:
        """Write the steps in order; what a crash left half-sent is looked up first."""
        interrupted = [step for step in steps if step.state == State.SENDING]
        for step in interrupted:
            self._interrupted(step)
        if self.standing.deleted_at and self._is_left_alone():
            return
        client = accounts.client_of(self.account)
        contacts = [step for step in steps if step.kind == Kind.CONTACT]
        if contacts and not self._write_contact(client, contacts):
            return
        following = journal.open_steps(self.person)
        for step in (step for step in following if step.kind == Kind.LEAVE_LISTS):
            self._leave_lists(client, step)
        for step in (step for step in following if step.kind == Kind.OPT_IN):
            trail.note_steps([step])
            opt_in.ask(client, step, self.renew)
        for step in (step for step in following if step.kind == Kind.EVENT):
            if step.state != State.UNKNOWN:
                self._send_event(client, step)
            if step.state == State.UNKNOWN:
                settle.ask(self.account)
                return  # later events keep their order behind it

    def _interrupted(self, step: SyncLogEntry) -> None:
        if step.kind == Kind.OPT_IN:  # Brevo can't be asked whether it has mailed
            journal.failed([step], opt_in.LOST, cause=cause.OPT_IN_UNKNOWN)
        else:
            journal.unknown(step, "The worker stopped in the middle of sending this.")

    def _is_left_alone(self) -> bool:
        """Settle what waits for a contact that was deleted in Brevo; return False when it may be made anew."""
        waiting = [step for step in journal.open_steps(self.person) if step.state == State.WAITING]
        decision, clock_at = decide_now(self.person)
        is_asked = any(step.request.get(journal.MAKE_ANEW) for step in waiting)
        why = decision.left_alone if decision else respect.why_left_alone(self.standing, booked_at=None)
        if is_asked or not why:
            return False
        with transaction.atomic():
            journal.skipped(waiting, why)
            Person.objects.filter(pk=self.person.pk).update(clock_at=clock_at)  # attendance counts all the same
        return True

    def _write_contact(self, client: BrevoClient, steps: list[SyncLogEntry]) -> bool:
        """Bring the contact up to date; return False when Brevo refused it for good."""
        trail.note_steps(steps)
        decision = self._decide(client, steps)
        given = journal.given_in(steps)
        if decision is None and not given and not any(step.request.get("guest") for step in steps):
            journal.done(steps, "There is no booking left to write.")
            return True
        upsert = journal.with_given(decision.upsert if decision else self._bare(), given)
        try:
            sent = self._upsert(client, upsert)
        except errors.Refused as refused:
            waiting = [step for step in journal.open_steps(self.person) if step.state == State.WAITING or step in steps]
            Person.objects.filter(pk=self.person.pk).update(clock_at=self.clock_at)  # attendance counts all the same
            words = f"Brevo refused the contact. {refused} Correct the cause and try again."
            journal.failed(waiting, words, cause=cause.CONTACT_REFUSED)
            return False
        with transaction.atomic():
            journal.contact_written(steps, sent)
            if decision and decision.leave:
                journal.add_leave(self.person, steps[-1], decision.leave.lists)
            if decision:
                self._keep_consent(steps[-1], decision)
            if decision or not given:
                remember(self.person.pk, memory(decision and _as_sent(decision, sent), self.clock_at))
            else:  # what was done about lists stays in mind
                Person.objects.filter(pk=self.person.pk).update(pushed_at=timezone.now())
            if self.standing.deleted_at:
                mirror.made_anew(self.person)
            if self.person.connection.makes_tasks:
                crm_tasks.ask([step.booking_id for step in steps if step.booking_id])
        return True

    def _bare(self) -> UpsertContact:
        """Return a guest's contact: the address alone."""
        return UpsertContact(
            email=self.person.email,
            attributes={},
            notes=respect.notes_of(self.standing, {}),
            records_opt_out=self.standing.records_opt_out,
        )

    def _keep_consent(self, origin: SyncLogEntry, decision: ContactDecision) -> None:
        for ask in decision.asks:
            journal.add_opt_in(self.person, origin, ask)
        if decision.proofs:
            proofs.keep(self.person, decision.proofs)

    def _decide(self, client: BrevoClient, steps: list[SyncLogEntry]) -> ContactDecision | None:
        if self.account.attributes_read_at is None:
            self._call("contacts", lambda: catalogue.refresh_attributes(self.account, client))
        decision, self.clock_at = decide_now(self.person, self._rules(steps))
        missing = decision and any("has no attribute" in warning for warning in decision.upsert.warnings)
        if missing and catalogue.is_stale(self.account):  # somebody may have created it meanwhile
            self._call("contacts", lambda: catalogue.refresh_attributes(self.account, client))
            decision, self.clock_at = decide_now(self.person, self._rules(steps))
        return decision

    def _rules(self, steps: list[SyncLogEntry]) -> RuleSet | None:
        """Return the mapping of the day that every step asks for, the newest one's; None: today's."""
        moments = [step.request.get(journal.RULES_AT) for step in steps]
        if None in moments:
            return None  # news waits too, and must not be written by a mapping that is over
        return versions.rules_at(self.person.connection, datetime.fromisoformat(moments[-1]))

    def _upsert(self, client: BrevoClient, upsert: UpsertContact) -> UpsertContact:
        """Write a contact, without what Brevo refuses of it; return what was really written."""
        is_first = not upsert.only_if_empty
        if upsert.only_if_empty:
            upsert = self._without_filled(client, upsert)
            limits.charge(self.account.pk, "contacts")  # to wait for another place would mean to read again after it
        while True:  # ends, for every turn leaves something out
            try:
                self._call("contacts", partial(_post, client, upsert), is_paced=is_first)
            except errors.Refused as refused:
                smaller = refusals.lessened(upsert, refused, is_there=partial(self._has_list, client))
                if smaller is None:
                    raise
                upsert, is_first = smaller, False
                limits.charge(self.account.pk, "contacts")
            else:
                return upsert

    def _has_list(self, client: BrevoClient, number: int) -> bool:
        return self._call("contacts", lambda: client.has_list(number), patience=accounts.TURN)

    def _without_filled(self, client: BrevoClient, upsert: UpsertContact) -> UpsertContact:
        """Leave out what may only be written when empty and isn't."""
        try:
            contact = self._call("contacts", lambda: client.get_contact(upsert.email))
        except errors.NotFound:
            return upsert
        if not contact.shows_attributes:
            return refusals.without_unseen(upsert)
        filled = {name for name in upsert.only_if_empty if contact.attributes.get(name) not in (None, "", [])}
        kept = {name: value for name, value in upsert.attributes.items() if name not in filled}
        return replace(upsert, attributes=kept)

    def _leave_lists(self, client: BrevoClient, step: SyncLogEntry) -> None:
        trail.note_steps([step])
        lists = journal.lists_to_leave(step)
        if not lists:
            journal.skipped([step], journal.JOINED_SINCE)
            return
        try:
            self._call("contacts", lambda: client.leave_lists(self.person.email, lists=lists))
        except errors.NotFound:
            journal.done([step], "The contact isn't in Brevo any more.")
        except errors.Refused as refused:
            self._leave_one_by_one(client, lists)
            journal.failed([step], journal.LISTS_REFUSED.format(refused), cause=cause.LISTS_REFUSED)
        else:
            journal.done([step])

    def _leave_one_by_one(self, client: BrevoClient, lists: list[int]) -> None:
        """Leave what can be left of several lists, of which Brevo refused one or more."""
        for number in lists if len(lists) > 1 else ():
            leave = partial(client.leave_lists, self.person.email, lists=[number])
            with suppress(errors.Refused):  # the step says why
                self._call("contacts", leave, patience=accounts.TURN)

    def _send_event(self, client: BrevoClient, step: SyncLogEntry) -> None:
        trail.note_steps([step])
        request = step.request
        body = brevo_bodies.event_body(
            request["name"],
            email=self.person.email,
            at=datetime.fromisoformat(request["at"]),
            properties=request["properties"],
        )
        accounts.wait_for(self.account, "events")
        self.renew()  # who lost the lease must not touch a step that its new owner may have settled
        journal.sending(step)  # durable before the call: a crash from here on leaves a step to look up
        try:
            self._call("events", lambda: client.create_event(body), is_paced=False)
        except queue.Later as later:
            if accounts.is_outcome_unknown(later):
                journal.unknown(step, f"{later} It is looked up in Brevo before anything is sent again.")
                return
            journal.waiting(step, str(later))
            raise
        except errors.Refused as refused:
            journal.failed([step], f"Brevo refused the event. {refused}", cause=cause.EVENT_REFUSED)
        else:
            journal.done([step])

    def _call(self, bucket: str, work: Callable[[], T], *, is_paced: bool = True, patience: float = 0.0) -> T:
        return accounts.call(self.account, bucket, work, renew=self.renew, is_paced=is_paced, patience=patience)


def memory(decision: ContactDecision | None, clock_at: datetime | None) -> dict[str, Any]:
    """Return what to keep about a person once Brevo has taken a decision (None: a guest's bare address), as JSON."""
    operations = decision.operations if decision else {}
    return {
        "list_operations": {str(number): what for number, what in operations.items()},
        "pushed_digest": digest(decision) if decision else "",
        "clock_at": clock_at.isoformat() if clock_at else None,
        "filled_attributes": " ".join(decision.filled) if decision else "",
    }


def remember(person_id: int, memory: dict[str, Any]) -> None:
    """Keep what Brevo now shows about a person (`memory`)."""
    clock_at = datetime.fromisoformat(memory["clock_at"]) if memory["clock_at"] else None
    Person.objects.filter(pk=person_id).update(**{**memory, "clock_at": clock_at}, pushed_at=timezone.now())


def decide_now(person: Person, rules: RuleSet | None = None) -> tuple[ContactDecision | None, datetime | None]:
    """Return how the contact should look by the ledger as it is now, and when time alone next changes that."""
    rules = rules or mapping.rules_of(person.connection)
    entries: list[Entry] = [row.to_entry() for row in person.bookings.all()]
    counted = [entry for entry in entries if entry.booking.meeting.event_type not in rules.ignored_types]
    summary = core_person.summarise(counted, now=timezone.now(), grace=rules.grace)
    if summary is None:
        return None, None
    applied = {int(number): what for number, what in person.list_operations.items()}
    standing = mirror.standing_of(person)
    filled = [] if standing.deleted_at else person.filled_attributes.split()
    decision = decide.decide_contact(summary, counted, rules=rules, applied=applied, standing=standing, filled=filled)
    return decision, summary.changes_at


def digest(decision: ContactDecision) -> str:
    """Return a fingerprint of what a contact should look like."""
    facts: Any = [sorted(decision.upsert.attributes.items()), sorted(decision.operations.items())]
    return hashlib.sha256(json.dumps(facts, default=list).encode()).hexdigest()


def give_up(person_id: int, reason: str) -> None:
    """Mark what still waits for a person as failed after many tries; staff may try it again."""
    person = Person.objects.filter(pk=person_id).first()
    if person:
        waiting = [step for step in journal.open_steps(person) if step.state == State.WAITING]
        words = f"Given up after {queue.MAX_FAILURES} tries. Last: {reason} Try again when it is mended."
        journal.failed(waiting, words, cause=cause.GIVEN_UP)


def _post(client: BrevoClient, upsert: UpsertContact) -> None:
    client.upsert_contact(
        upsert.email,
        attributes={**dict.fromkeys(upsert.clears, ""), **upsert.attributes},
        lists=upsert.join_lists,
        records_opt_out=upsert.records_opt_out,
    )


def _as_sent(decision: ContactDecision, sent: UpsertContact) -> ContactDecision:
    """Return the decision without the lists that could not be joined: they are wanted again next time."""
    left_out = set(decision.upsert.join_lists) - set(sent.join_lists)
    operations = {number: what for number, what in decision.operations.items() if number not in left_out}
    return replace(decision, operations=operations)
