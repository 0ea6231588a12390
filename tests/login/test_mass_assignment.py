"""Whatever else is sent with a form or a body, only what was asked for is changed."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.auth.models import Permission, User
from django.test import Client
from django.urls import reverse

from calendly_connector.admin import parts
from calendly_connector.models import ApiToken, Connection, Person, Schedule, StaffLogin, StaffPreference
from calendly_connector.services import api_tokens
from tests.admin.people import client_of, make_member
from tests.admin.rows import make_some_of_everything
from tests.login.phone import code_at, make_staff, secret_of

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


@pytest.mark.parametrize("model", [Schedule, Connection])
def test_a_form_of_the_admin_changes_no_column_that_it_doesnt_show(model: Any) -> None:
    make_some_of_everything(1)
    row, manager = model.objects.first(), client_of("Manager")
    address = parts.page_of(model, row.pk)
    form = manager.get(address).context["adminform"].form
    shown = {name: "" if (value := form.get_initial_for_field(field, name)) is None else value
             for name, field in form.fields.items()}  # fmt: skip
    before, hidden = columns(row), [each.name for each in model._meta.fields if each.name not in shown]
    assert hidden

    answer = manager.post(address, {**shown, **dict.fromkeys(hidden, "1"), "_save": "Save"})

    assert answer.status_code == 302, answer.context["adminform"].form.errors
    after = columns(row)
    assert {name for name in after if after[name] != before[name]} <= {*shown}


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


@pytest.mark.parametrize("extra", [{"id": 99}, {"is_superuser": True}, {"connection": 1}, {"email_blacklisted": False}])
def test_the_api_refuses_or_ignores_what_it_doesnt_know(extra: dict[str, Any], call: Callable[..., Any]) -> None:
    before = list(Person.objects.order_by("pk").values())

    answer = call({"email": "nobody@example.com", "attributes": {}, **extra})

    assert 400 <= answer.status_code < 500
    assert list(Person.objects.order_by("pk").values()) == before


@pytest.fixture
def call() -> Callable[..., Any]:
    """Return a function that asks the API to update a person."""
    make_some_of_everything(1)
    token = api_tokens.make(name="CRM", user=make_staff())[1]
    headers = {"Authorization": f"Bearer {token}"}
    return lambda body: Client().post("/api/v1/people/update", body, content_type="application/json", headers=headers)
