"""The control routes and the window page under /sandbox/brevo, and the Python interface."""

import pickle
import threading
from typing import Any

import pytest

from sandbox.brevo import Brevo
from sandbox.server import World
from tests.sandbox.brevo_api import JSON, Api

HOSTILE = "<script>alert('x')</script>"


def test_state_shows_everything(api: Api) -> None:
    api.brevo.add_contact("ada@example.com", {"FIRSTNAME": "Ada"}, [1], ext_id="x1")
    api.post("/events", {"event_name": "booked", "identifiers": {"email_id": "ada@example.com"}})
    api.post("/contacts/import", {"listIds": [1], "jsonBody": [{"email": "bob@example.com"}]})

    state = api.call("GET", "/sandbox/brevo/state").json

    assert state["contacts"][0]["ext_id"] == "x1"
    assert state["contacts"][0]["listIds"] == [1]
    assert state["lists"][0]["name"] == "Your first list"
    assert state["events"][0]["event_name"] == "booked"
    assert {"FIRSTNAME", "LASTNAME"} <= {each["name"] for each in state["attributes"]}
    assert state["processes"][0]["name"] == "IMPORTUSER"
    assert state["settings"]["limits"]["contacts"] == [10, 1.0]


def test_settings_are_switched(api: Api) -> None:
    answer = api.control("settings", {"dead_key": True, "latency": 0, "limits": {"enabled": True, "contacts": [3, 60]}})

    assert (answer.status, answer.json["dead_key"]) == (200, True)
    assert answer.json["limits"] == {
        "enabled": True, "reset_in_milliseconds": False, "contacts": [3, 60], "events": [10, 1.0],
        "other": [100, 3600.0],
    }  # fmt: skip
    assert api.get("/account").status == 401
    assert api.control("settings", {"limits": False}).json["limits"]["enabled"] is False


@pytest.mark.parametrize(
    "body",
    [
        {"nope": 1}, {"dead_key": "yes"}, {"latency": "slow"}, {"update": 1}, {"limits": {"nope": [1, 1]}},
        {"limits": {"contacts": 3}}, {"limits": {"enabled": 1}}, {"limits": 3}, [1],
    ],
)  # fmt: skip
def test_unknown_settings_are_refused(api: Api, body: Any) -> None:
    assert api.control("settings", body).status == 400


def test_things_are_added_and_people_act(api: Api) -> None:
    assert api.control("attributes", {"name": "meeting_date", "type": "date"}).json == {"name": "MEETING_DATE"}
    assert api.control("lists", {"name": "Discovery calls", "id": 10}).json == {"id": 10}
    contact = {"email": "ada@example.com", "attributes": {"MEETING_DATE": "2026-12-01"}, "list_ids": [10]}
    assert api.control("contacts", contact).json == {"id": 1}

    unsubscribed = api.control("unsubscribe", {"email": "ada@example.com", "list_ids": [10]}).json
    blocked = api.control("block", {"email": "ada@example.com", "reason": "spam"}).json
    deleted = api.control("delete", {"email": "ada@example.com"})

    assert (unsubscribed["listIds"], unsubscribed["listUnsubscribed"]) == ([], [10])
    assert blocked["emailBlacklisted"] is True
    assert (deleted.status, api.brevo.contacts()) == (200, [])


@pytest.mark.parametrize(
    ("name", "body"),
    [
        ("block", {"email": "nobody@example.com"}), ("block", {}), ("contacts", {"email": "nope"}),
        ("lists", {"name": "x", "id": 1}), ("attributes", {"name": "FIRSTNAME"}), ("attributes", {"name": "1"}),
        ("contacts", {"email": "a@b.com", "list_ids": [99]}),
        ("contacts", {"email": "a@b.com", "attributes": {"SMS": "1"}}),
        ("lists", {"name": 7}), ("contacts", {"email": "a@b.com", "attributes": 1}),
        ("unsubscribe", "{"), ("delete", {"email": "nobody@example.com"}),
    ],
)  # fmt: skip
def test_impossible_control_is_refused(api: Api, name: str, body: Any) -> None:
    assert api.control(name, body).status == 400


def test_reset_starts_anew(api: Api) -> None:
    api.brevo.add_contact("ada@example.com")
    api.brevo.settings.forbidden = True

    assert api.control("reset", {}).status == 200

    assert api.brevo.contacts() == []
    assert api.get("/account").status == 200


