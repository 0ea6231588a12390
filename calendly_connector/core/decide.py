"""Triggers + person's bookings + configuration → steps for Brevo, and skips with their reason (pure).

Two questions, asked at two moments. `decide_events`: which automation events does this change call for? Asked once,
when the change is taken in. `decide_contact`: how should the contact look, and which lists should it be in? Asked
just before writing, from the ledger as it is then, so that several waiting changes become one write.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from calendly_connector.core import attributes, cause, fields, lists, respect
from calendly_connector.core.booking import Booking
from calendly_connector.core.merge import Entry, Happening
from calendly_connector.core.person import Summary
from calendly_connector.core.respect import Standing
from calendly_connector.core.rules import FieldRule, Overwrite, RuleSet
from calendly_connector.core.steps import (
    AskConsent,
    ConsentProof,
    LeaveLists,
    Skip,
    TrackEvent,
    UpsertContact,
    Value,
)
from calendly_connector.core.trigger import Trigger

NO_NEWS = Standing()
EVENT_PREFIX = "calendly_meeting_"
HELD_BACK = "Held back: history is brought in without automation events."
HELD_LATE = "Held back: it was found long after it happened, and an automation should not start that late."
HELD = (HELD_BACK, HELD_LATE)
"""Why an event did not leave. Should its own webhook arrive after all, it does (`services.ledger`)."""


@dataclass(frozen=True, kw_only=True)
class ContactDecision:
    """How one contact is brought up to date. `operations` is what to remember as applied afterwards.

    With `left_alone`, the contact was deleted in Brevo and nothing may be written, for the reason that it names.
    """

    upsert: UpsertContact
    leave: LeaveLists | None
    operations: dict[int, str]
    asks: tuple[AskConsent, ...] = ()
    proofs: tuple[ConsentProof, ...] = ()
    left_alone: str = ""
    held_back: Mapping[int, str] = field(default_factory=dict)  # lists that aren't joined for what Brevo told → why
    filled: tuple[str, ...] = ()  # attributes that hold a passing value after this write (`fields.PASSING`)


def decide_event(happening: Happening, *, rules: RuleSet, held: str = "") -> TrackEvent | Skip:
    """Return the automation event that a trigger calls for, or why there is none; `held` is why to hold it back."""
    name = event_name(happening.entry.booking.meeting.event_type, happening.trigger, rules=rules)
    if isinstance(name, Skip):
        return name
    if held:
        return Skip(what=f"No event {name}", reason=held)
    return TrackEvent(
        name=name,
        email=happening.entry.booking.invitee.email,
        at=happening.at,
        properties=event_properties(happening, rules=rules),
    )


def event_name(event_type: str, trigger: Trigger, *, rules: RuleSet) -> str | Skip:
    """Return what a trigger's automation event is called, or why there is none."""
    rule = rules.rule_for(event_type, trigger)
    name = rule.event_name or EVENT_PREFIX + trigger
    if event_type in rules.ignored_types:
        return Skip(what=f"No event {name}", reason="This event type is set to “ignore” in the mapping.")
    if not rule.sends_event:
        return Skip(what=f"No event {name}", reason="The mapping sends no event for this.")
    return name


