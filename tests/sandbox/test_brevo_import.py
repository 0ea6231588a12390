"""POST /contacts/import and the processes it starts (reference 2.8 and 9)."""

import json
from typing import Any

import pytest

from tests.sandbox.brevo_api import Api, rows, wait_until


def report(api: Api, process: Any, name: str) -> list[str]:
    """Return the lines of a report."""
    address = process["info"]["import"][name]
    assert address.startswith(api.server.url)
    answer = api.call("GET", address.removeprefix(api.server.url))
    assert answer.headers["content-type"].startswith("text/csv")
    return answer.text.splitlines()


def test_rows_become_contacts_on_the_list(api: Api) -> None:
    process = api.imported({"jsonBody": rows("ada@example.com", "bob@example.com", FIRSTNAME="X", SMS="")})

    assert (process["name"], process["status"]) == ("IMPORTUSER", "completed")
    assert set(process["info"]["import"].values()) == {None}
    assert api.brevo.list_members(1) == ["ada@example.com", "bob@example.com"]
    assert api.attributes("ada@example.com") == {"FIRSTNAME": "X"}


def test_process_is_queued_then_at_work_then_completed(api: Api) -> None:
    api.brevo.settings.import_seconds = 600.0
    number = api.post("/contacts/import", {"listIds": [1], "jsonBody": rows("ada@example.com")}).json["processId"]

    queued = api.get(f"/processes/{number}").json
    api.server.world.clock.advance(300)
    wait_until(lambda: api.get(f"/processes/{number}").json["status"] == "in_process")
    assert api.brevo.contacts() == []
    api.server.world.clock.advance(301)

    assert queued == {"id": number, "name": "IMPORTUSER", "status": "queued"}
    assert api.finished(number)["status"] == "completed"
    assert len(api.brevo.contacts()) == 1


@pytest.mark.parametrize("outcome", ["failed", "cancelled"])
def test_import_can_end_badly(api: Api, outcome: str) -> None:
    api.brevo.settings.import_outcome = outcome

    process = api.imported({"jsonBody": rows("ada@example.com")})

    assert process == {"id": 1, "name": "IMPORTUSER", "status": outcome}
    assert api.brevo.contacts() == []


def test_csv_is_read_by_its_header(api: Api) -> None:
    api.brevo.add_attribute("COUNT", "float")
    api.brevo.add_attribute("VIP", "boolean")
    api.brevo.add_attribute("TOPICS", "multiple-choice", options=["Demo", "Price"])
    lines = [
        "EMAIL;firstname;COUNT;VIP;TOPICS;NOPE",
        'ada@example.com;"Ada; Countess";3;yes;Demo,Price;x',
        "bob@example.com;Bob;many;false;;",
        "",
    ]

    api.imported({"fileBody": "\n".join(lines)})

    assert api.attributes("ada@example.com") == {
        "FIRSTNAME": "Ada; Countess", "COUNT": 3, "VIP": True, "TOPICS": ["Demo", "Price"]
    }  # fmt: skip
    assert api.attributes("bob@example.com") == {"FIRSTNAME": "Bob", "VIP": False}


def test_completed_does_not_mean_that_every_row_was_taken(api: Api) -> None:
    api.brevo.add_contact("eve@example.com", {"SMS": "33612345678"}, ext_id="x1")
    body = rows("ada@example.com", "not an address") + [
        {"email": "bob@example.com", "attributes": {"SMS": "+33612345678", "FIRSTNAME": "Bob"}},
        {"email": "cyd@example.com", "attributes": {"EXT_ID": "x1"}},
        {"attributes": {"FIRSTNAME": "Nobody"}},
    ]

    process = api.imported({"jsonBody": body})

    assert process["status"] == "completed"
    assert report(api, process, "invalid_emails") == ["EMAIL", "not an address", ""]
    assert report(api, process, "duplicate_phone_id") == ["EMAIL;SMS", "bob@example.com;+33612345678"]
    assert report(api, process, "duplicate_ext_id") == ["EMAIL;EXT_ID", "cyd@example.com;x1"]
    assert process["info"]["import"]["duplicate_email_id"] is None
    assert [contact["email"] for contact in api.brevo.contacts()] == ["eve@example.com", "ada@example.com"]


