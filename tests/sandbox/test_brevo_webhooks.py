"""Outgoing webhooks: their settings, and what is posted when (reference 7.1)."""

import json
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.sandbox.brevo_api import Api, wait_until

ALL = ["unsubscribed", "listAddition", "contactUpdated", "contactDeleted", "hardBounce", "spam"]


@dataclass
class Receiver:
    """A server that collects what is posted to it."""

    url: str
    status: int = 204
    bodies: list[Any] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)

    def names(self, count: int) -> list[str]:
        """Wait for as many postings; return the words of their events."""
        wait_until(lambda: len(self.bodies) >= count)
        return [body["event"] for body in self.bodies]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """Return a running receiver."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), BaseHTTPRequestHandler)
    found = Receiver(f"http://127.0.0.1:{server.server_address[1]}/hook")
    server.RequestHandlerClass = _handler(found)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    yield found
    server.shutdown()
    server.server_close()
    thread.join(5)


def _handler(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            receiver.headers.append({name.lower(): value for name, value in self.headers.items()})
            receiver.bodies.append(body)
            self.send_response(receiver.status)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            """Stay silent."""

    return Handler


def subscribe(api: Api, receiver: Receiver, events: list[str] | None = None, **more: Any) -> int:
    """Create a marketing webhook; return its id."""
    answer = api.post("/webhooks", {"url": receiver.url, "type": "marketing", "events": events or ALL, **more})
    assert answer.status == 201, answer.text
    return int(answer.json["id"])


def test_webhook_is_created_read_changed_and_deleted(api: Api, receiver: Receiver) -> None:
    number = subscribe(api, receiver, ["unsubscribed"], description="Connector")
    path = f"/webhooks/{number}"

    assert api.put(path, {"events": ["contactDeleted"], "description": "Other"}).status == 204
    found = api.get(path).json
    assert (found["events"], found["description"], found["type"]) == (["contactDeleted"], "Other", "marketing")
    assert [each["id"] for each in api.get("/webhooks?type=marketing").json["webhooks"]] == [number]
    assert api.get("/webhooks?type=transactional").json["webhooks"] == []
    assert api.delete(path).status == 204
    assert api.get(path).error[:2] == (404, "document_not_found")


@pytest.mark.parametrize(
    "change",
    [
        {"url": "https://example.com/hook"}, {"url": ""}, {"url": "file://localhost/x"}, {"events": []},
        {"events": ["nope"]}, {"events": "spam"}, {"events": [["spam"]]}, {"type": "other"},
        {"auth": {"type": "basic"}}, {"auth": "x"}, {"headers": ["x"]}, {"batched": "yes"},
    ],
)  # fmt: skip
def test_impossible_webhook_is_refused(api: Api, change: dict[str, Any]) -> None:
    body = {"url": "http://127.0.0.1:9/hook", "type": "marketing", "events": ALL, **change}

    assert api.post("/webhooks", body).status == 400


def test_account_holds_40_webhooks(api: Api, receiver: Receiver) -> None:
    for _ in range(40):
        subscribe(api, receiver)

    body = {"url": receiver.url, "type": "marketing", "events": ALL}
    assert api.post("/webhooks", body).status == 400


def test_writes_through_the_api_come_back(api: Api, receiver: Receiver) -> None:
    subscribe(api, receiver)

    api.upsert("ada@example.com", listIds=[1])
    api.upsert("ada@example.com", attributes={"FIRSTNAME": "Ada", "SMS": "33612345678"}, listIds=[1, 2])
    api.post("/contacts/lists/3/contacts/add", {"emails": ["ada@example.com"]})
    api.delete("/contacts/ada%40example.com")

    assert receiver.names(5) == [
        "list_addition",
        "contact_updated",
        "list_addition",
        "list_addition",
        "contact_deleted",
    ]
    assert [body.get("list_id") for body in receiver.bodies] == [[1], None, [2], [3], [1, 2, 3]]
    assert receiver.bodies[1]["content"] == [
        {
            "email": "ada@example.com",
            "attributes": {"FIRSTNAME": "Ada", "SMS": "33612345678"},
            "emailBlacklist": False,
        }
    ]
    assert {body["email"] for body in receiver.bodies} == {"ada@example.com"}


def test_id_is_the_webhooks_own(api: Api, receiver: Receiver) -> None:
    for number in range(3):
        api.brevo.add_contact(f"p{number}@example.com")
    webhook_id = subscribe(api, receiver, ["contactDeleted"])

    api.brevo.delete_contact("p2@example.com")

    assert receiver.names(1) == ["contact_deleted"]
    assert receiver.bodies[0]["id"] == webhook_id


def test_what_people_do_is_told(api: Api, receiver: Receiver) -> None:
    api.brevo.add_contact("ada@example.com", list_ids=[1, 2])
    subscribe(api, receiver, ["unsubscribed", "hardBounce", "spam"])

    api.brevo.unsubscribe("ada@example.com", [2])
    api.brevo.block("ada@example.com", "hardBounce")
    api.brevo.block("ada@example.com", "spam")
    api.brevo.block("ada@example.com")
    api.brevo.unsubscribe("ada@example.com")

    assert receiver.names(4) == ["unsubscribe", "hard_bounce", "spam", "unsubscribe"]
    assert receiver.bodies[0]["list_id"] == [2]
    assert abs(receiver.bodies[0]["ts"] - api.server.world.clock.now()) < 5
    assert receiver.bodies[0]["ts_event"] == receiver.bodies[0]["ts"]


def test_only_subscribed_events_are_posted(api: Api, receiver: Receiver) -> None:
    subscribe(api, receiver, ["contactDeleted"])

    api.upsert("ada@example.com", listIds=[1])
    api.delete("/contacts/1")

    assert receiver.names(1) == ["contact_deleted"]


def test_bearer_token_and_headers_are_sent(api: Api, receiver: Receiver) -> None:
    auth, headers = {"type": "bearer", "token": "s3cr3t"}, [{"key": "X-Account", "value": "7"}]
    subscribe(api, receiver, ["listAddition"], auth=auth, headers=headers)

    api.upsert("ada@example.com", listIds=[1])

    receiver.names(1)
    assert receiver.headers[0]["authorization"] == "Bearer s3cr3t"
    assert receiver.headers[0]["x-account"] == "7"
    assert receiver.headers[0]["content-type"] == "application/json"


def test_batched_webhook_gets_arrays(api: Api, receiver: Receiver) -> None:
    subscribe(api, receiver, ["listAddition"], batched=True)

    api.upsert("ada@example.com", listIds=[1])

    wait_until(lambda: bool(receiver.bodies))
    assert [body["event"] for body in receiver.bodies[0]] == ["list_addition"]


@pytest.mark.parametrize(("status", "tries"), [(500, 1), (400, 1), (429, 2)])
def test_only_429_is_tried_again(api: Api, receiver: Receiver, status: int, tries: int) -> None:
    receiver.status = status
    subscribe(api, receiver, ["contactDeleted"])
    api.brevo.add_contact("ada@example.com")
    api.brevo.delete_contact("ada@example.com")
    wait_until(lambda: len(api.brevo.state.deliveries) == 1)

    receiver.status = 204
    api.server.world.clock.advance(601)
    api.brevo.add_contact("bob@example.com")
    api.brevo.delete_contact("bob@example.com")
    wait_until(lambda: len(api.brevo.state.deliveries) == tries + 1)

    deliveries = api.brevo.state.deliveries
    assert [each["status"] for each in deliveries] == [status] + [204] * tries


def test_imports_post_nothing(api: Api, receiver: Receiver) -> None:
    subscribe(api, receiver)
    body = {"listIds": [1], "jsonBody": [{"email": "ada@example.com"}]}

    api.finished(api.post("/contacts/import", body).json["processId"])
    api.brevo.delete_contact("ada@example.com")

    assert receiver.names(1) == ["contact_deleted"]
