"""Differences between Calendly, the ledger and Brevo: found, mended where they may be, and respected where not."""

from datetime import timedelta

from django.utils import timezone

from calendly_connector.models import ContactMirror, Drift, SyncLogEntry
from calendly_connector.services import (
    drift,
    drift_fix,
    drift_run,
)
from tests.journeys.conftest import river
from tests.journeys.river import River
from tests.services.drifting import EMAIL, book, booked, compare, found, work

__all__ = ["river"]


def row() -> Drift:
    return Drift.objects.get()


def test_what_was_written_differs_in_nothing(river: River) -> None:
    booked(river)

    run = compare(river)

    assert (run.stage, run.people, drift_run.same_of(run), run.calls) == ("finished", 1, 1, 1)
    assert not Drift.objects.exists()
    assert run.words.startswith("1 people were compared, 1 of them without a difference.")


def test_a_value_changed_in_brevo_is_shown_and_mended_by_one_press(river: River) -> None:
    booked(river)
    river.brevo.change_contact(EMAIL, {"COMPANY": "Changed by hand"})
    compare(river)
    shown, fixable = found(river), row().is_fixable

    asked = drift_fix.fix(row(), by="anna")
    state = row().state
    work(river)

    assert shown == [("attribute COMPANY", "Benali Conseil", "Changed by hand")]
    assert (asked, fixable, state) == (True, True, "fixing")
    assert river.contact(EMAIL)["attributes"]["COMPANY"] == "Benali Conseil"
    assert not Drift.objects.exists()
    assert river.event_names(EMAIL) == ["booked"]
    assert SyncLogEntry.objects.filter(summary__startswith="Contact written").count() == 2


def test_a_contact_deleted_in_brevo_is_shown_and_never_made_again(river: River) -> None:
    booked(river)
    river.brevo.delete_contact(EMAIL)
    compare(river)

    planned = drift_fix.plan(river.connection)
    asked = drift_fix.fix_all(river.connection, by="anna")
    drift_fix.fix(row(), by="anna")
    work(river)

    assert found(river) == [("deleted", None, None)]
    assert (row().state, row().is_fixable) == ("open", False)
    assert (planned.fixable, planned.left, planned.why_left, asked) == (0, 1, {"deleted": 1}, 0)
    assert river.brevo.contact(EMAIL) is None
    assert ContactMirror.objects.get().deleted_at


def test_who_opted_out_is_shown_and_stays_so_while_the_rest_is_mended(river: River) -> None:
    booked(river)
    river.brevo.block(EMAIL)
    river.brevo.change_contact(EMAIL, {"COMPANY": "By hand"})
    compare(river)
    before = found(river)

    drift_fix.fix_all(river.connection, by="anna")
    work(river)

    assert before == [("opted_out", None, "blocked"), ("attribute COMPANY", "Benali Conseil", "By hand")]
    assert found(river) == [("opted_out", None, "blocked")]
    assert river.contact(EMAIL)["emailBlacklisted"] is True
    assert (row().is_fixable, ContactMirror.objects.get().opt_out) == (False, "blocked")


def test_what_brevo_told_of_an_opt_out_is_known_better_than_that_there_is_one(river: River) -> None:
    person = booked(river)
    ContactMirror.objects.create(person=person, opt_out="complained", told_at=timezone.now() - timedelta(days=1))
    river.brevo.block(EMAIL)

    compare(river)

    assert found(river) == [("opted_out", None, "complained")]


def test_who_may_be_mailed_again_in_brevo_is_no_difference_any_more(river: River) -> None:
    booked(river)
    river.brevo.block(EMAIL)
    compare(river)
    mirror = ContactMirror.objects.get()
    mirror.heard["told"]["blocked"] -= 1  # a second ago: of the same second, the opt-out would count
    mirror.save()
    river.brevo.state.find("email", EMAIL).email_blacklisted = False  # type: ignore[union-attr]

    compare(river)

    assert not Drift.objects.exists()
    assert ContactMirror.objects.get().opt_out == ""


def test_who_was_taken_off_a_list_in_brevo_is_left_off(river: River) -> None:
    number = river.brevo.add_list("Booked")
    river.map_lists("booked", join=[number])
    booked(river)
    river.brevo.state.leave(river.brevo.state.find("email", EMAIL), number)  # type: ignore[arg-type]
    compare(river)

    drift_fix.fix_all(river.connection, by="anna")
    work(river)

    assert found(river) == [(f"list_changed {number}", "join", False)]
    assert river.contact(EMAIL)["listIds"] == []


