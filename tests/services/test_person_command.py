"""`calendly_person`: what an operator does with one person, and what it says and returns."""

import json
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import call_command
from django.core.management.base import CommandError

from calendly_connector.models import Booking, Connection, Erasure, Person
from sandbox import scenarios
from sandbox.world import Fault
from tests.journeys.conftest import river
from tests.journeys.river import River
from tests.services.everywhere import EMAIL, put_everywhere, tables_with

__all__ = ["river"]

NADIA = scenarios.NADIA.email
UNKNOWN = "nobody@example.com"


def run(*arguments: str) -> str:
    out = StringIO()
    call_command("calendly_person", *arguments, stdout=out, stderr=StringIO())
    return out.getvalue()


def fail(*arguments: str) -> CommandError:
    with pytest.raises(CommandError) as failed:
        run(*arguments)
    return failed.value


def booked(river: River) -> None:
    scenarios.booked(river.calendly)
    river.flow()


def test_show_says_what_we_know_and_what_brevo_has(river: River) -> None:
    booked(river)

    text, found = run("show", NADIA.upper()), json.loads(run("show", NADIA, "--json"))

    assert "booked: " in text
    assert "In Brevo: contact 1" in text or "In Brevo: contact" in text
    assert "COMPANY: 'Benali Conseil'" in text
    assert "Contact written" in text
    assert (found[0]["email"], found[0]["brevo"]["is_same"]) == (NADIA, True)


def test_show_of_several_connections_shows_one_after_the_other(connection: Connection) -> None:
    second = Connection.objects.create(name="Second", brevo_account=connection.brevo_account)
    for each in (connection, second):
        Person.objects.create(connection=each, email=EMAIL)

    assert len(json.loads(run("show", EMAIL, "--json"))) == 2
    assert "Second" in run("show", EMAIL, "--connection", "Second")
    assert connection.name not in run("show", EMAIL, "--connection", "Second")


def test_sync_brings_somebody_in_and_says_so(river: River) -> None:
    scenarios.booked(river.calendly)

    assert "1 bookings read, 1 new, 0 changed; nothing was written: a dry run." in run("sync", NADIA, "--dry-run")
    assert "1 new, 0 changed; the workers write the contact now." in run("sync", NADIA)
    report = json.loads(run("sync", NADIA, "--json"))
    river.work()

    assert (report[0]["found"], report[0]["new"], report[0]["queued"]) == (1, 0, True)
    assert river.contact(NADIA)


def test_sync_fails_with_words_when_calendly_is_away(river: River) -> None:
    booked(river)
    river.sandbox.world.faults.add(Fault(provider="calendly", kind="status", status=503))

    failed = fail("sync", NADIA)

    assert "Calendly couldn't be asked" in str(failed)
    assert failed.returncode == 1


def test_update_writes_attributes(river: River) -> None:
    booked(river)

    dry = run("update", NADIA, "COMPANY=A=B", "--dry-run")
    river.work()
    before = river.contact(NADIA)["attributes"]["COMPANY"]
    report = json.loads(run("update", NADIA, "company=A=B", "JOB_TITLE=", "--json"))
    river.work()

    assert ("COMPANY: A=B" in dry, before) == (True, "Benali Conseil")
    assert report["attributes"] == {"COMPANY": "A=B", "JOB_TITLE": ""}
    assert river.contact(NADIA)["attributes"]["COMPANY"] == "A=B"


@pytest.mark.parametrize(
    ("values", "words", "status"),
    [
        (["COMPANY"], "NAME=VALUE", 2),
        (["=x"], "NAME=VALUE", 2),
        (["COMPANY=a", "company=b"], "once", 2),
        (["EMAIL=other@example.com"], "can't be changed", 1),
        (["MEETING_DATE=soon"], "no date", 1),
    ],
)
def test_update_says_what_does_not_fit(river: River, values: list[str], words: str, status: int) -> None:
    booked(river)

    failed = fail("update", NADIA, *values)

    assert words in str(failed)
    assert failed.returncode == status


def test_export_writes_one_file(connection: Connection, tmp_path: Path) -> None:
    put_everywhere(connection)
    file = tmp_path / "person.json"

    assert f"Written to {file}." in run("export", EMAIL, "--output", str(file))
    assert json.loads(file.read_text(encoding="utf-8"))["email"] == EMAIL
    assert json.loads(run("export", EMAIL))["email"] == EMAIL
    assert "can't be written" in str(fail("export", EMAIL, "--output", str(tmp_path)))


def test_erase_deletes_and_says_what_it_could_not(river: River) -> None:
    booked(river)

    dry = run("erase", NADIA, "--dry-run")
    report = json.loads(run("erase", NADIA, "--brevo", "--yes", "--json"))

    assert "Would be deleted: bookings: 1" in dry
    assert "Nothing was erased: a dry run." in dry
    assert (report["erased"], report["counts"]["bookings"]) == (True, 1)
    assert "by hand" in " ".join(report["calendly"])
    assert river.brevo.contact(NADIA) is None
    assert tables_with(NADIA) == set()


def test_erase_asks_at_a_terminal(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    put_everywhere(connection)
    answers = iter(["no", "yes"])
    monkeypatch.setattr(sys.stdin, "isatty", lambda: True, raising=False)
    monkeypatch.setattr("builtins.input", lambda question: next(answers))

    assert "Nothing was erased." in str(fail("erase", EMAIL))
    assert tables_with(EMAIL)
    assert "Erased." in run("erase", EMAIL)
    assert tables_with(EMAIL) == set()


def test_a_script_has_to_say_yes_beforehand(connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    put_everywhere(connection)
    monkeypatch.setattr(sys.stdin, "isatty", lambda: False, raising=False)

    failed = fail("erase", EMAIL)

    assert ("--yes" in str(failed), failed.returncode) == (True, 2)
    assert not Erasure.objects.exists()


def test_when_brevo_fails_erase_fails_with_words(river: River) -> None:
    booked(river)
    river.sandbox.world.faults.add(Fault(provider="brevo", method="DELETE", kind="status", status=500))

    assert "Nothing here was deleted" in str(fail("erase", NADIA, "--brevo", "--yes"))
    assert Booking.objects.exists()


@pytest.mark.parametrize(
    "verb", [["show"], ["sync"], ["update", "X=1"], ["export"], ["erase", "--yes"], ["erase", "--dry-run"]]
)
def test_an_unknown_person_is_one_with_words(river: River, verb: list[str]) -> None:
    failed = fail(verb[0], UNKNOWN, *verb[1:])

    assert failed.returncode == 1
    assert "address" in str(failed)


@pytest.mark.parametrize(
    "arguments",
    [[], ["show"], ["nonsense", "a@b.com"], ["update", "a@b.com"], ["erase", "a@b.com", "--connection", "1"]],
)
def test_wrong_usage_is_said(arguments: list[Any], db: None) -> None:
    assert "Error:" in str(fail(*arguments))
