"""What a change calls for: the event, the contact, the lists; and what it deliberately doesn't."""

import json
import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from calendly_connector.core import lists
from calendly_connector.core.booking import Answer, Cancellation, Host, Tracking
from calendly_connector.core.decide import HELD_BACK, ContactDecision, decide_contact, decide_event
from calendly_connector.core.lists import JOIN, LEAVE
from calendly_connector.core.merge import Entry, Happening
from calendly_connector.core.person import summarise
from calendly_connector.core.rules import FieldRule, Overwrite, RuleSet, TriggerRule
from calendly_connector.core.steps import LeaveLists, Skip, TrackEvent
from calendly_connector.core.trigger import Trigger
from tests import payload_files
from tests.core.test_interpret import booking_of
from tests.factories import (
    ATTRIBUTES,
    BOOKED_AT,
    DEMO,
    DISCOVERY_CALL,
    invitee_uri,
    make_entry,
    make_meeting,
    make_rules,
)

NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
MARK = "https://marks/1"
BREVO_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")  # brevo-api.md §5.1
EVENT_BYTES = 50_000


def happening(trigger: Trigger = Trigger.BOOKED, **changes: Any) -> Happening:
    return Happening(trigger=trigger, entry=make_entry(**changes), at=BOOKED_AT)


def event(it: Happening, rules: RuleSet | None = None) -> TrackEvent:
    decision = decide_event(it, rules=rules or make_rules())
    assert isinstance(decision, TrackEvent)
    return decision


def contact(*entries: Entry, rules: RuleSet, applied: dict[int, str] | None = None) -> ContactDecision:
    summary = summarise(entries, now=NOW, grace=timedelta(hours=24))
    assert summary
    return decide_contact(summary, entries, rules=rules, applied=applied or {})


def operations(entries: Iterable[Entry], rules: RuleSet, **applied: str) -> dict[int, str]:
    return lists.operations_of(entries, rules=rules, applied={int(key[1:]): what for key, what in applied.items()})


# -- Events ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("trigger", Trigger)
def test_every_trigger_has_its_event(trigger: Trigger) -> None:
    assert event(happening(trigger)).name == f"calendly_meeting_{trigger.value}"


def test_event_is_about_the_invitee_at_the_time_it_happened() -> None:
    decision = event(happening())

    assert (decision.email, decision.at) == ("nadia.benali@example.com", BOOKED_AT)


def test_staff_may_name_an_event_per_type_or_for_all() -> None:
    rules = make_rules(
        grid={
            (DISCOVERY_CALL, Trigger.BOOKED): TriggerRule(event_name="discovery"),
            ("", Trigger.BOOKED): TriggerRule(event_name="any"),
        }
    )

    assert event(happening(), rules).name == "discovery"
    assert event(happening(meeting=make_meeting(event_type=DEMO)), rules).name == "any"
    assert event(happening(Trigger.CANCELED), rules).name == "calendly_meeting_canceled"


@pytest.mark.parametrize(
    ("rules", "held", "reason"),
    [
        (
            make_rules(ignored_types=frozenset({DISCOVERY_CALL})),
            HELD_BACK,
            "This event type is set to “ignore” in the mapping.",
        ),
        (
            make_rules(grid={("", Trigger.BOOKED): TriggerRule(sends_event=False)}),
            HELD_BACK,
            "The mapping sends no event for this.",
        ),
        (make_rules(), HELD_BACK, "Held back: history is brought in without automation events."),
    ],
)
def test_event_that_is_not_sent_says_why(rules: RuleSet, held: str, reason: str) -> None:
    decision = decide_event(happening(), rules=rules, held=held)

    assert decision == Skip(what="No event calendly_meeting_booked", reason=reason)


def test_ignoring_one_type_ignores_no_other() -> None:
    assert event(happening(), make_rules(ignored_types=frozenset({DEMO})))


