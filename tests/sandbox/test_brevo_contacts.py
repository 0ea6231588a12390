"""POST, GET, PUT and DELETE of contacts (reference 2.1 to 2.7, 2.9 and 9)."""

from typing import Any
from urllib.parse import quote

import pytest

from tests.sandbox.brevo_api import Api

UNKNOWN = (404, "document_not_found", "Contact does not exist")


def test_new_contact_answers_its_id(api: Api) -> None:
    created = api.post("/contacts", {"email": "ada@example.com", "attributes": {"FIRSTNAME": "Ada"}, "listIds": [1]})

    assert (created.status, created.json) == (201, {"id": 1})
    assert api.contact("ada@example.com")["listIds"] == [1]
    assert api.attributes("ada@example.com") == {"FIRSTNAME": "Ada"}


def test_update_answers_nothing_at_all(api: Api) -> None:
    api.upsert("ada@example.com", attributes={"FIRSTNAME": "Ada", "LASTNAME": "Byron"}, listIds=[1])

    updated = api.upsert("ada@example.com", attributes={"LASTNAME": "Lovelace"}, listIds=[2])

    assert (updated.status, updated.text) == (204, "")
    assert api.attributes("ada@example.com") == {"FIRSTNAME": "Ada", "LASTNAME": "Lovelace"}
    assert api.contact("ada@example.com")["listIds"] == [1, 2]


@pytest.mark.parametrize("code", ["duplicate_parameter", "invalid_parameter"])
def test_existing_contact_is_refused_without_update_enabled(api: Api, code: str) -> None:
    api.brevo.settings.duplicate_code = code
    api.upsert("ada@example.com")

    answer = api.post("/contacts", {"email": "ada@example.com"})

    assert answer.status == 400
    assert answer.json == {
        "code": code,
        "message": "Unable to create contact, email is already associated with another Contact",
        "metadata": {"duplicate_identifiers": ["email"]},
    }


def test_address_is_one_whatever_its_case(api: Api) -> None:
    api.upsert("Ada@Example.com ")

    assert api.upsert("ada@example.com").status == 204
    assert [contact["email"] for contact in api.brevo.contacts()] == ["ada@example.com"]


@pytest.mark.parametrize("body", [{}, {"email": ""}, {"attributes": {"FIRSTNAME": "Ada"}}, {"ext_id": " "}])
def test_contact_needs_an_identifier(api: Api, body: dict[str, Any]) -> None:
    assert api.post("/contacts", body).error[:2] == (400, "missing_parameter")


@pytest.mark.parametrize("email", ["ada", "ada@", "@example.com", "a b@example.com", "ada@example", "a@@b.com", 7])
def test_malformed_address_is_refused(api: Api, email: Any) -> None:
    assert api.post("/contacts", {"email": email}).error[:2] == (400, "invalid_parameter")


@pytest.mark.parametrize("identifiers", [{"ext_id": "x1"}, {"attributes": {"SMS": "+33612345678"}}])
def test_contact_may_do_without_an_address(api: Api, identifiers: dict[str, Any]) -> None:
    assert api.post("/contacts", identifiers).status == 201
    assert "email" not in api.brevo.contacts()[0]
    assert api.post("/contacts", {**identifiers, "updateEnabled": True}).status == 204


@pytest.mark.parametrize("number", ["33612345678", "+33612345678", "0033612345678"])
def test_phone_comes_back_as_digits(api: Api, number: str) -> None:
    api.upsert("ada@example.com", attributes={"SMS": number})

    assert api.attributes("ada@example.com") == {"SMS": "33612345678"}


@pytest.mark.parametrize("name", ["SMS", "WHATSAPP", "LANDLINE_NUMBER"])
@pytest.mark.parametrize(
    "number", ["0612345678", "abc", "+33 6 12 34 56 78", "123", "1234567890123456", True, ["33612345678"]]
)
def test_invalid_phone_refuses_the_whole_contact(api: Api, name: str, number: Any) -> None:
    answer = api.upsert("ada@example.com", attributes={"FIRSTNAME": "Ada", name: number})

    assert answer.error == (400, "invalid_parameter", "Invalid phone number")
    assert api.brevo.contact("ada@example.com") is None


