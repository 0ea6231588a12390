"""Listings of meetings and invitees: every row once, however the pages shift while they are read."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from calendly_connector.clients import errors
from calendly_connector.clients.calendly import PER_PAGE, CalendlyClient
from sandbox.app import Sandbox
from sandbox.calendly_world import CAMILLE, INES, ORGANIZATION
from tests.clients.odd_server import OddServer, answer, odd_server

FIRST = datetime(2026, 11, 2, 9, 0, tzinfo=UTC)
HOST = "https://api.calendly.com/scheduled_events"


def meeting(number: int, *, start: datetime | None = None) -> dict[str, Any]:
    """Return a row of a listing; each starts a minute after the one before."""
    at = (start or FIRST + timedelta(minutes=number)).isoformat()
    return {"uri": f"{HOST}/{number}", "start_time": at, "updated_at": at}


def page(rows: list[dict[str, Any]], token: str | None = None) -> bytes:
    """Return an answer with a page of rows."""
    return answer(200, json.dumps({"collection": rows, "pagination": {"next_page_token": token}}).encode())


def queries(server: OddServer) -> list[dict[str, str]]:
    """Return what was asked for, request by request."""
    lines = [request.split(b" ")[1].decode() for request in server.requests]
    return [{key: value[0] for key, value in parse_qs(urlsplit(line).query).items()} for line in lines]


def listed(server: OddServer, **options: Any) -> list[str]:
    """Return the numbers of the meetings that the client yields."""
    client = CalendlyClient(token="token", base_url=server.url)
    found = client.list_scheduled_events(organization=ORGANIZATION, min_start=FIRST, **options)
    return [event.uri.rsplit("/", 1)[-1] for event in found]


def test_the_next_page_begins_just_before_the_last_start() -> None:
    with odd_server(page([meeting(1), meeting(2)], "x"), page([meeting(2), meeting(3)])) as server:
        assert listed(server) == ["1", "2", "3"]

    first, second = queries(server)
    assert (first["sort"], first["count"], first["organization"]) == ("start_time:asc", str(PER_PAGE), ORGANIZATION)
    assert first["min_start_time"] == "2026-11-02T09:00:00.000000Z"
    assert second["min_start_time"] == "2026-11-02T09:01:59.000000Z"
    assert "page_token" not in second


def test_a_row_that_vanished_from_the_first_page_hides_none_of_the_second() -> None:
    # By the token, the second page would begin with 4: 3 has moved up into the first.
    with odd_server(page([meeting(1), meeting(2)], "x"), page([meeting(2), meeting(3), meeting(4)])) as server:
        assert listed(server) == ["1", "2", "3", "4"]


def test_a_row_that_comes_twice_is_yielded_once() -> None:
    with odd_server(page([meeting(1), meeting(1)], "x"), page([meeting(1), meeting(2)])) as server:
        assert listed(server) == ["1", "2"]


def test_a_page_of_one_moment_is_left_by_its_token() -> None:
    many = [meeting(number, start=FIRST) for number in range(3)]
    with odd_server(page(many, "abc"), page([meeting(9)])) as server:
        assert listed(server) == ["0", "1", "2", "9"]

    assert queries(server)[1]["page_token"] == "abc"


def test_times_that_can_not_be_read_are_none_and_end_nothing() -> None:
    odd = {"uri": f"{HOST}/7", "start_time": None}
    with odd_server(page([meeting(1), odd], "abc"), page([meeting(2)])) as server:
        client = CalendlyClient(token="token", base_url=server.url)
        found = list(client.list_scheduled_events(user=CAMILLE, min_start=FIRST, max_start=FIRST))

    assert [(event.uri[-1], event.start_at is None) for event in found] == [("1", False), ("7", True), ("2", False)]
    assert found[1].updated_at is None
    assert queries(server)[0]["user"] == CAMILLE
    assert queries(server)[0]["max_start_time"] == "2026-11-02T09:00:00.000000Z"


def test_many_meetings_are_listed_once_each_from_the_stand_in(sandbox: Sandbox, calendly: CalendlyClient) -> None:
    now = datetime.now(UTC).replace(microsecond=0)
    made = {
        sandbox.calendly.invitee(
            sandbox.calendly.book(event_type="Group demo", email=f"p{number}@example.com", start_time=start)
        )["event"]
        for number in range(250)
        for start in [(now + timedelta(days=1)).replace(hour=0, minute=0, second=0) + timedelta(hours=number)]
    }

    found = [event.uri for event in calendly.list_scheduled_events(organization=ORGANIZATION, min_start=now)]

    assert len(found) == len(set(found))
    assert made <= set(found)


def test_invitees_are_listed_once_each(sandbox: Sandbox, calendly: CalendlyClient) -> None:
    start = (datetime.now(UTC) + timedelta(days=2)).replace(hour=10, minute=0, second=0, microsecond=0)
    uris = [sandbox.calendly.book(event_type="Group demo", email=f"p{n}@example.com", start_time=start) for n in (1, 2)]
    sandbox.calendly.cancel(uris[0])

    found = [str(row["uri"]) for row in calendly.list_invitees(sandbox.calendly.invitee(uris[0])["event"])]

    assert sorted(found) == sorted(uris)


def test_invitees_that_come_twice_are_yielded_once() -> None:
    with odd_server(page([{"uri": "a"}, {"uri": "b"}], "x"), page([{"uri": "b"}, {"uri": "c"}])) as server:
        client = CalendlyClient(token="token", base_url=server.url)

        assert [row["uri"] for row in client.list_invitees(f"{HOST}/1")] == ["a", "b", "c"]


def test_a_meeting_that_is_gone_is_not_found(calendly: CalendlyClient) -> None:
    with pytest.raises(errors.NotFound):
        list(calendly.list_invitees(f"{HOST}/no-such-meeting"))


def test_a_plain_member_may_not_list_the_organization(sandbox: Sandbox) -> None:
    sandbox.calendly.add_token("member", user=INES)
    client = CalendlyClient(token="member", base_url=sandbox.url)

    with pytest.raises(errors.Forbidden):
        list(client.list_scheduled_events(organization=ORGANIZATION, min_start=FIRST))
    list(client.list_scheduled_events(user=INES, min_start=FIRST))


def test_one_subscription_is_read(calendly: CalendlyClient) -> None:
    made = calendly.create_subscription(
        url="https://a.example/x", webhooks=["invitee.created"], organization=ORGANIZATION, scope="organization"
    )

    assert calendly.get_subscription(made.uri) == made
    with pytest.raises(errors.NotFound):
        calendly.get_subscription(f"{made.uri[:-4]}0000")


def test_meetings_of_an_address_are_looked_for_on_every_page() -> None:
    pages = [
        {"collection": [], "pagination": {"next_page_token": "more"}},
        {"collection": [{"uri": "found"}], "pagination": {"next_page_token": None}},
    ]

    with odd_server(*(answer(200, json.dumps(page).encode()) for page in pages)) as server:
        client = CalendlyClient(token="token", base_url=server.url)
        found = client.list_events_of("ada@example.com", user=CAMILLE, since=FIRST, until=FIRST)

    assert [row["uri"] for row in found] == ["found"]


@pytest.mark.parametrize("body", [b"{}", b'{"collection": null}', b"[]"])
def test_an_answer_without_meetings_is_no_proof_that_there_are_none(body: bytes) -> None:
    with odd_server(answer(200, body)) as server, pytest.raises(errors.BadAnswer):
        CalendlyClient(token="token", base_url=server.url).list_events_of(
            "ada@example.com", user=CAMILLE, since=FIRST, until=FIRST
        )
