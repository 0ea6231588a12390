"""Whatever else is sent with a form or a body, only what was asked for is changed."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib import admin
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from calendly_connector.models import ApiToken, Person, StaffLogin, StaffPreference
from calendly_connector.services import api_tokens
from tests.admin.people import client_of, make_member
from tests.admin.rows import make_some_of_everything
from tests.factories import DISCOVERY_CALL
from tests.login.phone import code_at, make_staff, secret_of
from tests.web.caller import schema

pytestmark = pytest.mark.django_db


def columns(row: Any) -> dict[str, Any]:
    """Return everything that is stored of a row."""
    return dict(type(row)._default_manager.filter(pk=row.pk).values().get())


def test_ones_settings_can_not_become_somebody_elses() -> None:
    other = User.objects.create_user("other")
    vera = client_of("Viewer")

    vera.post(
        reverse("my_settings"), {"language": "da", "timezone": "", "user": other.pk, "user_id": other.pk, "id": 77}
    )

    row = StaffPreference.objects.get()
    assert (row.user.get_username(), row.language) == ("vera", "da")


def test_a_new_second_factor_takes_nothing_but_a_code() -> None:
    anna, other = make_staff(), make_staff("other")
    browser = Client()
    browser.force_login(anna)
    browser.post(reverse("second_factor"), {"start": "yes", "secret": "A" * 32, "user": other.pk})
    secret = secret_of(anna)

    browser.post(reverse("second_factor"), {"code": code_at(secret), "user": other.pk, "last_step": 1, "epoch": 99})

    row = StaffLogin.objects.get()
    assert (row.user, row.epoch, str(row.secret)) == (anna, 1, secret)
    assert row.last_step > 1 and secret != "A" * 32


def test_a_manager_makes_no_token_of_somebody_elses_and_chooses_no_secret() -> None:
    boss = make_staff()
    manager, address = client_of("Manager"), reverse("admin:calendly_connector_apitoken_add")
    own = User.objects.get(username="vera")
    extra = {"digest": api_tokens.digest("cc_known"), "hint": "cc_known", "id": 77, "last_used_at_0": "2020-01-01"}

    refused = manager.post(address, {"name": "x", "user": boss.pk, **extra})
    made = manager.post(address, {"name": "x", "user": own.pk, **extra})

    assert (refused.status_code, made.status_code) == (200, 200)
    row = ApiToken.objects.get()
    assert (row.user, api_tokens.find("cc_known")) == (own, None)


BOXES = {"event_types_shown": DISCOVERY_CALL, "event_types": DISCOVERY_CALL}  # of a booking page
OURS = [model for model in admin.site._registry if model._meta.app_label == "calendly_connector"]


@pytest.mark.parametrize("model", OURS, ids=lambda model: model.__name__)
def test_no_page_of_the_admin_changes_a_column_that_it_doesnt_show(model: Any) -> None:
    make_some_of_everything(1)
    row, boss = model._default_manager.first(), Client()
    boss.force_login(make_staff())
    address = reverse(f"admin:calendly_connector_{model._meta.model_name}_change", args=[row.pk])
    page = boss.get(address)
    form = page.context["adminform"].form if page.context and "adminform" in page.context else None
    fields = form.fields if form else {}
    shown = {name: "" if form is None or (value := form.get_initial_for_field(field, name)) is None else value
             for name, field in fields.items()}  # fmt: skip
    before, hidden = columns(row), [each.name for each in model._meta.fields if each.name not in shown]
    assert page.status_code == 200
    assert hidden

    answer = boss.post(address, {**shown, **BOXES, **dict.fromkeys(hidden, "1"), "_save": "Save"})

    after = columns(row)
    assert answer.status_code in (302, 403, 405), answer.context["adminform"].form.errors
    assert {name for name in after if after[name] != before[name]} <= {*shown}
    assert (answer.status_code == 302) == bool(shown)


def test_nobody_makes_themselves_a_superuser() -> None:
    vera = make_member("Manager", "mona")
    browser = Client()
    browser.force_login(vera)
    rise = {"is_superuser": "on", "is_staff": "on", "user_permissions": [Permission.objects.first().pk]}  # type: ignore[union-attr]

    for address in (reverse("my_settings"), reverse("admin:password_change"), reverse("second_factor")):
        browser.post(address, rise)
    browser.post(reverse("admin:auth_user_change", args=[vera.pk]), {"username": "mona", **rise})

    vera.refresh_from_db()
    assert not vera.is_superuser and not vera.user_permissions.exists()


POSTS: dict[str, dict[str, Any]] = {
    "people/sync": {"email": "nobody@example.com"},
    "people/update": {"email": "nobody@example.com", "attributes": {}},
    "people/1/erase": {},
    "bookings": {"key": "k" * 20, "email": "nobody@example.com"},
    "scheduling-links": {"email": "nobody@example.com", "event_type": "https://api.calendly.com/event_types/x"},
}


@pytest.mark.parametrize("extra", [{"id": 99}, {"is_superuser": True}, {"user": 1}, {"email_blacklisted": False}])
@pytest.mark.parametrize("path", POSTS)
def test_the_api_refuses_what_it_doesnt_know(path: str, extra: dict[str, Any], call: Callable[..., Any]) -> None:
    before = list(Person.objects.order_by("pk").values())

    answer = call(path.replace("1", str(before[0]["id"])), {**POSTS[path], **extra})

    assert answer.status_code == 400
    assert {"pointer": f"/{next(iter(extra))}"}.items() <= answer.json()["errors"][-1].items()
    assert list(Person.objects.order_by("pk").values()) == before


def test_every_post_of_the_api_is_among_them() -> None:
    paths = schema()["paths"].items()
    known = {f"/api/v1/{path.replace('1', '{person_id}')}" for path in POSTS}

    assert {path for path, methods in paths if "post" in methods} == known


@pytest.fixture
def call() -> Callable[..., Any]:
    """Return a function that posts to the API as somebody who may everything."""
    make_some_of_everything(1)
    token = api_tokens.make(name="CRM", user=make_staff())[1]
    headers = {"Authorization": f"Bearer {token}"}
    return lambda path, body: Client().post(f"/api/v1/{path}", body, content_type="application/json", headers=headers)
