"""What one contact should look like against what Brevo has of it, line by line (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from calendly_connector.core.attributes import TRUE_WORDS, Attribute
from calendly_connector.core.decide import PHONE_ATTRIBUTES, ContactDecision
from calendly_connector.core.lists import ASK, JOIN, ListOperations
from calendly_connector.core.steps import Value

EMPTY: tuple[Any, ...] = (None, "", [], ())


class Verdict(StrEnum):
    """How a line compares, and what the next write would do about it."""

    SAME = "same"
    DIFFERENT = "different"  # the next write brings it to what is wanted
    LEFT_ALONE = "left_alone"  # it was changed in Brevo, and our rules let that stand
    AWAITED = "awaited"  # the person was asked by mail and hasn't clicked


class Contact(Protocol):
    """A contact as Brevo has it."""

    @property
    def id(self) -> int: ...
    @property
    def is_blocked(self) -> bool: ...
    @property
    def lists(self) -> tuple[int, ...]: ...
    @property
    def attributes(self) -> Mapping[str, Any]: ...


@dataclass(frozen=True, kw_only=True)
class AttributeLine:
    """One mapped attribute. `found` is None when Brevo has nothing there."""

    name: str
    wanted: Value
    found: Any
    verdict: Verdict


@dataclass(frozen=True, kw_only=True)
class ListLine:
    """One list that the mapping names for this person. `wanted` is join, leave or ask."""

    number: int
    wanted: str
    is_member: bool
    verdict: Verdict


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One person in both systems at one moment. `contact_id` is 0 when Brevo has no such contact."""

    is_wanted: bool  # False: no booking speaks for this person, so nothing is compared
    contact_id: int = 0
    is_blocked: bool = False
    attributes: tuple[AttributeLine, ...] = ()
    lists: tuple[ListLine, ...] = ()
    other_lists: tuple[int, ...] = ()  # which the contact is on, and the mapping never names for this person
    warnings: tuple[str, ...] = ()  # wanted values that can't be written, in staff's words

    @property
    def is_missing(self) -> bool:
        """Return whether Brevo has no such contact."""
        return not self.contact_id

    @property
    def differences(self) -> int:
        """Return how many lines the next write would change."""
        verdicts = [line.verdict for line in self.attributes] + [line.verdict for line in self.lists]
        return verdicts.count(Verdict.DIFFERENT)

    @property
    def is_same(self) -> bool:
        """Return whether there is nothing that a write would mend."""
        return not self.differences and not (self.is_wanted and self.is_missing)


def difference(
    decision: ContactDecision | None,
    contact: Contact | None,
    *,
    applied: ListOperations,
    attributes: Mapping[str, Attribute],
) -> Comparison:
    """Compare what is decided for a person with the contact that Brevo has (None: it has none).

    `applied` are the list operations done before, `attributes` Brevo's catalogue by name.
    """
    number, is_blocked = (contact.id, contact.is_blocked) if contact else (0, False)
    members = frozenset(contact.lists if contact else ())
    if decision is None:
        return Comparison(is_wanted=False, contact_id=number, is_blocked=is_blocked, other_lists=tuple(sorted(members)))
    return Comparison(
        is_wanted=True,
        contact_id=number,
        is_blocked=is_blocked,
        attributes=_attribute_lines(decision, contact.attributes if contact else {}, attributes),
        lists=_list_lines(decision.operations, members, applied),
        other_lists=tuple(sorted(members - decision.operations.keys())),
        warnings=decision.upsert.warnings,
    )


def _attribute_lines(
    decision: ContactDecision, stored: Mapping[str, Any], attributes: Mapping[str, Attribute]
) -> tuple[AttributeLine, ...]:
    upsert = decision.upsert
    lines = []
    for name, wanted in sorted(upsert.attributes.items()):
        found = stored.get(name)
        if is_same_value(wanted, found, name=name, attribute=attributes.get(name)):
            verdict = Verdict.SAME
        else:
            is_kept = name in upsert.only_if_empty and found not in EMPTY
            verdict = Verdict.LEFT_ALONE if is_kept else Verdict.DIFFERENT
        lines.append(AttributeLine(name=name, wanted=wanted, found=None if found in EMPTY else found, verdict=verdict))
    return tuple(lines)


def _list_lines(wanted: ListOperations, members: frozenset[int], applied: ListOperations) -> tuple[ListLine, ...]:
    return tuple(
        ListLine(
            number=number,
            wanted=what,
            is_member=number in members,
            verdict=_list_verdict(what, is_member=number in members, was_done=applied.get(number) == what),
        )
        for number, what in sorted(wanted.items())
    )


def _list_verdict(what: str, *, is_member: bool, was_done: bool) -> Verdict:
    """Return how a list stands: what we did once is never done again, so a change made in Brevo since then stands."""
    if is_member == (what in (JOIN, ASK)):
        return Verdict.SAME
    if not was_done:
        return Verdict.DIFFERENT
    return Verdict.AWAITED if what == ASK else Verdict.LEFT_ALONE


def is_same_value(wanted: Value, found: Any, *, name: str, attribute: Attribute | None) -> bool:
    """Return whether Brevo's answer means the value that was sent: it answers in other forms than it takes.

    Phones lose their "+", a category comes back as its number, as text, or as its label (brevo-api.md §2.1).
    """
    if found in EMPTY or wanted in EMPTY:
        return found in EMPTY and wanted in EMPTY
    if name in PHONE_ATTRIBUTES:
        return _digits(wanted) == _digits(found)
    kind = attribute.kind if attribute else "text"
    if kind == "multiple-choice":
        return _choices(wanted) == _choices(found)
    if kind == "float":
        return _number(wanted) == _number(found)
    if kind == "boolean":
        return _truth(wanted) == _truth(found)
    if kind == "date":
        return str(wanted)[:10] == str(found)[:10]
    if kind == "category" and attribute:
        return str(found) in {str(wanted), dict(attribute.options).get(str(wanted), str(wanted))}
    if kind == "user":
        return str(wanted).casefold() == str(found).casefold()
    return _text(wanted) == _text(found)


def _digits(value: Any) -> str:
    return "".join(sign for sign in str(value) if sign.isdigit()).lstrip("0")


def _choices(value: Any) -> frozenset[str]:
    return frozenset(map(str, value)) if isinstance(value, list | tuple) else frozenset({str(value)})


def _number(value: Any) -> float | str:
    try:
        return float(value)
    except (TypeError, ValueError):
        return str(value)


def _truth(value: Any) -> bool:
    return str(value).strip().casefold() in TRUE_WORDS


def _text(value: Any) -> str:
    return str(value).replace("\r\n", "\n").strip()