def test_properties_tell_the_whole_booking() -> None:
    changes: dict[str, Any] = {
        "moves": 2,
        "old_invitee": invitee_uri("old"),
        "cancel_url": "https://c",
        "reschedule_url": "https://r",
        "tracking": Tracking(utm_campaign="autumn", salesforce_uuid="003"),
        "answers": (Answer(question="Company", answer="Benali"), Answer(question="Why?", answer="a\nb", position=1)),
        "meeting": make_meeting(
            hosts=(
                Host(uri="1", name="Camille", email="c@x.example"),
                Host(uri="2"),
                Host(uri="3", name="Bo", email="b@x.example"),
            )
        ),
    }

    properties = event(
        happening(Trigger.RESCHEDULED, **changes), make_rules(type_names={DISCOVERY_CALL: "Disco"})
    ).properties

    assert properties == {
        "booking_id": invitee_uri("nadia"),
        "status": "booked",
        "event_type": "Disco",
        "event_type_uri": DISCOVERY_CALL,
        "start_time": "2026-12-03T09:00:00Z",
        "end_time": "2026-12-03T09:30:00Z",
        "local_start_time": "2026-12-03T10:00:00+01:00",
        "timezone": "Europe/Paris",
        "host_name": "Camille, Bo",
        "host_email": "c@x.example, b@x.example",
        "location": "https://zoom.example/j/81",
        "join_url": "https://zoom.example/j/81",
        "answers": [{"question": "Company", "answer": "Benali"}, {"question": "Why?", "answer": "a\nb"}],
        "cancel_url": "https://c",
        "reschedule_url": "https://r",
        "moves": 2,
        "previous_booking_id": invitee_uri("old"),
        "utm_campaign": "autumn",
        "salesforce_uuid": "003",
    }


def test_properties_leave_out_what_is_empty() -> None:
    bare = happening(
        timezone="",
        answers=(),
        meeting=make_meeting(hosts=(), location="", join_url="", location_kind="", event_type=""),
    )

    properties = event(bare, make_rules(timezone="Asia/Tokyo")).properties

    assert properties == {
        "booking_id": invitee_uri("nadia"),
        "status": "booked",
        "event_type": "Discovery call",
        "start_time": "2026-12-03T09:00:00Z",
        "end_time": "2026-12-03T09:30:00Z",
        "local_start_time": "2026-12-03T18:00:00+09:00",
        "moves": 0,
    }


REASON = Cancellation(canceled_by="c" * 300, reason="r" * 3000, canceler_type="host")


def test_cancel_tells_who_and_why() -> None:
    properties = event(happening(Trigger.CANCELED, is_canceled=True, cancellation=REASON)).properties

    assert properties["status"] == "cancelled"
    assert properties["canceled_by"] == "c" * 255
    assert properties["canceler_type"] == "host"
    assert properties["cancel_reason"] == "r" * 2000


@pytest.mark.parametrize(
    "it",
    [happening(Trigger.BOOKED, cancellation=REASON), happening(Trigger.CANCELED, is_canceled=True)],
    ids=["not canceled", "nobody knows"],
)
def test_nothing_else_tells_who_canceled(it: Happening) -> None:
    assert not {"canceled_by", "canceler_type", "cancel_reason"} & event(it).properties.keys()


def test_long_texts_are_cut() -> None:
    answers = (Answer(question="q" * 300, answer="a" * 3000),)

    properties = event(
        happening(answers=answers, tracking=Tracking(utm_term="t" * 300), meeting=make_meeting(location="l" * 600))
    ).properties

    assert properties["answers"] == [{"question": "q" * 255, "answer": "a" * 2000}]
    assert properties["utm_term"] == "t" * 255
    assert properties["location"] == "l" * 500


def is_accepted(decision: TrackEvent) -> bool:
    """Return whether Brevo takes an event, measured as it leaves: JSON with everything but ASCII escaped."""
    names = [
        decision.name,
        *decision.properties,
        *(key for row in decision.properties.get("answers", []) for key in row),
    ]
    return all(map(BREVO_NAME.fullmatch, names)) and len(json.dumps(decision.properties)) < EVENT_BYTES


def test_answer_of_thirty_thousand_characters_fits_into_the_event() -> None:
    booking = booking_of(payload_files.load("invitee.created__very_long_answer"))

    decision = event(Happening(trigger=Trigger.BOOKED, entry=Entry(booking=booking), at=BOOKED_AT))

    assert is_accepted(decision)
    assert [len(row["answer"]) for row in decision.properties["answers"]] == [len("Benali Conseil"), 2000]