@pytest.mark.parametrize("code", ["duplicate_parameter", "invalid_parameter"])
def test_phone_of_somebody_else_refuses_the_whole_contact(api: Api, code: str) -> None:
    api.brevo.settings.duplicate_code = code
    api.upsert("ada@example.com", attributes={"SMS": "+33612345678"})

    answer = api.upsert("bob@example.com", attributes={"SMS": "0033612345678", "FIRSTNAME": "Bob"})

    assert answer.json == {
        "code": code,
        "message": "Unable to create contact, SMS is already associated with another Contact",
        "metadata": {"duplicate_identifiers": ["SMS"]},
    }
    assert api.brevo.contact("bob@example.com") is None


def test_phone_of_somebody_else_refuses_an_update_too(api: Api) -> None:
    api.upsert("ada@example.com", attributes={"SMS": "+33612345678"})
    api.upsert("bob@example.com", attributes={"FIRSTNAME": "Bob"})

    refused = api.upsert("bob@example.com", attributes={"SMS": "33612345678", "FIRSTNAME": "Robert"})
    put = api.put("/contacts/bob%40example.com", {"attributes": {"SMS": "33612345678"}})

    assert (refused.status, refused.json["metadata"]) == (400, {"duplicate_identifiers": ["SMS"]})
    assert put.json["message"] == "Unable to update contact, SMS is already associated with another Contact"
    assert api.attributes("bob@example.com") == {"FIRSTNAME": "Bob"}


def test_ones_own_phone_may_be_sent_again_and_changed(api: Api) -> None:
    api.upsert("ada@example.com", attributes={"SMS": "+33612345678"})

    assert api.upsert("ada@example.com", attributes={"SMS": "+33612345678"}).status == 204
    assert api.upsert("ada@example.com", attributes={"SMS": "+33612345679"}).status == 204
    assert api.upsert("bob@example.com", attributes={"SMS": "+33612345678"}).status == 201


def test_ext_id_is_unique_and_not_answered(api: Api) -> None:
    api.upsert("ada@example.com", ext_id="x1")

    taken = api.upsert("bob@example.com", ext_id="x1")

    assert taken.json["metadata"] == {"duplicate_identifiers": ["ext_id"]}
    assert "ext_id" not in api.get("/contacts/x1?identifierType=ext_id").text


def test_force_merge_keeps_the_one_modified_last_and_deletes_the_other(api: Api) -> None:
    api.upsert("ada@example.com", attributes={"SMS": "+33612345678", "LASTNAME": "Byron"}, listIds=[1])
    api.server.world.clock.advance(1)
    api.upsert("bob@example.com", attributes={"FIRSTNAME": "Bob"})

    merged = api.upsert("bob@example.com", attributes={"SMS": "33612345678"}, forceMerge=True, getId=True)

    assert (merged.status, merged.json) == (201, {"id": 2})
    assert api.brevo.contact("ada@example.com") is None
    assert api.contact("bob@example.com")["listIds"] == [1]
    assert api.attributes("bob@example.com") == {"FIRSTNAME": "Bob", "LASTNAME": "Byron", "SMS": "33612345678"}


@pytest.mark.parametrize("list_ids", [[99], [1, 99], ["1"], [True], 1])
def test_unknown_list_refuses_the_whole_contact(api: Api, list_ids: Any) -> None:
    assert api.upsert("ada@example.com", listIds=list_ids).error[:2] == (400, "invalid_parameter")
    assert api.brevo.contact("ada@example.com") is None


def test_email_among_the_attributes_of_a_post_is_refused(api: Api) -> None:
    assert api.upsert("ada@example.com", attributes={"EMAIL": "ada@example.com"}).status == 400


