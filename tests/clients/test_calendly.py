"""Calendly's API as the stand-in gives it: identity, pages, and the subscription's life."""

import json
from typing import Any

import pytest

from calendly_connector.clients import errors
from calendly_connector.clients.calendly import CalendlyClient
from calendly_connector.clients.calendly_values import EventType, Subscription
from sandbox.app import Sandbox
from sandbox.calendly_world import CAMILLE, DISCOVERY, INES, ORGANIZATION
from tests.clients.conftest import CALENDLY_TOKEN
from tests.clients.odd_server import answer, odd_server

HOOK = "https://connector.example/webhooks/calendly/abc"
WEBHOOKS = ("invitee.created", "invitee.canceled")


def told(body: Any) -> bytes:
    return answer(200, json.dumps(body).encode())


def client_of(url: str) -> CalendlyClient:
    return CalendlyClient(token="token", base_url=url)


def test_user_of_the_token_is_read(calendly: CalendlyClient) -> None:
    user = calendly.get_me()

    assert (user.uri, user.organization) == (CAMILLE, ORGANIZATION)
    assert user.name
    assert "@" in user.email
    assert user.timezone == "Europe/Paris"


def test_user_without_the_rest_is_empty() -> None:
    with odd_server(told({"resource": {"uri": CAMILLE, "name": None}})) as server:
        user = client_of(server.url).get_me()

    assert (user.name, user.email, user.timezone, user.organization) == ("", "", "", "")


@pytest.mark.parametrize(("user", "role"), [(CAMILLE, "owner"), (INES, "user")])
def test_role_is_read_from_the_membership(calendly: CalendlyClient, user: str, role: str) -> None:
    assert calendly.get_role(user, organization=ORGANIZATION) == role


def test_role_of_somebody_who_is_not_listed_is_empty() -> None:
    with odd_server(told({"collection": []})) as server:
        assert client_of(server.url).get_role(CAMILLE, organization=ORGANIZATION) == ""


@pytest.mark.parametrize("token", ["", "wrong"])
def test_dead_token_is_unauthorized(sandbox: Sandbox, token: str) -> None:
    with pytest.raises(errors.Unauthorized) as raised:
        CalendlyClient(token=token, base_url=sandbox.url).get_me()

    assert not isinstance(raised.value, errors.UnknownAddress)


def test_missing_scope_is_named(sandbox: Sandbox) -> None:
    token = "a-token-that-may-little"
    sandbox.calendly.add_token(token, scopes="users:read")
    limited = CalendlyClient(token=token, base_url=sandbox.url)

    with pytest.raises(errors.Forbidden) as raised:
        list(limited.list_event_types(organization=ORGANIZATION))

    assert raised.value.required_scopes == ("event_types:read",)
    assert token not in str(raised.value)


def test_full_minute_says_how_long_to_wait(sandbox: Sandbox, calendly: CalendlyClient) -> None:
    sandbox.calendly.settings.requests_per_minute = 1
    calendly.get_me()

    with pytest.raises(errors.RateLimited) as raised:
        calendly.get_me()

    assert 0 < raised.value.wait <= 60


def test_all_event_types_are_read_over_all_pages(sandbox: Sandbox, calendly: CalendlyClient) -> None:
    made = {sandbox.calendly.add_event_type(f"Type {number}") for number in range(230)}
    sandbox.world.journal.clear()

    found = [event_type.uri for event_type in calendly.list_event_types(organization=ORGANIZATION)]

    assert made <= set(found)
    assert len(found) == len(set(found))
    assert len(sandbox.world.journal.calls("calendly")) == 3


def test_event_type_brings_its_questions_and_owner(calendly: CalendlyClient) -> None:
    [discovery] = [row for row in calendly.list_event_types(organization=ORGANIZATION) if row.uri == DISCOVERY]

    assert discovery == calendly.get_event_type(DISCOVERY)
    assert discovery.name == "Discovery call"
    assert discovery.is_active
    assert discovery.questions
    assert discovery.owner


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        (
            {
                "active": True,
                "kind": "solo",
                "pooling_type": "round_robin",
                "profile": {"name": "Sales", "type": "Team"},
            },
            {"is_active": True, "kind": "round_robin", "owner": "Sales", "is_team": True},
        ),
        ({"profile": {"name": "Camille", "type": "User"}}, {"owner": "Camille"}),
        ({"active": True, "kind": "solo", "deleted_at": "2026-11-22T08:00:00Z"}, {"kind": "solo"}),
        ({"name": None, "profile": None, "custom_questions": None}, {}),
        ({"custom_questions": [{"name": "Company"}, {"name": None}, {}]}, {"questions": ("Company",)}),
    ],
)
def test_event_type_of_any_form_is_read(row: dict[str, Any], expected: dict[str, Any]) -> None:
    empty = {"uri": DISCOVERY, "name": "", "is_active": False, "kind": "", "owner": "", "is_team": False}

    with odd_server(told({"resource": {"uri": DISCOVERY, **row}})) as server:
        assert client_of(server.url).get_event_type(DISCOVERY) == EventType(**{**empty, "questions": (), **expected})