@pytest.mark.parametrize("letter", ["x", "é", "漢", "\n", "🙂", '"'])
def test_forty_long_answers_in_any_script_fit_into_the_event(letter: str) -> None:
    many = tuple(Answer(question=f"Question {number}?", answer=letter * 3000) for number in range(40))
    reason = Cancellation(canceled_by=letter * 300, reason=letter * 3000, canceler_type="invitee")

    decision = event(
        happening(
            Trigger.CANCELED,
            is_canceled=True,
            cancellation=reason,
            answers=many,
            meeting=make_meeting(location=letter * 600),
        )
    )

    assert is_accepted(decision)
    assert len(json.dumps(decision.properties)) > 30_000


def test_forty_short_answers_are_all_told() -> None:
    many = tuple(Answer(question=f"Question {number}?", answer="x" * 100) for number in range(40))

    decision = event(happening(answers=many))

    assert is_accepted(decision)
    assert len(decision.properties["answers"]) == 40


texts = st.text(max_size=400)


@settings(max_examples=50, deadline=None)
@given(
    it=st.builds(
        happening,
        st.sampled_from(Trigger),
        answers=st.lists(
            st.builds(Answer, question=texts, answer=texts | texts.map(lambda t: t * 90)), max_size=45
        ).map(tuple),
        tracking=st.builds(Tracking, utm_source=texts, utm_term=texts, utm_content=texts),
        cancellation=st.none()
        | st.builds(Cancellation, canceled_by=texts, reason=texts, canceler_type=st.just("host")),
        timezone=texts,
    )
)
def test_any_booking_makes_an_event_that_brevo_accepts(it: Happening) -> None:
    assert is_accepted(event(it))


# -- Lists ----------------------------------------------------------------------------------------------------------

JOINED, LEFT = 10, 20


def grid(**cells: TriggerRule) -> RuleSet:
    return make_rules(grid={("", Trigger(name)): cell for name, cell in cells.items()})


@pytest.mark.parametrize(
    ("entry", "stages"),
    [
        (make_entry(), [Trigger.BOOKED]),
        (make_entry(old_invitee="x"), [Trigger.RESCHEDULED]),
        (make_entry(successor="x"), [Trigger.BOOKED]),
        (make_entry(attended_at=NOW), [Trigger.BOOKED, Trigger.ATTENDED]),
        (make_entry(no_show_uri=MARK), [Trigger.BOOKED, Trigger.NO_SHOW]),
        (make_entry(no_show_uri=MARK, attended_at=NOW, was_undone=True), [Trigger.BOOKED, Trigger.NO_SHOW]),
        (make_entry(was_undone=True), [Trigger.BOOKED, Trigger.NO_SHOW_UNDONE]),
        (
            make_entry(was_undone=True, attended_at=NOW),
            [Trigger.BOOKED, Trigger.ATTENDED, Trigger.NO_SHOW_UNDONE],
        ),
        (make_entry(is_canceled=True), [Trigger.BOOKED, Trigger.CANCELED]),
        (make_entry(is_canceled=True, old_invitee="x"), [Trigger.RESCHEDULED, Trigger.CANCELED]),
        (make_entry(is_canceled=True, is_rescheduled=True), [Trigger.BOOKED]),
    ],
)
def test_stages_of_a_life_follow_from_the_ledger(entry: Entry, stages: list[Trigger]) -> None:
    assert lists.stages(entry) == stages


def test_lists_follow_the_grid() -> None:
    rules = grid(booked=TriggerRule(join_lists=(1, 2), leave_lists=(2, 3)), canceled=TriggerRule(leave_lists=(1,)))

    assert operations([make_entry()], rules) == {1: JOIN, 2: LEAVE, 3: LEAVE}
    assert operations([make_entry(is_canceled=True)], rules) == {1: LEAVE, 2: LEAVE, 3: LEAVE}


def test_type_with_its_own_row_does_not_get_the_default_one() -> None:
    rules = make_rules(
        grid={
            (DEMO, Trigger.BOOKED): TriggerRule(join_lists=(1,)),
            ("", Trigger.BOOKED): TriggerRule(join_lists=(2,)),
            ("", Trigger.CANCELED): TriggerRule(join_lists=(3,)),
        }
    )
    demo = make_meeting(event_type=DEMO)

    assert operations([make_entry(meeting=demo)], rules) == {1: JOIN}
    assert operations([make_entry(meeting=demo, is_canceled=True)], rules) == {1: JOIN, 3: JOIN}
    assert operations([make_entry()], rules) == {2: JOIN}