def test_put_joins_and_leaves_lists(api: Api) -> None:
    api.brevo.add_contact("ada@example.com", list_ids=[1, 2])

    assert api.put("/contacts/ada%40example.com", {"listIds": [3], "unlinkListIds": [1]}).status == 204

    assert api.contact("ada@example.com")["listIds"] == [2, 3]
    assert api.brevo.list_members(1) == []


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
@pytest.mark.parametrize("identifier", ["nobody%40example.com", "77", "x?identifierType=ext_id"])
def test_unknown_contact(api: Api, method: str, identifier: str) -> None:
    assert api.call(method, f"/v3/contacts/{identifier}", {} if method == "PUT" else None).error == UNKNOWN


@pytest.mark.parametrize(
    ("identifier", "kind"),
    [
        ("ada+cal@example.com", ""), ("1", ""), ("33612345678", ""), ("ada+cal@example.com", "email_id"),
        ("1", "contact_id"), ("x1", "ext_id"), ("+33612345678", "phone_id"), ("33612345679", "whatsapp_id"),
        ("33612345670", "landline_number_id"),
    ],
)  # fmt: skip
def test_contact_is_found_by_any_identifier(api: Api, identifier: str, kind: str) -> None:
    phones = {"SMS": "+33612345678", "WHATSAPP": "+33612345679", "LANDLINE_NUMBER": "+33612345670"}
    api.upsert("ada+cal@example.com", ext_id="x1", attributes=phones)

    answer = api.get(f"/contacts/{quote(identifier, safe='')}" + (f"?identifierType={kind}" if kind else ""))

    assert answer.json["email"] == "ada+cal@example.com"
    assert answer.json["statistics"]["opened"] == []


def test_unencoded_plus_is_the_classic_404(api: Api) -> None:
    api.brevo.add_contact("ada+cal@example.com")

    assert api.get("/contacts/ada+cal%40example.com").error == UNKNOWN
    assert api.get("/contacts/ada%2Bcal%40example.com").status == 200


def test_phone_without_its_type_is_understood_by_get_only(api: Api) -> None:
    api.upsert("ada@example.com", attributes={"SMS": "33612345678"})

    assert api.get("/contacts/33612345678").status == 200
    assert api.delete("/contacts/33612345678").error == UNKNOWN


def test_unknown_identifier_type_is_refused(api: Api) -> None:
    assert api.get("/contacts/1?identifierType=name").error[:2] == (400, "invalid_parameter")


def test_statistics_want_both_dates(api: Api) -> None:
    api.brevo.add_contact("ada@example.com")

    assert api.get("/contacts/1?startDate=2026-01-01").status == 400
    assert api.get("/contacts/1?startDate=2026-01-01&endDate=2026-02-01").status == 200


def test_own_address_cannot_be_deleted(api: Api) -> None:
    api.brevo.add_contact("owner@example.com")

    assert api.delete("/contacts/owner%40example.com").error == (
        405,
        "method_not_allowed",
        "You're not allowed to delete registered email contact with Brevo",
    )


def test_times_are_utc_with_milliseconds_and_move_on(api: Api) -> None:
    api.upsert("ada@example.com")
    before = api.contact("ada@example.com")
    api.server.world.clock.advance(60)
    api.upsert("ada@example.com", attributes={"FIRSTNAME": "Ada"})

    after = api.contact("ada@example.com")

    assert before["createdAt"] == before["modifiedAt"] == after["createdAt"] < after["modifiedAt"]
    assert after["createdAt"].endswith("Z") and len(after["createdAt"]) == len("2026-11-22T00:00:00.000Z")


def test_address_of_somebody_else_is_refused(api: Api) -> None:
    api.brevo.settings.duplicate_code = "invalid_parameter"
    api.brevo.add_contact("ada@example.com")
    api.brevo.add_contact("bob@example.com")

    answer = api.put("/contacts/bob%40example.com", {"attributes": {"EMAIL": "ada@example.com"}})

    assert answer.json == {
        "code": "invalid_parameter",
        "message": "Unable to update contact, email is already associated with another Contact",
        "metadata": {"duplicate_identifiers": ["email"]},
    }
