"""Every address of the project, and who gets in: walked over with real requests, as everybody who might ask."""

import copy
import re
from collections.abc import Iterator
from typing import Any

from axes.models import AccessAttempt
from django.contrib import admin
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.admindocs.views import simplify_regex
from django.contrib.auth.models import Group, User
from django.db import transaction
from django.db.models import Model
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver

from calendly_connector.admin.connection_pages import PAGES
from calendly_connector.admin.repair_acts import ACTS
from calendly_connector.admin.steps import STEPS
from calendly_connector.models import BookingPage, Connection, Job
from calendly_connector.services import api_tokens, roles
from tests.admin.rows import make_some_of_everything

PEOPLE = ("nobody", "staff", roles.VIEWER.lower(), roles.OPERATOR.lower(), roles.MANAGER.lower(), "superuser")
"""From least to most: a stranger, staff without a role, the three roles, a superuser."""

NO_VERB = "-"
ONES = {"content_type_id": "1", "app_label": "calendly_connector", "url": "nothing/", "rest": "nothing"}


def routes() -> list[str]:
    """Return every address as a template, such as `admin/calendly_connector/booking/<object_id>/change/`."""
    found = set(_walk(get_resolver(), ""))
    return sorted(route for each in found for route in _each_name(each))


def _walk(resolver: URLResolver, before: str) -> Iterator[str]:
    for pattern in resolver.url_patterns:
        place = before + str(pattern.pattern)
        if isinstance(pattern, URLPattern):
            yield _readable(place)
        else:
            yield from _walk(pattern, place)


def _readable(place: str) -> str:
    plain = simplify_regex(place.replace("/?$", "$")).lstrip("/")
    return re.sub(r"<\w+:(\w+)>", r"<\1>", plain)


def _each_name(route: str) -> list[str]:
    """Return a route once for each page, step or act that its `<name>` stands for."""
    names = {"/desk/<name>": [page.name for page in PAGES], "/step/<name>": [*STEPS], "/repair/<name>": [*ACTS]}
    for part, known in names.items():
        if part in route:
            return [route.replace("<name>", name) for name in known]
    return [route]


def make_world() -> None:
    """Make a row of everything, also of what isn't ours, beside what is there."""
    number = Connection.objects.count()
    make_some_of_everything(number + 1)
    Job.objects.update(subject=0)  # its key is a test's: the real one of that person would be a second job
    AccessAttempt.objects.create(username="who", ip_address="10.0.0.1", failures_since_start=1)
    user, row = User.objects.get(username=f"robot{number}"), Connection.objects.earliest("pk")
    LogEntry.objects.log_actions(user.pk, [row], CHANGE, change_message="A test.")
    roles.make_groups()


def address_of(route: str) -> str:
    """Return an address of a route, with rows that are there."""
    values = {**ONES, **_keys(route)}
    return "/" + re.sub(r"<(\w+)>", lambda found: str(values[found[1]]), route)


def _keys(route: str) -> dict[str, Any]:
    connection, page = Connection.objects.earliest("pk"), BookingPage.objects.earliest("pk")
    keys = {"key": "k" * 20 if route.startswith(("book", "api")) else connection.pk, "connection_id": connection.pk}
    keys |= {"slug": page.slug, "token": "token", "person_id": 1, "booking_id": 1}
    for model in admin.site._registry:
        if f"/{model._meta.app_label}/{model._meta.model_name}/" in route:
            keys["object_id"] = _key_of(model)
    return {"object_id": 1, "id": keys.get("object_id"), **keys}


def _key_of(model: type[Model]) -> Any:
    row = model._default_manager.order_by("pk").first()
    assert row is not None, f"Make a row of {model.__name__} in make_world, so that its pages can be asked for."
    return row.pk


def person(who: str) -> tuple[Client, User | None]:
    """Return a browser in which one of PEOPLE is logged in, and their user."""
    browser = Client(raise_request_exception=False)
    if who == "nobody":
        return browser, None
    user = User.objects.create_user(f"walker-{who}", is_staff=True, is_superuser=who == "superuser")
    user.groups.set(Group.objects.filter(name=who.capitalize()))
    browser.force_login(user)
    return browser, user


def token_of(user: User) -> str:
    """Return a new key to the API."""
    return api_tokens.make(name="Walker", user=user)[1]


def verdict(browser: Client, method: str, address: str, **headers: str) -> str:
    """Return "in", "out", or "-" for an address that doesn't know the method. Whatever was changed is undone."""
    cookies = copy.deepcopy(browser.cookies)
    before = transaction.savepoint()  # not atomic(): what has to be committed at once would refuse to run within
    answer = browser.generic(method, address, headers=headers)
    transaction.savepoint_rollback(before)
    browser.cookies = cookies  # whoever logged out is in again
    assert answer.status_code != 500, f"{method} {address}"  # 503 is said where Calendly can't be reached, as here
    if answer.status_code == 405:
        return NO_VERB
    is_led_away = answer.status_code == 302 and "/login/" in answer["Location"]
    return "out" if answer.status_code in (401, 403) or is_led_away else "in"