def test_ignored_type_wants_nothing() -> None:
    rules = replace(grid(booked=TriggerRule(join_lists=(1,))), ignored_types=frozenset({DISCOVERY_CALL}))
    demo = make_entry("demo", meeting=make_meeting(event_type=DEMO))

    assert operations([make_entry()], rules) == {}
    assert operations([make_entry("a"), demo], rules) == operations([make_entry("z"), demo], rules) == {1: JOIN}


SWAP = grid(
    booked=TriggerRule(join_lists=(JOINED,), leave_lists=(LEFT,)),
    canceled=TriggerRule(join_lists=(LEFT,), leave_lists=(JOINED,)),
)


def test_later_change_has_the_last_word() -> None:
    booked = make_entry("booked", attended_at=NOW)
    canceled = make_entry("canceled", is_canceled=True, updated_at=NOW + timedelta(seconds=1))
    earlier = make_entry("earlier", is_canceled=True, updated_at=NOW - timedelta(seconds=1))

    assert operations([canceled, booked], SWAP) == {JOINED: LEAVE, LEFT: JOIN}
    assert operations([earlier, booked], SWAP) == {JOINED: JOIN, LEFT: LEAVE}


def test_booking_still_to_come_has_the_last_word_over_a_later_cancel() -> None:
    canceled = make_entry("canceled", is_canceled=True, updated_at=NOW)

    for entries in ([canceled, make_entry()], [make_entry(), canceled]):
        assert operations(entries, SWAP) == {JOINED: JOIN, LEFT: LEAVE}


def test_of_two_changes_at_once_the_uri_decides() -> None:
    booked, canceled = make_entry("a", attended_at=BOOKED_AT), make_entry("b", is_canceled=True)

    assert operations([booked, canceled], SWAP) == operations([canceled, booked], SWAP) == {JOINED: LEAVE, LEFT: JOIN}


def test_list_of_a_no_show_that_was_undone_is_left() -> None:
    rules = grid(no_show=TriggerRule(join_lists=(7,)))

    assert operations([make_entry(was_undone=True)], rules, n7=JOIN) == {7: LEAVE}
    assert operations([make_entry(was_undone=True)], rules, n7=LEAVE) == {}


def test_list_of_an_attendance_that_was_none_is_left() -> None:
    marked = make_entry(attended_at=BOOKED_AT, no_show_uri="https://api.calendly.com/invitee_no_shows/1")

    assert (
        operations(
            [marked], grid(attended=TriggerRule(join_lists=(7,)), no_show=TriggerRule(join_lists=(8,))), n7=JOIN
        )[7]
        == LEAVE
    )


def test_list_that_the_mapping_moved_to_another_trigger_keeps_whom_it_has() -> None:
    rules = grid(attended=TriggerRule(join_lists=(7,)))

    assert operations([make_entry()], rules, n7=JOIN) == {}


def test_list_that_the_mapping_no_longer_names_is_left_alone() -> None:
    assert operations([make_entry()], grid(), n7=JOIN) == {}


def test_contact_joins_and_leaves_what_it_has_not_yet() -> None:
    rules = grid(booked=TriggerRule(join_lists=(3, 1, 2), leave_lists=(6, 5, 4)))

    decision = contact(make_entry(), rules=rules, applied={2: JOIN, 5: LEAVE, 3: LEAVE, 6: JOIN, 9: JOIN})

    assert decision.upsert.join_lists == (1, 3)
    assert decision.leave == LeaveLists(email="nadia.benali@example.com", lists=(4, 6))
    assert decision.operations == {1: JOIN, 2: JOIN, 3: JOIN, 4: LEAVE, 5: LEAVE, 6: LEAVE, 9: JOIN}


def test_nothing_to_leave_is_no_step() -> None:
    assert contact(make_entry(), rules=make_rules()).leave is None


def test_what_was_done_once_is_not_done_again() -> None:
    rules = grid(booked=TriggerRule(join_lists=(1,), leave_lists=(2,)))
    done = contact(make_entry(), rules=rules).operations

    again = contact(make_entry(), rules=rules, applied=done)

    assert (again.upsert.join_lists, again.leave, again.operations) == ((), None, done)


