"""The only door to the network: what each misfortune is called, and that nothing secret is ever said aloud."""

import gzip
import json
import logging
import time
from email.utils import formatdate
from typing import Any

import pytest

from calendly_connector.clients import USER_AGENT, errors, http
from calendly_connector.clients.http import Http
from sandbox.app import Sandbox
from sandbox.world import Fault
from tests.clients.odd_server import Odd, answer, closed_port, dripping, full_port, odd_server

SECRET, PERSON = "xkeysib-very-secret", "nadia.benali+cal@example.com"


def make_http(base_url: str) -> Http:
    return Http(service="Brevo", base_url=base_url, headers={"api-key": SECRET})


def error_of(reply: bytes | Odd, *, method: str = "GET", path: str = "/contacts", **options: Any) -> errors.ApiError:
    with odd_server(reply) as server, pytest.raises(errors.ApiError) as raised:
        make_http(server.url).call(method, path, **options)
    return raised.value


@pytest.mark.parametrize(
    ("status", "kind", "is_retryable", "is_done_unknown"),
    [
        (400, errors.Refused, False, False),
        (401, errors.Unauthorized, False, False),
        (402, errors.PaymentRequired, False, False),
        (403, errors.Forbidden, False, False),
        (404, errors.NotFound, False, False),
        (405, errors.Refused, False, False),
        (406, errors.Refused, False, False),
        (408, errors.Unavailable, True, True),
        (409, errors.Refused, False, False),
        (415, errors.Refused, False, False),
        (422, errors.Refused, False, False),
        (425, errors.Unavailable, True, False),
        (429, errors.RateLimited, True, False),
        (500, errors.Unavailable, True, True),
        (502, errors.Unavailable, True, True),
        (503, errors.Unavailable, True, False),
        (504, errors.Unavailable, True, True),
        (599, errors.Unavailable, True, True),
    ],
)
def test_status_has_its_error(
    status: int, kind: type[errors.ApiError], is_retryable: bool, is_done_unknown: bool
) -> None:
    body = json.dumps({"code": "some_code", "message": "Some words"}).encode()

    error = error_of(answer(status, body, sib_request_id="abc-1"))

    assert type(error) is kind
    assert (error.status, error.code, error.request_id) == (status, "some_code", "abc-1")
    assert (error.is_retryable, error.is_done_unknown) == (is_retryable, is_done_unknown)
    assert error.body == {"code": "some_code", "message": "Some words"}
    assert str(error) == f"Brevo: GET /contacts: answered {status}, “Some words”"


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_is_not_followed(status: int) -> None:
    with odd_server(answer(200)) as elsewhere:
        error = error_of(answer(status, b"", Location=elsewhere.url))

        assert elsewhere.requests == []
    assert type(error) is errors.BadAnswer
    assert str(error) == f"Brevo: GET /contacts: answered with a redirect ({status}); is the base address right?"


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b'{"message": "m", "error_description": "d", "title": "t"}', "m"),
        (b'{"error": "invalid_grant", "error_description": "d", "title": "t"}', "d"),
        (b'{"title": "t"}', "t"),
        (b'{"message": ""}', "no explanation"),
        (b"{}", "no explanation"),
        (b"", "no explanation"),
        (b"<html>Bad gateway</html>", "no explanation"),
        (b'["message"]', "no explanation"),
        (b"null", "no explanation"),
        (b"\xff\xfe", "no explanation"),
        (json.dumps({"message": "x" * 999}).encode(), "x" * 300),
    ],
)
def test_error_says_what_the_service_said(body: bytes, said: str) -> None:
    assert str(error_of(answer(400, body))) == f"Brevo: GET /contacts: answered 400, “{said}”"


def test_oauth_error_has_its_code() -> None:
    assert error_of(answer(400, b'{"error": "invalid_grant"}')).code == "invalid_grant"


@pytest.mark.parametrize(
    "message",
    [
        "We have detected you are using an unrecognised IP address 203.0.113.7. If you performed this action …",
        "unrecognised ip ADDRESS",
    ],
)
def test_unknown_address_is_told_from_a_wrong_key(message: str) -> None:
    assert type(error_of(answer(401, json.dumps({"message": message}).encode()))) is errors.UnknownAddress
    assert type(error_of(answer(403, json.dumps({"message": message}).encode()))) is errors.Forbidden


