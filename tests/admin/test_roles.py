"""Viewer, operator, manager: what each may do is a table, and a viewer may do nothing at all."""

import hashlib
import os
import re
import subprocess
import sys
from collections import deque
from importlib import import_module
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.apps import apps
from django.contrib import admin
from django.contrib.auth.models import Group, Permission
from django.core.management import call_command
from django.db.models import Model
from django.test import Client
from django.urls import Resolver404, resolve, reverse

from calendly_connector.admin import page, parts
from calendly_connector.admin.connection_pages import PAGES
from calendly_connector.admin.panels import STEP
from calendly_connector.admin.steps import STEPS
from calendly_connector.models import Connection
from calendly_connector.services import roles
from tests.admin.forms import Form, Reader
from tests.admin.people import client_of
from tests.admin.rows import make_some_of_everything

OWN = ("logout", "password_change", "my_settings", "login")  # everybody's own affair
APP = roles.APP
migration = import_module(f"{APP}.migrations.0004_roles")


def fingerprint() -> str:
    """Return a digest of every row that matters."""
    digest = hashlib.sha256()
    for model in [*apps.get_app_config(APP).get_models(), *apps.get_app_config("auth").get_models()]:
        for values in model._default_manager.order_by("pk").values_list():
            digest.update(repr((model.__name__, values)).encode())
    return digest.hexdigest()


def kind_of(address: str) -> str | None:
    """Return what tells pages apart that are made of different rows; None for what isn't the admin's."""
    try:
        match = resolve(urlsplit(address).path)
    except Resolver404:
        return None
    if not match.view_name.startswith(("admin:", f"{APP}:oauth_connect")) or match.url_name in OWN:
        return None
    part = [str(match.kwargs.get(name, "")) for name in ("name", "rest")]
    return re.sub(r"\d+", "0", " ".join([match.view_name, *part]))


def everything_offered(client: Client) -> dict[str, list[Form]]:
    """Return the forms of one page of each kind that can be reached from the start page by links, by page."""
    waiting, seen, found = deque([reverse("admin:index")]), set[str](), dict[str, list[Form]]()
    while waiting:
        address = waiting.popleft()
        kind = kind_of(address)
        if kind is None or kind in seen:
            continue
        seen.add(kind)
        answer = client.get(address)
        if answer.status_code != 200 or "text/html" not in answer["Content-Type"]:
            continue
        reader = Reader(address, answer.content.decode())
        found[address] = [form for form in reader.forms if kind_of(form.address)]
        waiting.extend(reader.links)
    return found


def addresses_of(model: type[Model]) -> list[str]:
    """Return the list of a model, and the pages of one of its rows."""
    name, row = f"admin:{model._meta.app_label}_{model._meta.model_name}", model._default_manager.first()
    pages = [reverse(f"{name}_{each}", args=[row.pk]) for each in ("change", "delete")] if row else []
    return [reverse(f"{name}_changelist"), reverse(f"{name}_add"), *pages]


def action_forms() -> list[Form]:
    """Return every action of every list, confirmed, for one row."""
    found = []
    for model, site_page in admin.site._registry.items():
        row = model._default_manager.first()
        for action in site_page.actions or ():
            name = action if isinstance(action, str) else getattr(action, "__name__", "")
            values = {"action": [name], "_selected_action": [str(row.pk if row else 1)], "confirmed": ["yes"]}
            found.append(Form(parts.list_of(model), values))
    return found


@pytest.mark.django_db
def test_each_role_may_do_what_the_table_says() -> None:
    names = {group.name: set(group.permissions.values_list("codename", flat=True)) for group in Group.objects.all()}

    assert names.keys() == {roles.VIEWER, roles.OPERATOR, roles.MANAGER}
    assert names == {role: roles.codenames_of(role) for role in names}  # each of them exists
    rights = {role: found - {roles.MARKS[role]} for role, found in names.items()}
    assert rights[roles.VIEWER] < rights[roles.OPERATOR] < rights[roles.MANAGER]
    assert all(name.startswith("view_") and name != "view_addresses" for name in rights[roles.VIEWER])
    assert not any(name.endswith(("_user", "_group", "_permission")) for name in names[roles.MANAGER])


@pytest.mark.django_db
def test_every_migrate_sets_the_roles_anew_and_leaves_a_deleted_one_away() -> None:
    viewer = Group.objects.get(name=roles.VIEWER)
    viewer.permissions.add(Permission.objects.get(codename="delete_person"))
    Group.objects.filter(name=roles.MANAGER).delete()

    call_command("migrate", verbosity=0)

    assert set(viewer.permissions.values_list("codename", flat=True)) == roles.codenames_of(roles.VIEWER)
    assert not Group.objects.filter(name=roles.MANAGER).exists()