# -- The contact ----------------------------------------------------------------------------------------------------


def mapped(source: str, attribute: str, overwrite: Overwrite = Overwrite.ALWAYS, **changes: Any) -> RuleSet:
    rule = FieldRule(source=source, attribute=attribute, overwrite=overwrite)
    return make_rules(fields=(rule,), **changes)


def test_contact_is_the_person_of_the_current_booking() -> None:
    old = make_entry("old", email="old@example.com", is_canceled=True)
    new = make_entry("new", email="new@example.com")

    assert contact(old, new, rules=make_rules()).upsert.email == "new@example.com"


@pytest.mark.parametrize(
    ("source", "attribute", "value"),
    [
        ("first_name", "FIRSTNAME", "Nadia"),
        ("answer:company", "COMPANY", "Benali Conseil"),
        ("meeting_date", "MEETING_DATE", "2026-12-03"),
        ("bookings", "MEETINGS_BOOKED", 1),
        ("status", "BOOKING_STATUS", 1),
    ],
)
def test_mapped_value_is_written_in_the_attributes_type(source: str, attribute: str, value: Any) -> None:
    upsert = contact(make_entry(), rules=mapped(source, attribute)).upsert

    assert upsert.attributes == {attribute: value}
    assert upsert.warnings == ()
    assert upsert.only_if_empty == frozenset()


def test_what_is_not_known_leaves_the_attribute_as_it_is() -> None:
    upsert = contact(make_entry(first_name=""), rules=mapped("first_name", "FIRSTNAME")).upsert

    assert upsert.attributes == {}
    assert upsert.warnings == ()


def test_never_means_never() -> None:
    rules = mapped("first_name", "FIRSTNAME", Overwrite.NEVER)

    assert contact(make_entry(), rules=rules).upsert.attributes == {}


def test_a_rule_that_never_writes_stops_no_other() -> None:
    rules = make_rules(
        fields=(
            FieldRule(source="name", attribute="COMPANY", overwrite=Overwrite.NEVER),
            FieldRule(source="answer:unasked", attribute="COMPANY"),
            FieldRule(source="last_name", attribute="OWNER"),
            FieldRule(source="first_name", attribute="FIRSTNAME"),
        )
    )

    assert contact(make_entry(), rules=rules).upsert.attributes == {"FIRSTNAME": "Nadia"}


def test_only_if_empty_is_told_to_the_writer_where_there_is_a_value() -> None:
    rules = make_rules(
        fields=(
            FieldRule(source="first_name", attribute="FIRSTNAME", overwrite=Overwrite.IF_EMPTY),
            FieldRule(source="answer:unasked", attribute="COMPANY", overwrite=Overwrite.IF_EMPTY),
            FieldRule(source="last_name", attribute="LASTNAME"),
        )
    )

    upsert = contact(make_entry(), rules=rules).upsert

    assert upsert.only_if_empty == {"FIRSTNAME"}
    assert upsert.attributes == {"FIRSTNAME": "Nadia", "LASTNAME": "Benali"}


@pytest.mark.parametrize(
    ("rules", "warning"),
    [
        (mapped("name", "MEETINGS_BOOKED"), "MEETINGS_BOOKED was left out: “Nadia Benali” is no number."),
        (
            mapped("name", "NICKNAME"),
            "NICKNAME was left out: Brevo has no attribute NICKNAME; create it there or change the mapping.",
        ),
        (mapped("name", "BLACKLIST"), "BLACKLIST was left out: Brevo computes BLACKLIST itself; it can't be written."),
        (
            mapped("name", "FIRSTNAME", attributes=None),
            "FIRSTNAME was left out: Brevo's attributes have not been read yet.",
        ),
        (
            mapped("name", "SMS", to_e164=lambda text: ""),
            "SMS was left out: the phone number can't be understood.",
        ),
    ],
)
def test_what_does_not_fit_is_left_out_with_a_warning(rules: RuleSet, warning: str) -> None:
    upsert = contact(make_entry(), rules=rules).upsert

    assert upsert.attributes == {}
    assert upsert.warnings == (warning,)


