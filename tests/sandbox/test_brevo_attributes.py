"""Attribute values in a contact (reference 2.3, 4.3) and the attribute catalogue (4.1, 4.2)."""

from typing import Any

import pytest

from tests.sandbox.brevo_api import Api


@pytest.fixture
def typed(api: Api) -> Api:
    """Return a Brevo with an attribute of each type."""
    for kind in ("text", "date", "float", "boolean", "user"):
        api.brevo.add_attribute(f"A_{kind}", kind)
    api.brevo.add_attribute("A_CHOICE", "multiple-choice", options=["Demo", "Price"])
    api.brevo.add_attribute("A_CATEGORY", category="category", options={1: "active", 2: "canceled"})
    return api


@pytest.mark.parametrize(
    ("name", "sent", "stored"),
    [
        ("A_TEXT", "x", "x"), ("A_FLOAT", 3, 3), ("A_FLOAT", -2.5, -2.5), ("A_BOOLEAN", True, True),
        ("A_BOOLEAN", False, False), ("A_DATE", "2026-12-01", "2026-12-01"), ("A_USER", "me@x.com", "me@x.com"),
        ("A_CHOICE", ["Demo"], ["Demo"]), ("A_CHOICE", ["Demo", "Unknown"], ["Demo"]),
        ("A_CATEGORY", 1, "1"), ("A_CATEGORY", "2", "2"), ("a_text", "lower", "lower"),
    ],
)  # fmt: skip
def test_value_of_the_right_type_is_stored(typed: Api, name: str, sent: Any, stored: Any) -> None:
    assert typed.upsert("ada@example.com", attributes={name: sent}).status == 201

    assert typed.attributes("ada@example.com") == {name.upper(): stored}


@pytest.mark.parametrize(
    ("name", "sent"),
    [
        ("A_TEXT", 7), ("A_TEXT", True), ("A_TEXT", ["x"]), ("A_FLOAT", "3"), ("A_FLOAT", True), ("A_BOOLEAN", "Yes"),
        ("A_BOOLEAN", 1), ("A_DATE", "2026-12-01T14:30:00Z"), ("A_DATE", "01/12/2026"), ("A_DATE", "01-12-2026"),
        ("A_DATE", "2026-02-30"), ("A_DATE", 20261201), ("A_DATE", "soon"), ("A_CHOICE", "Demo"),
        ("A_CHOICE", ["Unknown"]), ("A_CHOICE", ["demo"]), ("A_CATEGORY", 3), ("A_CATEGORY", "active"),
        ("A_CATEGORY", True), ("A_CATEGORY", 1.5), ("A_TEXT", None), ("NOT_THERE", "x"), ("A_USER", "nobody"),
    ],
)  # fmt: skip
def test_what_does_not_fit_is_dropped_without_a_word(typed: Api, name: str, sent: Any) -> None:
    typed.upsert("ada@example.com", attributes={"FIRSTNAME": "Ada"})

    assert typed.upsert("ada@example.com", attributes={name: sent, "LASTNAME": "Lovelace"}).status == 204

    assert typed.attributes("ada@example.com") == {"FIRSTNAME": "Ada", "LASTNAME": "Lovelace"}


def test_stored_value_outlives_one_that_does_not_fit(typed: Api) -> None:
    typed.upsert("ada@example.com", attributes={"A_DATE": "2026-12-01"})

    typed.upsert("ada@example.com", attributes={"A_DATE": "2026-12-02T10:00:00Z"})

    assert typed.attributes("ada@example.com") == {"A_DATE": "2026-12-01"}


@pytest.mark.parametrize(
    ("name", "value"),
    [("A_TEXT", "x"), ("A_DATE", "2026-12-01"), ("A_FLOAT", 1), ("A_CATEGORY", 1), ("SMS", "33612345678")],
)
def test_empty_text_clears(typed: Api, name: str, value: Any) -> None:
    typed.upsert("ada@example.com", attributes={name: value})

    typed.upsert("ada@example.com", attributes={name: ""})

    assert typed.attributes("ada@example.com") == {}


def test_empty_list_clears_a_multiple_choice(typed: Api) -> None:
    typed.upsert("ada@example.com", attributes={"A_CHOICE": ["Demo"]})

    typed.upsert("ada@example.com", attributes={"A_CHOICE": []})

    assert typed.attributes("ada@example.com") == {}


def test_unknown_attribute_can_be_made_a_refusal(api: Api) -> None:
    api.brevo.settings.unknown_attribute = "400"

    assert api.upsert("ada@example.com", attributes={"NOPE": "x"}).error[:2] == (400, "invalid_parameter")
    assert api.brevo.contact("ada@example.com") is None


def test_calculated_and_transactional_attributes_cannot_be_written(api: Api) -> None:
    api.post("/contacts/attributes/calculated/SCORE", {"value": "COUNT[BLACKLISTED,BLACKLISTED,<,NOW()]"})
    api.post("/contacts/attributes/transactional/ORDER", {"type": "text"})

    api.upsert("ada@example.com", attributes={"SCORE": 1, "ORDER": "x"})

    assert api.attributes("ada@example.com") == {}


