"""What Brevo refuses whatever the endpoint: keys, addresses, content types, unknown paths (reference 1 and 9)."""

import time

import pytest

from tests.sandbox.brevo_api import JSON, KEY, Api

RATE_HEADERS = {"x-sib-ratelimit-limit", "x-sib-ratelimit-remaining", "x-sib-ratelimit-reset"}


def test_missing_key_is_told_apart_from_a_wrong_one(api: Api) -> None:
    missing = api.call("GET", "/v3/account", headers={})
    wrong = api.call("GET", "/v3/account", headers={"api-key": "wrong"})

    assert missing.error == (401, "unauthorized", "authentication not found in headers")
    assert wrong.error == (401, "unauthorized", "Key not found")


def test_dead_key_is_not_found(api: Api) -> None:
    api.brevo.settings.dead_key = True

    assert api.get("/account").error == (401, "unauthorized", "Key not found")


def test_unknown_address_is_told_by_the_message_only(api: Api) -> None:
    api.brevo.settings.unknown_ip = "203.0.113.9"

    status, code, message = api.get("/account").error

    assert (status, code) == (401, "unauthorized")
    assert message == (
        "We have detected you are using an unrecognised IP address 203.0.113.9. If you performed this action make sure "
        "to add the new IP address in this link: https://app.brevo.com/security/authorised_ips"
    )


def test_401_carries_no_rate_headers_and_costs_nothing(api: Api) -> None:
    api.brevo.limits.enabled = True

    refused = api.call("GET", "/v3/account", headers={"api-key": "wrong"})
    admitted = api.get("/account")

    assert not RATE_HEADERS & set(refused.headers)
    assert admitted.headers["x-sib-ratelimit-remaining"] == "99"


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", None])
def test_content_type_must_be_json(api: Api, content_type: str | None) -> None:
    headers = {"api-key": KEY} | ({"content-type": content_type} if content_type else {})

    answer = api.call("POST", "/v3/contacts", '{"email": "ada@example.com"}', headers=headers)

    assert answer.status == 406
    assert api.brevo.contacts() == []


def test_notes_answer_415_instead_of_406(api: Api) -> None:
    answer = api.call("POST", "/v3/crm/notes", '{"text": "x"}', headers={"api-key": KEY, "content-type": "text/plain"})

    assert answer.status == 415


def test_content_type_may_carry_a_charset(api: Api) -> None:
    headers = {"api-key": KEY, "content-type": "application/json; charset=utf-8"}

    assert api.call("POST", "/v3/contacts", '{"email": "ada@example.com"}', headers=headers).status == 201


@pytest.mark.parametrize(
    ("switch", "status", "code"),
    [("not_enough_credits", 402, "not_enough_credits"), ("forbidden", 403, "permission_denied")],
)
def test_account_trouble_stops_every_call(api: Api, switch: str, status: int, code: str) -> None:
    setattr(api.brevo.settings, switch, True)

    assert api.post("/contacts", {"email": "ada@example.com"}).error[:2] == (status, code)
    assert api.get("/contacts/lists").error[:2] == (status, code)


def test_too_early_strikes_writing_contacts_only(api: Api) -> None:
    api.brevo.add_contact("ada@example.com")
    api.brevo.settings.too_early = True

    assert api.upsert("ada@example.com").error[:2] == (425, "account_in_process")
    assert api.put("/contacts/ada%40example.com", {"attributes": {}}).status == 425
    assert api.get("/contacts/ada%40example.com").status == 200


def test_unknown_path_and_wrong_method(api: Api) -> None:
    assert api.get("/nowhere").status == 404
    assert api.call("DELETE", "/v3/account").error[:2] == (405, "method_not_allowed")


def test_every_answer_carries_a_request_id_of_its_own(api: Api) -> None:
    answers = [api.get("/account"), api.get("/nowhere"), api.call("GET", "/v3/account", headers=JSON)]

    assert len({answer.headers["sib-request-id"] for answer in answers}) == 3


@pytest.mark.parametrize("body", ["", "{", "[]", "3", '"text"'])
def test_body_must_be_a_json_object(api: Api, body: str) -> None:
    assert api.post("/contacts", body).error[:2] == (400, "invalid_parameter")


def test_latency_can_be_set(api: Api) -> None:
    api.brevo.settings.latency = 0.05

    begun = time.monotonic()
    api.get("/account")

    assert time.monotonic() - begun >= 0.05


def test_account_names_its_organization_and_automation_key(api: Api) -> None:
    account = api.get("/account").json

    assert account["organization_id"] == api.brevo.state.profile["organization_id"]
    assert account["companyName"]
    assert account["marketingAutomation"]["enabled"] is True


def test_account_can_be_swapped_for_another(api: Api) -> None:
    api.brevo.state.profile["organization_id"] = "another"

    assert api.get("/account").json["organization_id"] == "another"
