"""Writes the sync log: each step's outcome, in staff's words. The log's waiting rows are the outbox."""

import logging
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import partial
from typing import Any

from django.db import transaction

from calendly_connector.core import cause as causes
from calendly_connector.core.lists import LEAVE
from calendly_connector.core.steps import AskConsent, UpsertContact, Value
from calendly_connector.models import Person, SyncLogEntry
from calendly_connector.services import common_clock, tally, trail

logger = logging.getLogger(__name__)

State, Kind = SyncLogEntry.State, SyncLogEntry.Kind
OUTCOMES = "outcomes"
BAD = (State.FAILED, State.UNKNOWN)
NAMED_LISTS = 10
COVERED = "Covered by the next write of the same contact."
JOINED_SINCE = "A later change joined these lists again, so they aren't left."
LEFT_SINCE = "A later change takes the person off these lists, so nobody asks about them."
LISTS_REFUSED = "Brevo refused. {} Are the lists of the mapping still there?"
OPEN = (State.WAITING, State.SENDING, State.UNKNOWN)
SETTLED = ("state", "reason", "cause", "settled_at", "summary", "request", "sent_at", "attempts")
RULES_AT = "rules_at"  # where a waiting contact step carries the moment whose mapping is to decide (services.redo)
SET = "set"  # where one carries attributes that somebody gave, to be written whatever the mapping says

MAKE_ANEW = "make_anew"  # where a waiting contact step carries that staff want the contact even if Brevo deleted it


def open_steps(person: Person) -> list[SyncLogEntry]:
    """Return a person's steps that are not settled, in the order they were decided."""
    return list(SyncLogEntry.objects.filter(person=person, state__in=OPEN).order_by("pk"))


def sending(step: SyncLogEntry) -> None:
    """Note that a step's call is about to be made."""
    step.state, step.sent_at, step.attempts = State.SENDING, common_clock.now(), step.attempts + 1
    step.save(update_fields=["state", "sent_at", "attempts"])


def waiting(step: SyncLogEntry, reason: str) -> None:
    """Put a step back: nothing was done, it will be tried again."""
    step.state, step.reason = State.WAITING, reason
    step.save(update_fields=["state", "reason"])


def unknown(step: SyncLogEntry, reason: str) -> None:
    """Note that a step may have been done or not."""
    step.state, step.reason = State.UNKNOWN, reason
    step.save(update_fields=["state", "reason"])
    tell([step])


def done(steps: Iterable[SyncLogEntry], reason: str = "") -> None:
    """Settle steps that Brevo accepted."""
    _settle(steps, State.DONE, reason)


def skipped(steps: Iterable[SyncLogEntry], reason: str) -> None:
    """Settle steps that were deliberately not done."""
    _settle(steps, State.SKIPPED, reason)


def failed(steps: Iterable[SyncLogEntry], reason: str, *, cause: str) -> None:
    """Settle steps that won't be done unless somebody asks for it. `cause` is a code of `core.cause`."""
    _settle(steps, State.FAILED, reason, cause)


def contact_written(steps: Sequence[SyncLogEntry], sent: UpsertContact) -> None:
    """Settle contact steps: the last one holds what was written, the ones before it were covered by it."""
    *earlier, last = steps
    _settle(earlier, State.MERGED, COVERED)
    last.request = {"attributes": plain(sent.attributes), "lists": list(sent.join_lists)}
    if sent.records_opt_out:
        last.request["records_opt_out"] = True
    last.summary = _written(last.request)
    _note_sent(last, common_clock.now())
    _settle([last], State.DONE, " ".join((*sent.warnings, *sent.notes)), next(iter(sent.causes), ""))
    SyncLogEntry.objects.filter(person=last.person_id, kind=Kind.CONTACT).exclude(pk=last.pk).exclude(cause="").update(
        cause=""  # the whole contact was written since, so there is nothing left of it to mend
    )


def imported(carriers: Sequence[SyncLogEntry]) -> None:
    """Settle the contact steps of an import. Each person's `carrier` holds what was written, and the lists to leave."""
    covered = SyncLogEntry.objects.filter(
        person__in=[step.person_id for step in carriers], kind=Kind.CONTACT, state=State.SENDING
    )
    merged = covered.exclude(pk__in=[step.pk for step in carriers]).update(
        state=State.MERGED, reason=COVERED, settled_at=common_clock.now()
    )
    tally.count_when_kept(OUTCOMES, Kind.CONTACT, State.MERGED, causes.label_of(""), by=merged)
    written = SyncLogEntry.objects.filter(person__in=[step.person_id for step in carriers], kind=Kind.CONTACT)
    written.exclude(cause="").update(cause="")
    for step in carriers:
        request = step.request
        step.summary = f"{_written(request)} (imported with others)"
        _note_sent(step, step.sent_at or common_clock.now())  # it was noted when the import was made
        _settle([step], State.DONE, request.get("warnings", ""), request.get("cause", ""))
        if request.get("leave"):
            add_leave(step.person, step, request["leave"])


