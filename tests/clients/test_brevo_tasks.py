"""CRM tasks of a Brevo account, against the sandbox."""

import json

import pytest

from calendly_connector.clients import errors
from calendly_connector.clients.brevo import BrevoClient
from sandbox.app import Sandbox
from tests.clients.conftest import Observed
from tests.clients.odd_server import answer, odd_server


def meeting_type(brevo: BrevoClient) -> str:
    return next(each.id for each in brevo.list_task_types() if each.title == "Meeting")


def test_a_task_is_made_changed_and_found_by_its_contact(
    sandbox: Sandbox, brevo: BrevoClient, observed: Observed
) -> None:
    ada, bo = (sandbox.brevo.add_contact(f"{name}@example.com") for name in ("ada", "bo"))
    body = {"name": "Call", "taskTypeId": meeting_type(brevo), "date": "2026-12-01T14:30:00.000Z", "notes": "first"}

    number = brevo.create_task({**body, "contactsIds": [ada]})
    brevo.create_task({**body, "contactsIds": [bo], "notes": "other"})
    brevo.update_task(number, {"notes": "second", "done": True})

    assert [(each.id, each.notes) for each in brevo.find_tasks(contact=ada)] == [(number, "second")]
    assert set(observed.buckets) == {"other"}


def test_a_task_that_is_gone_is_not_found(brevo: BrevoClient) -> None:
    with pytest.raises(errors.NotFound):
        brevo.update_task("nope", {"done": True})


@pytest.mark.parametrize("body", [{}, {"id": ""}, ["x"]])
def test_an_answer_without_an_id_is_no_answer(body: object) -> None:
    with odd_server(answer(201, json.dumps(body).encode())) as server:
        client = BrevoClient(api_key="key", base_url=server.url)

        with pytest.raises(errors.BadAnswer, match="doesn't say which"):
            client.create_task({"name": "x"})


def test_odd_listings_are_read_as_far_as_they_go() -> None:
    rows = [{"id": "1", "title": None}, "x", {"title": "Call"}]
    with odd_server(answer(200, json.dumps(rows).encode())) as server:
        types = BrevoClient(api_key="key", base_url=server.url).list_task_types()
    with odd_server(answer(200, b"[]")) as server:
        tasks = BrevoClient(api_key="key", base_url=server.url).find_tasks(contact=1)
    with odd_server(answer(200, b'{"items": {}}')) as server, pytest.raises(errors.BadAnswer):
        BrevoClient(api_key="key", base_url=server.url).list_task_types()

    assert [(each.id, each.title) for each in types] == [("1", "")]
    assert tasks == []
