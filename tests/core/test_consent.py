"""When a booking lets its person join lists."""

from datetime import timedelta

import pytest

from calendly_connector.core import consent, lists
from calendly_connector.core.booking import Answer
from calendly_connector.core.lists import ASK, JOIN, LEAVE
from calendly_connector.core.rules import ConsentMode, ConsentRule, RuleSet, TriggerRule
from calendly_connector.core.trigger import Trigger
from tests.factories import BOOKED_AT, DEMO, DISCOVERY_CALL, make_entry, make_invitee, make_meeting, make_rules

QUESTION = "May we send you our newsletter?"
BY_ANSWER = ConsentRule(mode=ConsentMode.ANSWER, question=QUESTION, answer="Yes")
BY_MAIL = ConsentRule(mode=ConsentMode.DOUBLE_OPT_IN, template=5, redirect_url="https://example.com/thanks")
NEVER = ConsentRule(mode=ConsentMode.NEVER)


def answered(text: str, question: str = QUESTION) -> tuple[Answer, ...]:
    return (Answer(question=question, answer=text),)


def rules(consent: ConsentRule, **more: TriggerRule) -> RuleSet:
    grid = {("", Trigger.BOOKED): TriggerRule(join_lists=(10, 11))}
    grid |= {("", Trigger(name)): rule for name, rule in more.items()}
    return make_rules(grid=grid, consents={"": consent})


@pytest.mark.parametrize(
    ("answer", "is_given"),
    [
        ("Yes", True),
        (" yes. ", True),
        ("YES", True),
        ("Other things\nYes", True),
        ("No", False),
        ("Yes, but not often", False),
        ("", False),
    ],
)
def test_answer_gives_consent_only_when_it_is_the_chosen_one(answer: str, is_given: bool) -> None:
    assert consent.is_given(make_invitee(answers=answered(answer)), BY_ANSWER) is is_given


def test_question_is_compared_as_staff_would() -> None:
    invitee = make_invitee(answers=answered("Yes", "  may we send you  our NEWSLETTER "))

    assert consent.is_given(invitee, BY_ANSWER)


def test_rule_without_an_answer_gives_no_consent() -> None:
    unfinished = ConsentRule(mode=ConsentMode.ANSWER, question=QUESTION)

    assert not consent.is_given(make_invitee(answers=answered("")), unfinished)


def test_own_row_decides_before_the_default_row() -> None:
    found = make_rules(consents={"": NEVER, DEMO: BY_ANSWER})

    assert (found.consent_for(DEMO), found.consent_for(DISCOVERY_CALL)) == (BY_ANSWER, NEVER)
    assert make_rules().consent_for(DEMO).mode is ConsentMode.ALWAYS


def test_nobody_joins_without_consent_and_staff_are_told_why() -> None:
    entry = make_entry(answers=answered("No"))

    wanted = lists.operations_of([entry], rules=rules(BY_ANSWER), applied={})
    notes = lists.withheld([entry], rules=rules(BY_ANSWER), operations=wanted)

    assert wanted == {}
    assert notes == (f"No consent for lists #10, #11: “{QUESTION}” was answered “No”, not “Yes”.",)


def test_earlier_consent_lasts_when_a_later_booking_gives_none() -> None:
    yes = make_entry("one", answers=answered("Yes"))
    no = make_entry("two", answers=answered("No"), created_at=BOOKED_AT + timedelta(days=1))

    assert lists.operations_of([yes, no], rules=rules(BY_ANSWER), applied={}) == {10: JOIN, 11: JOIN}
    assert lists.operations_of([no], rules=rules(BY_ANSWER), applied={10: JOIN, 11: JOIN}) == {}


def test_lists_are_left_whatever_the_consent() -> None:
    entry = make_entry(is_canceled=True, answers=answered("No"))
    found = rules(BY_ANSWER, canceled=TriggerRule(leave_lists=(10,)))

    assert lists.operations_of([entry], rules=found, applied={10: JOIN}) == {10: LEAVE}


def test_lack_of_consent_takes_nobody_off_a_no_show_list() -> None:
    entry = make_entry(no_show_uri="https://marks/1")
    found = make_rules(grid={("", Trigger.NO_SHOW): TriggerRule(join_lists=(7,))}, consents={"": NEVER})

    assert lists.operations_of([entry], rules=found, applied={7: JOIN}) == {}


def test_double_opt_in_asks_once_and_never_those_who_joined() -> None:
    entry = make_entry()

    assert lists.operations_of([entry], rules=rules(BY_MAIL), applied={}) == {10: ASK, 11: ASK}
    assert lists.operations_of([entry], rules=rules(BY_MAIL), applied={10: JOIN}) == {10: JOIN, 11: ASK}


def test_requests_are_grouped_by_template_and_page() -> None:
    found = make_rules(
        grid={
            (DISCOVERY_CALL, Trigger.BOOKED): TriggerRule(join_lists=(10, 11)),
            (DEMO, Trigger.BOOKED): TriggerRule(join_lists=(12,)),
        },
        consents={DISCOVERY_CALL: BY_MAIL, DEMO: ConsentRule(mode=ConsentMode.DOUBLE_OPT_IN, template=6)},
    )
    wishes = lists.wishes_of(
        [make_entry("one"), make_entry("two", meeting=make_meeting(event_type=DEMO))], rules=found, applied={}
    )

    asks = lists.asks_of("nadia@example.com", wishes)

    assert sorted((ask.template, ask.lists) for ask in asks) == [(5, (10, 11)), (6, (12,))]


def test_proof_says_what_was_asked_and_answered_and_when() -> None:
    entry = make_entry(answers=answered("Yes"))
    wishes = lists.wishes_of([entry], rules=rules(BY_ANSWER), applied={})

    (proof,) = lists.proofs_of(wishes)

    assert (proof.booking, proof.mode, proof.question, proof.answer) == (entry.uri, "answer", QUESTION, "Yes")
    assert (proof.lists, proof.given_at) == ((10, 11), BOOKED_AT)


def test_a_rule_that_asks_nothing_needs_no_proof() -> None:
    wishes = lists.wishes_of([make_entry()], rules=rules(ConsentRule()), applied={})

    assert lists.proofs_of(wishes) == ()
