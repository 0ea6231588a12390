"""One contact, wanted and found: what counts as the same, and what the next write would change."""

from dataclasses import dataclass, field
from typing import Any

import pytest

from calendly_connector.core import difference
from calendly_connector.core.attributes import Attribute
from calendly_connector.core.decide import ContactDecision
from calendly_connector.core.difference import Verdict
from calendly_connector.core.steps import UpsertContact, Value
from tests.factories import ATTRIBUTES

EMAIL = "nadia.benali@example.com"


@dataclass(frozen=True, kw_only=True)
class Contact:
    """What Brevo has."""

    id: int = 42
    is_blocked: bool = False
    lists: tuple[int, ...] = ()
    attributes: dict[str, Any] = field(default_factory=dict)


def decided(
    attributes: dict[str, Value] | None = None, operations: dict[int, str] | None = None, **upsert: Any
) -> ContactDecision:
    return ContactDecision(
        upsert=UpsertContact(email=EMAIL, attributes=attributes or {}, **upsert),
        leave=None,
        operations=operations or {},
    )


@pytest.mark.parametrize(
    ("name", "wanted", "found", "is_same"),
    [
        ("FIRSTNAME", "Nadia", "Nadia", True),
        ("FIRSTNAME", "Nadia", "nadia", False),
        ("FIRSTNAME", "Nadia", None, False),
        ("FIRSTNAME", "", None, True),
        ("FIRSTNAME", "", "Nadia", False),
        ("COMPANY", "one\ntwo ", "one\r\ntwo", True),
        ("SMS", "+33612345678", "33612345678", True),
        ("SMS", "+33612345678", "0033612345678", True),
        ("SMS", "+33612345678", "33612345679", False),
        ("MEETING_DATE", "2026-12-03", "2026-12-03T00:00:00.000Z", True),
        ("MEETING_DATE", "2026-12-03", "2026-12-04", False),
        ("MEETINGS_BOOKED", 3, 3.0, True),
        ("MEETINGS_BOOKED", 3, "3", True),
        ("MEETINGS_BOOKED", 0, 0, True),
        ("MEETINGS_BOOKED", 3, "many", False),
        ("IS_CUSTOMER", False, False, True),
        ("IS_CUSTOMER", True, "true", True),
        ("IS_CUSTOMER", True, False, False),
        ("BOOKING_STATUS", 1, "1", True),
        ("BOOKING_STATUS", 1, "booked", True),
        ("BOOKING_STATUS", 1, "2", False),
        ("INTERESTS", ("Pricing", "Security"), ["Security", "Pricing"], True),
        ("INTERESTS", ("Pricing",), ["Security", "Pricing"], False),
        ("OWNER", "camille@example.fr", "Camille@example.fr", True),
        ("UNKNOWN", "text", "text", True),
    ],
)
def test_values_are_the_same_when_they_mean_the_same(name: str, wanted: Value, found: Any, is_same: bool) -> None:
    attribute: Attribute | None = ATTRIBUTES.get(name)

    assert difference.is_same_value(wanted, found, name=name, attribute=attribute) is is_same


@pytest.mark.parametrize(
    ("what", "is_member", "before", "verdict"),
    [
        ("join", True, "join", Verdict.SAME),
        ("join", False, None, Verdict.DIFFERENT),
        ("join", False, "leave", Verdict.DIFFERENT),
        ("join", False, "join", Verdict.LEFT_ALONE),  # staff took the person off, and that stands
        ("leave", False, "leave", Verdict.SAME),
        ("leave", True, None, Verdict.DIFFERENT),
        ("leave", True, "leave", Verdict.LEFT_ALONE),
        ("ask", True, "ask", Verdict.SAME),
        ("ask", False, "ask", Verdict.AWAITED),
        ("ask", False, None, Verdict.DIFFERENT),
    ],
)
def test_a_list_is_judged_by_what_was_done_before(
    what: str, is_member: bool, before: str | None, verdict: Verdict
) -> None:
    contact = Contact(lists=(7,) if is_member else ())

    found = difference.difference(
        decided(operations={7: what}), contact, applied={7: before} if before else {}, attributes={}
    )

    assert [(line.number, line.is_member, line.verdict) for line in found.lists] == [(7, is_member, verdict)]


@pytest.mark.parametrize(
    ("stored", "verdict"), [("Theirs", Verdict.LEFT_ALONE), ("", Verdict.DIFFERENT), ("Ours", Verdict.SAME)]
)
def test_what_is_written_only_when_empty_may_differ(stored: str, verdict: Verdict) -> None:
    decision = decided({"COMPANY": "Ours"}, only_if_empty=frozenset({"COMPANY"}))

    found = difference.difference(decision, Contact(attributes={"COMPANY": stored}), applied={}, attributes=ATTRIBUTES)

    assert [line.verdict for line in found.attributes] == [verdict]
    assert found.is_same == (verdict is not Verdict.DIFFERENT)


def test_a_missing_contact_differs_in_everything() -> None:
    found = difference.difference(decided({"COMPANY": "Benali"}, {7: "join"}), None, applied={}, attributes=ATTRIBUTES)

    assert (found.is_missing, found.is_same, found.differences) == (True, False, 2)


def test_a_missing_contact_of_whom_nothing_is_mapped_differs_too() -> None:
    assert not difference.difference(decided(), None, applied={}, attributes={}).is_same


def test_somebody_without_bookings_is_not_compared() -> None:
    found = difference.difference(None, Contact(lists=(9, 3), is_blocked=True), applied={}, attributes={})

    assert (found.is_wanted, found.is_same, found.is_blocked, found.other_lists) == (False, True, True, (3, 9))


def test_lists_that_the_mapping_does_not_name_are_told_apart() -> None:
    found = difference.difference(
        decided(operations={7: "join"}), Contact(lists=(9, 7)), applied={7: "join"}, attributes={}
    )

    assert (found.other_lists, found.is_same) == ((9,), True)


def test_what_cannot_be_written_is_told() -> None:
    decision = decided(warnings=("COMPANY was left out: …",))

    found = difference.difference(decision, Contact(), applied={}, attributes={})

    assert found.warnings == ("COMPANY was left out: …",)
