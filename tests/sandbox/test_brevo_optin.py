"""Double opt-in (reference 2.10)."""

from typing import Any

import pytest

from tests.sandbox.brevo_api import Api

ASK = {
    "email": "ada@example.com",
    "attributes": {"FIRSTNAME": "Ada"},
    "includeListIds": [1],
    "redirectionUrl": "https://www.example.com/thanks",
    "templateId": 2,
}
PATH = "/contacts/doubleOptinConfirmation"


def test_contact_joins_only_after_the_click(api: Api) -> None:
    asked = api.post(PATH, ASK)
    before = api.brevo.contact("ada@example.com")

    clicked = api.control("confirm-doi", {"email": "ada@example.com"})

    assert (asked.status, asked.text, before) == (201, "", None)
    assert clicked.json == {"confirmed": 1}
    assert api.contact("ada@example.com")["listIds"] == [1]
    assert api.attributes("ada@example.com") == {"FIRSTNAME": "Ada"}


def test_existing_contact_answers_204_and_leaves_excluded_lists(api: Api) -> None:
    api.brevo.add_contact("ada@example.com", list_ids=[2])

    asked = api.post(PATH, {**ASK, "excludeListIds": [2]})
    before = api.contact("ada@example.com")["listIds"]
    api.brevo.confirm_optin("ada@example.com")

    assert (asked.status, before) == (204, [2])
    assert api.contact("ada@example.com")["listIds"] == [1]


def test_mail_is_confirmed_once(api: Api) -> None:
    api.post(PATH, ASK)

    assert api.brevo.confirm_optin("Ada@Example.com") == 1
    assert api.brevo.confirm_optin("ada@example.com") == 0


def test_template_must_be_one_of_the_set_ones(api: Api) -> None:
    api.brevo.settings.optin_templates = [5]

    assert api.post(PATH, ASK).error[:2] == (400, "invalid_parameter")
    assert api.post(PATH, {**ASK, "templateId": 5}).status == 201


@pytest.mark.parametrize("name", ["email", "includeListIds", "redirectionUrl", "templateId"])
def test_mandatory_values(api: Api, name: str) -> None:
    body = {key: value for key, value in ASK.items() if key != name}

    assert api.post(PATH, body).error[:2] == (400, "missing_parameter")


@pytest.mark.parametrize(
    "change", [{"email": "nope"}, {"includeListIds": [99]}, {"templateId": "2"}, {"attributes": []}]
)
def test_wrong_values(api: Api, change: dict[str, Any]) -> None:
    assert api.post(PATH, {**ASK, **change}).error[:2] == (400, "invalid_parameter")


def test_phone_of_somebody_else_is_left_out_at_the_click(api: Api) -> None:
    api.brevo.add_contact("bob@example.com", {"SMS": "33612345678"})
    api.post(PATH, {**ASK, "attributes": {"SMS": "33612345678"}})

    api.brevo.confirm_optin("ada@example.com")

    assert api.attributes("ada@example.com") == {}