def decide_contact(
    summary: Summary,
    entries: Iterable[Entry],
    *,
    rules: RuleSet,
    applied: lists.ListOperations,
    standing: Standing = NO_NEWS,
    filled: Iterable[str] = (),
) -> ContactDecision:
    """Return the upsert that brings a contact up to date, and the lists to leave.

    `entries` are all the person's bookings, `applied` the list operations done before: what was done once is not done
    again, so a person whom staff took off a list stays off it. `filled` are the attributes of passing values that our
    last write filled: those without a value now are cleared. `standing` is what Brevo told of the contact: a list
    that it keeps the person from is neither joined nor remembered as joined.
    """
    entries = list(entries)
    if standing.deleted_at:
        applied = {}  # what was done about lists went with the contact
    wishes = lists.wishes_of(entries, rules=rules, applied=applied)
    held_back = respect.withheld(wishes, applied=applied, standing=standing)
    wishes = {number: wish for number, wish in wishes.items() if number not in held_back}
    new = {number: wish for number, wish in wishes.items() if applied.get(number) != wish.what}
    joins = tuple(sorted(number for number, wish in new.items() if wish.what == lists.JOIN))
    leaves = tuple(sorted(number for number, wish in new.items() if wish.what == lists.LEAVE))
    fitted = contact_attributes(summary, rules=rules)
    operations = {**applied, **lists.whats(wishes)}
    email = summary.current.booking.invitee.email
    return ContactDecision(
        upsert=UpsertContact(
            email=email,
            attributes=fitted.values,
            join_lists=joins,
            only_if_empty=fitted.only_if_empty,
            clears=(frozenset(filled) & fitted.empty) - fitted.values.keys(),
            warnings=fitted.warnings,
            causes=fitted.causes,
            notes=(
                *lists.withheld(entries, rules=rules, operations=operations),
                *respect.notes_of(standing, held_back),
            ),
            records_opt_out=standing.records_opt_out,
        ),
        leave=LeaveLists(email=email, lists=leaves) if leaves else None,
        operations=operations,
        asks=lists.asks_of(email, new),
        proofs=lists.proofs_of(new),
        left_alone=respect.why_left_alone(standing, booked_at=_last_booked(entries)),
        held_back=held_back,
        filled=tuple(sorted(fitted.passing & fitted.values.keys())),
    )


def _last_booked(entries: Iterable[Entry]) -> datetime:
    return max(entry.booking.invitee.created_at for entry in entries)


@dataclass(frozen=True, kw_only=True)
class Fitted:
    """The attributes of a contact as Brevo takes them, and what didn't fit."""

    values: dict[str, Value]
    warnings: tuple[str, ...]
    causes: tuple[str, ...]
    only_if_empty: frozenset[str]
    passing: frozenset[str]  # attributes of passing values (`fields.PASSING`) that we may clear
    empty: frozenset[str]  # those of them without a value now


CLEARED_BY_EMPTY_TEXT = frozenset({"text", "date", "float"})
"""Types of attributes; whether "" clears others too is not known (brevo-api.md §2.3)."""


def contact_attributes(summary: Summary, *, rules: RuleSet) -> Fitted:
    """Return attribute values, what didn't fit in words and as codes, and the attributes not to be overwritten."""
    context = fields.Context(person=summary, rules=rules)
    values: dict[str, Value] = {}
    warnings: list[str] = []
    causes: list[str] = []
    empty: set[str] = set()
    for rule in rules.fields:
        if rule.overwrite is Overwrite.NEVER:
            continue
        try:
            value = _read(rule.source, context)
            if value is None:
                empty.add(rule.attribute)
            else:
                values[rule.attribute] = _fit(value, rule.attribute, rules)
        except attributes.Unfit as unfit:
            warnings.append(f"{rule.attribute} was left out: {unfit}.")
            causes.append(cause.of(unfit.code, rule.attribute))
    only_if_empty = frozenset(rule.attribute for rule in rules.fields if rule.overwrite is Overwrite.IF_EMPTY)
    passing = frozenset(rule.attribute for rule in rules.fields if _may_be_cleared(rule, rules))
    return Fitted(
        values=values,
        warnings=tuple(warnings),
        causes=tuple(causes),
        only_if_empty=only_if_empty & values.keys(),
        passing=passing,
        empty=passing & empty,
    )


def _may_be_cleared(rule: FieldRule, rules: RuleSet) -> bool:
    """Return whether an attribute holds a passing value of ours, in a type that the empty text clears."""
    known = (rules.attributes or {}).get(rule.attribute)
    is_ours = rule.overwrite is Overwrite.ALWAYS and rule.source in fields.PASSING
    return is_ours and known is not None and known.kind in CLEARED_BY_EMPTY_TEXT