@pytest.mark.parametrize("attribute", ["SMS", "WHATSAPP", "LANDLINE_NUMBER"])
def test_phone_number_is_normalised_whatever_the_catalogue_says(attribute: str) -> None:
    rules = mapped("name", attribute, attributes=None, to_e164=lambda text: f"+{len(text)}")

    assert contact(make_entry(), rules=rules).upsert.attributes == {attribute: "+12"}


values = st.sampled_from(["Nadia", "", "yes", "12,5", "2026-12-03", "Pricing\nSecurity", "booked", "x@example.com"])


@given(
    rules=st.lists(
        st.builds(
            FieldRule,
            source=st.sampled_from(["name", "status", "bookings", "meeting_date", "answer:x", "next_meeting_date"]),
            attribute=st.sampled_from([*ATTRIBUTES, "SMS", "UNKNOWN"]),
            overwrite=st.sampled_from(Overwrite),
        ),
        max_size=6,
    ),
    name=values | st.text(),
    answer=values | st.text(),
)
def test_only_mapped_attributes_are_ever_written(rules: list[FieldRule], name: str, answer: str) -> None:
    entry = make_entry(answers=(Answer(question="X?", answer=answer),))
    named = replace(entry, booking=replace(entry.booking, invitee=replace(entry.booking.invitee, name=name)))

    upsert = contact(named, rules=make_rules(fields=tuple(rules))).upsert

    writable = {rule.attribute for rule in rules if rule.overwrite is not Overwrite.NEVER}
    assert upsert.attributes.keys() <= writable
    assert upsert.only_if_empty <= upsert.attributes.keys()
    assert json.dumps(upsert.attributes)


some_lists = st.lists(st.integers(1, 5), max_size=3).map(tuple)


@given(
    cells=st.dictionaries(
        st.sampled_from(Trigger), st.builds(TriggerRule, join_lists=some_lists, leave_lists=some_lists)
    ),
    statuses=st.lists(st.sampled_from([{}, {"is_canceled": True}, {"no_show_uri": MARK}]), min_size=1, max_size=4),
    applied=st.dictionaries(st.integers(1, 9), st.sampled_from([JOIN, LEAVE])),
)
def test_only_lists_that_the_mapping_names_are_ever_touched(
    cells: dict[Trigger, TriggerRule], statuses: list[dict[str, Any]], applied: dict[int, str]
) -> None:
    rules = make_rules(grid={("", trigger): cell for trigger, cell in cells.items()})
    entries = [make_entry(f"n{number}", **changes) for number, changes in enumerate(statuses)]

    decision = contact(*entries, rules=rules, applied=applied)

    left = decision.leave.lists if decision.leave else ()
    assert {*decision.upsert.join_lists, *left} <= rules.named_lists
    assert not set(decision.upsert.join_lists) & set(left)


def test_named_lists_are_all_lists_of_the_grid() -> None:
    rules = grid(booked=TriggerRule(join_lists=(1, 2), leave_lists=(3,)), canceled=TriggerRule(leave_lists=(4,)))

    assert rules.named_lists == {1, 2, 3, 4}


def test_cell_is_the_types_own_else_the_default_else_an_event_without_lists() -> None:
    own, default = TriggerRule(join_lists=(1,)), TriggerRule(join_lists=(2,))
    rules = make_rules(grid={(DEMO, Trigger.BOOKED): own, ("", Trigger.BOOKED): default})

    assert rules.rule_for(DEMO, Trigger.BOOKED) is own
    assert rules.rule_for(DISCOVERY_CALL, Trigger.BOOKED) is default
    assert rules.rule_for(DEMO, Trigger.CANCELED) == TriggerRule(sends_event=True)


def test_empty_configuration_waits_a_day_and_counts_in_utc() -> None:
    rules = RuleSet()

    assert (rules.grace, rules.timezone, rules.to_e164("x")) == (timedelta(hours=24), "UTC", "x")


def test_a_change_of_the_mapping_takes_nobody_off_a_list() -> None:
    before = {7: JOIN}  # joined when a booking still said so; now only the cancellation's row names the list
    rules = grid(canceled=TriggerRule(join_lists=(7,)))

    decision = contact(make_entry(), rules=rules, applied=before)

    assert decision.leave is None
