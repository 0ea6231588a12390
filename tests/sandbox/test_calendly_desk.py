"""The desk, the control routes, the stories and the state file."""

import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from sandbox import scenarios
from sandbox.app import Sandbox
from sandbox.calendly_world import CAMILLE, DISCOVERY, GROUP_DEMO, HUGO, ORGANIZATION
from tests.sandbox.calendly_api import Answer, Api, Json, Receiver
from tests.sandbox.openapi import ROOT

VOID = {"meta", "input", "br", "link", "img", "hr"}


class Balanced(HTMLParser):
    """Fails on tags that are not closed in order."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag not in VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


def shown(api: Api, path: str = "/sandbox/calendly") -> str:
    answer = api.get(path, token="")
    assert answer.status == 200
    text = answer.raw.decode()
    parser = Balanced()
    parser.feed(text)
    assert parser.open == []
    return text


def press(api: Api, act: str, **form: str) -> Answer:
    answer = api.call("POST", f"/sandbox/calendly/desk/{act}", form=form, token="")
    assert answer.status == 303
    return answer


def control(api: Api, path: str, body: Json | None = None) -> Answer:
    return api.call("POST", path, body or {}, token="")


def newest(api: Api) -> str:
    return str(list(api.calendly.state.invitees)[-1])


# The desk.


def test_a_booking_at_the_desk(calendly: Api, receiver: Receiver) -> None:
    calendly.subscribe(receiver.url)
    form = {"event_type": DISCOVERY, "first_name": "Zoé", "last_name": "<b>", "email": "zoe@example.com"}

    press(calendly, "book", **form, start_time="2031-07-01T10:00", answer_0="Studio & Co", answer_3="Pricing")
    calendly.calendly.deliveries.settle()

    invitee = calendly.calendly.invitee(newest(calendly))
    assert invitee["name"] == "Zoé <b>"
    assert [row["answer"] for row in invitee["questions_and_answers"]] == ["Studio & Co", "Pricing"]
    assert calendly.calendly.event(invitee["event"])["start_time"] == "2031-07-01T08:00:00.000000Z"
    page = shown(calendly)
    assert "Zoé &lt;b&gt;" in page
    assert "Studio &amp; Co" in page
    assert "delivered" in page


def test_the_buttons_of_a_booking(calendly: Api) -> None:
    uri = calendly.calendly.book(email="a@example.com")

    press(calendly, "no-show", invitee=uri)
    assert "no-show</span>" in shown(calendly)
    press(calendly, "undo", invitee=uri)
    press(calendly, "move", invitee=uri, start_time="", by="host")
    assert "moved</span>" in shown(calendly)
    press(calendly, "cancel", invitee=newest(calendly), by="invitee", reason="Ill <today>")

    assert "Ill &lt;today&gt;" in shown(calendly)
    assert calendly.calendly.invitee(newest(calendly))["cancellation"]["canceler_type"] == "invitee"


@pytest.mark.parametrize(
    ("act", "form"),
    [("book", {"event_type": DISCOVERY}), ("book", {"event_type": "x", "email": "a@b.c"}), ("cancel", {"invitee": "x"}),
     ("move", {"invitee": "x", "start_time": "soon"})],
)  # fmt: skip
def test_what_cannot_be_done_is_said(calendly: Api, act: str, form: dict[str, str]) -> None:
    location = press(calendly, act, **form).headers["location"]

    assert "That did not work" in shown(calendly, location)


def test_a_second_cancel_is_said_too(calendly: Api) -> None:
    uri = calendly.calendly.cancel(calendly.calendly.book(email="a@example.com"))

    assert "Invitee is canceled" in shown(calendly, press(calendly, "cancel", invitee=uri).headers["location"])


def test_the_desk_shows_trouble(calendly: Api, receiver: Receiver) -> None:
    receiver.status = 500
    calendly.subscribe(receiver.url)
    calendly.calendly.book(email="a@example.com")
    calendly.calendly.deliveries.settle()

    page = shown(calendly)

    assert "retrying since" in page
    assert "again at" in page


def test_the_index_leads_to_both_pages(calendly: Api) -> None:
    for path in ("/", "/sandbox"):
        page = shown(calendly, path)
        assert 'href="/sandbox/calendly"' in page
        assert 'href="/sandbox/brevo"' in page


# Stories.


def test_the_story_of_four(calendly: Api, receiver: Receiver) -> None:
    calendly.subscribe(receiver.url)

    told = control(calendly, "/sandbox/story").body
    calendly.calendly.deliveries.settle()

    desk = calendly.calendly
    assert desk.invitee(told["moved"])["old_invitee"]
    assert desk.invitee(told["canceled"])["status"] == "canceled"
    assert desk.invitee(told["no_show"])["no_show"]
    assert desk.invitee(told["booked"])["name"] == "Nadia Benali"
    assert sorted(receiver.events) == sorted(
        ["invitee.created"] * 5 + ["invitee.canceled"] * 2 + ["invitee_no_show.created"]
    )
    assert all(message.body["payload"]["email"].endswith("@example.com") for message in receiver.received)


@pytest.mark.parametrize("story", [scenarios.booked, scenarios.moved, scenarios.canceled, scenarios.no_show])
def test_each_little_story(calendly: Api, story: scenarios.Story) -> None:
    assert story(calendly.calendly)["invitee"] in calendly.calendly.state.invitees


# Control routes.


def test_bookings_by_control_route(calendly: Api) -> None:
    booked = control(calendly, "/sandbox/calendly/book", {"email": "a@example.com", "event_type": "Demo"}).body["uri"]
    moved = control(calendly, "/sandbox/calendly/move", {"invitee_uri": booked}).body["uri"]
    assert control(calendly, "/sandbox/calendly/no-show", {"invitee_uri": moved}).status == 200
    assert control(calendly, "/sandbox/calendly/undo", {"invitee": moved}).status == 200
    event = calendly.calendly.invitee(moved)["event"]
    assert control(calendly, "/sandbox/calendly/edit-event", {"event_uri": event, "host": CAMILLE}).status == 200
    assert control(calendly, "/sandbox/calendly/cancel", {"invitee_uri": moved}).status == 200
    assert control(calendly, "/sandbox/calendly/cancel", {"invitee_uri": moved}).status == 409
    assert control(calendly, "/sandbox/calendly/cancel-event", {"event_uri": event}).status == 409
    assert control(calendly, "/sandbox/calendly/cancel", {"invitee_uri": "x"}).status == 404
    assert control(calendly, "/sandbox/calendly/book", {"email": "a@example.com", "colour": "red"}).status == 400
    assert calendly.call("POST", "/sandbox/calendly/book", [], token="").status == 400
    assert control(calendly, "/sandbox/nothing").status == 404


def test_the_state_shows_what_there_is(calendly: Api) -> None:
    calendly.subscribe("http://127.0.0.1:9/")
    uri = calendly.calendly.book(email="a@example.com")

    state = calendly.get("/sandbox/calendly/state").body

    assert [invitee["uri"] for invitee in state["invitees"]] == [uri]
    assert state["counts"] == {"events": 1, "invitees": 1}
    assert json.loads(state["deliveries"][0]["body"])["payload"]["uri"] == uri
    assert "test-key" not in json.dumps(state)


def test_settings_by_control_route(calendly: Api) -> None:
    path = "/sandbox/calendly/settings"
    assert control(calendly, path, {"requests_per_minute": 1, "stage": "free"}).body["stage"] == "free"
    assert [calendly.get("/users/me").status for _ in range(2)] == [200, 429]
    control(calendly, path, {"rate_limits": False, "role": "user"})
    assert calendly.get("/scheduled_events", organization=ORGANIZATION).status == 403
    control(calendly, path, {"scopes": "users:read", "role": "owner"})
    assert calendly.get("/scheduled_events", organization=ORGANIZATION).body["title"] == "Insufficient scope"
    control(calendly, path, {"token": "other", "user": HUGO, "expires_in": 60})
    assert calendly.get("/users/me", token="other").resource["uri"] == HUGO
    assert control(calendly, path, {"role": "king"}).status == 400
    assert control(calendly, path, {"redirect_uris": ["http://127.0.0.1:1/x"]}).status == 200
    assert calendly.calendly.state.apps["sandbox-client"].redirect_uris == ("http://127.0.0.1:1/x",)


def test_held_deliveries_by_control_route(calendly: Api, receiver: Receiver) -> None:
    control(calendly, "/sandbox/calendly/settings", {"delivery_mode": "hold"})
    calendly.subscribe(receiver.url)
    calendly.calendly.cancel(calendly.calendly.book(email="a@example.com"))
    first, second = (row["number"] for row in calendly.get("/sandbox/calendly/state").body["deliveries"])

    assert control(calendly, "/sandbox/calendly/deliver", {"number": second}).body == {"status": 204}
    assert control(calendly, "/sandbox/calendly/deliver", {"number": first, "drop": True}).status == 200
    assert control(calendly, "/sandbox/calendly/deliver", {"number": 99}).status == 404

    assert receiver.events == ["invitee.canceled"]


def test_the_clock_moves_and_sends_what_is_due(calendly: Api, receiver: Receiver) -> None:
    receiver.status = 500
    calendly.subscribe(receiver.url)
    calendly.calendly.book(email="a@example.com")
    calendly.calendly.deliveries.settle()
    before = calendly.get("/sandbox/clock").body["now"]

    after = control(calendly, "/sandbox/clock", {"advance": 3600}).body["now"]

    assert after - before >= 3600
    assert len(receiver.received) == 2
    assert control(calendly, "/sandbox/clock").status == 404


def test_faults_by_control_route(calendly: Api) -> None:
    fault = {"provider": "calendly", "kind": "status", "status": 503, "path": "/users/me"}
    assert control(calendly, "/sandbox/faults", fault).status == 200
    assert len(calendly.get("/sandbox/faults").body) == 1
    assert [calendly.get("/users/me").status for _ in range(2)] == [503, 200]

    control(calendly, "/sandbox/faults", fault)
    assert calendly.call("DELETE", "/sandbox/faults").status == 204
    assert calendly.get("/users/me").status == 200
    assert control(calendly, "/sandbox/faults", {**fault, "provider": "google"}).status == 400
    assert control(calendly, "/sandbox/faults", {**fault, "flavour": "x"}).status == 400


def test_work_done_behind_a_lost_answer_stays_done(calendly: Api) -> None:
    calendly.calendly.clock.advance(0)
    control(calendly, "/sandbox/faults", {"provider": "calendly", "kind": "commit_then_reset", "method": "POST"})

    with pytest.raises(ConnectionError):
        calendly.subscribe("http://127.0.0.1:9/")

    assert len(calendly.calendly.subscriptions()) == 1


def test_the_journal_is_filtered_and_cleared(calendly: Api) -> None:
    calendly.call("DELETE", "/sandbox/journal")
    calendly.get("/users/me")
    calendly.get("/event_types", organization=ORGANIZATION)

    calls = calendly.get("/sandbox/journal", provider="calendly").body
    assert [call["template"] for call in calls] == ["/users/me", "/event_types"]
    assert len(calendly.get("/sandbox/journal", since=str(calls[0]["number"])).body) == 1
    assert len(calendly.get("/sandbox/journal", template="/event_types").body) == 1
    assert calendly.get("/sandbox/journal", provider="google").status == 400
    calendly.call("DELETE", "/sandbox/journal")
    assert calendly.get("/sandbox/journal").body == []


def test_reset_forgets_everything(calendly: Api) -> None:
    calendly.subscribe("http://127.0.0.1:9/")
    calendly.calendly.book(email="a@example.com")
    calendly.calendly.clock.advance(3600)

    control(calendly, "/sandbox/reset")

    assert calendly.calendly.state.invitees == {}
    assert calendly.calendly.subscriptions() == []
    assert calendly.calendly.deliveries.recent() == []
    assert abs(calendly.calendly.clock.now() - calendly.get("/sandbox/clock").body["now"]) < 5
    assert calendly.get("/sandbox/health").body == {"status": "ok"}


# Across restarts.


def test_a_snapshot_carries_everything_over(calendly: Api) -> None:
    desk = calendly.calendly
    desk.deliveries.mode = "hold"
    calendly.subscribe("http://127.0.0.1:9/")
    uri = desk.book(event_type=GROUP_DEMO, email="a@example.com")

    other = Sandbox()
    other.calendly.deliveries.mode = "hold"
    other.restore(calendly.sandbox.snapshot())
    other.stop()

    assert other.calendly.invitee(uri) == desk.invitee(uri)
    assert [one.body for one in other.calendly.deliveries.pending()] == [one.body for one in desk.deliveries.pending()]
    other.calendly.cancel(uri)
    assert desk.invitee(uri)["status"] == "active"


@contextmanager
def running(state_file: Path) -> Iterator[tuple[subprocess.Popen[str], str]]:
    command = [sys.executable, "-m", "sandbox", "--port", "0", "--state-file", str(state_file)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, env={**os.environ}) as process:
        try:
            assert process.stdout
            found = re.search(r"http://127\.0\.0\.1:\d+", process.stdout.readline())
            assert found
            yield process, found.group()
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(10)


def test_the_program_keeps_its_state_across_restarts(tmp_path: Path) -> None:
    state_file = tmp_path / "state"
    with running(state_file) as (process, url):
        body = json.dumps({"email": "a@example.com"}).encode()
        request = urllib.request.Request(f"{url}/sandbox/calendly/book", body, method="POST")  # noqa: S310
        with urllib.request.urlopen(request) as answer:  # noqa: S310
            uri = json.load(answer)["uri"]
    assert process.returncode == 0

    with running(state_file) as (process, url):
        assert urlsplit(url).hostname == "127.0.0.1"
        with urllib.request.urlopen(f"{url}/sandbox/calendly/state") as answer:  # noqa: S310
            assert [invitee["uri"] for invitee in json.load(answer)["invitees"]] == [uri]
