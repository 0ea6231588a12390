"""Differences between Calendly, the ledger and Brevo: found, mended where they may be, and respected where not."""

from datetime import timedelta

import pytest
from django.utils import timezone

from calendly_connector.models import Booking, ContactMirror, Drift, DriftRun, Person, Reading, SyncLogEntry
from calendly_connector.services import (
    accounts,
    drift,
    drift_fix,
    drift_people,
    drift_report,
    drift_run,
    mapping,
    queue,
)
from sandbox.calendly_values import Json
from tests.journeys.conftest import river
from tests.journeys.river import River
from tests.services.drifting import EMAIL, book, booked, compare, found, note_calendly, work

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


def test_nothing_is_mended_where_that_would_put_somebody_back_on_a_list_that_they_left(river: River) -> None:
    booked(river)
    number = river.brevo.add_list("Booked")
    river.brevo.unsubscribe(EMAIL, [number])
    river.brevo.change_contact(EMAIL, {"COMPANY": "By hand"})
    river.map_lists("booked", join=[number])  # wanted from now on, and never joined by us
    compare(river)

    asked = drift_fix.fix_all(river.connection, by="anna")
    work(river)

    assert [what for what, _wanted, _found in found(river)] == ["attribute COMPANY", f"unsubscribed {number}"]
    assert (asked, row().is_fixable) == (0, False)
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


def test_a_hundred_and_twenty_people_cost_one_call_and_one_for_each_who_is_missing(river: River) -> None:
    emails = [f"p{number}@example.com" for number in range(120)]
    book(river, *emails)
    assert Person.objects.exclude(pushed_at=None).count() == 120
    river.brevo.change_contact(emails[0], {"FIRSTNAME": "Eda"})
    for email in emails[1:4]:
        river.brevo.delete_contact(email)
    river.sandbox.world.journal.clear()

    run = compare(river)

    calls = [call.template for call in river.sandbox.world.journal.calls("brevo")]
    assert sorted(calls) == ["/contacts", *["/contacts/{identifier}"] * 3]
    assert (run.calls, run.people, drift_run.same_of(run)) == (4, 120, 116)
    assert run.counts["different"] == {"attribute": 1}
    assert run.counts["respected"] == {"deleted": 3}


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


@pytest.mark.parametrize("few", [0, 50], ids=["whole listing", "one by one"])
def test_a_killed_comparison_goes_on_where_it_stood(river: River, monkeypatch: pytest.MonkeyPatch, few: int) -> None:
    emails = [f"p{number}@example.com" for number in range(4)]
    book(river, *emails)
    river.brevo.change_contact(emails[0], {"FIRSTNAME": "Eda"})
    river.brevo.delete_contact(emails[3])
    monkeypatch.setattr(drift_run, "FEW", few)
    run = drift_run.compare_all(river.connection, by="anna")
    kept, deaths = drift.keep, iter([False, True, False, False, True])

    def keep_or_die(*args: object, **options: object) -> None:
        kept(*args, **options)  # type: ignore[arg-type]
        if next(deaths, False):
            raise SystemExit

    monkeypatch.setattr(drift, "keep", keep_or_die)
    for _turn in range(5):
        try:
            drift_run.advance(run.pk, lambda: None)
        except (SystemExit, queue.Later):
            river.hurry()

    run.refresh_from_db()
    assert (run.stage, run.people, drift_run.same_of(run)) == ("finished", 4, 2)
    assert (len(found(river, emails[0])), found(river, emails[3])) == (1, [("deleted", None, None)])


def test_a_paused_account_waits_with_words_and_is_not_asked(river: River) -> None:
    booked(river)
    accounts.pause_for_staff(river.account, by="bo", why="A campaign runs.")
    river.sandbox.world.journal.clear()
    run = compare(river)
    waiting = (run.stage, run.finished_at, run.words, river.sandbox.world.journal.calls("brevo"))

    accounts.resume(river.account)
    work(river)

    run.refresh_from_db()
    assert waiting[:2] == ("asking", None)
    assert "Paused by bo: A campaign runs." in waiting[2]
    assert waiting[3] == []
    assert (run.stage, run.people) == ("finished", 1)