def settle_all(steps: Sequence[SyncLogEntry], state: SyncLogEntry.State, reason: str = "", *, cause: str = "") -> None:
    """Settle many steps alike, in one statement."""
    SyncLogEntry.objects.filter(pk__in=[step.pk for step in steps]).update(
        state=state, reason=reason, cause=cause, settled_at=common_clock.now()
    )
    for step in steps:
        step.state, step.cause = state, cause
    tell(steps)


def tell(steps: Iterable[SyncLogEntry]) -> None:
    """Count outcomes once they are kept, and say each in the log: never why, for that may quote a person's answer."""
    for step in steps:
        code = causes.split(step.cause)[0]
        tally.count_when_kept(OUTCOMES, step.kind, step.state, causes.label_of(code))
        level = logging.WARNING if step.state in BAD else trail.level()
        if logger.isEnabledFor(level):
            transaction.on_commit(partial(_say, level, step, step.state, code))


def _say(level: int, step: SyncLogEntry, state: str, code: str) -> None:
    with trail.aside():
        trail.note_steps([step])
        logger.log(level, "Step %s (%s): %s%s", step.pk, step.kind, state, f", {code}" if code else "")


def delivery_of(booking_id: int | None) -> int | None:
    """Return the newest delivery that called for a step about a booking: whose doing is what is done now."""
    steps = SyncLogEntry.objects.filter(booking=booking_id, delivery__isnull=False).order_by("-pk")
    return steps.values_list("delivery", flat=True).first()


def given_in(steps: Iterable[SyncLogEntry]) -> dict[str, Any]:
    """Return the attributes that somebody gave for this write (services.people_update), the newest value of each."""
    return {name: value for step in steps for name, value in step.request.get(SET, {}).items()}


def with_given(upsert: UpsertContact, given: dict[str, Any]) -> UpsertContact:
    """Return a write with the given attributes on top, whatever Brevo has there now."""
    only_if_empty = upsert.only_if_empty - given.keys()
    return replace(upsert, attributes={**upsert.attributes, **given}, only_if_empty=only_if_empty)


def plain(attributes: Mapping[str, Value]) -> dict[str, Any]:
    """Return attribute values as JSON has them."""
    return {name: list(value) if isinstance(value, tuple) else value for name, value in attributes.items()}


def _written(request: Mapping[str, Any]) -> str:
    count, lists = len(request["attributes"]), request["lists"]
    joined = f"Contact written: {count} attributes, joined lists {_numbers(lists)}"
    return joined if lists else f"Contact written: {count} attributes"


def add_leave(person: Person, origin: SyncLogEntry, lists: Sequence[int]) -> None:
    """Add the step of leaving lists, decided together with a contact's write."""
    SyncLogEntry.objects.create(
        connection_id=person.connection_id,
        person=person,
        booking_id=origin.booking_id,
        delivery_id=origin.delivery_id,
        kind=Kind.LEAVE_LISTS,
        summary=f"Leave lists {_numbers(lists)}",
        request={"lists": list(lists)},
    )


def lists_to_leave(step: SyncLogEntry) -> list[int]:
    """Return the lists of a "leave lists" step that nothing decided since wants the person on, or asks about."""
    operations = step.person.list_operations
    return [number for number in step.request["lists"] if operations.get(str(number), LEAVE) == LEAVE]


def lists_to_ask_about(step: SyncLogEntry) -> list[int]:
    """Return the lists of an "ask by mail" step that nothing decided since takes the person off."""
    operations = Person.objects.values_list("list_operations", flat=True).get(pk=step.person_id)
    return [number for number in step.request["lists"] if operations.get(str(number)) != LEAVE]


def add_opt_in(person: Person, origin: SyncLogEntry, ask: AskConsent) -> None:
    """Add the step of asking for consent, decided together with a contact's write."""
    SyncLogEntry.objects.create(
        connection_id=person.connection_id,
        person=person,
        booking_id=origin.booking_id,
        delivery_id=origin.delivery_id,
        kind=Kind.OPT_IN,
        summary=f"Ask by mail for lists {_numbers(ask.lists)}",
        request={"lists": list(ask.lists), "template": ask.template, "redirect_url": ask.redirect_url},
    )


def _note_sent(step: SyncLogEntry, at: datetime) -> None:
    """Note a contact's write, which may be repeated and so is noted with its outcome."""
    step.sent_at, step.attempts = at, step.attempts + 1


def _settle(steps: Iterable[SyncLogEntry], state: SyncLogEntry.State, reason: str, cause: str = "") -> None:
    now = common_clock.now()
    for step in steps:
        step.state, step.reason, step.cause, step.settled_at = state, reason, cause, now
        step.save(update_fields=SETTLED)
        tell([step])


def _numbers(numbers: Iterable[int]) -> str:
    """Return lists by their numbers, as many as fit into a summary."""
    named = [f"#{number}" for number in numbers]
    more = f" and {len(named) - NAMED_LISTS} more" if len(named) > NAMED_LISTS else ""
    return ", ".join(named[:NAMED_LISTS]) + more
