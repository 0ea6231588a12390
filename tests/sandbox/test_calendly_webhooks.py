"""Subscriptions and deliveries of the Calendly stand-in: refusals, signatures, retries, disabling, holding back."""

import hashlib
import hmac
import time
from typing import Any
from urllib.parse import urlsplit

import pytest

from sandbox.calendly_post import is_loopback
from sandbox.calendly_webhooks import signature
from sandbox.calendly_world import CAMILLE, DEMO, DISCOVERY, GROUP_DEMO, HUGO, INES, ORGANIZATION
from tests.sandbox.calendly_api import BOOKING_EVENTS, Api, Json, Receiver

DAY = 86_400
CLOSED = "http://127.0.0.1:9/hook"  # nobody listens on the discard port


def path_of(uri: str) -> str:
    return urlsplit(uri).path


def settle(api: Api) -> None:
    assert api.calendly.deliveries.settle()


def only_subscription(api: Api) -> Json:
    (subscription,) = api.calendly.subscriptions()
    return dict(subscription)


def advance(api: Api, seconds: float) -> None:
    api.calendly.clock.advance(seconds)
    api.calendly.deliveries.run_due()


# Subscriptions.


def test_a_subscription_is_made_read_listed_and_deleted(calendly: Api) -> None:
    made = calendly.subscribe("https://sync.example.fr/hook")

    assert made.status == 201
    assert made.resource["state"] == "active"
    assert (made.resource["user"], made.resource["creator"]) == (None, CAMILLE)
    assert b"test-key" not in made.raw
    path = path_of(made.resource["uri"])
    assert calendly.get(path).resource == made.resource
    assert calendly.get("/webhook_subscriptions", organization=ORGANIZATION, scope="organization").rows == [
        made.resource
    ]
    assert calendly.call("DELETE", path).status == 204
    assert calendly.get(path).status == 404
    assert calendly.call("DELETE", path).status == 404


def test_the_same_url_twice_is_409_until_the_first_is_deleted(calendly: Api) -> None:
    first = calendly.subscribe(CLOSED).resource

    refused = calendly.subscribe(CLOSED, scope="user", user=CAMILLE)

    assert refused.status == 409
    assert refused.body == {"title": "Already Exists", "message": "Hook with this url already exists"}
    calendly.call("DELETE", path_of(first["uri"]))
    assert calendly.subscribe(CLOSED).status == 201


@pytest.mark.parametrize(
    ("changes", "parameter"),
    [
        ({"url": "nowhere"}, "url"),
        ({"url": "ftp://example.fr/x"}, "url"),
        ({"url": "http://[broken"}, "url"),
        ({"scope": "everything"}, "scope"),
        ({"scope": "user"}, "user"),
        ({"scope": "group"}, "group"),
        ({"organization": ""}, "organization"),
        ({"events": []}, "events"),
        ({"events": ["invitee.rescheduled"]}, "events"),
        ({"events": ["meeting_recap.created"]}, "events"),
        ({"events": ["routing_form_submission.created"], "scope": "user", "user": CAMILLE}, "events"),
        ({"signing_key": 5}, "signing_key"),
    ],
)
def test_wrong_subscriptions_are_400(calendly: Api, changes: Json, parameter: str) -> None:
    url = changes.pop("url", CLOSED)

    answer = calendly.subscribe(url, **changes)

    assert answer.status == 400
    assert answer.body["details"][0]["parameter"] == parameter


def test_unknown_owners_are_404(calendly: Api) -> None:
    unknown = "https://api.calendly.com/users/x"

    assert calendly.subscribe(CLOSED, organization=unknown).status == 404
    assert calendly.subscribe(CLOSED, scope="user", user=unknown).status == 404
    assert calendly.subscribe(CLOSED, scope="group", group=unknown).status == 404


