"""Hundreds of calls that nobody should make: never a 5xx, always a problem, never a change."""

import json
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calendly_connector.models import BookingPage, BookingRequest, Person, RateLimit, SchedulingLink, SyncLogEntry
from calendly_connector.services import visitors
from calendly_connector.web.api import auth
from tests.web.caller import EVERYTHING, Caller
from tests.web.door import Door

FUZZ = settings(
    max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture], database=None
)
ODD = ["\0", "a\0@b.com", "\ud800", "‮@x.com", "a@b.com" * 100, "'; DROP TABLE x; --", "%00", " ", "🙂@x.com", "@"]
texts = st.one_of(st.sampled_from(ODD), st.text(max_size=40))
leaves = st.one_of(st.none(), st.booleans(), st.integers(), st.just(10**400), st.floats(allow_nan=False), texts)
values = st.recursive(
    leaves, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3), max_leaves=8
)
KINDS = ["", "; charset=utf-16", "; charset=rot13", "; charset=x", "x"]
PARAMETERS = ["email", "connection", "after", "limit", "brevo", "x"]
PATHS = ["/people/sync", "/people/update", "/people/{}/erase"]
NAMES = st.sampled_from(["email", "connection", "attributes", "brevo", "calendly", "x"])


@pytest.fixture
def caller(door: Door, monkeypatch: pytest.MonkeyPatch) -> Caller:
    """Return somebody who may do everything, as often as they like."""
    monkeypatch.setattr(auth, "PER_TOKEN", 10**9)
    monkeypatch.setattr(auth, "REFUSED_PER_ADDRESS", 10**9)
    Person.objects.create(connection=door.connection, email="nadia@example.com")
    return Caller(*EVERYTHING, "view_eventtype", "add_bookingrequest", "view_bookingrequest", "add_schedulinglink")


@FUZZ
@given(path=st.sampled_from(PATHS), body=st.one_of(values, st.dictionaries(NAMES, values, max_size=4)))
def test_any_json(caller: Caller, path: str, body: Any) -> None:
    if "erase" in path:  # an empty wish is a wish
        body = {**body, "x": 1} if isinstance(body, dict) else body or []
    number = Person.objects.get().pk

    answer = caller.post(path.format(number), json.dumps(body).encode())

    assert 400 <= answer.status_code < 500
    assert Person.objects.count() == 1
    assert not SyncLogEntry.objects.exists()


@FUZZ
@given(path=st.sampled_from(PATHS), body=st.binary(max_size=200), kind=st.sampled_from(KINDS))
def test_any_bytes(caller: Caller, path: str, body: bytes, kind: str) -> None:
    answer = caller.post(path.format(Person.objects.get().pk), b"\x00" + body, content_type=f"application/json{kind}")

    assert 400 <= answer.status_code < 500


@FUZZ
@given(name=st.sampled_from(PARAMETERS), value=texts | st.integers().map(str))
def test_any_query(caller: Caller, name: str, value: str) -> None:
    query = f"{name}={quote(value.encode('utf-8', 'surrogatepass'))}"

    for path in ("/people", f"/people/{Person.objects.get().pk}"):
        assert caller.get(f"{path}?{query}").status_code < 500


@FUZZ
@given(path=texts, method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "TRACE", "PROPFIND"]))
def test_any_address(caller: Caller, path: str, method: str) -> None:
    address = f"/people/{quote(path.encode('utf-8', 'surrogatepass'))}/x"

    assert 400 <= caller.call(method, address).status_code < 500


@FUZZ
@given(token=st.text(st.characters(min_codepoint=33, max_codepoint=255), min_size=1, max_size=300))
def test_any_token(caller: Caller, token: str) -> None:
    assert caller.get("/people", token=token).status_code == 401
    assert RateLimit.objects.filter(key__startswith="api:refused").count() == 1


# -- Booking, by everybody ------------------------------------------------------------------------------------------

FIELDS = st.sampled_from(
    ["key", "event_type", "start_time", "timezone", "email", "name", "location", "answers", "guests", "tracking",
     "form_token", "website", "text_reminder_number", "x"]
)  # fmt: skip
GOOD = {
    "key": "0123456789abcdefghij",
    "event_type": "https://api.calendly.com/event_types/x",
    "start_time": "2026-12-03T09:00:00Z",
    "timezone": "Europe/Paris",
    "email": "a@example.com",
    "name": "A",
}
ASKED = ["page", "connection", "event_type", "since", "until", "timezone", "after", "limit", "x"]


@pytest.fixture
def page(caller: Caller, door: Door, monkeypatch: pytest.MonkeyPatch) -> BookingPage:
    """Return a page whose visitors may ask as often as they like; Calendly can't be reached."""
    for name in ("READS_PER_MINUTE", "READS_OF_A_TYPE_PER_MINUTE", "BOOKINGS", "BOOKINGS_OF_A_TYPE_PER_MINUTE"):
        monkeypatch.setattr(visitors, name, 10**9)
    return BookingPage.objects.create(
        connection=door.connection, slug="talk", title="Talk", event_types=[GOOD["event_type"]]
    )


@FUZZ
@given(changes=st.one_of(values, st.dictionaries(FIELDS, values, min_size=1, max_size=4)), is_signed=st.booleans())
def test_any_booking(caller: Caller, page: BookingPage, changes: Any, is_signed: bool) -> None:
    token = visitors.form_token("talk", event_type=GOOD["event_type"])
    body = {**GOOD, "form_token": token if is_signed else "x", **changes} if isinstance(changes, dict) else changes

    for path, credential in (("/bookings?page=talk", ""), ("/bookings", None), ("/scheduling-links", None)):
        answer = caller.call("POST", path, json.dumps(body).encode(), token=credential)
        assert 400 <= answer.status_code < 500 or answer.status_code == 503

    assert not BookingRequest.objects.exists()
    assert not SchedulingLink.objects.exists()


@FUZZ
@given(wish=st.dictionaries(st.sampled_from(ASKED), texts | st.integers().map(str), min_size=1, max_size=4))
def test_any_question_about_times(caller: Caller, page: BookingPage, wish: dict[str, str]) -> None:
    query = "&".join(f"{name}={quote(value.encode('utf-8', 'surrogatepass'))}" for name, value in wish.items())

    for path in ("/event-types", "/available-times", "/bookings/0123456789abcdefghij"):
        for start in ("?page=talk&", "?"):
            answer = caller.client.get(f"/api/v1{path}{start}{query}", headers={"Origin": "https://\x85.example"})
            assert answer.status_code < 500 or answer.status_code == 503