def test_missing_scopes_are_named() -> None:
    error = error_of(answer(403, b'{"details": [], "required_scopes": ["webhooks:write", "users:read"]}'))

    assert isinstance(error, errors.Forbidden)
    assert error.required_scopes == ("webhooks:write", "users:read")


@pytest.mark.parametrize("body", [b"{}", b'{"required_scopes": "all"}', b""])
def test_forbidden_for_another_reason_names_no_scopes(body: bytes) -> None:
    error = error_of(answer(403, body))

    assert isinstance(error, errors.Forbidden)
    assert error.required_scopes == ()


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({"Retry_After": "7"}, 7.0),
        ({"x_sib_ratelimit_reset": "42"}, 42.0),
        ({"X_RateLimit_Reset": "3.5"}, 3.5),
        ({"Retry_After": "7", "x_sib_ratelimit_reset": "42", "X_RateLimit_Reset": "3"}, 7.0),
        ({"x_sib_ratelimit_reset": "42", "X_RateLimit_Reset": "3"}, 42.0),
        ({"Retry_After": "Infinity", "x_sib_ratelimit_reset": "42"}, 42.0),
        ({"Retry_After": "Sun, 22 Nov 2026 10:15:00 GMT"}, 0.0),
        ({"Retry_After": "Sun, 06 Dec 2026 08:49:37 GMT", "X_RateLimit_Reset": "3"}, 3.0),
        ({"Retry_After": "soon"}, 0.0),
        ({"Retry_After": "-5"}, 0.0),
        ({"Retry_After": "nan"}, 0.0),
        ({}, 0.0),
    ],
)
def test_rate_limit_says_how_long_to_wait(headers: dict[str, str], wait: float) -> None:
    error = error_of(answer(429, b"{}", **headers))

    assert isinstance(error, errors.RateLimited)
    assert error.wait == wait


@pytest.mark.parametrize("body", [b"<html>", b"plain", b"{", b"\xff"])
def test_success_that_is_no_json_is_a_bad_answer(body: bytes) -> None:
    error = error_of(answer(200, body))

    assert type(error) is errors.BadAnswer
    assert error.is_done_unknown
    assert str(error) == "Brevo: GET /contacts: answered 200 with something that is no JSON."


@pytest.mark.parametrize(
    ("reply", "status", "value"),
    [
        (answer(204, b""), 204, None),
        (answer(200, b""), 200, None),
        (answer(201, b'{"id": 7}'), 201, {"id": 7}),
        (answer(207, b"[1]"), 207, [1]),
    ],
)
def test_success_is_handed_on(reply: bytes, status: int, value: Any) -> None:
    with odd_server(reply) as server:
        result = make_http(server.url).call("GET", "/contacts")

    assert (result.status, result.json) == (status, value)


def test_header_names_come_in_lower_case() -> None:
    with odd_server(answer(200, X_SIB_RateLimit_Remaining="9")) as server:
        result = make_http(server.url).call("GET", "/contacts")

    assert result.headers["x-sib-ratelimit-remaining"] == "9"


def test_request_carries_the_credential_and_who_we_are() -> None:
    with odd_server(answer()) as server:
        make_http(f"{server.url}/v3/").call("POST", "/contacts", json={"a": 1}, params={"limit": 50})

        [request] = server.requests
    head = request.decode().lower()
    assert head.startswith("post /v3/contacts?limit=50 http/1.1")
    for line in (f"user-agent: {USER_AGENT.lower()}", "accept: application/json", f"api-key: {SECRET}"):
        assert f"\r\n{line}\r\n" in head
    assert head.endswith('{"a": 1}')


def test_nobody_listening_means_nothing_was_sent() -> None:
    with pytest.raises(errors.Unreachable) as raised:
        make_http(f"http://127.0.0.1:{closed_port()}").call("POST", "/events")

    assert raised.value.is_retryable
    assert not raised.value.is_done_unknown
    assert str(raised.value) == "Brevo: POST /events: no connection could be made (NewConnectionError)."