def test_roles_decide_who_may_subscribe_for_whom(calendly: Api) -> None:
    calendly.calendly.add_token("ines", user=INES)

    assert calendly.subscribe(CLOSED, token="ines").status == 403
    assert calendly.subscribe(CLOSED, scope="user", user=HUGO).status == 403
    own = calendly.subscribe(CLOSED, scope="user", user=INES, token="ines")
    assert own.status == 201
    listed = {"organization": ORGANIZATION, "scope": "user", "user": INES}
    assert calendly.get("/webhook_subscriptions", token="ines", **listed).rows == [own.resource]
    assert calendly.get("/webhook_subscriptions", **listed).rows == [own.resource]
    refused = calendly.get("/webhook_subscriptions", token="ines", organization=ORGANIZATION, scope="organization")
    assert refused.body["message"] == "You do not have permission to perform this action"


def test_others_subscriptions_are_closed_to_plain_members_and_open_to_admins(calendly: Api) -> None:
    calendly.calendly.add_token("ines", user=INES)
    calendly.calendly.add_token("hugo", user=HUGO)
    path = path_of(calendly.subscribe(CLOSED).resource["uri"])

    assert calendly.get(path, token="ines").status == 403
    assert calendly.call("DELETE", path, token="ines").status == 403
    assert calendly.call("DELETE", path, token="hugo").status == 204


def test_the_read_scope_of_each_event_is_needed(calendly: Api) -> None:
    calendly.calendly.add_token("narrow", scopes="webhooks:write")

    answer = calendly.subscribe(CLOSED, token="narrow", events=("invitee.created", "event_type.created"))

    assert answer.status == 403
    assert answer.body["required_scopes"] == ["event_types:read", "scheduled_events:read"]


def test_routing_forms_follow_their_plan(calendly: Api) -> None:
    calendly.calendly.set_plan(plan="basic", stage="free")

    answer = calendly.subscribe(CLOSED, events=("routing_form_submission.created",))

    assert answer.body["message"] == "Please upgrade to a paid Calendly account."
    assert calendly.subscribe(CLOSED).status == 201


@pytest.mark.parametrize("missing", ["organization", "scope", "user"])
def test_lists_need_organization_scope_and_user(calendly: Api, missing: str) -> None:
    asked = {"organization": ORGANIZATION, "scope": "user", "user": CAMILLE}
    del asked[missing]

    assert calendly.get("/webhook_subscriptions", **asked).status == 400


# Deliveries.


def test_a_delivery_is_signed_over_its_raw_bytes(calendly: Api, receiver: Receiver) -> None:
    calendly.subscribe(receiver.url)

    calendly.calendly.book(email="zoe@example.com", name="Zoé")
    settle(calendly)

    (message,) = receiver.received
    time_part, _, digest = message.headers["calendly-webhook-signature"].partition(",v1=")
    at = time_part.removeprefix("t=")
    assert hmac.new(b"test-key", at.encode() + b"." + message.raw, hashlib.sha256).hexdigest() == digest
    assert abs(int(at) - calendly.calendly.clock.now()) < 5
    assert "Zoé".encode() in message.raw


def test_the_signature_of_the_reference() -> None:
    body = '{"event":"invitee.created","payload":{"name":"Zoé"}}'.encode()

    header = signature("kN7vXo2rQm5tYb8wEzHc1LfJdSgUaPi0", 1795342505, body)

    assert header == "t=1795342505,v1=21cf3485e5024c260c7ce0b8b7777e072d4119f7e8ff3712671ec58773ed43fa"


def test_without_a_key_there_is_no_signature(calendly: Api, receiver: Receiver) -> None:
    calendly.subscribe(receiver.url, signing_key=None)

    calendly.calendly.book(email="a@example.com")
    settle(calendly)

    assert "calendly-webhook-signature" not in receiver.received[0].headers


def test_the_body_has_every_key_and_the_expanded_event(calendly: Api, receiver: Receiver) -> None:
    calendly.subscribe(receiver.url)

    uri = calendly.calendly.book(email="a@example.com", name="Ann")
    settle(calendly)

    body = receiver.received[0].body
    payload, event = body["payload"], body["payload"]["scheduled_event"]
    assert (body["event"], body["created_by"]) == ("invitee.created", CAMILLE)
    assert body["created_at"].endswith(".000000Z")
    shown = calendly.get(path_of(uri)).resource
    assert {key: value for key, value in payload.items() if key != "scheduled_event"} == shown
    whole = calendly.get(path_of(shown["event"])).resource
    assert set(whole) - set(event) == {"calendar_event"}
    assert set(event["event_memberships"][0]) == {"user", "user_email", "user_name"}


