"""Booking through the API: by a page's visitors without a token, by programs with one."""

import time
from collections.abc import Callable
from typing import Any
from urllib.parse import quote

import pytest
from django.contrib.auth.models import Group
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from pytest_django.fixtures import Settings

from calendly_connector.models import BookingPage, BookingRequest, Connection, SchedulingLink
from calendly_connector.services import api_tokens, catalogue, roles, scheduling, visitors
from calendly_connector.services.connection import environment_connection
from tests.admin.people import make_member
from tests.journeys.conftest import river
from tests.journeys.river import River
from tests.services.booking import EMAIL, booked_at, sent, type_named, wish_for
from tests.web.caller import Caller, check, schema

__all__ = ["river"]

KEY = "0123456789abcdefghij"
SITE = "https://www.example.com"
RIGHTS = ("view_eventtype", "view_addresses", "add_bookingrequest", "view_bookingrequest", "add_schedulinglink")


@pytest.fixture
def connection(db: None) -> Connection:
    """Return a connection that nothing can be asked of."""
    return environment_connection()


@pytest.fixture
def page(river: River, monkeypatch: pytest.MonkeyPatch) -> BookingPage:
    """Return a page with two event types, whose forms may be sent at once."""
    monkeypatch.setattr(visitors, "QUICKEST", 0.0)
    monkeypatch.setattr(scheduling, "LOOK_SECONDS", 0.01)
    uris = [type_named(river.calendly, name) for name in ("Demo", "Discovery call")]
    return BookingPage.objects.create(
        connection=river.connection, slug="talk", title="Talk", event_types=uris, allowed_origins=[SITE]
    )


def call(method: str, path: str, body: Any = None, **headers: str) -> Any:
    """Call as a visitor, who has no token; the answer is compared with the schema."""
    client = Client(raise_request_exception=False)
    options = {} if body is None else {"data": body, "content_type": "application/json"}
    answer = getattr(client, method.lower())(f"/api/v1{path}", headers=headers, **options)
    check(answer, method, path.replace(KEY, "{key}"))
    return answer


def times(page: BookingPage, more: str = "") -> Any:
    """Return the open times of the page's first event type."""
    return call("GET", f"/available-times?page={page.slug}&event_type={quote(page.event_types[0])}{more}")


def form(page: BookingPage, **changes: Any) -> dict[str, Any]:
    """Return what a visitor sends who takes the first time."""
    offered = times(page).json()
    return {
        "key": KEY,
        "event_type": page.event_types[0],
        "start_time": offered["results"][0]["start_time"],
        "timezone": "Europe/Copenhagen",
        "email": EMAIL,
        "name": "Vera Holm",
        "location": {"kind": "google_conference"},
        "form_token": offered["form_token"],
        **changes,
    }


def book(page: BookingPage, body: dict[str, Any], **headers: str) -> Any:
    return call("POST", f"/bookings?page={page.slug}", body, **headers)


# -- Visitors -------------------------------------------------------------------------------------------------------


def test_a_visitor_books_without_a_token(page: BookingPage, river: River) -> None:
    kinds = call("GET", "/event-types?page=talk").json()["results"]
    assert [each["name"] for each in kinds] == ["Demo", "Discovery call"]
    assert [each["is_required"] for each in kinds[1]["questions"]] == [True, False, False, False]

    answer = book(page, form(page))

    assert answer.status_code == 200
    found = answer.json()
    assert (found["state"], found["booking"]["email"]) == ("booked", EMAIL)
    assert found["booking"]["cancel_url"] and found["booking"]["reschedule_url"]
    assert BookingRequest.objects.get().page == page
    assert call("GET", f"/bookings/{KEY}?page=talk").json() == found
    river.flow()
    assert river.event_names(EMAIL) == ["booked"]


def test_a_booking_that_was_canceled_is_shown_as_canceled(page: BookingPage, river: River) -> None:
    booked = book(page, form(page)).json()["booking"]
    assert booked["status"] == "active"

    river.calendly.cancel(booked["uri"])
    cache.clear()  # which forgets by itself after half a minute

    found = call("GET", f"/bookings/{KEY}?page=talk").json()
    assert (found["detail"], found["booking"]["status"]) == ("This meeting was canceled.", "canceled")


