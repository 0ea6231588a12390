"""The API's door: tokens, permissions, paces, problems, and a schema that tells the truth."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from io import StringIO
from typing import Any

import jsonschema
import pytest
import time_machine
import yaml
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from calendly_connector.models import ApiToken, Connection, Person, RateLimit
from calendly_connector.services import allowance, api_tokens
from tests.web.caller import EVERYTHING, PROBLEM, ROOT, Caller, schema

pytestmark = pytest.mark.django_db
EMAIL = "nadia@example.com"


@pytest.fixture
def caller() -> Caller:
    """Return somebody who may do everything."""
    return Caller(*EVERYTHING)


@pytest.fixture
def person(door: Any) -> Person:
    """Return somebody who is known."""
    return Person.objects.create(connection=door.connection, email=EMAIL)


# -- Tokens ---------------------------------------------------------------------------------------------------------


def test_a_token_is_kept_as_a_digest_alone(caller: Caller) -> None:
    row = ApiToken.objects.get()

    assert caller.token.startswith("cc_")
    assert len(caller.token) >= 46  # 256 bits
    assert caller.token not in "".join(str(value) for value in ApiToken.objects.values_list().get())
    assert (row.hint, len(row.digest)) == (caller.token[:8], 64)


@pytest.mark.parametrize("header", ["", "Bearer", "Bearer x", "Basic cm9ib3Q6eA==", "Token {}", "Bearer {}x", "{}"])
def test_without_a_valid_token_nobody_gets_in(caller: Caller, header: str) -> None:
    headers = {"Authorization": header.format(caller.token)} if header else {}

    answer = Client().get(f"{ROOT}/people", headers=headers)

    assert (answer.status_code, answer["Content-Type"]) == (401, PROBLEM)
    assert answer["WWW-Authenticate"].startswith('Bearer realm="calendly-connector"')
    assert ('error="invalid_token"' in answer["WWW-Authenticate"]) == bool(header)


def expire(caller: Caller) -> None:
    ApiToken.objects.update(expires_at=timezone.now() - timedelta(seconds=1))


def switch_off(caller: Caller) -> None:
    caller.user.is_active = False
    caller.user.save()


def revoke(caller: Caller) -> None:
    ApiToken.objects.all().delete()


@pytest.mark.parametrize("act", [expire, switch_off, revoke])
def test_a_token_ends(caller: Caller, act: Callable[[Caller], None]) -> None:
    assert caller.get("/people").status_code == 200

    act(caller)

    assert caller.get("/people").status_code == 401


def test_a_session_of_the_admin_opens_nothing(caller: Caller) -> None:
    client = Client()
    client.force_login(caller.user)

    assert client.get(f"{ROOT}/people").status_code == 401


def test_when_it_was_used_is_noted_once_a_minute(caller: Caller) -> None:
    caller.get("/people")
    first = ApiToken.objects.get().last_used_at
    caller.get("/people")
    assert ApiToken.objects.get().last_used_at == first
    ApiToken.objects.update(last_used_at=timezone.now() - timedelta(minutes=2))

    caller.get("/people")

    used_at = ApiToken.objects.get().last_used_at
    assert first and used_at and used_at > first


# -- Permissions ----------------------------------------------------------------------------------------------------

CALLS: dict[str, tuple[str, str, Any]] = {
    "list": ("GET", "/people", None),
    "show": ("GET", "/people/{}", None),
    "export": ("GET", "/people/{}/export", None),
    "sync": ("POST", "/people/sync", {"email": "x"}),
    "update": ("POST", "/people/update", {"email": EMAIL, "attributes": {"EMAIL": "x"}}),
    "erase": ("POST", "/people/{}/erase", {"brevo": "yes"}),
}
"""Each operation, the writing ones with a body that is refused once they are let in."""

MATRIX: dict[tuple[str, ...], set[str]] = {
    (): set(),
    ("view_person",): set(),
    ("view_addresses",): set(),
    ("change_person", "delete_person"): set(),
    ("view_person", "view_addresses"): {"list", "show", "export"},
    ("view_person", "view_addresses", "change_person"): {"list", "show", "export", "sync", "update"},
    ("view_person", "view_addresses", "delete_person"): {"list", "show", "export", "erase"},
    EVERYTHING: set(CALLS),
}


@pytest.mark.parametrize("permissions", MATRIX, ids=lambda names: "+".join(names) or "none")
@pytest.mark.parametrize("name", CALLS)
def test_a_token_may_what_its_user_may(person: Person, permissions: tuple[str, ...], name: str) -> None:
    method, path, body = CALLS[name]

    answer = Caller(*permissions).call(method, path.format(person.pk), body)

    is_let_in = answer.status_code in (200, 400, 404)
    assert is_let_in == (name in MATRIX[permissions])
    if not is_let_in:
        assert answer.status_code == 403
        assert "lacks the permission" in answer.json()["detail"]


def test_a_superuser_may_everything(person: Person) -> None:
    caller = Caller()
    caller.user.is_superuser = True
    caller.user.save()

    answers = [caller.call(method, path.format(person.pk), body) for method, path, body in CALLS.values()]

    assert {answer.status_code for answer in answers} <= {200, 400, 404}


# -- Pace -----------------------------------------------------------------------------------------------------------


@pytest.fixture
def frozen() -> Iterator[time_machine.Traveller]:
    """Let no time pass but what a test lets pass."""
    with time_machine.travel(timezone.now(), tick=False) as clock:
        yield clock


def test_the_sixty_first_call_of_a_minute_waits(caller: Caller, frozen: time_machine.Traveller) -> None:
    other = Caller(*EVERYTHING, name="other")

    codes = [caller.get("/people").status_code for _time in range(60)]
    late = caller.get("/people")

    assert set(codes) == {200}
    assert (late.status_code, late["Retry-After"]) == (429, "1")
    assert other.get("/people").status_code == 200


def test_the_pace_is_kept_where_all_processes_see_it_and_goes_on(
    caller: Caller, frozen: time_machine.Traveller
) -> None:
    for _time in range(60):
        caller.get("/people")

    frozen.shift(30)

    assert RateLimit.objects.filter(key__startswith="api:token").count() == 1
    assert [caller.get("/people").status_code for _time in range(31)].count(200) == 30


def test_whoever_is_refused_often_waits_and_a_valid_token_goes_on(
    caller: Caller, frozen: time_machine.Traveller
) -> None:
    codes = [caller.get("/people", token="wrong").status_code for _time in range(10)]
    codes += [caller.get("/people", token="").status_code for _time in range(10)]
    late = caller.get("/people", token="wrong")

    assert set(codes) == {401}
    assert (late.status_code, int(late["Retry-After"]) in range(1, 4)) == (429, True)
    assert caller.get("/people", token="wrong", REMOTE_ADDR="10.0.0.7").status_code == 401
    assert caller.get("/people").status_code == 200


def test_whoever_is_refused_for_lack_of_rights_is_counted_too(frozen: time_machine.Traveller) -> None:
    caller = Caller()

    assert [caller.get("/people").status_code for _time in range(61)].count(429) == 1


def test_a_pace_costs_no_write_once_it_is_spent(frozen: time_machine.Traveller) -> None:
    for _time in range(3):
        assert allowance.take("x", per_minute=3) == 0
    before = RateLimit.objects.get(key="x").free_at

    assert 0 < allowance.take("x", per_minute=3) <= 20

    assert RateLimit.objects.get(key="x").free_at == before


# -- Problems -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("method", "path", "body", "options", "status", "kind"),
    [
        ("GET", "/people/999", None, {}, 404, "not-found"),
        ("GET", "/people/9999999999999999999999", None, {}, 404, "not-found"),
        ("GET", "/nothing", None, {}, 404, "not-found"),
        ("PUT", "/people/1/%FF", None, {}, 404, "not-found"),
        ("DELETE", "/people", None, {}, 405, "method-not-allowed"),
        ("OPTIONS", "/people", None, {}, 405, "method-not-allowed"),
        ("POST", "/people/sync", b"email=x", {"content_type": "application/x-www-form-urlencoded"}, 415, None),
        ("POST", "/people/sync", b"x", {"content_type": "multipart/form-data; boundary=x"}, 415, None),
        ("POST", "/people/sync", b"{}", {"content_type": ""}, 415, None),
        ("POST", "/people/sync", b"{", {}, 400, "parse-error"),
        ("POST", "/people/sync", b"\xff", {}, 400, "parse-error"),
        ("POST", "/people/sync", b"[" * 100_000, {}, 400, "parse-error"),
        ("POST", "/people/sync", b'{"email": NaN}', {}, 400, "parse-error"),
        ("POST", "/people/sync", b"7" * 5000, {}, 400, "parse-error"),
        ("POST", "/people/sync", b" " * 2_000_000, {}, 413, "too-large"),
        ("POST", "/people/sync", b"[]", {}, 400, "invalid"),
        ("POST", "/people/sync", b"", {}, 400, "invalid"),
        ("POST", "/people/sync", {"email": "a@b.com", "conection": "1"}, {}, 400, "invalid"),
        ("POST", "/people/sync", {"email": "nonsense"}, {}, 404, "unknown-person"),
        ("GET", "/people?limit=1000", None, {}, 400, "invalid"),
        ("GET", "/people?page=1", None, {}, 400, "invalid"),
    ],
)
def test_every_error_is_a_problem(
    caller: Caller, method: str, path: str, body: Any, options: dict[str, Any], status: int, kind: str | None
) -> None:
    answer = caller.call(method, path, body, **options)

    assert answer.status_code == status
    assert answer.json()["title"]
    if kind:
        assert answer.json()["type"] == f"urn:calendly-connector:problem:{kind}"


def test_a_complaint_points_to_its_place(caller: Caller, person: Person) -> None:
    body = {"email": EMAIL, "attributes": {"A/B~C": None, "EMAIL": "x"}, "x": 1}
    first, second = caller.post("/people/update", body), caller.post("/people/update", {**body, "x": 1} | {"x": 2})
    del body["x"]
    third = caller.post("/people/update", body)

    assert first.json()["errors"] == second.json()["errors"] == [{"pointer": "/x", "detail": "There is no such field."}]
    assert {each["pointer"] for each in third.json()["errors"]} == {"/attributes/A~1B~0C", "/attributes/EMAIL"}
    assert caller.get("/people?limit=x").json()["errors"][0]["parameter"] == "limit"


def test_problems_are_english_whatever_the_caller_speaks(caller: Caller) -> None:
    answer = caller.get("/people?limit=0", HTTP_ACCEPT_LANGUAGE="da")

    assert "greater than or equal to 1" in answer.json()["errors"][0]["detail"]


@pytest.mark.parametrize("accept", ["text/html", "application/xml", "*/*", "nonsense"])
def test_json_is_answered_whatever_is_accepted(caller: Caller, accept: str) -> None:
    assert caller.get("/people", HTTP_ACCEPT=accept)["Content-Type"] == "application/json"


@pytest.mark.parametrize("path", ["/people", "/people/{}", "/people/{}/export"])
def test_a_closing_slash_makes_no_difference(caller: Caller, person: Person, path: str) -> None:
    address = path.format(person.pk)

    plain, closed = caller.get(address).json(), caller.get(f"{address}/").json()

    assert {**plain, "exported_at": ""} == {**closed, "exported_at": ""}


# -- Schema ---------------------------------------------------------------------------------------------------------


OPEN = {
    ("/api/v1/event-types", "get"),
    ("/api/v1/available-times", "get"),
    ("/api/v1/bookings", "post"),
    ("/api/v1/bookings/{key}", "get"),
}
"""What the visitors of a booking page may ask without a token."""


def test_the_schema_is_public_and_names_every_operation() -> None:
    found = schema()

    assert found["openapi"].startswith("3.1")
    operations = {(path, method) for path, methods in found["paths"].items() for method in methods}
    assert operations == {
        ("/api/v1/people", "get"),
        ("/api/v1/people/{person_id}", "get"),
        ("/api/v1/people/{person_id}/export", "get"),
        ("/api/v1/people/{person_id}/erase", "post"),
        ("/api/v1/people/sync", "post"),
        ("/api/v1/people/update", "post"),
        *OPEN,
        ("/api/v1/scheduling-links", "post"),
    }


def test_every_operation_says_how_it_answers_and_who_may() -> None:
    for path, methods in schema()["paths"].items():
        for method, operation in methods.items():
            assert {"200", "401", "403", "429"} <= operation["responses"].keys()
            without: list[dict[str, list[str]]] = [{}] if (path, method) in OPEN else []
            assert operation["security"] == [*without, {"token": []}]
            assert operation["summary"] and operation["description"]
            bad = {name: each for name, each in operation["responses"].items() if name != "200"}
            assert "content" not in bad.pop("414")  # the web server's own, before anything of ours is asked
            assert all(list(each["content"]) == [PROBLEM] for each in bad.values())
    assert schema()["components"]["securitySchemes"]["token"]["scheme"] == "bearer"


@pytest.mark.parametrize("slash", ["", "/"])
def test_the_schema_needs_no_token(slash: str) -> None:
    assert Client().get(f"{ROOT}/schema{slash}").status_code == 200


def test_the_command_writes_the_same_without_a_warning() -> None:
    out = StringIO()

    call_command("spectacular", "--validate", "--fail-on-warn", stdout=out)

    assert yaml.safe_load(out.getvalue())["paths"] == schema()["paths"]


def test_examples_are_what_their_shapes_allow() -> None:
    count = 0
    for methods in schema()["paths"].values():
        for operation in methods.values():
            for place in (operation.get("requestBody"), operation["responses"]["200"]):
                content = (place or {}).get("content", {}).get("application/json", {})
                for each in content.get("examples", {}).values():
                    shape = {**content["schema"], "components": schema()["components"]}
                    jsonschema.Draft202012Validator(shape).validate(each["value"])
                    count += 1
    assert count == 7


def test_connections_are_named_by_id_or_name(caller: Caller, person: Person) -> None:
    second = Connection.objects.create(name="Second", brevo_account=person.connection.brevo_account)
    Person.objects.create(connection=second, email=EMAIL)

    found = [caller.get(f"/people?connection={each}").json()["results"] for each in ("Second", second.pk)]
    unknown = caller.get("/people?connection=Third")

    assert [[row["connection"]["name"] for row in rows] for rows in found] == [["Second"], ["Second"]]
    assert unknown.status_code == 400


def test_a_token_is_unknown_to_whoever_has_half_of_it(caller: Caller) -> None:
    assert api_tokens.find(caller.token[:-1]) is None
    assert api_tokens.find(caller.token * 10) is None
    assert api_tokens.find("") is None