def test_two_rows_with_one_phone(api: Api) -> None:
    process = api.imported({"jsonBody": rows("ada@example.com", "bob@example.com", SMS="33612345678")})

    assert report(api, process, "duplicate_phone_id") == ["EMAIL;SMS", "bob@example.com;33612345678"]


def test_what_does_not_fit_is_dropped_and_the_row_taken(api: Api) -> None:
    api.brevo.settings.unknown_attribute = "400"
    api.brevo.add_attribute("DAY", "date")

    api.imported({"jsonBody": rows("ada@example.com", DAY="11/02/1989", SMS="0612345678", NOPE="x", FIRSTNAME="Ada")})

    assert api.attributes("ada@example.com") == {"FIRSTNAME": "Ada"}


def test_existing_contacts_are_updated_and_empty_cells_left_alone(api: Api) -> None:
    api.brevo.add_contact("ada@example.com", {"FIRSTNAME": "Ada", "LASTNAME": "Byron"}, [2])

    api.imported({"jsonBody": rows("ada@example.com", FIRSTNAME="", LASTNAME="Lovelace")})

    assert api.attributes("ada@example.com") == {"FIRSTNAME": "Ada", "LASTNAME": "Lovelace"}
    assert api.contact("ada@example.com")["listIds"] == [1, 2]


def test_empty_cells_can_erase(api: Api) -> None:
    api.brevo.add_contact("ada@example.com", {"FIRSTNAME": "Ada", "LASTNAME": "Byron"})

    api.imported({"fileBody": "EMAIL;FIRSTNAME\nada@example.com;\n", "emptyContactsAttributes": True})

    assert api.attributes("ada@example.com") == {"LASTNAME": "Byron"}


def test_existing_contacts_can_be_left_alone(api: Api) -> None:
    api.brevo.add_contact("ada@example.com", {"FIRSTNAME": "Ada"})

    api.imported({"jsonBody": rows("ada@example.com", FIRSTNAME="X"), "updateExistingContacts": False})

    assert api.attributes("ada@example.com") == {"FIRSTNAME": "Ada"}
    assert api.contact("ada@example.com")["listIds"] == [1]


def test_blocklisted_contacts_stay_so(api: Api) -> None:
    api.brevo.add_contact("ada@example.com")
    api.brevo.block("ada@example.com")

    api.imported({"jsonBody": rows("ada@example.com")})

    assert api.contact("ada@example.com")["emailBlacklisted"] is True


def test_blocklisting_applies_to_all_rows(api: Api) -> None:
    api.imported({"jsonBody": rows("ada@example.com", "bob@example.com"), "emailBlacklist": True, "smsBlacklist": True})

    assert {contact["emailBlacklisted"] for contact in api.brevo.contacts()} == {True}
    assert {contact["smsBlacklisted"] for contact in api.brevo.contacts()} == {True}


def test_new_list_is_created(api: Api) -> None:
    api.imported({"jsonBody": rows("ada@example.com"), "newList": {"listName": "Imported", "folderId": 1}})

    found = api.get("/contacts/lists?limit=1").json["lists"][0]
    assert (found["name"], found["uniqueSubscribers"]) == ("Imported", 1)


def test_row_may_name_its_contact_by_phone_ext_id_or_number(api: Api) -> None:
    for name in ("ada", "bob", "cyd"):
        api.brevo.add_contact(f"{name}@example.com", {"SMS": "33612345678"} if name == "bob" else {}, ext_id=name)
    body = [
        {"attributes": {"EXT_ID": "ada", "LASTNAME": "A"}},
        {"attributes": {"SMS": "+33612345678", "LASTNAME": "B"}},
        {"id": 3, "attributes": {"LASTNAME": "C"}},
    ]

    api.imported({"jsonBody": body})

    assert [contact["attributes"]["LASTNAME"] for contact in api.brevo.contacts()] == ["A", "B", "C"]