def test_times_are_told_in_the_visitors_zone_and_no_further_than_the_page_says(page: BookingPage) -> None:
    BookingPage.objects.update(days_ahead=7)

    first = times(page, "&timezone=Europe/Copenhagen&until=2027-01-01T00:00:00Z").json()["results"]

    assert all(each["local_time"].endswith("+01:00") for each in first)
    assert 0 < len({each["start_time"][:10] for each in first}) <= 6


def test_a_time_is_gone_from_the_list_once_it_is_booked(page: BookingPage) -> None:
    body = form(page)
    book(page, body)

    assert body["start_time"] not in [each["start_time"] for each in times(page).json()["results"]]


def test_sent_twice_it_is_booked_once(page: BookingPage, river: River) -> None:
    body = form(page)

    assert book(page, body).json() == book(page, body).json()
    assert len(sent(river)) == 1


def test_a_taken_time_is_a_problem_that_says_so(page: BookingPage) -> None:
    body = form(page)
    book(page, {**body, "key": KEY[::-1], "email": "fast@example.com"})

    answer = book(page, body)

    assert (answer.status_code, answer.json()["type"]) == (409, "urn:calendly-connector:problem:taken")
    assert answer.json()["state"] == "taken"


def test_at_the_limit_the_problem_names_calendlys_own_page(page: BookingPage, river: River) -> None:
    river.break_calendly("status", "/invitees", method="POST", status=429)

    answer = book(page, form(page))

    assert (answer.status_code, answer.json()["state"]) == (409, "limit")
    assert "email=vera%40example.com" in answer.json()["fallback_url"]


def test_where_calendly_doesnt_let_us_it_goes_on_there(page: BookingPage, river: River) -> None:
    river.break_calendly("status", "/invitees", method="POST", status=403)

    answer = book(page, form(page))

    assert (answer.status_code, answer.json()["state"]) == (503, "refused")
    assert answer.json()["fallback_url"]


def test_when_calendly_is_down_nothing_breaks(page: BookingPage, river: River) -> None:
    river.break_calendly("status", times=None, status=503)

    assert times(page).status_code == 503
    assert call("GET", "/event-types?page=talk").status_code == 503


def test_complaints_point_at_their_fields(page: BookingPage) -> None:
    body = form(page, email="nobody", location={"kind": "physical"}, guests=["x"], timezone="Europe/Paris")

    answer = book(page, body)

    assert answer.status_code == 400
    assert {each["pointer"] for each in answer.json()["errors"]} == {"/email", "/location", "/guests"}


@pytest.mark.parametrize("slug", ["none", "", "x" * 200, "%00"])
def test_a_page_that_isnt_there_is_404(page: BookingPage, slug: str) -> None:
    for path in ("/event-types", f"/bookings/{KEY}", f"/available-times?event_type=x&page={slug}"):
        joined = path if "page=" in path else f"{path}?page={slug}"
        assert call("GET", joined).status_code == 404


def test_a_page_that_is_switched_off_is_404(page: BookingPage) -> None:
    body = form(page)
    BookingPage.objects.update(is_active=False)

    assert call("GET", "/event-types?page=talk").status_code == 404
    assert book(page, body).status_code == 404


def test_only_what_the_page_offers_can_be_seen_or_booked(page: BookingPage, river: River) -> None:
    support = type_named(river.calendly, "Support")

    assert call("GET", f"/available-times?page=talk&event_type={quote(support)}").status_code == 404
    assert book(page, form(page, event_type=support)).status_code == 404


def test_another_pages_visitor_sees_nothing_of_a_booking(page: BookingPage) -> None:
    BookingPage.objects.create(connection=page.connection, slug="other", title="Other")
    book(page, form(page))

    assert call("GET", f"/bookings/{KEY}?page=other").status_code == 404
    assert call("GET", f"/bookings/{KEY}").status_code == 401


# -- Programs that pretend to be people -----------------------------------------------------------------------------


def hasty(body: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visitors, "QUICKEST", 2.0)


def late(body: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 7201)


