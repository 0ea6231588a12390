"""Tasks, notes, deals and pipelines (reference 7.2)."""

from typing import Any

import pytest

from tests.sandbox.brevo_api import Api


def meeting_type(api: Api) -> str:
    """Return the id of the task type for meetings."""
    types = {each["title"]: each["id"] for each in api.get("/crm/tasktypes").json}
    return str(types["Meeting"])


def test_task_types_are_a_bare_list(api: Api) -> None:
    titles = [each["title"] for each in api.get("/crm/tasktypes").json]

    assert titles == ["Email", "Call", "Meeting", "Todo", "Lunch", "Deadline", "LinkedIn"]


def test_task_is_created_moved_done_and_deleted(api: Api) -> None:
    contact_id = api.brevo.add_contact("ada@example.com")
    task = {"name": "Intro call", "taskTypeId": meeting_type(api), "date": "2026-12-01T14:30:00.000Z",
            "duration": 1_800_000, "contactsIds": [contact_id]}  # fmt: skip
    created = api.post("/crm/tasks", task)
    path = f"/crm/tasks/{created.json['id']}"

    assert created.status == 201
    assert api.call("PATCH", f"/v3{path}", {"date": "2026-12-02T14:30:00.000Z", "done": True}).status == 204
    found = api.get(path).json
    assert (found["date"], found["done"], found["contactsIds"]) == ("2026-12-02T14:30:00.000Z", True, [contact_id])
    assert [each["id"] for each in api.get("/crm/tasks").json["items"]] == [created.json["id"]]
    assert api.delete(path).status == 204
    assert api.get(path).error[:2] == (404, "document_not_found")


def test_tasks_are_found_by_contact_type_and_status(api: Api) -> None:
    ada, bo = (api.brevo.add_contact(f"{name}@example.com") for name in ("ada", "bo"))
    task = {"name": "Call", "taskTypeId": meeting_type(api), "date": "2026-12-01T14:30:00Z"}
    first = api.post("/crm/tasks", {**task, "contactsIds": [ada]}).json["id"]
    second = api.post("/crm/tasks", {**task, "contactsIds": [ada, bo], "done": True}).json["id"]

    def found(query: str) -> list[str]:
        return [each["id"] for each in api.get(f"/crm/tasks?{query}").json["items"]]

    assert found(f"filter[contacts]={ada}") == [second, first]
    assert found(f"filter[contacts]={ada}&sort=asc&limit=1") == [first]
    assert found(f"filter[contacts]={bo}") == [second]
    assert found("filter[contacts]=999") == []
    assert (found("filter[status]=undone"), found("filter[status]=done")) == ([first], [second])
    assert len(found(f"filter[type]={meeting_type(api)}")) == 2
    assert found("filter[type]=other") == []
    assert api.get("/crm/tasks?filter[status]=late").status == 400


def test_note_answers_200_and_its_listing_is_bare(api: Api) -> None:
    contact_id = api.brevo.add_contact("ada@example.com")
    created = api.post("/crm/notes", {"text": "<b>Booked</b>", "contactIds": [contact_id]})

    assert created.status == 200
    assert [each["text"] for each in api.get("/crm/notes").json] == ["<b>Booked</b>"]
    assert api.get(f"/crm/notes/{created.json['id']}").json["contactIds"] == [contact_id]


def test_deal_keeps_its_name_among_the_attributes(api: Api) -> None:
    contact_id = api.brevo.add_contact("ada@example.com")
    created = api.post("/crm/deals", {"name": "First call", "linkedContactsIds": [contact_id]})
    stage = api.get("/crm/pipeline/details/all").json[0]["stages"][1]["id"]
    path = f"/crm/deals/{created.json['id']}"

    assert created.status == 201
    assert api.call("PATCH", f"/v3{path}", {"attributes": {"deal_stage": stage}}).status == 204
    assert api.get(path).json["attributes"] == {"deal_name": "First call", "deal_stage": stage}
    assert api.get("/crm/deals").json["items"][0]["linkedContactsIds"] == [contact_id]


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        ("tasks", {"name": "x", "date": "2026-12-01T14:30:00Z"}), ("tasks", {"taskTypeId": "x", "date": "2026-12-01"}),
        ("tasks", {"name": "x", "taskTypeId": "wrong", "date": "2026-12-01T14:30:00Z"}), ("notes", {"text": ""}),
        ("notes", {"text": "x" * 3001}), ("notes", {"text": "x", "contactIds": [77]}), ("deals", {}),
        ("deals", {"name": "x", "linkedContactsIds": ["1"]}), ("deals", {"name": "x", "attributes": "x"}),
    ],
)  # fmt: skip
def test_impossible_object_is_refused(api: Api, kind: str, body: dict[str, Any]) -> None:
    assert api.post(f"/crm/{kind}", body).status == 400


@pytest.mark.parametrize("kind", ["tasks", "notes", "deals"])
@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_unknown_object(api: Api, kind: str, method: str) -> None:
    answer = api.call(method, f"/v3/crm/{kind}/nope", {"text": "x", "name": "x"} if method == "PATCH" else None)

    assert answer.error[:2] == (404, "document_not_found")


def test_update_without_anything_is_refused(api: Api) -> None:
    created = api.post("/crm/notes", {"text": "x"}).json["id"]

    assert api.call("PATCH", f"/v3/crm/notes/{created}", {}).status == 400
    assert api.call("PATCH", f"/v3/crm/notes/{created}", {"text": 7}).status == 400