def test_a_life_in_webhooks(calendly: Api, receiver: Receiver) -> None:
    calendly.subscribe(receiver.url)
    desk = calendly.calendly

    first = desk.book(email="a@example.com")
    second = desk.move(first)
    desk.mark_no_show(second)
    desk.undo_no_show(second)
    desk.cancel(second, by="host", reason="Ill")
    settle(calendly)

    messages = sorted(receiver.received, key=lambda message: message.body["payload"]["updated_at"])
    assert sorted(message.event for message in messages) == sorted(
        ["invitee.created", "invitee.created", "invitee.canceled", *BOOKING_EVENTS[1:]]
    )
    moved = next(message.body["payload"] for message in messages if message.body["payload"]["rescheduled"])
    assert (moved["uri"], moved["new_invitee"]) == (first, second)
    assert moved["scheduled_event"]["status"] == "canceled"
    undone = next(message.body["payload"] for message in messages if message.event == "invitee_no_show.deleted")
    assert undone["no_show"] is None
    canceled = messages[-1].body["payload"]
    assert (canceled["cancellation"]["canceler_type"], canceled["cancellation"]["reason"]) == ("host", "Ill")
    assert canceled["scheduled_event"]["cancellation"] == canceled["cancellation"]


def test_one_who_leaves_a_group_does_not_cancel_it(calendly: Api, receiver: Receiver) -> None:
    desk = calendly.calendly
    ann = desk.book(event_type=GROUP_DEMO, email="ann@example.com")
    desk.book(event=desk.invitee(ann)["event"], email="ben@example.com")
    calendly.subscribe(receiver.url)

    desk.cancel(ann)
    settle(calendly)

    event = receiver.received[0].body["payload"]["scheduled_event"]
    assert event["status"] == "active"
    assert event["invitees_counter"] == {"total": 2, "active": 1, "limit": 10}
    assert "cancellation" not in event


def test_canceling_a_group_event_tells_of_everyone_still_in_it(calendly: Api, receiver: Receiver) -> None:
    desk = calendly.calendly
    ann = desk.book(event_type=GROUP_DEMO, email="ann@example.com")
    event = desk.invitee(ann)["event"]
    others = [desk.book(event=event, email=f"p{number}@example.com") for number in range(2)]
    desk.cancel(ann)
    calendly.subscribe(receiver.url)

    assert calendly.call("POST", path_of(event) + "/cancellation").status == 201
    settle(calendly)

    assert {message.body["payload"]["uri"] for message in receiver.received} == set(others)
    assert {message.body["payload"]["scheduled_event"]["status"] for message in receiver.received} == {"canceled"}


def test_a_user_subscription_hears_only_of_the_users_meetings(calendly: Api, receiver: Receiver) -> None:
    calendly.subscribe(receiver.url, scope="user", user=CAMILLE)

    calendly.calendly.book(event_type=DEMO, email="hugo-only@example.com")
    calendly.calendly.book(event_type=DISCOVERY, email="camille@example.com")
    settle(calendly)

    assert [message.body["payload"]["email"] for message in receiver.received] == ["camille@example.com"]


def test_only_the_subscribed_events_come(calendly: Api, receiver: Receiver) -> None:
    calendly.subscribe(receiver.url, events=("invitee.canceled",))

    calendly.calendly.cancel(calendly.calendly.book(email="a@example.com"))
    settle(calendly)

    assert receiver.events == ["invitee.canceled"]


def test_event_types_and_forms_are_told_of(calendly: Api, receiver: Receiver) -> None:
    events = ("event_type.created", "event_type.updated", "event_type.deleted", "routing_form_submission.created")
    calendly.subscribe(receiver.url, events=events)
    desk = calendly.calendly

    kind = desk.add_event_type("Workshop", places=5)
    desk.edit_event_type(kind, name="Long workshop")
    desk.delete_event_type(kind)
    desk.submit_form()
    settle(calendly)

    assert sorted(receiver.events) == sorted(events)