def test_account_starts_with_names_and_identifiers(api: Api) -> None:
    names = {each["name"]: each["type"] for each in api.get("/contacts/attributes").json["attributes"]}

    assert {"FIRSTNAME", "LASTNAME", "EMAIL", "SMS", "EXT_ID"} <= set(names)
    assert set(names.values()) == {"text"}


def test_created_attributes_are_listed(api: Api) -> None:
    created = [
        api.post("/contacts/attributes/normal/meeting_date", {"type": "date"}),
        api.post("/contacts/attributes/normal/TOPICS", {"type": "multiple-choice", "multiCategoryOptions": ["Demo"]}),
        api.post(
            "/contacts/attributes/category/STATE",
            {"type": "category", "enumeration": [{"value": 1, "label": "active"}]},
        ),
        api.post("/contacts/attributes/global/TOTAL", {"value": "SUM[X]"}),
    ]

    assert [(answer.status, answer.text) for answer in created] == [(201, "")] * 4
    assert api.get("/contacts/attributes").json["attributes"][-4:] == [
        {"name": "MEETING_DATE", "category": "normal", "type": "date"},
        {"name": "TOPICS", "category": "normal", "type": "multiple-choice", "multiCategoryOptions": ["Demo"]},
        {
            "name": "STATE",
            "category": "category",
            "type": "text",
            "enumeration": [{"value": 1, "label": "active", "valueStr": "1"}],
        },
        {"name": "TOTAL", "category": "global", "calculatedValue": "SUM[X]"},
    ]


def test_option_id_that_is_no_number_reads_zero(api: Api) -> None:
    api.brevo.add_attribute("SIZE", category="category", options={"xl": "Extra large"})

    option = api.get("/contacts/attributes").json["attributes"][-1]["enumeration"][0]

    assert option == {"value": 0, "label": "Extra large", "valueStr": "xl"}


def test_existing_attribute_is_refused(api: Api) -> None:
    api.post("/contacts/attributes/normal/TOPIC", {"type": "text"})

    again = api.post("/contacts/attributes/normal/topic", {"type": "date"})

    assert again.error == (400, "invalid_parameter", "Attribute name must be unique")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("normal/1ST", {"type": "text"}), ("normal/A-B", {"type": "text"}), ("normal/" + "A" * 51, {"type": "text"}),
        ("normal/X", {"type": "id"}), ("normal/X", {}), ("normal/X", {"type": "category"}),
        ("category/X", {"type": "text"}),
        ("wrong/X", {"type": "text"}), ("global/X", {"type": "text"}), ("transactional/X", {"type": "user"}),
        ("category/X", {"type": "category", "enumeration": [{"value": 1, "label": "x" * 201}]}),
        ("category/X", {"type": "category", "enumeration": [{"value": "1", "label": "x"}]}),
        ("normal/X", {"type": "multiple-choice", "multiCategoryOptions": "Demo"}),
    ],
)  # fmt: skip
def test_impossible_attribute_is_refused(api: Api, path: str, body: dict[str, Any]) -> None:
    assert api.post(f"/contacts/attributes/{path}", body).status == 400


def test_account_holds_200_attributes(api: Api) -> None:
    for number in range(200 - len(api.brevo.state.attributes)):
        api.brevo.add_attribute(f"A{number}")

    assert api.post("/contacts/attributes/normal/ONE_MORE", {"type": "text"}).status == 400


def test_options_can_be_changed(typed: Api) -> None:
    path = "/contacts/attributes"
    answers = [
        typed.put(f"{path}/category/A_CATEGORY", {"enumeration": [{"value": 3, "label": "moved"}]}),
        typed.put(f"{path}/normal/A_CHOICE", {"multiCategoryOptions": ["Team"]}),
        typed.delete(f"{path}/multiple-choice/A_CHOICE/Demo"),
    ]

    assert [answer.status for answer in answers] == [204] * 3
    choice, category = typed.get(path).json["attributes"][-2:]
    assert choice["multiCategoryOptions"] == ["Price", "Team"]
    assert category["enumeration"] == [{"value": 3, "label": "moved", "valueStr": "3"}]


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "normal/NOPE"), ("DELETE", "normal/NOPE"), ("DELETE", "category/A_TEXT"),
        ("DELETE", "multiple-choice/NOPE/Demo"), ("DELETE", "multiple-choice/A_CHOICE/Nope"),
    ],
)  # fmt: skip
def test_unknown_attribute_or_option(typed: Api, method: str, path: str) -> None:
    answer = typed.call(method, f"/v3/contacts/attributes/{path}", {"value": "x"} if method == "PUT" else None)

    assert answer.error[:2] == (404, "document_not_found")


def test_update_without_anything_to_update_is_refused(typed: Api) -> None:
    assert typed.put("/contacts/attributes/normal/A_TEXT", {"value": "x"}).status == 400
    assert typed.delete("/contacts/attributes/multiple-choice/A_TEXT/x").status == 400


def test_deleting_an_attribute_deletes_its_values(typed: Api) -> None:
    typed.upsert("ada@example.com", attributes={"A_TEXT": "x"})

    assert typed.delete("/contacts/attributes/normal/A_TEXT").status == 204
    assert typed.attributes("ada@example.com") == {}
