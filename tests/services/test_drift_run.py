"""A comparison of everybody: few calls, a place that is kept, and words for whoever waits."""

from datetime import timedelta

import pytest
from django.utils import timezone

from calendly_connector.models import Drift, DriftRun, Person, SyncLogEntry
from calendly_connector.services import (
    accounts,
    drift,
    drift_people,
    drift_report,
    drift_run,
    mapping,
    queue,
)
from tests.journeys.conftest import river
from tests.journeys.river import River
from tests.services.drifting import EMAIL, book, booked, compare, found, work

__all__ = ["river"]


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


@pytest.mark.parametrize("few", [0, 50], ids=["whole listing", "one by one"])
def test_a_killed_comparison_goes_on_where_it_stood(river: River, monkeypatch: pytest.MonkeyPatch, few: int) -> None:
    emails = [f"p{number}@example.com" for number in range(4)]
    book(river, *emails)
    river.brevo.change_contact(emails[0], {"FIRSTNAME": "Eda"})
    river.brevo.delete_contact(emails[3])
    monkeypatch.setattr(drift_run, "FEW", few)
    run = drift_run.compare_all(river.connection, by="anna", reads_calendly=False)
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
    first = drift_run.compare_all(river.connection, by="anna", reads_calendly=False)

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

    run = drift_run.compare_all(river.connection, by="anna", reads_calendly=False)
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
    run = drift_run.compare_all(river.connection, by="anna", reads_calendly=False)
    kept = drift.keep

    def keep_while_others_delete(*args: object, **options: object) -> None:
        kept(*args, **options)  # type: ignore[arg-type]
        for email in [each for each in others if river.brevo.contact(each)]:
            river.brevo.delete_contact(email)

    monkeypatch.setattr(drift, "keep", keep_while_others_delete)
    work(river)

    run.refresh_from_db()
    assert (run.stage, run.people, Drift.objects.count()) == ("finished", 8, 0)


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