def test_a_second_wish_joins_the_open_comparison_and_an_old_one_begins_anew(river: River) -> None:
    booked(river)
    first = drift_run.compare_all(river.connection, by="anna")

    second = drift_run.compare_all(river.connection, by="bo")
    DriftRun.objects.update(asked_at=timezone.now() - timedelta(days=3), reached=10**6, people=7)
    third = drift_run.compare_all(river.connection, by="cleo")

    assert first.pk == second.pk == third.pk
    assert (third.reached, third.people) == (0, 0)
    assert timezone.now() - third.asked_at < timedelta(minutes=1)


def test_who_is_about_to_be_written_is_left_out(river: River) -> None:
    person = booked(river)
    river.brevo.change_contact(EMAIL, {"COMPANY": "By hand"})
    SyncLogEntry.objects.create(connection=river.connection, person=person, kind="contact", summary="Waits")

    run = drift_run.compare_all(river.connection, by="anna")
    drift_run.advance(run.pk, lambda: None)

    run.refresh_from_db()
    assert (run.people, run.waiting, Drift.objects.count()) == (0, 1, 0)


def test_what_was_written_while_brevo_answered_is_not_judged(river: River) -> None:
    person = booked(river)
    fresh = drift_people.people_of(river.connection).get(pk=person.pk)
    read_at = fresh.pushed_at
    assert read_at

    found = drift_people.compare(
        river.connection,
        [drift_people.Pair(person=fresh, contact=None)],
        rules=mapping.rules_of(river.connection),
        read_at=read_at,
    )

    assert (found.keep(), Drift.objects.count()) == (0, 0)


def test_a_large_account_with_few_people_is_not_listed_whole(river: River, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drift_run, "FEW", 0)
    monkeypatch.setattr(drift_run, "PER_PAGE", 1)  # as if each contact were a page
    monkeypatch.setattr("calendly_connector.clients.brevo_contacts.PER_PAGE", 1)
    monkeypatch.setattr("calendly_connector.clients.brevo_contacts.OVERLAP", 0)
    for number in range(10):
        river.brevo.add_contact(f"other{number}@example.com")
    booked(river)
    river.sandbox.world.journal.clear()

    run = compare(river)

    calls = [call.template for call in river.sandbox.world.journal.calls("brevo", method="GET")]
    assert calls == ["/contacts", "/contacts/{identifier}"]
    assert run.people == 1


def test_whom_a_shifting_page_hides_is_found_all_the_same(river: River, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drift_run, "FEW", 0)
    monkeypatch.setattr("calendly_connector.clients.brevo_contacts.PER_PAGE", 4)
    monkeypatch.setattr("calendly_connector.clients.brevo_contacts.OVERLAP", 1)
    monkeypatch.setattr(drift_run, "PER_PAGE", 4)
    others = [f"other{number}@example.com" for number in range(3)]
    for email in others:
        river.brevo.add_contact(email)
    emails = [f"p{number}@example.com" for number in range(8)]
    book(river, *emails)
    run = drift_run.compare_all(river.connection, by="anna")
    kept = drift.keep

    def keep_while_others_delete(*args: object, **options: object) -> None:
        kept(*args, **options)  # type: ignore[arg-type]
        for email in [each for each in others if river.brevo.contact(each)]:
            river.brevo.delete_contact(email)

    monkeypatch.setattr(drift, "keep", keep_while_others_delete)
    work(river)

    run.refresh_from_db()
    assert (run.stage, run.people, Drift.objects.count()) == ("finished", 8, 0)


# -- Calendly -------------------------------------------------------------------------------------------------------