def test_unknown_resource_is_not_found(calendly: CalendlyClient) -> None:
    for read in (calendly.get_event_type, calendly.get_invitee, calendly.get_scheduled_event):
        with pytest.raises(errors.NotFound):
            read(f"{DISCOVERY}-unknown")


def test_booking_is_read_by_its_addresses(sandbox: Sandbox, calendly: CalendlyClient) -> None:
    uri = sandbox.calendly.book(event_type=DISCOVERY, email="nadia@example.com", name="Nadia Benali")

    invitee = calendly.get_invitee(uri)
    scheduled_event = calendly.get_scheduled_event(invitee["event"])

    assert (invitee["uri"], invitee["email"]) == (uri, "nadia@example.com")
    assert scheduled_event["event_type"] == DISCOVERY


@pytest.mark.parametrize(
    "host", ["https://api.calendly.com", "https://calendly.com", "https://elsewhere.example", "http://169.254.169.254"]
)
def test_token_goes_to_our_base_address_whatever_host_an_address_names(host: str) -> None:
    with odd_server(told({"resource": {"uri": "x"}})) as server:
        client_of(server.url).get_invitee(f"{host}/scheduled_events/a/invitees/b?x=1")

        assert server.requests[0].startswith(b"GET /scheduled_events/a/invitees/b HTTP/1.1")
        assert b"Authorization: Bearer token" in server.requests[0]


def test_address_under_our_own_base_is_read_without_doubling_it() -> None:
    with odd_server(told({"resource": {"uri": "x"}})) as server:
        client_of(f"{server.url}/proxy/").get_invitee(f"{server.url}/proxy/scheduled_events/a")

        assert server.requests[0].startswith(b"GET /proxy/scheduled_events/a HTTP/1.1")


def test_pages_are_followed_by_token_and_never_by_address() -> None:
    first = {
        "collection": [{"role": ""}],
        "pagination": {"next_page_token": "a+b", "next_page": "https://evil.example"},
    }
    second = {"collection": [{"uri": "1"}], "pagination": {"next_page_token": None}}

    with odd_server(told(first | {"collection": [{"uri": "0"}]}), told(second)) as server:
        rows = list(client_of(server.url).list_event_types(organization="o"))

        assert [row.uri for row in rows] == ["0", "1"]
        assert [request.split(b" ")[1] for request in server.requests] == [
            b"/event_types?organization=o&count=100",
            b"/event_types?organization=o&count=100&page_token=a%2Bb",
        ]


@pytest.mark.parametrize("token", [{}, {"next_page_token": None}, {"next_page_token": ""}], ids=repr)
def test_page_that_only_names_the_next_address_is_followed_by_the_token_in_it(token: dict[str, Any]) -> None:
    address = "https://evil.example/event_types?count=1&page_token=a%2Bb"
    first = {"collection": [{"uri": "0"}], "pagination": {"next_page": address} | token}

    with odd_server(told(first), told({"collection": [{"uri": "1"}]})) as server:
        rows = list(client_of(server.url).list_event_types(organization="o"))

        assert [row.uri for row in rows] == ["0", "1"]
        assert server.requests[1].split(b" ")[1].endswith(b"&page_token=a%2Bb")


@pytest.mark.parametrize("address", ["https://api.calendly.com/event_types?page=2", "https://[x"])
def test_next_page_without_a_token_is_never_taken_for_the_end(address: str) -> None:
    body = {"collection": [{"uri": "0"}], "pagination": {"next_page": address}}

    with odd_server(told(body)) as server, pytest.raises(errors.BadAnswer, match="no token"):
        list(client_of(server.url).list_event_types(organization="o"))


def test_page_that_names_itself_as_the_next_is_not_read_for_ever() -> None:
    body = told({"collection": [{"uri": "0"}], "pagination": {"next_page_token": "same"}})

    with odd_server(body, body) as server, pytest.raises(errors.BadAnswer, match="as the next one"):
        list(client_of(server.url).list_event_types(organization="o"))