def trapped(body: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    body["website"] = "https://spam.example"


def forged(body: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    body["form_token"] = body["form_token"][:-1] + "!"


def without(body: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    del body["form_token"]


def from_another_type(body: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    body["form_token"] = visitors.form_token("talk", event_type="another")


@pytest.mark.parametrize("change", [hasty, late, trapped, forged, without, from_another_type])
def test_forms_that_no_person_sends_are_refused(
    page: BookingPage,
    river: River,
    monkeypatch: pytest.MonkeyPatch,
    change: Callable[[dict[str, Any], pytest.MonkeyPatch], None],
) -> None:
    body = form(page)
    change(body, monkeypatch)

    answer = book(page, body)

    assert answer.status_code == 400
    assert [each["pointer"] for each in answer.json()["errors"]] in (["/form_token"], ["/website"])
    assert not sent(river)


def test_one_address_books_five_times_in_ten_minutes(page: BookingPage, river: River) -> None:
    body = form(page, start_time="2026-12-01T03:00:00Z")
    answers = [book(page, {**body, "key": f"{KEY}{number}"}) for number in range(6)]

    assert [answer.status_code for answer in answers] == [409] * 5 + [429]
    assert 60 < int(answers[-1]["Retry-After"]) <= 120
    assert book(page, {**body, "key": f"{KEY}0"}).status_code == 409  # what was asked before may be asked again


def test_looking_is_paced_by_address(page: BookingPage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visitors, "READS_PER_MINUTE", 3)
    answers = [times(page) for _ in range(4)]

    assert [answer.status_code for answer in answers] == [200] * 3 + [429]
    assert int(answers[-1]["Retry-After"]) >= 1


def test_looking_is_paced_by_event_type_whatever_the_address(
    page: BookingPage, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.TRUSTED_PROXIES = 1
    monkeypatch.setattr(visitors, "READS_OF_A_TYPE_PER_MINUTE", 3)
    path = f"/available-times?page=talk&event_type={quote(page.event_types[0])}"

    answers = [call("GET", path, **{"X-Forwarded-For": f"203.0.113.{number}"}) for number in range(4)]

    assert [answer.status_code for answer in answers] == [200] * 3 + [429]


@pytest.mark.parametrize(("proxies", "statuses"), [(0, [200, 429]), (1, [200, 200]), (2, [200, 429])])
def test_what_a_visitor_says_of_themselves_is_believed_as_far_as_our_proxies_go(
    page: BookingPage, settings: Settings, monkeypatch: pytest.MonkeyPatch, proxies: int, statuses: list[int]
) -> None:
    settings.TRUSTED_PROXIES = proxies
    monkeypatch.setattr(visitors, "READS_PER_MINUTE", 1)
    heard = [f"203.0.113.99, 198.51.100.{number}" for number in (1, 2)]

    answers = [call("GET", "/event-types?page=talk", **{"X-Forwarded-For": each}) for each in heard]

    assert [answer.status_code for answer in answers] == statuses


# -- Other sites ----------------------------------------------------------------------------------------------------


def test_sites_of_the_pages_list_may_read_what_its_visitors_may(page: BookingPage) -> None:
    answers = [
        call("GET", "/event-types?page=talk", Origin=SITE),
        book(page, form(page), Origin=SITE),
        book(page, form(page, email="x"), Origin=SITE),
    ]

    assert [answer.status_code for answer in answers] == [200, 200, 400]
    for answer in answers:
        assert answer["Access-Control-Allow-Origin"] == SITE
        assert "Origin" in answer["Vary"]
        assert "Access-Control-Allow-Credentials" not in answer


@pytest.mark.parametrize("origin", ["https://evil.example", "null", f"{SITE}.evil.example", "http://www.example.com"])
def test_other_sites_may_not(page: BookingPage, origin: str) -> None:
    for method in ("get", "options"):
        answer = getattr(Client(), method)("/api/v1/event-types?page=talk", headers={"Origin": origin})
        assert "Access-Control-Allow-Origin" not in answer


def test_no_site_may_use_what_needs_a_token(page: BookingPage) -> None:
    paths = ["/people?page=talk", "/event-types", "/scheduling-links?page=talk", "/event-types?page=none"]
    for path in paths:
        answer = Client().get(f"/api/v1{path}", headers={"Origin": SITE})
        assert "Access-Control-Allow-Origin" not in answer


def test_a_browser_that_asks_first_hears_what_it_may(page: BookingPage) -> None:
    headers = {
        "Origin": SITE,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
    }

    answer = Client().options("/api/v1/bookings?page=talk", headers=headers)

    assert answer.status_code == 204
    assert answer["Access-Control-Allow-Origin"] == SITE
    assert answer["Access-Control-Allow-Headers"] == "Content-Type"
    assert "POST" in answer["Access-Control-Allow-Methods"]


# -- Programs with a token ------------------------------------------------------------------------------------------


def test_a_program_books_for_somebody(river: River) -> None:
    wish = wish_for(river)
    caller = Caller(*RIGHTS)
    body = {
        "key": KEY, "event_type": wish.event_type, "start_time": wish.start_at.isoformat(), "email": EMAIL,
        "timezone": "Europe/Paris", "first_name": "Vera", "last_name": "Holm",
        "location": {"kind": "google_conference"}, "tracking": {"utm_source": "crm"},
    }  # fmt: skip

    answer = caller.post("/bookings", body)

    assert answer.json()["state"] == "booked"
    assert booked_at(river, wish)[0]["tracking"]["utm_source"] == "crm"
    assert call_shown(caller).json()["booking"]["email"] == EMAIL


def call_shown(caller: Caller) -> Any:
    answer = caller.client.get(f"/api/v1/bookings/{KEY}", headers={"Authorization": f"Bearer {caller.token}"})
    check(answer, "GET", "/bookings/{key}")
    return answer


def test_event_types_of_a_connection_are_paged(river: River) -> None:
    catalogue.refresh_event_types(river.connection)
    caller = Caller(*RIGHTS)

    page = caller.get("/event-types?limit=2").json()
    names = [each["name"] for each in page["results"]]
    while page["next"]:
        page = caller.get(page["next"].removeprefix("/api/v1")).json()
        names += [each["name"] for each in page["results"]]

    assert {"Demo", "Discovery call", "Group demo", "Support"} <= set(names)
    assert len(names) == len(set(names))


def test_a_link_is_made_for_somebody_and_made_once(river: River) -> None:
    caller = Caller(*RIGHTS)
    demo = type_named(river.calendly, "Demo")
    other_host = demo.replace("api.calendly.com", "calendly.com")  # as some texts of Calendly's have it
    body = {"email": "Vera@Example.com", "name": "Vera Holm", "tracking": {"utm_source": "letter"}}

    first, second = (caller.post("/scheduling-links", {**body, "event_type": uri}).json() for uri in (demo, other_host))

    assert first == second
    link = SchedulingLink.objects.get()
    assert (link.state, link.email) == ("live", "vera@example.com")
    assert first["url"].startswith(f"{link.url}?name=Vera+Holm&email=vera%40example.com&")
    assert "utm_source=letter" in first["url"] and f"utm_content={link.tag}" in first["url"]
    assert len(river.sandbox.world.journal.calls("calendly", method="POST", template="/scheduling_links")) == 1


def test_a_link_that_is_over_is_replaced(river: River) -> None:
    caller = Caller(*RIGHTS)
    body = {"event_type": type_named(river.calendly, "Demo"), "email": EMAIL}
    first = caller.post("/scheduling-links", body).json()
    SchedulingLink.objects.update(expires_at=timezone.now())

    second = caller.post("/scheduling-links", body).json()

    assert first["tag"] != second["tag"]
    assert sorted(SchedulingLink.objects.values_list("state", flat=True)) == ["expired", "live"]


def test_a_link_that_couldnt_be_made_is_made_the_next_time(river: River) -> None:
    caller = Caller(*RIGHTS)
    body = {"event_type": type_named(river.calendly, "Demo"), "email": EMAIL}
    river.break_calendly("status", "/scheduling_links", method="POST", status=503)

    assert caller.post("/scheduling-links", body).status_code == 503
    assert caller.post("/scheduling-links", body).status_code == 200
    assert SchedulingLink.objects.get().state == "live"


CALLS: dict[str, tuple[str, str, Any]] = {
    "types": ("GET", "/event-types", None),
    "times": ("GET", "/available-times", None),
    "book": ("POST", "/bookings", {}),
    "outcome": ("GET", f"/bookings/{KEY}", None),
    "link": ("POST", "/scheduling-links", {}),
}
MATRIX: dict[tuple[str, ...], set[str]] = {
    (): set(),
    ("view_addresses",): set(),
    ("add_bookingrequest", "view_bookingrequest", "add_schedulinglink"): set(),
    ("view_eventtype",): {"types", "times"},
    ("add_bookingrequest", "view_addresses"): {"book"},
    ("view_bookingrequest", "view_addresses"): {"outcome"},
    ("add_schedulinglink", "view_addresses"): {"link"},
    RIGHTS: set(CALLS),
}


@pytest.mark.parametrize("permissions", MATRIX, ids=lambda names: "+".join(names) or "none")
def test_a_token_may_what_its_user_may(connection: Connection, permissions: tuple[str, ...]) -> None:
    caller = Caller(*permissions)
    for name, (method, path, body) in CALLS.items():
        headers = {"Authorization": f"Bearer {caller.token}"}
        options = {} if body is None else {"data": body, "content_type": "application/json"}
        answer = getattr(caller.client, method.lower())(f"/api/v1{path}", headers=headers, **options)
        expected = (200, 400, 404) if name in MATRIX[permissions] else (403,)
        assert answer.status_code in expected, name


ROLES: dict[str, set[str]] = {
    "": set(),
    roles.VIEWER: {"types", "times"},
    roles.OPERATOR: set(CALLS),
    roles.MANAGER: set(CALLS),
}


def caller_of(role: str) -> Caller:
    """Return a program whose user is in one role, "" for none."""
    caller = Caller()
    if role:
        caller.user = make_member(role)
        caller.row, caller.token = api_tokens.make(name="CRM", user=caller.user)
    return caller


@pytest.mark.parametrize("role", ROLES, ids=lambda role: role or "none")
def test_operators_and_managers_may_book_and_make_links_and_viewers_look(connection: Connection, role: str) -> None:
    caller = caller_of(role)

    for name, (method, path, body) in CALLS.items():
        status = caller.call(method, path, body).status_code
        assert status in ((200, 400, 404) if name in ROLES[role] else (403,)), name


def test_a_token_ends_with_its_users_role(river: River) -> None:
    caller = caller_of(roles.OPERATOR)
    body = {"event_type": type_named(river.calendly, "Demo"), "email": EMAIL}
    assert caller.post("/scheduling-links", body).status_code == 200

    caller.user.groups.set(Group.objects.filter(name=roles.VIEWER))

    answer = caller.post("/scheduling-links", body)
    assert answer.status_code == 403 and "add_schedulinglink, view_addresses" in answer.json()["detail"]


@pytest.mark.parametrize("name", CALLS)
def test_without_page_and_token_nobody_gets_in(connection: Connection, name: str) -> None:
    method, path, body = CALLS[name]

    assert call(method, path, body).status_code == 401


@pytest.mark.parametrize("path", ["/bookings", "/scheduling-links"])
def test_a_complaint_about_the_address_names_its_parameter_whatever_the_method(
    connection: Connection, path: str
) -> None:
    caller = Caller(*RIGHTS)

    errors = [caller.post(f"{path}?{query}", {}).json()["errors"] for query in ("connection=none", "nonsense=1")]

    assert [each[0].get("parameter") for each in errors] == ["connection", "nonsense"]


def test_the_schema_says_which_bodies_refuse_unknown_fields(db: None) -> None:
    shapes = schema()["components"]["schemas"]
    bodies = {
        operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
        for methods in schema()["paths"].values()
        for operation in methods.values()
        if "requestBody" in operation
    }

    assert bodies and all(shapes[name]["additionalProperties"] is False for name in bodies)
    assert shapes["BookingBody"]["properties"]["start_time"]["format"] == "date-time"


def test_a_page_opens_no_links(page: BookingPage) -> None:
    assert call("POST", "/scheduling-links?page=talk", {}).status_code == 401