def test_an_api_booking_is_told_of_like_any_other(calendly: Api, receiver: Receiver) -> None:
    calendly.subscribe(receiver.url)

    calendly.calendly.book(email="a@example.com", scheduling_method="api", invitee_scheduled_by=CAMILLE)
    settle(calendly)

    assert receiver.received[0].body["payload"]["scheduling_method"] == "api"


def test_deliveries_share_connections(calendly: Api, receiver: Receiver) -> None:
    calendly.subscribe(receiver.url)

    for number in range(60):
        calendly.calendly.book(email=f"p{number}@example.com")
    settle(calendly)

    assert len(receiver.received) == 60
    assert receiver.connections <= 8


# Failure.


@pytest.mark.parametrize("status", [301, 308, 400, 404, 410, 429, 500, 503])
def test_anything_but_2xx_is_tried_again_later(calendly: Api, receiver: Receiver, status: int) -> None:
    receiver.status, receiver.headers = status, {"Location": "/elsewhere"}
    calendly.subscribe(receiver.url)
    calendly.calendly.book(email="a@example.com")
    settle(calendly)
    assert len(receiver.received) == 1
    assert only_subscription(calendly)["retry_started_at"]

    receiver.status = 200
    advance(calendly, 15)

    assert len(receiver.received) == 2
    assert receiver.received[0].raw == receiver.received[1].raw
    assert calendly.calendly.deliveries.pending() == []
    assert only_subscription(calendly)["state"] == "active"


def test_retries_are_signed_afresh(calendly: Api, receiver: Receiver) -> None:
    receiver.status = 500
    calendly.subscribe(receiver.url)
    calendly.calendly.book(email="a@example.com")
    settle(calendly)

    advance(calendly, 600)

    times = [int(message.headers["calendly-webhook-signature"][2:12]) for message in receiver.received]
    assert times[1] - times[0] >= 600


def test_waiting_doubles(calendly: Api, receiver: Receiver) -> None:
    receiver.status = 500
    calendly.subscribe(receiver.url)
    calendly.calendly.book(email="a@example.com")
    settle(calendly)
    waits = []
    for _ in range(5):
        (delivery,) = calendly.calendly.deliveries.pending()
        waits.append(round(delivery.due_at - delivery.attempts[-1].at))
        advance(calendly, waits[-1] + 1)

    assert waits == [10, 20, 40, 80, 160]


def test_after_24_hours_the_subscription_is_disabled_and_hears_no_more(calendly: Api, receiver: Receiver) -> None:
    receiver.status = 500
    made = calendly.subscribe(receiver.url).resource
    calendly.calendly.book(email="a@example.com")
    settle(calendly)
    for _ in range(40):
        advance(calendly, DAY / 30)

    disabled = calendly.get(path_of(made["uri"])).resource
    assert disabled["state"] == "disabled"
    assert disabled["updated_at"] > made["updated_at"]
    assert disabled["retry_started_at"] < disabled["updated_at"]
    assert calendly.calendly.deliveries.pending() == []
    assert 10 < len(receiver.received) < 20
    receiver.forget()
    calendly.calendly.book(email="b@example.com")
    settle(calendly)
    assert receiver.received == []
    assert calendly.subscribe(receiver.url).status == 409


def test_one_failing_receiver_does_not_hold_up_another(calendly: Api, receiver: Receiver) -> None:
    calendly.subscribe(CLOSED)
    calendly.subscribe(receiver.url)

    for number in range(3):
        calendly.calendly.book(email=f"p{number}@example.com")
    settle(calendly)

    assert len(receiver.received) == 3
    assert len(calendly.calendly.deliveries.pending()) == 3


def test_a_slow_receiver_is_given_up_on(calendly: Api, receiver: Receiver) -> None:
    calendly.calendly.deliveries.read_timeout = 0.05
    receiver.seconds = 0.2
    calendly.subscribe(receiver.url)

    calendly.calendly.book(email="a@example.com")
    settle(calendly)

    assert calendly.calendly.deliveries.pending()[0].attempts[0].outcome == "no answer in time"
    time.sleep(0.2)


