"""Imports that end in a way nobody promised: nobody is taken for written who isn't, and nobody waits for ever."""

from datetime import timedelta
from typing import Any

import pytest
from pytest_django.fixtures import Settings

from calendly_connector.models import BulkImport, Person, SyncLogEntry
from calendly_connector.services import bulk
from tests.journeys.river import River

PEOPLE, CROWD = 14, 10
EMAILS = [f"p{at}@example.com" for at in range(PEOPLE)]
IMPORT, PROCESS = "/contacts/import", "/processes/{number}"


@pytest.fixture(autouse=True)
def _nobody_waits_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look for a crowd at once: how many are written singly within the first second depends on the machine."""
    monkeypatch.setattr(bulk, "PATIENCE", timedelta(0))


@pytest.fixture
def crowd(river: River, settings: Settings) -> River:
    """Return the river with a crowd that has been delivered and waits to be written: all but the first by import."""
    settings.PEOPLE_AT_ONCE_FROM = CROWD
    river.brevo.settings.import_seconds = 0.0
    for email in EMAILS:
        river.calendly.book(event_type="Demo", email=email, name="Ada Berg")
    river.deliver()
    return river


def _finish(river: River, rounds: int = 10) -> None:
    for _ in range(rounds):
        river.work()
        if not SyncLogEntry.objects.filter(state__in=["waiting", "sending", "unknown"]).exists():
            return
        river.hurry()


def _swallow(river: River, **info: Any) -> None:
    """Let Brevo take nobody of the next import, and say of it that it is over."""
    river.break_brevo("status", IMPORT, status=202, body={"processId": 7})
    body = {"id": 7, "name": "IMPORTUSER", "status": "completed", "info": {"import": info}}
    river.break_brevo("status", PROCESS, method="GET", body=body, status=200, times=None)


def _report(river: River, text: str) -> str:
    river.brevo.state.reports["odd.csv"] = text
    return f"{river.sandbox.url}/sandbox/brevo/reports/odd.csv"


def _written(river: River) -> list[str]:
    """Return who has the mapped attributes: an event alone makes a contact too, without them."""
    found = {email: river.brevo.contact(email) or {"attributes": {}} for email in EMAILS}
    return [email for email, contact in found.items() if contact["attributes"].get("BOOKING_STATUS") == "booked"]


def _assert_everybody_is_written(river: River) -> None:
    assert _written(river) == EMAILS
    assert Person.objects.exclude(bulk_import=None).count() == 0
    assert set(SyncLogEntry.objects.values_list("state", flat=True)) == {"done"}
    assert all(river.event_names(email) == ["booked"] for email in EMAILS[:3])


@pytest.mark.parametrize(
    "text",
    ["SMS\n33612345678\n", "33612345678\n", "", f"EMAIL;SMS\n{EMAILS[0]};33612345678\n;33612345679\n;33612345670\n"],
    ids=["other columns", "no columns", "empty", "not all of them"],
)
def test_a_report_that_does_not_say_whose_rows_were_refused_lets_nobody_count_as_written(
    crowd: River, text: str
) -> None:
    _swallow(crowd, duplicate_phone_id=_report(crowd, text), invalid_emails=None)

    _finish(crowd)

    _assert_everybody_is_written(crowd)


def test_a_report_that_names_its_rows_lets_the_others_alone(crowd: River) -> None:
    address = _report(crowd, f"EMAIL;SMS\n{EMAILS[7].upper()};33612345678\n")
    _swallow(crowd, duplicate_phone_id=address)

    _finish(crowd)

    assert _written(crowd) == [EMAILS[0], EMAILS[7]]  # who was named is written singly; the import took nobody
    assert BulkImport.objects.get().refused == {"duplicate_phone_id": 1}


def test_refused_rows_that_are_only_counted_let_nobody_count_as_written(crowd: River) -> None:
    _swallow(crowd, invalid_emails=2, duplicate_phone_id=0)

    _finish(crowd)

    _assert_everybody_is_written(crowd)
    assert BulkImport.objects.get().reason == "Brevo's import refused somebody, and it can't be read whom."


@pytest.mark.parametrize(
    "address", ["{url}/sandbox/brevo/reports/gone.csv", "http://reports.example.com/1.csv", "1.csv"]
)
def test_a_report_that_can_never_be_read_holds_nobody_up(crowd: River, address: str) -> None:
    _swallow(crowd, invalid_emails=address.format(url=crowd.sandbox.url))

    _finish(crowd, rounds=3)

    _assert_everybody_is_written(crowd)


def test_reports_without_a_refused_row_are_no_refusal(crowd: River) -> None:
    _swallow(crowd, invalid_emails=None, duplicate_phone_id=0, duplicate_ext_id="")

    _finish(crowd)

    assert _written(crowd) == EMAILS[:1]  # the import, which took nobody, is believed
    assert BulkImport.objects.get().refused == {}


def test_an_import_that_brevo_does_not_know_any_more_is_written_one_by_one(crowd: River) -> None:
    crowd.break_brevo("status", IMPORT, status=202, body={"processId": 7777})

    _finish(crowd, rounds=3)

    _assert_everybody_is_written(crowd)
    assert "can't be seen" in BulkImport.objects.get().reason


@pytest.mark.parametrize("status", ["queued", "in_process", "paused"])
def test_an_import_that_never_ends_is_given_up(crowd: River, monkeypatch: pytest.MonkeyPatch, status: str) -> None:
    monkeypatch.setattr(bulk, "MOST_LOOKS", 4)
    crowd.break_brevo("status", IMPORT, status=202, body={"processId": 7})
    crowd.break_brevo("status", PROCESS, method="GET", body={"id": 7, "status": status}, status=200, times=None)

    _finish(crowd, rounds=3)
    assert Person.objects.exclude(bulk_import=None).count() == PEOPLE - 1
    _finish(crowd)

    _assert_everybody_is_written(crowd)
    assert BulkImport.objects.get().reason == "Brevo's import 7 doesn't come to an end."


def test_a_list_of_imports_that_was_deleted_meanwhile_is_made_anew(crowd: River) -> None:
    refusal = {"code": "document_not_found", "message": "List ID does not exist"}
    emptying = "/contacts/lists/{list_id}/contacts/remove"
    crowd.break_brevo("status", emptying, status=404, body=refusal)

    _finish(crowd, rounds=3)

    _assert_everybody_is_written(crowd)
    assert BulkImport.objects.get().state == "done"
    assert crowd.account.import_list is None


@pytest.mark.parametrize("body", [{}, [], "<html>hello</html>"], ids=repr)
def test_an_import_that_is_answered_in_no_known_form_is_written_one_by_one(crowd: River, body: Any) -> None:
    crowd.break_brevo("status", IMPORT, status=202, body=body)

    _finish(crowd, rounds=3)

    _assert_everybody_is_written(crowd)
    assert len(crowd.calls(IMPORT)) == 1
    assert BulkImport.objects.get().state == "failed"
