"""The stand-in against Brevo's OpenAPI file: its routes are there, and so is every kind of answer.

The `api` fixture checks each answer of each test; here are the routes, and one answer of each operation for certain.
"""

import re

from tests.sandbox.brevo_api import Api
from tests.sandbox.openapi import Spec, watching

# Not in the file, whose subset leaves webhooks out; built from reference 7.1.
OUTSIDE_THE_FILE = {
    ("GET", "/webhooks"), ("POST", "/webhooks"), ("GET", "/webhooks/{}"), ("PUT", "/webhooks/{}"),
    ("DELETE", "/webhooks/{}"),
}  # fmt: skip

# In the file but not in the sandbox: nothing here needs them. /contacts/batch stopped on 2026-10-30.
LEFT_OUT = {
    ("POST", "/contacts/batch"), ("POST", "/contacts/export"), ("GET", "/contacts/{}/campaignStats"),
}  # fmt: skip


def shapes(operations: list[tuple[str, str]] | set[tuple[str, str]]) -> set[tuple[str, str]]:
    """Return operations without the names of the parts of their paths, which are not ours to choose."""
    return {(method, re.sub(r"\{\w+\}", "{}", template)) for method, template in operations}


def test_routes_are_those_of_the_file(api: Api, brevo_spec: Spec) -> None:
    ours, theirs = shapes(api.brevo.router.templates()), shapes(brevo_spec.operations())

    assert ours - theirs == OUTSIDE_THE_FILE
    assert theirs - ours == LEFT_OUT


def test_each_operation_answers_as_the_file_says(api: Api, brevo_spec: Spec) -> None:
    with watching(api.server, {"brevo": brevo_spec}) as seen:
        _call_everything(api)

    answered = {(method, template) for method, template, status in seen.answers if status < 300}
    assert seen.problems == []
    assert shapes(answered) == shapes(brevo_spec.operations()) - LEFT_OUT


def _call_everything(api: Api) -> None:
    _call_catalogue(api)
    _call_contacts(api)
    _call_events(api)
    _call_crm(api)
    api.delete("/contacts/ada%40example.com")
    api.delete("/contacts/lists/2")
    api.delete("/contacts/folders/1")


def _call_catalogue(api: Api) -> None:
    choice = {"type": "multiple-choice", "multiCategoryOptions": ["Demo", "Price"]}
    api.post("/contacts/attributes/normal/TOPICS", choice)
    api.put("/contacts/attributes/normal/TOPICS", {"multiCategoryOptions": ["Team"]})
    api.delete("/contacts/attributes/multiple-choice/TOPICS/Demo")
    api.post("/contacts/attributes/category/STATE", {"type": "category", "enumeration": [{"value": 1, "label": "a"}]})
    api.get("/contacts/attributes")
    api.delete("/contacts/attributes/category/STATE")
    api.post("/contacts/folders", {"name": "Second"})
    api.put("/contacts/folders/2", {"name": "Other"})
    api.post("/contacts/lists", {"name": "Demos", "folderId": 2})
    api.put("/contacts/lists/4", {"name": "Demo calls"})
    for path in ("lists", "lists/1", "folders", "folders/1", "folders/1/lists", "segments"):
        api.get(f"/contacts/{path}")


def _call_contacts(api: Api) -> None:
    attributes = {"FIRSTNAME": "Ada", "SMS": "+33612345678", "TOPICS": ["Price"]}
    api.upsert("ada@example.com", attributes=attributes, listIds=[1])
    api.upsert("ada@example.com", listIds=[2])
    api.post("/contacts", {"attributes": {"SMS": "33612345679"}})
    api.put("/contacts/ada%40example.com", {"unlinkListIds": [2]})
    api.get("/contacts/ada%40example.com")
    api.get("/contacts")
    api.post("/contacts/lists/3/contacts/add", {"ids": [1]})
    api.get("/contacts/lists/3/contacts")
    api.post("/contacts/lists/3/contacts/remove", {"emails": ["ada@example.com"]})
    optin = {"email": "cyd@example.com", "includeListIds": [1], "redirectionUrl": "https://x.com", "templateId": 1}
    api.post("/contacts/doubleOptinConfirmation", optin)
    imported = api.post(
        "/contacts/import", {"listIds": [1], "jsonBody": [{"email": "bob@example.com"}, {"email": "x"}]}
    )
    api.finished(imported.json["processId"])
    api.get("/processes")
    api.get("/account")


def _call_events(api: Api) -> None:
    event = {"event_name": "booked", "identifiers": {"email_id": "ada@example.com"}, "event_properties": {"a": [1]}}
    api.post("/events", event)
    api.post("/events/batch", {"events": [event]})
    api.post("/events/batch", {"events": [event, {}]})
    api.post("/events/batch", {"events": [{}]})
    api.get("/events")


def _call_crm(api: Api) -> None:
    kind = api.get("/crm/tasktypes").json[0]["id"]
    api.get("/crm/pipeline/details/all")
    bodies = {
        "notes": {"text": "x", "contactIds": [1]},
        "tasks": {"name": "x", "taskTypeId": kind, "date": "2026-12-01T14:30:00Z", "contactsIds": [1]},
        "deals": {"name": "x", "linkedContactsIds": [1]},
    }
    for name, body in bodies.items():
        number = api.post(f"/crm/{name}", body).json["id"]
        api.get(f"/crm/{name}")
        api.call("PATCH", f"/v3/crm/{name}/{number}", body)
        api.get(f"/crm/{name}/{number}")
        api.delete(f"/crm/{name}/{number}")