def test_list_without_pagination_is_one_page() -> None:
    with odd_server(told({"collection": []})) as server:
        assert list(client_of(server.url).list_event_types(organization="o")) == []


@pytest.mark.parametrize("body", [[], {}, {"collection": None}, {"collection": {}}, "text"], ids=repr)
def test_list_in_another_form_is_a_bad_answer(body: Any) -> None:
    with odd_server(told(body)) as server, pytest.raises(errors.BadAnswer) as raised:
        list(client_of(server.url).list_event_types(organization="o"))

    assert str(raised.value) == "Calendly: GET /event_types answered without a collection."


@pytest.mark.parametrize("body", [[], {}, {"resource": None}, {"resource": []}, "text"], ids=repr)
def test_resource_in_another_form_is_a_bad_answer(body: Any) -> None:
    with odd_server(told(body)) as server, pytest.raises(errors.BadAnswer) as raised:
        client_of(server.url).get_me()

    assert str(raised.value) == "Calendly answered without a resource."


def subscribe(client: CalendlyClient, **changes: Any) -> Subscription:
    wish: dict[str, Any] = {"url": HOOK, "webhooks": WEBHOOKS, "organization": ORGANIZATION, "scope": "organization"}
    return client.create_subscription(**{**wish, **changes})


def test_subscription_is_created_listed_and_deleted(calendly: CalendlyClient) -> None:
    made = subscribe(calendly, signing_key="a-signing-key-of-our-own")

    assert made.callback_url == HOOK
    assert (made.state, made.scope, made.events, made.retry_started_at) == ("active", "organization", WEBHOOKS, "")
    assert list(calendly.list_subscriptions(organization=ORGANIZATION, scope="organization")) == [made]

    calendly.delete_subscription(made.uri)

    assert list(calendly.list_subscriptions(organization=ORGANIZATION, scope="organization")) == []


def test_deleting_what_is_gone_is_success(calendly: CalendlyClient) -> None:
    made = subscribe(calendly)

    calendly.delete_subscription(made.uri)
    calendly.delete_subscription(made.uri)

    assert list(calendly.list_subscriptions(organization=ORGANIZATION, scope="organization")) == []


def test_subscription_of_one_user_is_listed_under_the_user(calendly: CalendlyClient) -> None:
    made = subscribe(calendly, scope="user", user=CAMILLE)

    assert made.scope == "user"
    assert list(calendly.list_subscriptions(organization=ORGANIZATION, scope="user", user=CAMILLE)) == [made]
    assert list(calendly.list_subscriptions(organization=ORGANIZATION, scope="organization")) == []


def test_second_subscription_of_the_same_address_is_refused(calendly: CalendlyClient) -> None:
    subscribe(calendly)

    with pytest.raises(errors.Refused) as raised:
        subscribe(calendly)

    assert raised.value.status == 409


@pytest.mark.parametrize(
    ("changes", "body"),
    [
        ({}, {"url": HOOK, "events": [*WEBHOOKS], "organization": ORGANIZATION, "scope": "organization"}),
        (
            {"scope": "user", "user": CAMILLE, "signing_key": "k"},
            {
                "url": HOOK,
                "events": [*WEBHOOKS],
                "organization": ORGANIZATION,
                "scope": "user",
                "user": CAMILLE,
                "signing_key": "k",
            },
        ),
        (
            {"user": CAMILLE},
            {"url": HOOK, "events": [*WEBHOOKS], "organization": ORGANIZATION, "scope": "organization"},
        ),
    ],
)
def test_subscription_is_asked_for_with_what_its_scope_needs(changes: dict[str, Any], body: dict[str, Any]) -> None:
    with odd_server(told({"resource": {"uri": "x", "events": None}})) as server:
        made = subscribe(client_of(server.url), **changes)

        assert json.loads(server.requests[0].partition(b"\r\n\r\n")[2]) == body
    assert made == Subscription(uri="x", callback_url="", state="", scope="", events=(), retry_started_at="")


def test_token_is_never_said_aloud(sandbox: Sandbox, calendly: CalendlyClient) -> None:
    sandbox.calendly.revoke_token(CALENDLY_TOKEN)

    with pytest.raises(errors.Unauthorized) as raised:
        calendly.get_me()

    assert CALENDLY_TOKEN not in f"{raised.value} {raised.value!r} {raised.value.__cause__}"
