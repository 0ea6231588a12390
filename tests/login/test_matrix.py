"""Who may open what: every address of the project, asked for by everybody, against one table (matrix.txt).

A line is an address and the least of `walk.PEOPLE` who is let in by GET and by POST; whoever is above is let in too.
"no one": not even a superuser. "-": there is no such method, or from somebody on. The API is asked with the token of
each of them.
A new address fails the test until it has its line; the failure names it.
"""

from collections.abc import Mapping
from pathlib import Path

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.test import Client, RequestFactory
from django.urls import reverse

from tests.login import walk

TABLE = Path(__file__).with_name("matrix.txt")
ACTIONS = Path(__file__).with_name("matrix_actions.txt")
API = "api/v1/"


def read(path: Path) -> dict[str, tuple[str, ...]]:
    """Return the lines of a table: its first column → the others."""
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith("#")]
    return {cells[0]: tuple(cells[1:]) for cells in ([cell.strip() for cell in line.split("|")] for line in lines)}


def expected(least: str, who: str) -> str:
    """Return the verdict that a cell of the table means for somebody."""
    least, dash, unknown_from = (part.strip() for part in least.partition(walk.NO_VERB))
    if dash and walk.PEOPLE.index(who) >= walk.PEOPLE.index(unknown_from or "nobody"):
        return walk.NO_VERB
    is_in = least != "no one" and walk.PEOPLE.index(who) >= walk.PEOPLE.index(least)
    return "in" if is_in else "out"


def found_by(who: str) -> dict[str, tuple[str, str]]:
    """Return what really happens to somebody at every address, by GET and by POST."""
    browser, user = walk.person(who)
    program = Client(raise_request_exception=False)
    token = {"Authorization": f"Bearer {walk.token_of(user)}"} if user else {}
    found = {}
    for route in walk.routes():
        address = walk.address_of(route)
        asks, headers = (program, token) if route.startswith(API) else (browser, {})
        answers = [walk.verdict(asks, method, address, **headers) for method in ("GET", "POST")]
        found[route] = (answers[0], answers[1])
    return found


def test_every_address_has_its_line_and_every_line_its_address() -> None:
    routes, lines = set(walk.routes()), set(read(TABLE))

    assert {"missing in matrix.txt": routes - lines, "gone": lines - routes} == {
        "missing in matrix.txt": set(),
        "gone": set(),
    }
    assert len(lines) > 250


@pytest.mark.django_db
@pytest.mark.parametrize("who", walk.PEOPLE)
def test_everybody_gets_in_where_the_table_says_and_nowhere_else(who: str, monkeypatch: pytest.MonkeyPatch) -> None:
    walk.make_world()
    monkeypatch.setattr("calendly_connector.services.allowance.take_of", lambda *_key, **_pace: 0.0)
    wanted = {route: tuple(expected(cell, who) for cell in cells) for route, cells in read(TABLE).items()}

    found = found_by(who)

    assert {route: both for route, both in found.items() if both != wanted[route]} == {}


@pytest.mark.django_db
@pytest.mark.parametrize("bad", ["unknown", "expired", "switched off", "not a bearer", "of no staff"])
def test_a_token_that_isnt_valid_opens_what_no_token_opens(bad: str, monkeypatch: pytest.MonkeyPatch) -> None:
    walk.make_world()
    monkeypatch.setattr("calendly_connector.services.allowance.take_of", lambda *_key, **_pace: 0.0)
    header = {"Authorization": bad_token(bad)}
    routes = [route for route in walk.routes() if route.startswith(API)]

    for route in routes:
        for method, least in zip(("GET", "POST"), read(TABLE)[route], strict=True):
            found = walk.verdict(Client(), method, walk.address_of(route), **header)
            assert found in (expected(least, "nobody"), "out"), f"{method} {route}"


def bad_token(kind: str) -> str:
    """Return an Authorization header that has a fault; everything else about it would open everything."""
    user = User.objects.create_user("robot", is_staff=True, is_superuser=kind != "of no staff")
    token = walk.token_of(user)
    if kind == "unknown":
        token = f"{token}x"
    elif kind == "expired":
        user.api_tokens.update(expires_at="2020-01-01T00:00:00Z")
    elif kind == "switched off":
        User.objects.filter(pk=user.pk).update(is_active=False)
    return f"Basic {token}" if kind == "not a bearer" else f"Bearer {token}"


@pytest.mark.django_db
def test_a_token_of_the_api_opens_no_page_of_the_admin() -> None:
    walk.make_world()
    user = User.objects.create_superuser("robot")
    token = {"Authorization": f"Bearer {walk.token_of(user)}"}

    for name in ("admin:index", "admin:auth_user_changelist", "my_settings", "second_factor"):
        assert Client().get(reverse(name), headers=token).status_code == 302, name


@pytest.mark.django_db
def test_every_action_is_offered_from_the_role_on_that_the_table_says() -> None:
    walk.make_world()
    wanted = read(ACTIONS)

    found = actions_by_least()

    assert found == {name: cells[0] for name, cells in wanted.items()}


def actions_by_least() -> Mapping[str, str]:
    """Return each action of each list, and the least of PEOPLE to whom it is offered."""
    users = {who: walk.person(who)[1] for who in walk.PEOPLE[1:]}
    found: dict[str, list[str]] = {}
    for model, page in admin.site._registry.items():
        everything = [
            action if isinstance(action, str) else getattr(action, "__name__", "") for action in page.actions or ()
        ]
        for name in [*everything, "delete_selected"]:
            found[f"{model._meta.label_lower} {name}"] = []
        for who, user in users.items():
            request = RequestFactory().get("/")
            request.user = user  # type: ignore[assignment]
            for name in page.get_actions(request):
                found[f"{model._meta.label_lower} {name}"].append(who)
    for name, allowed in found.items():
        assert allowed == list(walk.PEOPLE[len(walk.PEOPLE) - len(allowed) :]), f"{name}: {allowed}"
    return {name: allowed[0] if allowed else "no one" for name, allowed in found.items()}
