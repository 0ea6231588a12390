"""OAuth of the Calendly stand-in: consent, code, tokens, rotation, revoke, introspect, and the app's signing key."""

import base64
import hashlib
from html.parser import HTMLParser
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from sandbox.calendly_webhooks import signature
from sandbox.calendly_world import APP_SIGNING_KEY, CAMILLE, HUGO, ORGANIZATION
from tests.sandbox.calendly_api import Answer, Api, Json, Receiver

CALLBACK = "http://127.0.0.1:8000/oauth/calendly/callback"
VERIFIER = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode().rstrip("=")
BASIC = {"Authorization": "Basic " + base64.b64encode(b"sandbox-client:sandbox-secret").decode()}
ASKED = {
    "client_id": "sandbox-client",
    "response_type": "code",
    "redirect_uri": CALLBACK,
    "scope": "users:read scheduled_events:write",
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
    "state": "s-1",
}


class Inputs(HTMLParser):
    """Collects the hidden fields and ticked boxes of a form."""

    def __init__(self) -> None:
        super().__init__()
        self.fields: list[tuple[str, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        names = dict(attrs)
        if tag == "input":
            self.fields.append((names["name"] or "", names["value"] or ""))


def authorize(api: Api, **changes: str) -> Answer:
    return api.get("/oauth/authorize", token="", **(ASKED | changes))


def returned(answer: Answer) -> dict[str, str]:
    assert answer.status == 302, answer.raw
    address = urlsplit(answer.headers["location"])
    assert answer.headers["location"].startswith(CALLBACK)
    return {name: values[0] for name, values in parse_qs(address.query).items()}


def code(api: Api, user: str = CAMILLE, **changes: str) -> str:
    return returned(authorize(api, decision="approve", user=user, **changes))["code"]


def exchange(api: Api, code: str, headers: dict[str, str] | None = None, **changes: str) -> Answer:
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
    return api.call(
        "POST", "/oauth/token", token="", form=form | changes, headers=BASIC if headers is None else headers
    )


def refresh(api: Api, token: str, **changes: str) -> Answer:
    form = {"grant_type": "refresh_token", "refresh_token": token} | changes
    return api.call("POST", "/oauth/token", token="", form=form, headers=BASIC)


def tokens(api: Api, **changes: str) -> Json:
    answer = exchange(api, code(api, **changes))
    assert answer.status == 200, answer.raw
    return dict(answer.body)


def refused(answer: Answer, status: int, error: str) -> bool:
    return (answer.status, answer.body["error"]) == (status, error)


# Consent.


def test_the_consent_page_leads_back_with_a_code(calendly: Api) -> None:
    page = authorize(calendly)
    assert page.status == 200
    assert page.headers["content-type"].startswith("text/html")
    form = Inputs()
    form.feed(page.raw.decode())

    query = urlencode([*form.fields, ("user", HUGO), ("decision", "approve")])
    answer = returned(calendly.get(f"/oauth/authorize?{query}", token=""))

    assert answer["state"] == "s-1"
    body = exchange(calendly, answer["code"]).body
    assert body["owner"] == HUGO
    assert body["scope"] == "scheduled_events:write users:read"


def test_declining_leads_back_with_access_denied(calendly: Api) -> None:
    assert returned(authorize(calendly, decision="decline")) == {"error": "access_denied", "state": "s-1"}


def test_some_scopes_may_be_declined(calendly: Api) -> None:
    body = tokens(calendly, granted="users:read")

    assert body["scope"] == "users:read"
    assert calendly.get("/users/me", token=body["access_token"]).status == 200
    assert calendly.get("/scheduled_events", token=body["access_token"]).status == 403


def test_what_people_typed_is_escaped_on_the_page(calendly: Api) -> None:
    page = authorize(calendly, state='"><script>alert(1)</script>')

    assert b"<script>" not in page.raw


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "unknown"},
        {"redirect_uri": "https://elsewhere.example/cb"},
        {"redirect_uri": ""},
        {"redirect_uri": "http://[x"},
    ],
)
def test_an_unknown_app_or_address_is_not_redirected(calendly: Api, changes: dict[str, str]) -> None:
    answer = authorize(calendly, **changes, decision="approve", user=CAMILLE)

    assert answer.status == 400
    assert "location" not in answer.headers


