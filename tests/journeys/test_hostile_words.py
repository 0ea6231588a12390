"""Whatever a stranger writes (a name, an answer, a UTM tag, the name of a list or an event type, a service's refusal)
is text on every page: it never becomes an element, an attribute, or an address that runs something."""

import re
from html.parser import HTMLParser
from typing import Any

import pytest
from django.apps import apps
from django.db.models import CharField, Field, JSONField, Model, TextField, URLField
from django.test import Client

from calendly_connector.models import BookingPage, Person
from tests.journeys.river import River
from tests.login import walk

SCRIPT = "\"'><script>alert(1)</script><img src=x onerror=alert(2)>"
RUNS = "javascript:alert(3)"
LEFT = {"language", "timezone", "time_zone", "email", "slug", "name_of_day"}
MACHINE = re.compile(r"(uri|uid|token|digest|hash|secret|key|nonce|code|prefix|source|attribute|kind|state|scope)$")
ADDRESSES = {"href", "src", "action", "formaction", "data", "poster", "xlink:href", "srcdoc"}


class Reader(HTMLParser):
    """Reads a page as a browser does, and keeps what of the hostile words became more than text."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Look at one element."""
        for name, value in attrs:
            if name.startswith("on") or (tag == "img" and value == "x"):
                self.found.append(f"<{tag} {name}={value}>")
            if name in ADDRESSES and (value or "").strip().lower().startswith("javascript:"):
                self.found.append(f"<{tag} {name}={value}>")

    def handle_data(self, data: str) -> None:
        """Look at what stands in a script of the page's own."""
        if self.lasttag == "script" and "alert(1)" in data:
            self.found.append(f"<script>{data[:80]}")


def hostile_in(page: str) -> list[str]:
    """Return what of the hostile words would run."""
    reader = Reader()
    reader.feed(page)
    return reader.found


def spoil(words: str) -> int:
    """Write hostile words into every column of ours that holds a stranger's, or anybody's, text; return how many."""
    count = 0
    for model in apps.get_app_config("calendly_connector").get_models():
        for field in model._meta.local_fields:
            if _is_text(field):
                count += _spoil(model, field, words)
    return count


def _is_text(field: "Field[Any, Any]") -> bool:
    is_text = isinstance(field, CharField | TextField) and not isinstance(field, JSONField)
    return is_text and not field.choices and field.name not in LEFT and not MACHINE.search(field.name)


def _spoil(model: type[Model], field: "Field[Any, Any]", words: str) -> int:
    is_address = isinstance(field, URLField) or field.name.endswith("url")
    changed = 0
    for row in model._default_manager.exclude(**{field.name: ""}).values_list("pk", flat=True):
        text = f"{RUNS}//{row}" if is_address else f"{row}{words}"
        limit = field.max_length or len(text)
        changed += model._default_manager.filter(pk=row).update(**{field.name: text[:limit]})
    return changed


@pytest.fixture
def hostile(river: River) -> River:
    """Return an installation into which strangers have written the worst they could."""
    for event_type in river.calendly.state.event_types.values():
        event_type["name"] = f"{event_type['name']}{SCRIPT}"
    river.calendly.book(
        email="nadia@example.com", name=SCRIPT, answers={"Company": SCRIPT},
        tracking={"utm_source": SCRIPT, "utm_campaign": SCRIPT},
        location={"type": "custom", "location": SCRIPT},
    )  # fmt: skip
    river.deliver(*river.pending())
    river.work()
    walk.make_world()
    assert spoil(SCRIPT) > 70
    return river


def test_no_page_runs_what_a_stranger_wrote(hostile: River) -> None:
    browser, user = walk.person("superuser")
    assert user is not None
    found, looked_at, shown = dict[str, list[str]](), 0, 0

    for route in walk.routes():
        answer = browser.get(walk.address_of(route))
        assert answer.status_code != 500, route
        if "logout" in route:
            browser.force_login(user)
        if answer.status_code != 200 or not answer["Content-Type"].startswith("text/html"):
            continue
        text = (b"".join(answer) if answer.streaming else answer.content).decode()
        looked_at, shown = looked_at + 1, shown + ("&lt;script&gt;alert(1)" in text)
        if ran := hostile_in(text):
            found[route] = ran

    assert found == {}
    assert looked_at > 80
    assert shown > 30
    for person in Person.objects.all():
        assert hostile_in(browser.get(f"/admin/calendly_connector/person/{person.pk}/change/").content.decode()) == []


def test_no_booking_page_runs_it_either(hostile: River) -> None:
    for page in BookingPage.objects.all():
        answer = Client().get(f"/book/{page.slug}")
        assert hostile_in(answer.content.decode()) == []


@pytest.mark.parametrize(
    "page",
    [
        f"<p>{SCRIPT}</p>",
        f'<input value="{SCRIPT}">',
        f'<a href="{RUNS}">x</a>',
        '<a href=" JavaScript:alert(3)">x</a>',
        "<script>var name = '<b>alert(1)';</script>",
    ],
)
def test_the_reader_finds_what_would_run(page: str) -> None:
    assert hostile_in(page)
