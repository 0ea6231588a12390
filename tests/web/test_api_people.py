"""People through the API: listed without a query per row, shown, synced, updated, exported, erased."""

from typing import Any

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext

from calendly_connector.models import BrevoAttribute, Erasure, Job, Person, SyncLogEntry
from calendly_connector.services import holding, queue
from sandbox import scenarios
from sandbox.world import Fault
from tests.admin.rows import make_booking_row
from tests.journeys.conftest import river
from tests.journeys.river import River
from tests.services.everywhere import EMAIL, put_everywhere, tables_with
from tests.web.caller import EVERYTHING, Caller
from tests.web.door import Door

__all__ = ["river"]

NADIA = scenarios.NADIA.email


def booked(river: River) -> Person:
    scenarios.booked(river.calendly)
    river.flow()
    return Person.objects.get(email=NADIA)


def make_people(door: Door, count: int) -> None:
    for number in range(Person.objects.count(), count):
        make_booking_row(door.connection, f"person{number}")


def test_a_list_costs_the_same_however_many_it_shows(door: Door) -> None:
    caller = Caller(*EVERYTHING)
    counts = []
    for count in (3, 50):
        make_people(door, count)
        caller.get("/people")
        with CaptureQueriesContext(database) as queries:
            assert len(caller.get("/people").json()["results"]) == count
        counts.append(len(queries))

    assert counts[0] == counts[1]


def test_pages_follow_one_another_to_the_end(door: Door) -> None:
    make_people(door, 5)
    caller = Caller(*EVERYTHING)

    page, seen, pages = caller.get("/people?limit=2").json(), [], 1
    while page["next"]:
        seen += page["results"]
        page, pages = caller.get(page["next"].removeprefix("/api/v1")).json(), pages + 1
    seen += page["results"]

    assert [each["email"] for each in seen] == [f"person{number}@example.com" for number in range(5)]
    assert seen[0]["name"] == "Nadia Benali"
    assert pages == 3


def test_one_is_found_by_e_mail(door: Door) -> None:
    make_people(door, 3)

    found = Caller(*EVERYTHING).get("/people?email=PERSON1@example.com").json()

    assert [each["email"] for each in found["results"]] == ["person1@example.com"]


def test_a_person_is_shown_and_brevo_is_asked_only_when_that_is_wanted(river: River) -> None:
    person, caller = booked(river), Caller(*EVERYTHING)
    river.sandbox.world.journal.clear()

    plain = caller.get(f"/people/{person.pk}").json()
    assert river.sandbox.world.journal.calls("brevo") == []
    compared = caller.get(f"/people/{person.pk}?brevo=true").json()

    assert (plain["email"], plain["brevo"], plain["bookings"][0]["status"]) == (NADIA, None, "booked")
    assert compared["brevo"]["is_same"]


def test_sync_brings_somebody_in(river: River) -> None:
    scenarios.booked(river.calendly)
    caller = Caller(*EVERYTHING)

    (result,) = caller.post("/people/sync", {"email": NADIA.title()}).json()["results"]
    asked = SyncLogEntry.objects.latest("pk").summary
    river.work()

    assert (result["new"], result["queued"]) == (1, True)
    assert asked.endswith("asked for by robot (API: CRM)")
    assert river.contact(NADIA)


def test_sync_says_when_calendly_is_away(river: River) -> None:
    booked(river)
    river.sandbox.world.faults.add(Fault(provider="calendly", kind="status", status=503))

    answer = Caller(*EVERYTHING).post("/people/sync", {"email": NADIA})

    assert answer.status_code == 503
    assert "Calendly couldn't be asked" in answer.json()["detail"]


def test_update_writes_what_was_given(river: River) -> None:
    person, caller = booked(river), Caller(*EVERYTHING)

    answer = caller.post("/people/update", {"email": NADIA, "attributes": {"COMPANY": "Given", "JOB_TITLE": 7}})
    river.work()

    assert answer.json() == {"people": [person.pk], "attributes": {"COMPANY": "Given", "JOB_TITLE": "7"}}
    assert river.contact(NADIA)["attributes"]["COMPANY"] == "Given"


@pytest.mark.parametrize(
    "attributes", [{"EMAIL": "x"}, {"NOT_THERE": "x"}, {"MEETING_DATE": "soon"}, {}, [], "x", None]
)
def test_update_refuses_what_does_not_fit_and_writes_nothing(river: River, attributes: Any) -> None:
    booked(river)
    count = SyncLogEntry.objects.count()

    answer = Caller(*EVERYTHING).post("/people/update", {"email": NADIA, "attributes": attributes})

    assert answer.status_code == 400
    assert answer.json()["errors"][0]["pointer"].startswith("/attributes")
    assert SyncLogEntry.objects.count() == count


def test_update_is_worth_another_try_when_brevo_cannot_be_read(river: River) -> None:
    booked(river)
    BrevoAttribute.objects.filter(name="COMPANY").delete()
    river.break_brevo("status", "/contacts/attributes", method="GET", status=503, times=None)

    answer = Caller(*EVERYTHING).post("/people/update", {"email": NADIA, "attributes": {"COMPANY": "Given"}})

    assert answer.status_code == 503 and "nothing was written" in answer.json()["detail"]


def test_export_holds_everything(door: Door) -> None:
    person = put_everywhere(door.connection)

    document = Caller(*EVERYTHING).get(f"/people/{person.pk}/export").json()

    assert (document["email"], len(document["people"][0]["log"])) == (EMAIL, 2)


def test_erase_leaves_nothing(river: River) -> None:
    person, caller = booked(river), Caller(*EVERYTHING)

    report = caller.post(f"/people/{person.pk}/erase", {"brevo": True}).json()

    assert (report["erased"], report["counts"]["people"]) == (True, 1)
    assert river.brevo.contact(NADIA) is None
    assert tables_with(NADIA) == set()
    assert Erasure.objects.get().asked_by == "robot (API: CRM)"
    assert caller.post(f"/people/{person.pk}/erase", {}).status_code == 404


@pytest.mark.parametrize("body", [{"brevo": "true"}, {"brevo": 1}, {"brevo": None}, {"Brevo": True}, []])
def test_erase_takes_nothing_for_meant(river: River, body: Any) -> None:
    person = booked(river)

    assert Caller(*EVERYTHING).post(f"/people/{person.pk}/erase", body).status_code == 400
    assert Person.objects.filter(pk=person.pk).exists()


def test_erase_says_when_brevo_failed_and_when_somebody_writes(river: River, monkeypatch: pytest.MonkeyPatch) -> None:
    person, caller = booked(river), Caller(*EVERYTHING)
    monkeypatch.setattr(holding, "PATIENCE", 0.1)
    river.sandbox.world.faults.add(Fault(provider="brevo", method="DELETE", kind="status", status=500))

    failed = caller.post(f"/people/{person.pk}/erase", {"brevo": True})
    Job.objects.all().delete()
    queue.enqueue("push", person.pk)
    assert queue.claim("a worker")
    busy = caller.post(f"/people/{person.pk}/erase", {})

    assert (failed.status_code, busy.status_code) == (503, 409)
    assert "Nothing here was deleted" in failed.json()["detail"]
    assert Person.objects.filter(pk=person.pk).exists()
