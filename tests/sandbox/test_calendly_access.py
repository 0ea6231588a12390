"""Tokens, scopes, rate limits and the edge of the Calendly stand-in."""

import pytest

from sandbox.calendly_world import CAMILLE, DISCOVERY, HUGO, ORGANIZATION
from tests.sandbox.calendly_api import Api

UNAUTHENTICATED = {"title": "Unauthenticated", "message": "The access token is invalid"}


@pytest.mark.parametrize("token", ["", "made-up"])
def test_a_missing_or_unknown_token_is_401(calendly: Api, token: str) -> None:
    answer = calendly.get("/users/me", token=token)

    assert (answer.status, answer.body) == (401, UNAUTHENTICATED)
    assert answer.headers["x-ratelimit-limit"] == "500"


def test_only_bearer_counts(calendly: Api) -> None:
    answer = calendly.call("GET", "/users/me", headers={"Authorization": "Token sandbox-calendly-token"})

    assert answer.status == 401


def test_expired_and_revoked_tokens_are_401(calendly: Api) -> None:
    calendly.calendly.add_token("short", expires_in=60)
    calendly.calendly.add_token("gone")
    assert calendly.get("/users/me", token="short").status == 200

    calendly.calendly.clock.advance(61)
    calendly.calendly.revoke_token("gone")

    assert calendly.get("/users/me", token="short").body == UNAUTHENTICATED
    assert calendly.get("/users/me", token="gone").status == 401


def test_a_changed_login_kills_every_token_of_the_user(calendly: Api) -> None:
    calendly.calendly.add_token("hugo", user=HUGO)

    calendly.calendly.change_login(CAMILLE)

    assert calendly.get("/users/me").status == 401
    assert calendly.get("/users/me", token="hugo").status == 200


def test_a_missing_scope_is_named_before_any_role_check(calendly: Api) -> None:
    calendly.calendly.add_token("narrow", scopes="users:read")
    calendly.calendly.set_role("user")

    answer = calendly.get("/scheduled_events", token="narrow", organization=ORGANIZATION)

    assert answer.status == 403
    assert answer.body == {
        "title": "Insufficient scope",
        "message": "This operation requires the scopes listed in the 'required_scopes' array.",
        "required_scopes": ["scheduled_events:read"],
    }
    assert calendly.get("/users/me", token="narrow").status == 200


def test_writing_includes_reading(calendly: Api) -> None:
    calendly.calendly.add_token("writer", scopes="scheduled_events:write")

    assert calendly.get("/scheduled_events", token="writer", organization=ORGANIZATION).status == 200
    assert calendly.get("/webhook_subscriptions", token="writer").status == 403


def test_available_times_ask_for_both_scopes_on_which_the_sources_disagree(calendly: Api) -> None:
    calendly.calendly.add_token("half", scopes="availability:read")

    answer = calendly.get("/event_type_available_times", token="half", event_type=DISCOVERY)

    assert answer.body["required_scopes"] == ["availability:read", "event_types:read"]


@pytest.mark.parametrize("agent", ["", "python-requests/2.32.5", "Python-urllib/3.11"])
def test_the_edge_refuses_bare_clients_without_json(calendly: Api, agent: str) -> None:
    answer = calendly.call("GET", "/users/me", headers={"User-Agent": agent})

    assert answer.status == 403
    assert answer.headers["content-type"].startswith("text/html")
    assert "x-ratelimit-limit" not in answer.headers


def test_rate_limit_headers_count_down(calendly: Api) -> None:
    first, second = calendly.get("/users/me"), calendly.get("/users/me")

    assert first.headers["x-ratelimit-limit"] == "500"
    assert [answer.headers["x-ratelimit-remaining"] for answer in (first, second)] == ["499", "498"]
    assert 0 < int(second.headers["x-ratelimit-reset"]) <= 60


@pytest.mark.parametrize(("stage", "limit"), [("paid", 500), ("free", 50)])
def test_429_after_the_minutes_calls_of_the_plan(calendly: Api, stage: str, limit: int) -> None:
    calendly.calendly.set_plan(stage=stage)
    calendly.calendly.access._windows[CAMILLE] = (calendly.calendly.clock.now(), limit - 1)

    assert calendly.get("/users/me").status == 200
    refused = calendly.get("/users/me")

    assert refused.status == 429
    assert refused.headers["x-ratelimit-remaining"] == "0"
    calendly.calendly.clock.advance(int(refused.headers["x-ratelimit-reset"]))
    assert calendly.get("/users/me").status == 200


def test_the_limit_is_per_user(calendly: Api) -> None:
    calendly.calendly.settings.requests_per_minute = 1
    calendly.calendly.add_token("hugo", user=HUGO)
    calendly.calendly.add_token("camille again")

    assert calendly.get("/users/me").status == 200
    assert calendly.get("/users/me", token="camille again").status == 429
    assert calendly.get("/users/me", token="hugo").status == 200


def test_a_limit_set_by_control_begins_a_new_minute(calendly: Api) -> None:
    calendly.calendly.settings.requests_per_minute = 1
    assert [calendly.get("/users/me").status for _ in range(2)] == [200, 429]

    calendly.call("POST", "/sandbox/calendly/settings", {"requests_per_minute": 2})

    assert [calendly.get("/users/me").status for _ in range(3)] == [200, 200, 429]


def test_rate_limits_can_be_switched_off(calendly: Api) -> None:
    calendly.calendly.settings.rate_limits = False
    calendly.calendly.settings.requests_per_minute = 0

    answer = calendly.get("/users/me")

    assert answer.status == 200
    assert "x-ratelimit-limit" not in answer.headers


def test_data_compliance_is_for_enterprise_admins(calendly: Api) -> None:
    emails = {"emails": ["nadia.benali@example.com"]}
    past = {"start_time": "2024-01-01T00:00:00Z", "end_time": "2025-01-01T00:00:00Z"}
    refused = calendly.call("POST", "/data_compliance/deletion/invitees", emails)
    assert refused.body["message"] == "Please upgrade your Calendly account to Enterprise."
    assert calendly.call("POST", "/data_compliance/deletion/events", past).status == 403

    calendly.calendly.set_plan(plan="enterprise")

    assert calendly.call("POST", "/data_compliance/deletion/invitees", emails).status == 202
    assert calendly.call("POST", "/data_compliance/deletion/invitees", {"emails": []}).status == 400
    assert calendly.call("POST", "/data_compliance/deletion/events", past).body == {}
    assert calendly.call("POST", "/data_compliance/deletion/events", {**past, "end_time": "2099"}).status == 400
    calendly.calendly.set_role("user")
    assert calendly.call("POST", "/data_compliance/deletion/invitees", emails).status == 403
