"""Why a contact, its lists and its events become what they become: the rule behind each (pure).

Nothing is decided here: `fields`, `decide`, `lists` and `consent` are asked again, one rule at a time.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any

from calendly_connector.core import consent, decide, lists, respect
from calendly_connector.core.lists import ListOperations, Wish
from calendly_connector.core.merge import Entry, Happening
from calendly_connector.core.person import Summary
from calendly_connector.core.respect import Standing
from calendly_connector.core.rules import ConsentRule, FieldRule, Overwrite, RuleSet
from calendly_connector.core.steps import Skip, TrackEvent, UpsertContact, Value
from calendly_connector.core.trigger import Trigger

EMPTY: tuple[Any, ...] = (None, "", [])
"""What Brevo shows for an attribute that holds nothing."""


class Row(StrEnum):
    """Which row of the grid answered."""

    OWN = "own"
    DEFAULT = "default"
    NONE = "none"  # neither has this cell: an event by the default name, no lists


class AttributeFate(StrEnum):
    """What becomes of one attribute."""

    WRITTEN = "written"
    UNCHANGED = "unchanged"  # written, but Brevo has the same already
    KEPT = "kept"  # only if empty, and it isn't
    UNFIT = "unfit"  # left out: the line's reason says why
    UNKNOWN = "unknown"  # nothing is known, so it is left as it is
    OFF = "off"  # the rule is switched off


@dataclass(frozen=True, kw_only=True)
class AttributeLine:
    """One line of the field mapping, and what comes of it. `before` is None also when Brevo couldn't be asked."""

    rule: FieldRule
    fate: AttributeFate
    before: Any = None
    value: Value | None = None
    reason: str = ""


class ListFate(StrEnum):
    """What becomes of one list."""

    JOINED = "joined"
    LEFT = "left"
    ASKED = "asked"
    STAYS = "stays"  # what is wanted was done before, and is not done again
    WITHHELD = "withheld"  # not joined, for lack of consent or because of an opt-out


@dataclass(frozen=True, kw_only=True)
class ListLine:
    """One list that the mapping names for this person. Without a trigger it is left because that was withdrawn."""

    number: int
    fate: ListFate
    what: str  # lists.JOIN, LEAVE or ASK
    event_type: str = ""
    trigger: Trigger | None = None
    row: Row = Row.NONE
    consent: ConsentRule = ConsentRule()
    reason: str = ""


@dataclass(frozen=True, kw_only=True)
class EventLine:
    """One automation event, or why there is none, and the cell of the grid behind it."""

    trigger: Trigger
    event_type: str
    row: Row
    decision: TrackEvent | Skip


def row_of(rules: RuleSet, event_type: str, trigger: Trigger) -> Row:
    """Return which row of the grid `RuleSet.rule_for` takes its answer from."""
    if event_type and (event_type, trigger) in rules.grid:
        return Row.OWN
    return Row.DEFAULT if ("", trigger) in rules.grid else Row.NONE


def attributes_of(summary: Summary, *, rules: RuleSet, before: Mapping[str, Any] | None) -> list[AttributeLine]:
    """Return what becomes of each line of the field mapping. `before` is what Brevo has; None: not known."""
    return [_attribute_line(rule, summary, rules, before) for rule in rules.fields]


def _attribute_line(
    rule: FieldRule, summary: Summary, rules: RuleSet, before: Mapping[str, Any] | None
) -> AttributeLine:
    fitted = decide.contact_attributes(summary, rules=replace(rules, fields=(rule,)))
    warnings = fitted.warnings
    value, present = fitted.values.get(rule.attribute), (before or {}).get(rule.attribute)
    return AttributeLine(
        rule=rule,
        fate=AttributeFate.OFF if rule.overwrite is Overwrite.NEVER else _fate(rule, value, present, warnings),
        before=present,
        value=value,
        reason=" ".join(warnings),
    )