def _read(source: str, context: fields.Context) -> Any:
    """Return a source's value, None when nothing is known; raise Unfit for numbers of which none can be understood."""
    value = fields.read(source, context)
    if value is None and source == fields.PHONE and fields.phones_given(context):
        raise attributes.Unfit("the phone number can't be understood", code=cause.PHONE_UNREADABLE)
    return value


PHONE_ATTRIBUTES = frozenset({"SMS", "WHATSAPP", "LANDLINE_NUMBER"})
"""Brevo's own identifiers: one invalid number rejects the whole contact (brevo-api.md §2.4)."""


def _fit(value: Any, name: str, rules: RuleSet) -> Value:
    if name in PHONE_ATTRIBUTES:
        number = rules.to_e164(str(value))
        if not number:
            raise attributes.Unfit("the phone number can't be understood", code=cause.PHONE_UNREADABLE)
        return number
    if rules.attributes is None:
        raise attributes.Unfit("Brevo's attributes have not been read yet", code=cause.ATTRIBUTE_MISSING)
    if name not in rules.attributes:
        words = f"Brevo has no attribute {name}; create it there or change the mapping"
        raise attributes.Unfit(words, code=cause.ATTRIBUTE_MISSING)
    return attributes.convert(value, rules.attributes[name])


def event_properties(happening: Happening, *, rules: RuleSet) -> dict[str, Any]:
    """Return an automation event's properties (design.md §4.5). Nulls and empty texts are left out."""
    booking, entry = happening.entry.booking, happening.entry
    invitee, meeting = booking.invitee, booking.meeting
    properties: dict[str, Any] = {
        "booking_id": invitee.uri,
        "status": fields.STATUS_VALUES[entry.status],
        "event_type": rules.type_names.get(meeting.event_type) or meeting.name,
        "event_type_uri": meeting.event_type,
        "start_time": _iso(meeting.start_at),
        "end_time": _iso(meeting.end_at),
        "local_start_time": fields.local(meeting.start_at, booking, rules.timezone).isoformat(timespec="seconds"),
        "timezone": invitee.timezone,
        "host_name": ", ".join(host.name for host in meeting.hosts if host.name),
        "host_email": ", ".join(host.email for host in meeting.hosts if host.email),
        "location": meeting.location[:500],
        "join_url": meeting.join_url,
        "cancel_url": invitee.cancel_url,
        "reschedule_url": invitee.reschedule_url,
        "moves": entry.moves,
        "previous_booking_id": invitee.old_invitee,
        **{name: getattr(invitee.tracking, name)[:255] for name in invitee.tracking.__dataclass_fields__},
        **_cancellation(happening),
    }
    properties["answers"] = _answers(booking, room=EVENT_BYTES - len(json.dumps(properties)))
    return {name: value for name, value in properties.items() if value not in ("", None, [])}


ANSWER_LIMIT, EVENT_BYTES = 2_000, 45_000
"""Characters of one answer; bytes of an event's properties, which may have 50 KB (brevo-api.md §5.1).

Whether Brevo counts characters, UTF-8 or JSON as sent is not documented: JSON as sent is the longest of them.
"""


def _answers(booking: Booking, *, room: int) -> list[dict[str, str]]:
    """Return the answers as question and answer: property names may hold no spaces (brevo-api.md §5.1).

    Those that no longer fit into `room`, in bytes, are left out.
    """
    rows: list[dict[str, str]] = []
    for answer in booking.invitee.answers:
        row = {"question": answer.question[:255], "answer": answer.answer[:ANSWER_LIMIT]}
        room -= len(json.dumps([row]))
        if room < 0:
            break
        rows.append(row)
    return rows


def _cancellation(happening: Happening) -> dict[str, str]:
    cancellation = happening.entry.booking.invitee.cancellation
    if happening.trigger is not Trigger.CANCELED or cancellation is None:
        return {}
    return {
        "canceled_by": cancellation.canceled_by[:255],
        "canceler_type": cancellation.canceler_type,
        "cancel_reason": cancellation.reason[:ANSWER_LIMIT],
    }


def _iso(moment: Any) -> str:
    return str(moment.isoformat(timespec="seconds")).replace("+00:00", "Z")