@pytest.mark.parametrize(
    "source",
    [{"jsonBody": rows("nope")}, {"fileBody": "EMAIL\nnope\n"}, {"fileBody": "FIRSTNAME\nAda"}, {"fileBody": "x"}],
)
def test_file_without_any_identifier_is_refused_at_once(api: Api, source: dict[str, Any]) -> None:
    status, code, message = api.post("/contacts/import", {"listIds": [1], **source}).error

    assert (status, code) == (400, "invalid_parameter")
    assert message.startswith("We could not find any valid email or SMS or Contact ID in the file you uploaded.")


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"listIds": [1]}, "missing_parameter"), ({"jsonBody": rows("a@b.com")}, "missing_parameter"),
        ({"listIds": [1], "jsonBody": rows("a@b.com"), "fileBody": "EMAIL\na@b.com"}, "invalid_parameter"),
        ({"listIds": [99], "jsonBody": rows("a@b.com")}, "invalid_parameter"),
        ({"listIds": [1], "jsonBody": {}}, "missing_parameter"),
        ({"listIds": [1], "jsonBody": ["a"]}, "invalid_parameter"),
        ({"listIds": [1], "jsonBody": [{"email": "a@b.com", "attributes": []}, 1]}, "invalid_parameter"),
        ({"newList": {"folderId": 1}, "jsonBody": rows("a@b.com")}, "missing_parameter"),
        ({"newList": {"listName": "x", "folderId": 9}, "jsonBody": rows("a@b.com")}, "document_not_found"),
        ({"listIds": [1], "fileUrl": "https://files.example.com/a.csv"}, "invalid_parameter"),
        ({"listIds": [1], "fileUrl": "http://127.0.0.1/a.pdf"}, "invalid_parameter"),
        ({"listIds": [1], "fileUrl": "file://localhost/a.csv"}, "invalid_parameter"),
        ({"listIds": [1], "jsonBody": rows("a@b.com"), "updateExistingContacts": "yes"}, "invalid_parameter"),
    ],
)  # fmt: skip
def test_impossible_import_is_refused(api: Api, body: dict[str, Any], code: str) -> None:
    assert api.post("/contacts/import", body).error[:2] == (400, code)
    assert api.brevo.state.processes == {}


def test_body_holds_10_mb(api: Api) -> None:
    small = json.dumps({"listIds": [1], "jsonBody": rows("ada@example.com", FIRSTNAME="x" * (10 * 1024 * 1024 - 200))})
    large = json.dumps({"listIds": [1], "jsonBody": rows("ada@example.com", FIRSTNAME="x" * (10 * 1024 * 1024))})

    assert api.post("/contacts/import", large).error[:2] == (400, "invalid_parameter")
    assert api.post("/contacts/import", small).status == 202


def test_processes_are_listed_newest_first(api: Api) -> None:
    for number in range(12):
        api.imported({"jsonBody": rows(f"p{number}@example.com")})

    listed = api.get("/processes").json

    assert [process["id"] for process in listed["processes"]] == list(range(12, 2, -1))
    assert listed["count"] == 12
    assert api.get("/processes?limit=51").error[:2] == (400, "out_of_range")


@pytest.mark.parametrize("number", ["99", "0"])
def test_unknown_process(api: Api, number: str) -> None:
    assert api.get(f"/processes/{number}").error == (404, "invalid_parameter", "processId is invalid")


def test_unknown_report(api: Api) -> None:
    assert api.call("GET", "/sandbox/brevo/reports/nope.csv").status == 404


def test_thousands_of_rows_are_quick(api: Api) -> None:
    api.imported({"jsonBody": rows(*(f"p{number}@example.com" for number in range(5000)), FIRSTNAME="X")})

    assert api.get("/contacts/lists/1").json["uniqueSubscribers"] == 5000


def test_import_goes_on_with_a_loaded_state(api: Api) -> None:
    api.brevo.settings.import_seconds = 600.0
    api.post("/contacts/import", {"listIds": [1], "jsonBody": rows("ada@example.com")})
    state = api.brevo.state
    api.brevo.reset()

    api.brevo.settings.import_seconds = 0.0
    api.brevo.state = state

    wait_until(lambda: api.brevo.contact("ada@example.com") is not None)