def test_nothing_is_ever_sent_to_another_machine(calendly: Api) -> None:
    calendly.subscribe("https://sync.example.fr/hook")

    calendly.calendly.book(email="a@example.com")
    settle(calendly)

    assert calendly.calendly.deliveries.pending()[0].attempts[0].outcome.startswith("refused")


@pytest.mark.parametrize(
    ("host", "own"),
    [("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("localhost", True), ("app.localhost", True),
     ("10.0.0.1", False), ("example.com", False), ("localhost.example.com", False), ("0.0.0.0", False), ("", False)],
)  # fmt: skip
def test_which_hosts_are_this_machine(host: str, own: bool) -> None:
    assert is_loopback(host) is own


def test_deleting_a_subscription_ends_its_retries(calendly: Api) -> None:
    made = calendly.subscribe(CLOSED).resource
    calendly.calendly.book(email="a@example.com")
    settle(calendly)

    calendly.call("DELETE", path_of(made["uri"]))

    assert calendly.calendly.deliveries.pending() == []
    assert calendly.calendly.deliveries.recent()[0].status == "dropped"


def test_a_subscription_deleted_while_its_message_is_on_the_way_is_not_tried_again(
    calendly: Api, receiver: Receiver
) -> None:
    receiver.status, receiver.seconds = 500, 0.2
    made = calendly.subscribe(receiver.url).resource
    calendly.calendly.book(email="a@example.com")
    while not receiver.received:
        time.sleep(0.01)

    calendly.call("DELETE", path_of(made["uri"]))
    settle(calendly)

    assert calendly.calendly.deliveries.pending() == []
    assert calendly.calendly.deliveries.recent()[0].status == "dropped"


# Holding back.


@pytest.fixture
def held(calendly: Api, receiver: Receiver) -> Any:
    calendly.calendly.deliveries.mode = "hold"
    calendly.subscribe(receiver.url)
    return calendly.calendly.deliveries


def test_held_messages_are_sent_in_any_order_twice_or_never(calendly: Api, receiver: Receiver, held: Any) -> None:
    calendly.calendly.cancel(calendly.calendly.move(calendly.calendly.book(email="a@example.com")))
    first, second, third, fourth = held.pending()
    assert receiver.received == []

    assert [held.deliver(one) for one in (fourth, first, first)] == [204, 204, 204]
    held.drop(second)

    assert receiver.events == ["invitee.canceled", "invitee.created", "invitee.created"]
    assert held.pending() == [third]
    assert [one.status for one in held.recent()] == ["delivered", "dropped", "pending", "delivered"]


def test_a_held_message_can_be_posted_by_the_test_itself(calendly: Api, held: Any) -> None:
    calendly.calendly.book(email="a@example.com")

    (delivery,) = held.pending()

    headers = delivery.headers(1795342505)
    assert headers["Content-Type"] == "application/json"
    assert headers["Calendly-Webhook-Signature"] == signature("test-key", 1795342505, delivery.body)
    assert delivery.event == "invitee.created"


def test_time_does_not_send_held_messages_but_releasing_does(calendly: Api, receiver: Receiver, held: Any) -> None:
    calendly.calendly.book(email="a@example.com")
    advance(calendly, DAY)
    assert receiver.received == []

    held.mode = "auto"
    settle(calendly)

    assert receiver.events == ["invitee.created"]


def test_a_failed_held_message_stays_and_a_failed_copy_changes_nothing(
    calendly: Api, receiver: Receiver, held: Any
) -> None:
    calendly.calendly.book(email="a@example.com")
    (delivery,) = held.pending()
    receiver.status = 500
    assert held.deliver(delivery) == 500
    assert held.pending() == [delivery]

    receiver.status = 204
    held.deliver(delivery)
    receiver.status = 500
    held.deliver(delivery)

    assert held.pending() == []
    assert delivery.status == "delivered"


def test_waiting_threads_use_no_processor_time(calendly: Api) -> None:
    calendly.subscribe(CLOSED)
    calendly.calendly.book(email="a@example.com")
    settle(calendly)

    before = time.process_time()
    time.sleep(0.3)

    assert time.process_time() - before < 0.1
