"""The rule behind each attribute, list and event of a preview."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from calendly_connector.core import explain, lists
from calendly_connector.core.booking import Answer
from calendly_connector.core.explain import AttributeFate, AttributeLine, ListFate, ListLine, Row
from calendly_connector.core.merge import Entry, Happening
from calendly_connector.core.person import summarise
from calendly_connector.core.rules import ConsentMode, ConsentRule, FieldRule, Overwrite, RuleSet, TriggerRule
from calendly_connector.core.steps import Skip, TrackEvent, UpsertContact
from calendly_connector.core.trigger import Trigger
from tests.factories import BOOKED_AT, DEMO, DISCOVERY_CALL, make_entry, make_meeting, make_rules

NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
ALWAYS, IF_EMPTY, NEVER = Overwrite


def line(source: str, attribute: str, overwrite: Overwrite = ALWAYS, **before: Any) -> AttributeLine:
    entry = make_entry(answers=(Answer(question="Phone", answer="not a number"), Answer(question="A", answer="x")))
    rules = make_rules(
        fields=(FieldRule(source=source, attribute=attribute, overwrite=overwrite),), to_e164=lambda text: ""
    )
    summary = summarise([entry], now=NOW, grace=timedelta(hours=24))
    assert summary
    (found,) = explain.attributes_of(summary, rules=rules, before=before)
    return found


@pytest.mark.parametrize(
    ("found", "fate", "value"),
    [
        (line("first_name", "FIRSTNAME"), AttributeFate.WRITTEN, "Nadia"),
        (line("first_name", "FIRSTNAME", FIRSTNAME="Nadja"), AttributeFate.WRITTEN, "Nadia"),
        (line("first_name", "FIRSTNAME", FIRSTNAME="Nadia"), AttributeFate.UNCHANGED, "Nadia"),
        (line("first_name", "FIRSTNAME", IF_EMPTY, FIRSTNAME="Nadja"), AttributeFate.KEPT, "Nadia"),
        (line("first_name", "FIRSTNAME", IF_EMPTY, FIRSTNAME=""), AttributeFate.WRITTEN, "Nadia"),
        (line("first_name", "FIRSTNAME", IF_EMPTY), AttributeFate.WRITTEN, "Nadia"),
        (line("first_name", "FIRSTNAME", NEVER, FIRSTNAME="Nadja"), AttributeFate.OFF, None),
        (line("answer:Never asked", "FIRSTNAME", FIRSTNAME="Nadja"), AttributeFate.UNKNOWN, None),
        (line("first_name", "NOT_THERE"), AttributeFate.UNFIT, None),
        (line("first_name", "MEETING_DATE"), AttributeFate.UNFIT, None),
        (line("answer:Phone", "SMS"), AttributeFate.UNFIT, None),
        (line("phone", "SMS"), AttributeFate.UNFIT, None),
        (line("phone", "SMS", NEVER), AttributeFate.OFF, None),
    ],
)
def test_each_line_of_the_field_mapping_has_a_fate(found: AttributeLine, fate: AttributeFate, value: Any) -> None:
    assert (found.fate, found.value) == (fate, value)


def test_what_does_not_fit_says_why() -> None:
    assert "Brevo has no attribute NOT_THERE" in line("first_name", "NOT_THERE").reason
    assert "is no date" in line("first_name", "MEETING_DATE").reason
    assert "phone number can't be understood" in line("answer:Phone", "SMS").reason
    assert "phone number can't be understood" in line("phone", "SMS").reason
    assert line("first_name", "FIRSTNAME").reason == ""


def test_a_phone_that_was_not_given_is_not_known() -> None:
    summary = summarise([make_entry()], now=NOW, grace=timedelta(hours=24))
    assert summary

    (found,) = explain.attributes_of(
        summary, rules=make_rules(fields=(FieldRule(source="phone", attribute="SMS"),)), before={}
    )

    assert (found.fate, found.reason) == (AttributeFate.UNKNOWN, "")


def test_without_brevos_answer_there_is_no_before() -> None:
    summary = summarise([make_entry()], now=NOW, grace=timedelta(hours=24))
    rules = make_rules(fields=(FieldRule(source="name", attribute="COMPANY", overwrite=IF_EMPTY),))
    assert summary

    (found,) = explain.attributes_of(summary, rules=rules, before=None)

    assert (found.fate, found.before) == (AttributeFate.WRITTEN, None)


@pytest.mark.parametrize(
    ("attribute", "value", "present", "is_same"),
    [
        ("SMS", "+33612345678", "33612345678", True),
        ("CODE", "+33612345678", "33612345678", False),
        ("STATUS", 1, "1", True),
        ("STATUS", 1, 2, False),
        ("TOPICS", ("a", "b"), ["a", "b"], True),
        ("TOPICS", ("a", "b"), "a", False),
        ("TOPICS", ("a",), None, False),
        ("FLAG", True, True, True),
        ("FLAG", True, 1, False),
        ("FLAG", False, "False", False),
    ],
)
def test_values_are_compared_as_brevo_shows_them(attribute: str, value: Any, present: Any, is_same: bool) -> None:
    assert explain.is_same(attribute, value, present) is is_same


def test_what_is_filled_is_taken_out_of_the_write() -> None:
    upsert = UpsertContact(
        email="a@example.com", attributes={"A": "1", "B": "2", "C": "3"}, only_if_empty=frozenset({"A", "B"})
    )

    assert explain.without_filled(upsert, {"A": "0", "B": "", "C": "0"}).attributes == {"B": "2", "C": "3"}


# -- Lists -------------------------------------------------------------------------------------------------------------


def lines(*entries: Entry, rules: RuleSet, **applied: str) -> list[tuple[int, ListFate, Row, Trigger | None]]:
    return [(each.number, each.fate, each.row, each.trigger) for each in whole(*entries, rules=rules, **applied)]


def whole(*entries: Entry, rules: RuleSet, **applied: str) -> list[ListLine]:
    return explain.lists_of(entries, rules=rules, applied={int(key[1:]): what for key, what in applied.items()})


GRID = make_rules(
    grid={
        (DISCOVERY_CALL, Trigger.BOOKED): TriggerRule(join_lists=(2, 1), leave_lists=(9,)),
        ("", Trigger.CANCELED): TriggerRule(join_lists=(3,), leave_lists=(1,)),
    }
)
CANCELED = make_entry(is_canceled=True)


def test_each_list_names_the_cell_behind_it() -> None:
    assert lines(CANCELED, rules=GRID) == [
        (1, ListFate.LEFT, Row.DEFAULT, Trigger.CANCELED),
        (2, ListFate.JOINED, Row.OWN, Trigger.BOOKED),
        (3, ListFate.JOINED, Row.DEFAULT, Trigger.CANCELED),
        (9, ListFate.LEFT, Row.OWN, Trigger.BOOKED),
    ]


def test_what_was_done_before_stays() -> None:
    found = {each.number: (each.fate, each.what) for each in whole(CANCELED, rules=GRID, n1="leave", n2="join")}

    assert found[1] == (ListFate.STAYS, lists.LEAVE)
    assert found[2] == (ListFate.STAYS, lists.JOIN)
    assert found[3] == (ListFate.JOINED, lists.JOIN)


def test_a_list_left_because_its_reason_is_gone_names_no_cell() -> None:
    rules = make_rules(grid={("", Trigger.NO_SHOW): TriggerRule(join_lists=(7,))})

    assert lines(make_entry(was_undone=True), rules=rules, n7="join") == [(7, ListFate.LEFT, Row.NONE, None)]


def test_double_opt_in_asks() -> None:
    needed = ConsentRule(mode=ConsentMode.DOUBLE_OPT_IN, template=3)
    (found,) = whole(make_entry(), rules=replace(booked(1), consents={"": needed}))

    assert (found.fate, found.consent) == (ListFate.ASKED, needed)


def booked(*numbers: int) -> RuleSet:
    return make_rules(grid={("", Trigger.BOOKED): TriggerRule(join_lists=numbers)})


def test_a_list_without_consent_says_what_was_answered() -> None:
    needed = ConsentRule(mode=ConsentMode.ANSWER, question="Company", answer="Yes")
    (found,) = whole(make_entry(), rules=replace(booked(1), consents={"": needed}))

    assert (found.fate, found.row, found.trigger) == (ListFate.WITHHELD, Row.DEFAULT, Trigger.BOOKED)
    assert found.reason == "“Company” was answered “Benali Conseil”, not “Yes”"


def test_a_list_that_another_booking_consented_to_is_not_withheld() -> None:
    needed = ConsentRule(mode=ConsentMode.NEVER)
    demo = make_entry("demo", meeting=make_meeting(event_type=DEMO))

    (found,) = whole(make_entry(), demo, rules=replace(booked(1), consents={DISCOVERY_CALL: needed}))

    assert (found.fate, found.event_type) == (ListFate.JOINED, DEMO)


def test_an_ignored_type_has_no_lists() -> None:
    rules = replace(booked(1), ignored_types=frozenset({DISCOVERY_CALL}), consents={"": ConsentRule()})

    assert whole(make_entry(), rules=rules) == []
    never = ConsentRule(mode=ConsentMode.NEVER)
    assert whole(make_entry(), rules=replace(rules, consents={"": never})) == []


# -- Events ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("trigger", "row"),
    [(Trigger.BOOKED, Row.OWN), (Trigger.CANCELED, Row.DEFAULT), (Trigger.NO_SHOW, Row.NONE)],
)
def test_each_event_names_the_row_behind_it(trigger: Trigger, row: Row) -> None:
    found = explain.event_of(Happening(trigger=trigger, entry=make_entry(), at=BOOKED_AT), rules=GRID)

    assert (found.row, found.trigger, found.event_type) == (row, trigger, DISCOVERY_CALL)
    assert isinstance(found.decision, TrackEvent)


def test_the_default_row_is_not_the_own_row_of_a_meeting_without_a_type() -> None:
    assert explain.row_of(GRID, "", Trigger.CANCELED) is Row.DEFAULT


def test_an_event_that_is_not_sent_keeps_its_reason() -> None:
    rules = make_rules(grid={("", Trigger.BOOKED): TriggerRule(sends_event=False)})

    found = explain.event_of(Happening(trigger=Trigger.BOOKED, entry=make_entry(), at=BOOKED_AT), rules=rules)

    assert isinstance(found.decision, Skip)
    assert found.row is Row.DEFAULT