@pytest.mark.parametrize(
    "base_url", ["nonsense", "http://", "ftp://127.0.0.1", "http://127.0.0.1:99999", "http://[::1"]
)
def test_address_that_is_none_means_nothing_was_sent(base_url: str) -> None:
    with pytest.raises(errors.Unreachable) as raised:
        make_http(base_url).call("POST", "/events")

    assert not raised.value.is_done_unknown


def test_server_that_speaks_no_tls_means_nothing_was_sent(sandbox: Sandbox) -> None:
    with pytest.raises(errors.Unreachable) as raised:
        make_http(sandbox.url.replace("http:", "https:")).call("POST", "/events")

    assert not raised.value.is_done_unknown


@pytest.mark.parametrize(
    "odd", [Odd.RESET, Odd.HANG_UP, b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{", b"hello\r\n\r\n"]
)
def test_answer_that_breaks_off_is_lost(odd: bytes | Odd) -> None:
    with odd_server(odd, drops_idle=True) as server, pytest.raises(errors.ApiError) as raised:
        make_http(server.url).call("POST", "/events", json={})

    assert type(raised.value) is errors.AnswerLost
    assert raised.value.is_retryable
    assert raised.value.is_done_unknown
    assert str(raised.value).startswith("Brevo: POST /events: it was sent, but no answer came (")


def test_answer_that_does_not_come_in_time_is_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "READ_SECONDS", 0.2)

    error = error_of(Odd.SILENCE, method="POST", path="/events", json={})

    assert type(error) is errors.AnswerLost


def test_rate_limit_may_name_the_moment_it_ends() -> None:
    at = formatdate(time.time() + 50, usegmt=True)

    error = error_of(answer(429, Retry_After=at))

    assert isinstance(error, errors.RateLimited)
    assert 45 < error.wait <= 50


def test_answer_that_drips_is_lost_after_as_long_as_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "READ_SECONDS", 0.4)
    drops = [answer(200, b"[" + b" " * 40 + b"]")[:-41], *[b" "] * 40, b"]"]

    with dripping(drops, every=0.1) as url, pytest.raises(errors.AnswerLost) as raised:
        begun_at = time.monotonic()
        make_http(url).call("POST", "/events", json={})

    assert time.monotonic() - begun_at < 3
    assert str(raised.value) == "Brevo: POST /events: it was sent, but no answer came (Timeout)."


def test_answer_that_drips_fast_enough_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    with dripping([answer(200, b"[1]")[:-2], b"1", b"]"], every=0.05) as url:
        assert make_http(url).call("GET", "/contacts").json == [1]


@pytest.mark.parametrize(
    "reply",
    [
        answer(200, gzip.compress(b'{"a": 1}'), Content_Encoding="gzip"),
        b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n{"a"\r\n4\r\n: 1}\r\n0\r\n\r\n',
    ],
    ids=["packed", "in chunks"],
)
def test_answer_is_read_however_it_is_packed(reply: bytes) -> None:
    with odd_server(reply, reply) as server:
        found = make_http(server.url)

        assert [found.call("GET", "/").json for _ in range(2)] == [{"a": 1}] * 2
        assert server.connections == 1


@pytest.mark.parametrize(
    "reply",
    [
        answer(200, b'{"a": 1}')[:-3],
        answer(200, b"no gzip", Content_Encoding="gzip"),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\n[1, ",
    ],
    ids=["cut off", "badly packed", "cut in a chunk"],
)
def test_body_that_breaks_off_is_lost(reply: bytes) -> None:
    with odd_server(reply, drops_idle=True) as server, pytest.raises(errors.AnswerLost):
        make_http(server.url).call("POST", "/events", json={})


def test_connection_that_nobody_accepts_means_nothing_was_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "CONNECT_SECONDS", 0.2)

    with full_port() as port, pytest.raises(errors.Unreachable) as raised:
        make_http(f"http://127.0.0.1:{port}").call("POST", "/events")

    assert not raised.value.is_done_unknown