@pytest.mark.django_db
def test_a_group_of_somebody_elses_keeps_its_name_and_its_rights() -> None:
    Group.objects.all().delete()
    theirs = Group.objects.create(name="Viewer")
    theirs.permissions.set(Permission.objects.filter(codename="delete_user"))

    for _time in range(2):
        migration.make_groups(apps, None)
        call_command("migrate", verbosity=0)

    ours = Group.objects.get(name="Viewer (Calendly)")
    assert {group.name for group in Group.objects.all()} == {"Viewer", "Viewer (Calendly)", "Operator", "Manager"}
    assert set(theirs.permissions.values_list("codename", flat=True)) == {"delete_user"}
    assert set(ours.permissions.values_list("codename", flat=True)) == roles.codenames_of(roles.VIEWER)


@pytest.mark.django_db
def test_a_group_without_our_mark_is_its_owners() -> None:
    viewer = Group.objects.get(name=roles.VIEWER)
    viewer.permissions.set(Permission.objects.filter(codename="view_person"))

    call_command("migrate", verbosity=0)

    assert set(viewer.permissions.values_list("codename", flat=True)) == {"view_person"}


@pytest.mark.parametrize("target", ["0002", "0003", "0004"])
def test_an_empty_database_may_be_migrated_step_by_step(target: str, tmp_path: Path) -> None:
    environment = {**os.environ, "SECRET_KEY": "x", "DATABASE_URL": f"sqlite:///{tmp_path / 'new.sqlite3'}"}
    command = [sys.executable, "manage.py", "migrate", "-v0", APP, target]

    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)

    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.django_db
def test_a_viewer_is_offered_nothing_that_changes_anything() -> None:
    make_some_of_everything(2)

    offered = everything_offered(client_of(roles.VIEWER))

    assert len(offered) > 30
    pressed = {address: each for address, forms in offered.items() for form in forms for each in form.choices}
    assert pressed == {}  # Django puts a form around lists and rows; with nothing to press it is none


@pytest.mark.django_db
def test_whatever_others_are_offered_a_viewer_is_refused(staff: Client) -> None:
    make_some_of_everything(2)
    forms = [form for each in everything_offered(staff).values() for form in each] + action_forms()
    viewer = client_of(roles.VIEWER)
    before = fingerprint()
    answers = {}
    for form in forms:
        for values in form.posts():
            answer = viewer.post(form.address, {**values, "confirmed": "yes"})
            answers[form.address] = answer.status_code

    assert len(answers) > 30
    assert set(answers.values()) <= {200, 302, 403}  # 200 and 302 are lists without the action
    assert fingerprint() == before


@pytest.mark.django_db
@pytest.mark.parametrize("name", sorted(STEPS))
def test_a_viewer_may_take_no_step(name: str) -> None:
    make_some_of_everything(1)
    viewer, row = client_of(roles.VIEWER), Connection.objects.get()

    assert viewer.post(reverse(f"admin:{STEP}", args=[row.pk, name]), {"confirmed": "yes"}).status_code == 403


@pytest.mark.django_db
def test_a_viewer_may_post_to_no_page_of_a_connection() -> None:
    make_some_of_everything(1)
    viewer, row = client_of(roles.VIEWER), Connection.objects.get()
    before = fingerprint()

    for each in PAGES:
        viewer.post(page.address_of(row, each.name), {"confirmed": "yes"})

    assert fingerprint() == before


@pytest.mark.django_db
def test_a_viewer_may_not_post_to_any_row_or_list() -> None:
    make_some_of_everything(1)
    viewer = client_of(roles.VIEWER)
    before = fingerprint()
    addresses = [address for model in admin.site._registry for address in addresses_of(model)]

    codes = {address: viewer.post(address, {"post": "yes", "name": "x"}).status_code for address in addresses}

    lists = {parts.list_of(model) for model in admin.site._registry}
    assert {address: code for address, code in codes.items() if code != 403 and address not in lists} == {}
    assert fingerprint() == before


@pytest.mark.django_db
def test_a_manager_manages_no_users() -> None:
    manager = client_of(roles.MANAGER)

    for name in ("auth_user", "auth_group"):
        assert manager.get(reverse(f"admin:{name}_changelist")).status_code == 403