def _fate(rule: FieldRule, value: Value | None, present: Any, warnings: Sequence[str]) -> AttributeFate:
    if value is None:
        return AttributeFate.UNFIT if warnings else AttributeFate.UNKNOWN
    if rule.overwrite is Overwrite.IF_EMPTY and present not in EMPTY:
        return AttributeFate.KEPT
    return AttributeFate.UNCHANGED if is_same(rule.attribute, value, present) else AttributeFate.WRITTEN


def is_same(attribute: str, value: Value, present: Any) -> bool:
    """Return whether Brevo has this value already. It shows phone numbers without "+", and ids as text or number."""
    if present in EMPTY:
        return False
    if isinstance(value, tuple):
        return list(value) == list(present) if isinstance(present, list | tuple) else False
    if isinstance(value, bool) or isinstance(present, bool):
        return value is present
    mine, theirs = str(value), str(present)
    return mine.lstrip("+") == theirs.lstrip("+") if attribute in decide.PHONE_ATTRIBUTES else mine == theirs


def without_filled(upsert: UpsertContact, before: Mapping[str, Any]) -> UpsertContact:
    """Return what is really written: what may only be written when empty, and isn't, stays as Brevo has it."""
    kept = {
        name: value
        for name, value in upsert.attributes.items()
        if name not in upsert.only_if_empty or before.get(name) in EMPTY
    }
    return replace(upsert, attributes=kept)


def lists_of(
    entries: Iterable[Entry], *, rules: RuleSet, applied: ListOperations, standing: Standing = decide.NO_NEWS
) -> list[ListLine]:
    """Return what becomes of each list that the mapping names for a person's bookings, by list number."""
    entries = list(entries)
    wishes = lists.wishes_of(entries, rules=rules, applied=applied)
    lines = {number: _wished(number, wish, rules, applied) for number, wish in wishes.items()}
    for number, why in respect.withheld(wishes, applied=applied, standing=standing).items():
        lines[number] = replace(lines[number], fate=ListFate.WITHHELD, reason=why)
    for line in _withheld(entries, rules):
        lines.setdefault(line.number, line)
    return [lines[number] for number in sorted(lines)]


FATES = {lists.JOIN: ListFate.JOINED, lists.LEAVE: ListFate.LEFT, lists.ASK: ListFate.ASKED}


def _wished(number: int, wish: Wish, rules: RuleSet, applied: ListOperations) -> ListLine:
    is_new = applied.get(number) != wish.what
    event_type = wish.entry.booking.meeting.event_type if wish.entry else ""
    return ListLine(
        number=number,
        fate=FATES[wish.what] if is_new else ListFate.STAYS,
        what=wish.what,
        event_type=event_type,
        trigger=wish.trigger,
        row=row_of(rules, event_type, wish.trigger) if wish.trigger else Row.NONE,
        consent=wish.consent,
    )


def _withheld(entries: Iterable[Entry], rules: RuleSet) -> Iterable[ListLine]:
    for entry in entries:
        event_type, invitee = entry.booking.meeting.event_type, entry.booking.invitee
        needed = rules.consent_for(event_type)
        if event_type in rules.ignored_types or consent.is_given(invitee, needed):
            continue
        for trigger in lists.stages(entry):
            for number in rules.rule_for(event_type, trigger).join_lists:
                yield ListLine(
                    number=number,
                    fate=ListFate.WITHHELD,
                    what="",
                    event_type=event_type,
                    trigger=trigger,
                    row=row_of(rules, event_type, trigger),
                    consent=needed,
                    reason=consent.why_not(invitee, needed),
                )


def event_of(happening: Happening, *, rules: RuleSet) -> EventLine:
    """Return the event that a trigger calls for, or why there is none, with the cell behind it."""
    event_type = happening.entry.booking.meeting.event_type
    return EventLine(
        trigger=happening.trigger,
        event_type=event_type,
        row=row_of(rules, event_type, happening.trigger),
        decision=decide.decide_event(happening, rules=rules),
    )