def test_a_registered_address_must_match_exactly(calendly: Api) -> None:
    calendly.calendly.set_redirect_uris(CALLBACK)

    assert authorize(calendly).status == 200
    assert authorize(calendly, redirect_uri=CALLBACK + "/").status == 400


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"client_id": "sandbox-native", "code_challenge": ""}, "invalid_request"),
        ({"scope": "invitees:read"}, "invalid_scope"),
    ],
)
def test_wrong_requests_lead_back_with_their_error(calendly: Api, changes: dict[str, str], error: str) -> None:
    assert returned(authorize(calendly, **changes))["error"] == error


# Tokens.


def test_a_token_answer_has_everything(calendly: Api) -> None:
    body = tokens(calendly)

    assert (body["token_type"], body["expires_in"]) == ("Bearer", 7200)
    assert (body["owner"], body["organization"]) == (CAMILLE, ORGANIZATION)
    assert abs(body["created_at"] - calendly.calendly.clock.now()) < 5
    assert len(body["access_token"]) > 255
    assert calendly.get("/users/me", token=body["access_token"]).resource["uri"] == CAMILLE


def test_an_access_token_lives_two_hours(calendly: Api) -> None:
    body = tokens(calendly)

    calendly.calendly.clock.advance(7201)

    assert calendly.get("/users/me", token=body["access_token"]).status == 401
    assert refresh(calendly, body["refresh_token"]).status == 200


def test_a_refresh_token_is_no_access_token(calendly: Api) -> None:
    assert calendly.get("/users/me", token=tokens(calendly)["refresh_token"]).status == 401


def test_a_code_works_once(calendly: Api) -> None:
    once = code(calendly)

    assert exchange(calendly, once).status == 200
    assert refused(exchange(calendly, once), 400, "invalid_grant")


def test_a_code_lives_ten_minutes(calendly: Api) -> None:
    late = code(calendly)

    calendly.calendly.clock.advance(601)

    assert refused(exchange(calendly, late), 400, "invalid_grant")


@pytest.mark.parametrize(
    "changes", [{"code_verifier": "wrong"}, {"code_verifier": ""}, {"redirect_uri": CALLBACK + "/"}]
)
def test_verifier_and_address_must_be_those_of_the_request(calendly: Api, changes: dict[str, str]) -> None:
    assert refused(exchange(calendly, code(calendly), BASIC, **changes), 400, "invalid_grant")


def test_clients_authenticate_by_header_body_or_verifier_alone(calendly: Api) -> None:
    in_body = {"client_id": "sandbox-client", "client_secret": "sandbox-secret"}
    native_code = code(calendly, client_id="sandbox-native")

    assert exchange(calendly, code(calendly), {}, **in_body).status == 200
    assert exchange(calendly, native_code, {}, client_id="sandbox-native").status == 200


@pytest.mark.parametrize(
    ("headers", "changes"),
    [
        ({}, {"client_id": "sandbox-client"}),
        ({}, {"client_id": "sandbox-client", "client_secret": "wrong"}),
        ({}, {}),
        ({"Authorization": "Basic " + base64.b64encode(b"sandbox-client:wrong").decode()}, {}),
        ({"Authorization": "Basic %%%"}, {}),
    ],
)
def test_wrong_clients_are_401(calendly: Api, headers: dict[str, str], changes: dict[str, str]) -> None:
    assert refused(exchange(calendly, code(calendly), headers=headers, **changes), 401, "invalid_client")


