"""What happens between two requests, answers that take their time, and counts beyond the journal's length."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from sandbox.calendly_world import ORGANIZATION
from sandbox.world import Journal
from tests.sandbox.calendly_api import Answer, Api, Json

TUESDAY = "2031-03-04T"


def book(api: Api, *hours: int) -> list[str]:
    """Book a meeting at each hour of a day far ahead; return the meetings."""
    booked = [
        api.calendly.book(email=f"h{hour}@example.com", start_time=f"{TUESDAY}{hour:02}:00:00Z") for hour in hours
    ]
    return [api.calendly.invitee(uri)["event"] for uri in booked]


def between_pages(api: Api, act: str, body: Json) -> tuple[list[str], Answer]:
    """Read a page of two while something happens; return what it showed, and the next page."""
    fault = {"provider": "calendly", "kind": "meanwhile", "path": "/scheduled_events", "act": act, "body": body}
    assert api.call("POST", "/sandbox/faults", fault).status == 200
    first = api.get("/scheduled_events", organization=ORGANIZATION, count=2)
    shown = [row["uri"] for row in first.rows]
    return shown, api.get(first.body["pagination"]["next_page"])


def test_a_meeting_that_moves_forward_between_two_pages_is_missed_by_the_token(calendly: Api) -> None:
    early, late, last, final = book(calendly, 9, 11, 13, 15)
    moved = {"event": last, "start_time": f"{TUESDAY}08:00:00Z"}

    shown, following = between_pages(calendly, "/sandbox/calendly/edit-event", moved)

    assert shown == [early, late]
    assert [row["uri"] for row in following.rows] == [final]


def test_a_meeting_deleted_between_two_pages_is_gone(calendly: Api) -> None:
    early, late, last, final = book(calendly, 9, 11, 13, 15)

    shown, following = between_pages(calendly, "/sandbox/calendly/delete-event", {"event": last})

    assert shown == [early, late]
    assert [row["uri"] for row in following.rows] == [final]


def test_a_role_changes_between_two_pages(calendly: Api) -> None:
    book(calendly, 9, 11, 13)

    _, following = between_pages(calendly, "/sandbox/calendly/settings", {"role": "user"})

    assert following.status == 403


def test_a_token_expires_between_two_pages(calendly: Api) -> None:
    book(calendly, 9, 11, 13)

    _, following = between_pages(calendly, "/sandbox/calendly/settings", {"expires_in": 0})

    assert following.status == 401


def test_what_cannot_happen_is_no_answer_at_all(calendly: Api) -> None:
    book(calendly, 9)
    fault = {
        "provider": "calendly",
        "kind": "meanwhile",
        "act": "/sandbox/calendly/delete-event",
        "body": {"event": "x"},
    }
    calendly.call("POST", "/sandbox/faults", fault)

    with pytest.raises(ConnectionError):
        calendly.get("/scheduled_events", organization=ORGANIZATION)


def test_a_deleted_meeting_is_404_with_its_invitees_and_leaves_every_listing(calendly: Api) -> None:
    gone, kept = book(calendly, 9, 11)
    invitee = calendly.get(f"{gone}/invitees").rows[0]["uri"]
    calendly.calendly.mark_no_show(invitee)

    calendly.calendly.delete_event(gone)

    for address in (gone, f"{gone}/invitees", invitee):
        assert calendly.get(address).status == 404, address
    assert [row["uri"] for row in calendly.get("/scheduled_events", organization=ORGANIZATION).rows] == [kept]
    assert calendly.get("/scheduled_events", organization=ORGANIZATION, invitee_email="h9@example.com").rows == []
    assert calendly.calendly.state.no_shows == {}


def test_every_answer_takes_the_latency_and_many_at_once_take_it_together(calendly: Api) -> None:
    assert calendly.call("POST", "/sandbox/latency", {"calendly": 0.2}).body == {"calendly": 0.2}

    began = time.monotonic()
    calendly.get("/users/me")
    alone = time.monotonic() - began
    began = time.monotonic()
    with ThreadPoolExecutor(10) as pool:
        assert {answer.status for answer in pool.map(lambda _: calendly.get("/users/me"), range(10))} == {200}
    together = time.monotonic() - began

    assert alone >= 0.2
    assert 0.2 <= together < 10 * 0.2
    assert calendly.call("POST", "/sandbox/latency", {"twitter": 1}).status == 400


def test_calls_are_counted_by_template_and_status_until_the_journal_is_cleared(calendly: Api) -> None:
    meeting = book(calendly, 9)[0]
    calendly.get(meeting)
    calendly.get(meeting)
    calendly.get("/scheduled_events/unknown")
    calendly.get("/users/me", token="")

    counts = calendly.call("GET", "/sandbox/calls").body
    calendly.call("DELETE", "/sandbox/journal")

    assert counts["calendly"] == {
        "templates": {"GET /scheduled_events/{uuid}": 3, "GET /users/me": 1},
        "statuses": {"200": 2, "404": 1, "401": 1},
    }
    assert counts["brevo"] == {"templates": {}, "statuses": {}}
    assert calendly.call("GET", "/sandbox/calls").body["calendly"] == {"templates": {}, "statuses": {}}


def test_counts_go_on_when_the_journal_is_full() -> None:
    journal = Journal(keep=3)
    for _ in range(5):
        journal.record(
            at=0.0, provider="calendly", method="GET", path="/users/me", template="/users/me", query={}, body=None,
            status=200,
        )  # fmt: skip

    assert len(journal.calls()) == 3
    assert journal.counts("calendly")["templates"] == {"GET /users/me": 5}