def test_window_shows_contacts_lists_events_and_calls(api: Api) -> None:
    api.brevo.add_list("Discovery calls", id=10)
    api.upsert("ada@example.com", attributes={"FIRSTNAME": "Ada"}, listIds=[10])
    api.post("/events", {"event_name": "booked", "identifiers": {"email_id": "ada@example.com"}})
    api.post("/events", {"event_name": "lost", "identifiers": {"email_id": "nobody@example.com"}})
    api.brevo.block("ada@example.com")

    page = api.call("GET", "/sandbox/brevo")

    assert page.headers["content-type"].startswith("text/html")
    for text in (
        "ada@example.com",
        "Discovery calls",
        "blocklisted",
        "booked",
        "no such contact",
        "POST /contacts",
        "201",
    ):
        assert text in page.text


def test_window_finds_an_address(api: Api) -> None:
    api.brevo.add_contact("ada@example.com")
    api.brevo.add_contact("bob@example.com")

    page = api.call("GET", "/sandbox/brevo?q=ADA").text

    assert "ada@example.com" in page
    assert "bob@example.com" not in page


def test_window_escapes_everything(api: Api) -> None:
    api.brevo.add_list(HOSTILE, id=10)
    api.upsert("ada@example.com", attributes={"FIRSTNAME": HOSTILE}, listIds=[10], ext_id=HOSTILE)
    api.post("/events", {"event_name": "x", "identifiers": {"email_id": HOSTILE}, "event_properties": {"a": HOSTILE}})
    api.get("/%3Cscript%3E")
    api.call("GET", f"/v3/{HOSTILE}".replace(" ", ""))

    for path in ("/sandbox/brevo", "/sandbox/brevo?q=%3Cscript%3E%22"):
        assert "<script" not in api.call("GET", path).text


def test_window_buttons_lead_back_to_the_window(api: Api) -> None:
    api.brevo.add_contact("ada@example.com")
    api.post(
        "/contacts/doubleOptinConfirmation",
        {"email": "bob@example.com", "includeListIds": [1], "redirectionUrl": "http://x.com", "templateId": 1},
    )
    form = {"content-type": "application/x-www-form-urlencoded"}

    pressed = api.call("POST", "/sandbox/brevo/unsubscribe", "email=ada%40example.com", headers=form)
    clicked = api.call("POST", "/sandbox/brevo/confirm-doi", "email=bob%40example.com", headers=form)

    assert (pressed.status, pressed.headers["location"]) == (303, "/sandbox/brevo")
    assert clicked.status == 303
    assert api.contact("ada@example.com")["emailBlacklisted"] is True
    assert api.contact("bob@example.com")["listIds"] == [1]


def test_state_can_be_pickled_and_put_back(api: Api) -> None:
    api.brevo.add_contact("ada@example.com", {"SMS": "33612345678"}, [1])
    kept = pickle.dumps(api.brevo.state)
    api.brevo.reset()

    api.brevo.state = pickle.loads(kept)  # noqa: S301 (our own bytes)

    assert api.get("/contacts/ada%40example.com").json["listIds"] == [1]


def test_python_interface_acts_without_a_server() -> None:
    brevo = Brevo(World.new())
    brevo.add_attribute("STATE", category="category", options=["booked", "canceled"])
    brevo.add_contact("ada@example.com", {"STATE": 2})
    brevo.change_contact("ada@example.com", {"FIRSTNAME": "Ada"})

    contact = brevo.contact("Ada@example.com")
    assert contact is not None
    assert contact["attributes"] == {"STATE": "2", "FIRSTNAME": "Ada"}
    assert brevo.contact("nobody") is None
    with pytest.raises(ValueError, match="no contact"):
        brevo.block("nobody@example.com")
    with pytest.raises(ValueError, match="no such reason"):
        brevo.block("ada@example.com", "whim")


def test_events_are_found_by_address_and_name(api: Api) -> None:
    api.brevo.add_contact("ada@example.com")
    for name, email in (("a", "ada@example.com"), ("b", "ada@example.com"), ("a", "nobody@example.com")):
        api.post("/events", {"event_name": name, "identifiers": {"email_id": email}})

    assert [found["event_name"] for found in api.brevo.events("Ada@example.com")] == ["a", "b"]
    assert [found["email"] for found in api.brevo.events(name="a")] == ["ada@example.com", "nobody@example.com"]
    assert len(api.brevo.events("ada@example.com", "b")) == 1


def test_same_contact_from_many_threads_is_created_once(api: Api) -> None:
    statuses: list[int] = []
    threads = [
        threading.Thread(target=lambda: statuses.append(api.upsert("ada@example.com", listIds=[1]).status))
        for _ in range(20)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(statuses) == [201] + [204] * 19
    assert api.brevo.list_members(1) == ["ada@example.com"]


def test_control_needs_no_key(api: Api) -> None:
    assert api.call("POST", "/sandbox/brevo/lists", {"name": "x"}, headers=JSON).status == 200