def test_a_list_that_somebody_left_is_shown_and_the_rest_is_mended_without_it(river: River) -> None:
    booked(river)
    number = river.brevo.add_list("Booked")
    river.brevo.unsubscribe(EMAIL, [number])
    river.brevo.change_contact(EMAIL, {"COMPANY": "By hand"})
    river.map_lists("booked", join=[number])  # wanted from now on, and never joined by us
    compare(river)

    asked = drift_fix.fix_all(river.connection, by="anna")
    work(river)

    assert [what for what, _wanted, _found in found(river)] == [f"unsubscribed {number}"]
    assert (asked, row().is_fixable) == (1, False)
    assert river.contact(EMAIL)["attributes"]["COMPANY"] == "Benali Conseil"
    assert river.contact(EMAIL)["listIds"] == []
    assert ContactMirror.objects.get().unsubscribed_lists == [number]


def test_a_value_that_may_only_be_written_where_there_is_none_is_respected(river: River) -> None:
    river.map_field("answer:company", "COMPANY", overwrite="if_empty")
    booked(river)
    river.brevo.change_contact(EMAIL, {"COMPANY": "Better known"})

    compare(river)

    assert found(river) == [("kept COMPANY", "Benali Conseil", "Better known")]
    assert not row().is_fixable


def test_a_contact_that_was_never_written_is_written(river: River) -> None:
    refusal = {"code": "invalid_parameter", "message": "No"}
    river.break_brevo("status", "/contacts", status=400, body=refusal, times=None)
    booked(river)
    river.mend()
    compare(river)
    before = found(river)

    drift_fix.fix_all(river.connection, by="anna")
    work(river)

    assert before == [("missing", None, None)]
    assert river.contact(EMAIL)["attributes"]["COMPANY"] == "Benali Conseil"
    assert not Drift.objects.exists()


def test_what_is_deleted_after_the_comparison_is_not_made_again_by_a_fix(river: River) -> None:
    booked(river)
    river.brevo.change_contact(EMAIL, {"COMPANY": "By hand"})
    compare(river)
    river.brevo.delete_contact(EMAIL)

    drift_fix.fix(row(), by="anna")
    work(river)

    assert river.brevo.contact(EMAIL) is None
    assert (found(river), row().state) == ([("deleted", None, None)], "open")


def test_what_is_ignored_stays_so_until_it_changes(river: River) -> None:
    booked(river)
    river.brevo.change_contact(EMAIL, {"COMPANY": "By hand"})
    compare(river)
    drift.ignore(row(), by="anna")
    fixed = drift_fix.fix_all(river.connection, by="anna")
    compare(river)
    still = row().state
    river.brevo.change_contact(EMAIL, {"COMPANY": "By another hand"})

    compare(river)

    assert (fixed, still, row().state) == (0, "ignored", "open")


def test_what_is_ignored_may_be_opened_again(river: River) -> None:
    booked(river)
    river.brevo.delete_contact(EMAIL)
    compare(river)

    answers = [drift.unignore(row(), by="bo"), drift.ignore(row(), by="anna"), drift.unignore(row(), by="bo")]

    assert answers == [False, True, True]
    assert (row().state, row().settled_by) == ("open", "bo")


def test_a_fix_that_brevo_refuses_leaves_the_difference_open(river: River) -> None:
    booked(river)
    river.brevo.change_contact(EMAIL, {"COMPANY": "By hand"})
    compare(river)
    refusal = {"code": "invalid_parameter", "message": "No"}
    river.break_brevo("status", "/contacts", status=400, body=refusal, times=None)

    drift_fix.fix(row(), by="anna")
    work(river)

    assert (row().state, len(found(river))) == ("open", 1)
    assert SyncLogEntry.objects.filter(state="failed").exists()


def test_many_fixes_go_through_the_outbox_and_are_compared_together(river: River) -> None:
    emails = [f"p{number}@example.com" for number in range(60)]
    book(river, *emails)
    for email in emails:
        river.brevo.change_contact(email, {"FIRSTNAME": "Eda"})
    compare(river)

    asked = drift_fix.fix_all(river.connection, by="anna")
    work(river)

    assert asked == 60
    assert not Drift.objects.exists()
    assert {river.contact(email)["attributes"]["FIRSTNAME"] for email in emails} == {"Ada"}
    assert [river.event_names(email) for email in emails] == [["booked"]] * 60