def test_a_code_belongs_to_its_client(calendly: Api) -> None:
    answer = exchange(calendly, code(calendly), {}, client_id="sandbox-native")

    assert refused(answer, 400, "invalid_grant")


def test_refreshing_rotates_and_the_old_token_is_dead(calendly: Api) -> None:
    first = tokens(calendly)

    second = refresh(calendly, first["refresh_token"])

    assert second.status == 200
    assert second.body["refresh_token"] != first["refresh_token"]
    assert second.body["scope"] == first["scope"]
    assert refused(refresh(calendly, first["refresh_token"]), 400, "invalid_grant")
    assert refresh(calendly, second.body["refresh_token"]).status == 200


def test_other_grants_and_bodies_are_refused(calendly: Api) -> None:
    json_body = calendly.call("POST", "/oauth/token", {"grant_type": "refresh_token"}, token="", headers=BASIC)

    assert refused(refresh(calendly, "x", grant_type="password"), 400, "unsupported_grant_type")
    assert refused(json_body, 400, "invalid_request")


def test_eight_tokens_a_minute(calendly: Api) -> None:
    token = tokens(calendly)["refresh_token"]
    for _ in range(7):
        token = refresh(calendly, token).body["refresh_token"]

    assert refresh(calendly, token).status == 429
    calendly.calendly.clock.advance(61)
    assert refresh(calendly, token).status == 200  # the refused call did not use the token up


# Revoke and introspect.


def of_app(api: Api, path: str, token: str, **changes: str) -> Answer:
    form = {"client_id": "sandbox-client", "client_secret": "sandbox-secret", "token": token}
    return api.call("POST", path, token="", form=form | changes)


def test_revoking_one_token_leaves_the_other(calendly: Api) -> None:
    body = tokens(calendly)

    assert of_app(calendly, "/oauth/revoke", body["access_token"]).body == {}

    assert calendly.get("/users/me", token=body["access_token"]).status == 401
    assert of_app(calendly, "/oauth/revoke", body["refresh_token"]).status == 200
    assert refused(refresh(calendly, body["refresh_token"]), 400, "invalid_grant")


def test_revoking_what_is_not_yours_or_without_a_token(calendly: Api) -> None:
    body = tokens(calendly)
    native = {"client_id": "sandbox-native", "client_secret": ""}

    assert refused(of_app(calendly, "/oauth/revoke", body["access_token"], **native), 403, "unauthorized_client")
    assert refused(of_app(calendly, "/oauth/revoke", "", client_secret="wrong"), 403, "invalid_client")
    assert refused(of_app(calendly, "/oauth/revoke", ""), 400, "invalid_request")


def test_introspection_tells_what_lives(calendly: Api) -> None:
    body = tokens(calendly)

    alive = of_app(calendly, "/oauth/introspect", body["access_token"]).body
    assert (alive["active"], alive["scope"], alive["owner"]) == (True, body["scope"], CAMILLE)
    assert alive["exp"] - alive["iat"] == 7200
    assert of_app(calendly, "/oauth/introspect", body["refresh_token"]).body["active"] is True
    assert of_app(calendly, "/oauth/introspect", "unknown").body == {"active": False}
    assert of_app(calendly, "/oauth/introspect", "x", client_secret="wrong").status == 401
    calendly.calendly.clock.advance(7201)
    assert of_app(calendly, "/oauth/introspect", body["access_token"]).body == {"active": False}


def test_the_apps_key_signs_the_apps_subscriptions(calendly: Api, receiver: Receiver) -> None:
    token = tokens(calendly, scope="webhooks:write scheduled_events:read")["access_token"]
    assert calendly.subscribe(receiver.url, token=token, signing_key="ignored").status == 201

    calendly.calendly.book(email="a@example.com")
    calendly.calendly.deliveries.settle()

    (message,) = receiver.received
    header = message.headers["calendly-webhook-signature"]
    assert header == signature(APP_SIGNING_KEY, int(header[2:12]), message.raw)