def test_work_done_before_the_answer_was_lost_may_have_been_done(sandbox: Sandbox) -> None:
    sandbox.world.faults.add(Fault(provider="brevo", kind="commit_then_reset", method="POST", path="/contacts"))

    with pytest.raises(errors.AnswerLost):
        Http(service="Brevo", base_url=f"{sandbox.url}/v3", headers={"api-key": "sandbox-brevo-key"}).call(
            "POST", "/contacts", json={"email": "nadia@example.com"}
        )

    assert sandbox.brevo.contact("nadia@example.com")


def test_connection_is_kept_between_calls() -> None:
    with odd_server(answer(), answer()) as server:
        client = make_http(server.url)
        client.call("GET", "/contacts")
        client.call("GET", "/contacts")

        assert (len(server.requests), server.connections) == (2, 1)


def test_connection_dropped_between_two_calls_is_opened_anew() -> None:
    with odd_server(answer(), answer(), drops_idle=True) as server:
        client = make_http(server.url)
        client.call("POST", "/events", json={})
        assert server.answered.wait(5)
        client.call("POST", "/events", json={})

        assert (len(server.requests), server.connections) == (2, 2)


def test_nothing_is_ever_sent_twice_by_itself() -> None:
    with odd_server(Odd.HANG_UP, answer()) as server, pytest.raises(errors.AnswerLost):
        make_http(server.url).call("POST", "/events", json={})

    assert len(server.requests) == 1


def test_proxies_and_credentials_of_the_surroundings_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")

    with odd_server(answer()) as server:
        assert make_http(server.url).call("GET", "/contacts").status == 200


@pytest.mark.parametrize(
    "reply",
    [answer(400, b'{"message": "no"}'), answer(200, b"<html>"), answer(302, b""), answer(429), Odd.RESET, Odd.HANG_UP],
    ids=["refused", "no JSON", "redirect", "limit", "reset", "hang-up"],
)
@pytest.mark.parametrize("person", [PERSON, "nadia.benali%2Bcal%40example.com"])
def test_no_secret_and_no_person_in_error_or_log(
    reply: bytes | Odd, person: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="calendly_connector")

    error = error_of(reply, method="PUT", path=f"/contacts/{person}?x={person}", json={"email": person})

    said = f"{error} {error!r} {error.__cause__} {caplog.text}"
    assert "Brevo: PUT /contacts/…" in str(error)
    assert not any(word in said for word in (SECRET, person, "nadia", "example.com"))


def test_call_is_logged_with_status_and_time(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG, logger="calendly_connector")

    with odd_server(answer()) as server:
        make_http(server.url).call("GET", f"/contacts/{PERSON}?identifierType=email_id")

    [record] = caplog.records
    assert record.getMessage().startswith("Brevo: GET /contacts/… answered 200 in ")
    assert record.msg == "%s answered %s in %.0f ms"


def test_error_hides_what_the_library_would_tell() -> None:
    with pytest.raises(errors.Unreachable) as raised:
        make_http(f"http://127.0.0.1:{closed_port()}").call("GET", f"/contacts/{PERSON}")

    assert raised.value.__cause__ is None
    assert raised.value.__suppress_context__
    assert PERSON not in str(raised.value)


@pytest.mark.parametrize("message", [f"Contact {PERSON} is not valid", f"Key {SECRET} not found"])
def test_words_of_the_service_are_quoted_without_secret_and_person(message: str) -> None:
    error = error_of(answer(400, json.dumps({"message": message}).encode()))

    assert not any(word in str(error) for word in (SECRET, PERSON))


def test_answer_that_cannot_be_decompressed_may_mean_that_the_work_was_done() -> None:
    error = error_of(answer(200, b"no gzip", Content_Encoding="gzip"), method="POST", path="/events", json={})

    assert error.is_done_unknown


def test_key_that_no_header_can_carry_is_an_error_of_ours() -> None:
    with odd_server(answer()) as server, pytest.raises(errors.ApiError):
        Http(service="Brevo", base_url=server.url, headers={"api-key": "xkeysib–with a dash from a document"}).call(
            "GET", "/account"
        )