def lose(river: River) -> None:
    for delivery in river.pending():
        river.calendly.deliveries.drop(delivery)


def test_a_cancellation_that_was_missed_is_shown_and_read_again_by_a_fix(river: River) -> None:
    booked(river)
    uri = Booking.objects.get().uri
    river.calendly.cancel(uri)
    lose(river)
    note_calendly(river, uri)
    shown, booking = found(river), Booking.objects.get().status

    drift_fix.fix(row(), by="anna")
    work(river)

    assert (shown, booking) == ([("status", "canceled", "booked")], "booked")
    assert row_lines() == []
    assert Booking.objects.get().status == "canceled"
    assert river.contact(EMAIL)["attributes"]["BOOKING_STATUS"] in ("cancelled", "2", 2)
    assert river.event_names(EMAIL) == ["booked", "canceled"]  # it happened within a day


def row_lines() -> list[Json]:
    return [line for each in Drift.objects.all() for line in each.lines]


def test_a_booking_that_is_unknown_here_is_taken_in_quietly_when_it_is_old(river: River) -> None:
    uri = river.calendly.book(event_type="Discovery call", email="old@example.com", name="Ada Berg")
    lose(river)
    invitee = river.calendly.state.invitees[uri]
    at = (timezone.now() - timedelta(days=3)).strftime("%Y-%m-%dT%H:%M:%S.000000Z")
    river.calendly.state.invitees[uri] = {**invitee, "created_at": at, "updated_at": at}
    note_calendly(river, uri)
    shown = found(river, "old@example.com")

    drift_fix.fix_all(river.connection, by="anna")
    work(river)

    assert shown == [("unknown", "booked", None)]
    assert not Drift.objects.exists()
    assert river.contact("old@example.com")
    assert river.event_names("old@example.com") == []


def test_what_calendlys_next_reading_doesnt_find_any_more_is_gone(river: River) -> None:
    booked(river)
    uri = Booking.objects.get().uri
    river.calendly.cancel(uri)
    note_calendly(river, uri)
    river.flow()  # the webhook came late
    now = timezone.now()
    reading = Reading.objects.create(connection=river.connection, kind="drift", since=now, asked_at=now)
    run = drift_run.compare_all(river.connection, by="anna", reading=reading)
    work(river)
    run.refresh_from_db()
    waiting = (run.stage, run.words, Drift.objects.count())

    Reading.objects.filter(pk=reading.pk).update(state="finished", finished_at=timezone.now())
    work(river)

    run.refresh_from_db()
    assert waiting == ("calendly", "Calendly is still being read.", 1)
    assert (run.stage, Drift.objects.count()) == ("finished", 0)


def test_looking_again_sees_what_the_ledger_has_learned_since(river: River) -> None:
    booked(river)
    uri = Booking.objects.get().uri
    river.calendly.cancel(uri)
    note_calendly(river, uri)
    river.flow()

    count = drift_fix.look_again(Drift.objects.all())
    work(river)

    assert (count, Drift.objects.count()) == (1, 0)


# -- The report -----------------------------------------------------------------------------------------------------


def test_the_report_tells_who_differs_in_what(river: River) -> None:
    booked(river)
    river.brevo.change_contact(EMAIL, {"COMPANY": "By hand"})
    before = drift_report.report(river.connection)
    compare(river)

    after = drift_report.report(river.connection)

    assert (before["comparison"], before["people"]) == (None, [])
    assert (after["fixable"], after["left"], after["ignored"]) == (1, 0, 0)
    assert after["different"] == {"attribute": 1}
    assert after["comparison"]["compared"] == 1
    (person,) = after["people"]
    assert (person["email"], person["kinds"]) == (EMAIL, ["attribute"])


def test_every_connected_connection_is_compared_weekly(river: River) -> None:
    booked(river)

    words = drift_run.compare_each()

    assert words == f"Comparing: {river.connection.name}."
    assert DriftRun.objects.get().asked_by == "schedule"
