"""What an opt-out and a deletion in Brevo forbid, and what they don't."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from calendly_connector.core import mirror, person, respect
from calendly_connector.core.decide import ContactDecision, decide_contact
from calendly_connector.core.lists import JOIN, LEAVE
from calendly_connector.core.respect import Standing
from calendly_connector.core.rules import ConsentMode, ConsentRule, TriggerRule
from calendly_connector.core.trigger import Trigger
from tests.factories import BOOKED_AT, make_entry, make_rules

GONE_AT = datetime(2026, 11, 28, 9, 0, 0, tzinfo=UTC)
NEWS, OLD = 10, 20
RULES = make_rules(grid={("", Trigger.BOOKED): TriggerRule(join_lists=(NEWS,), leave_lists=(OLD,))})


def decide(standing: Standing, *, applied: dict[int, str] | None = None, rules: object = RULES) -> ContactDecision:
    entries = [make_entry()]
    summary = person.summarise(entries, now=BOOKED_AT, grace=timedelta(hours=24))
    assert summary
    return decide_contact(summary, entries, rules=rules, applied=applied or {}, standing=standing)  # type: ignore[arg-type]


@pytest.mark.parametrize("opt_out", mirror.OPT_OUTS)
def test_who_opted_out_joins_no_list_and_it_is_not_remembered_as_joined(opt_out: str) -> None:
    decision = decide(Standing(opt_out=opt_out))

    assert decision.upsert.join_lists == ()
    assert decision.operations == {OLD: LEAVE}
    assert decision.upsert.notes == (f"Not joined: lists #{NEWS}, because {respect.SPOKEN[opt_out]}.",)


def test_attributes_and_leaving_lists_go_on_after_an_opt_out() -> None:
    free, bound = decide(Standing()), decide(Standing(opt_out="unsubscribed"))

    assert bound.upsert.attributes == free.upsert.attributes
    assert bound.leave == free.leave
    assert bound.leave


def test_what_was_joined_before_is_neither_joined_again_nor_noted() -> None:
    decision = decide(Standing(opt_out="unsubscribed"), applied={NEWS: JOIN})

    assert decision.operations[NEWS] == JOIN
    assert decision.upsert.notes == ()


def test_what_was_left_before_stays_remembered_as_left() -> None:
    assert decide(Standing(opt_out="unsubscribed"), applied={NEWS: LEAVE}).operations[NEWS] == LEAVE


def test_a_list_that_was_left_by_mail_is_not_joined_and_others_are() -> None:
    rules = make_rules(grid={("", Trigger.BOOKED): TriggerRule(join_lists=(NEWS, 11))})

    decision = decide(Standing(left_lists=frozenset({NEWS})), rules=rules)

    assert decision.upsert.join_lists == (11,)
    assert decision.upsert.notes == (f"Not joined: lists #{NEWS}, because {respect.LEFT}.",)


@pytest.mark.parametrize(
    "standing", [Standing(opt_out="unsubscribed"), Standing(left_lists=frozenset({NEWS}))], ids=["all", "one list"]
)
def test_an_installation_that_does_not_mind_opt_outs_joins_as_ever(standing: Standing) -> None:
    decision = decide(replace(standing, follows_opt_outs=False))

    assert decision.upsert.join_lists == (NEWS,)
    assert decision.upsert.notes == ()


def test_the_person_may_still_be_asked_by_mail() -> None:
    consent = ConsentRule(mode=ConsentMode.DOUBLE_OPT_IN, template=2, redirect_url="https://example.com")
    rules = replace(RULES, consents={"": consent})

    decision = decide(Standing(left_lists=frozenset({NEWS})), rules=rules)

    assert [ask.lists for ask in decision.asks] == [(NEWS,)]


def test_no_proof_of_consent_is_kept_for_a_list_that_is_not_joined() -> None:
    consent = ConsentRule(mode=ConsentMode.ANSWER, question="Company", answer="Benali Conseil")
    rules = replace(RULES, consents={"": consent})
    assert decide(Standing(), rules=rules).proofs

    assert decide(Standing(opt_out="unsubscribed"), rules=rules).proofs == ()


@pytest.mark.parametrize(
    ("booked_at", "is_asked", "is_left_alone"),
    [
        (None, False, True),
        (None, True, False),
        (GONE_AT - timedelta(days=1), False, True),
        (GONE_AT - timedelta(days=1), True, False),
        (GONE_AT + timedelta(microseconds=999_999), False, True),  # in the second of the deletion
        (GONE_AT + timedelta(seconds=1), False, False),
    ],
)
def test_a_deleted_contact_is_left_alone_until_they_book_again_or_staff_ask(
    booked_at: datetime | None, is_asked: bool, is_left_alone: bool
) -> None:
    why = respect.why_left_alone(Standing(deleted_at=GONE_AT), booked_at=booked_at, is_asked=is_asked)

    assert bool(why) is is_left_alone
    assert not why or "deleted in Brevo on 2026-11-28" in why


def test_a_contact_that_was_not_deleted_is_never_left_alone() -> None:
    assert respect.why_left_alone(Standing(opt_out="complained"), booked_at=None) == ""


@pytest.mark.parametrize(
    ("standing", "is_recorded"),
    [
        (Standing(), False),
        (Standing(opt_out="unsubscribed"), False),
        (Standing(deleted_at=GONE_AT), False),
        (Standing(opt_out="unsubscribed", deleted_at=GONE_AT), True),
        (Standing(opt_out="bounced", deleted_at=GONE_AT, follows_opt_outs=False), True),
    ],
)
def test_an_opt_out_is_recorded_only_with_a_contact_that_is_made_anew(standing: Standing, is_recorded: bool) -> None:
    assert decide(standing).upsert.records_opt_out is is_recorded


def test_a_decision_says_whether_the_last_booking_came_after_the_deletion() -> None:
    before, after = BOOKED_AT - timedelta(days=1), BOOKED_AT + timedelta(days=1)

    assert decide(Standing(deleted_at=before)).left_alone == ""
    assert "was made anew" in " ".join(decide(Standing(deleted_at=before)).upsert.notes)
    assert "deleted in Brevo" in decide(Standing(deleted_at=after)).left_alone


def test_every_opt_out_has_words() -> None:
    assert respect.SPOKEN.keys() == set(mirror.OPT_OUTS)
