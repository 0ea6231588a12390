"""Takes the pictures of docs/images: `make pictures`. A story is played, then pages are photographed.

Not collected by itself: nothing is asserted here but that each page is there.
"""

import os
import re
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.db.models import F
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from calendly_connector import tasks
from calendly_connector.admin import page as pages
from calendly_connector.admin import parts
from calendly_connector.models import Booking, Connection, ConsentRule, Person, TriggerMapping
from calendly_connector.services import backfill, catalogue, figures, form_token, reconcile, schedule, versions
from calendly_connector.services import connection as connections
from sandbox import scenarios
from tests.browser import log_in, open_page
from tests.journeys.conftest import river
from tests.journeys.river import River
from tests.web.booking_pages import CONSENT, DEMO, DISCOVERY, GROUP_DEMO, ask_more, make_page, question

__all__ = ["river"]

IMAGES = Path(__file__).resolve().parent.parent / "docs" / "images"
LOOKS = [(language, theme) for language in ("en", "da") for theme in ("light", "dark")]
WIDTH, HEIGHT = 1360, 1000


def of_connection(name: str) -> Callable[[], str]:
    return lambda: pages.address_of(Connection.objects.earliest("pk"), name)


def of_demo_row() -> str:
    connection = Connection.objects.earliest("pk")
    return pages.address_of(connection, "mapping", str(connection.event_types.get(name="Demo").pk))


def of_preview() -> str:
    return f"{of_connection('preview')()}?booking={Booking.objects.filter(status='booked').earliest('pk').pk}"


MAIN: dict[str, Callable[[], str]] = {
    "home": lambda: reverse("admin:index"),
    "mapping": of_connection("mapping"),
    "preview": of_preview,
    "history": of_connection("history"),
    "person": lambda: parts.page_of(Person, Person.objects.get(email="zoe.lefevre@example.com").pk),
    "repair": lambda: reverse("admin:calendly_connector_repair"),
    "setup": of_connection("setup"),
}
"""Pages photographed in each language and theme."""

MORE: dict[str, Callable[[], str]] = {
    "mapping-row": of_demo_row,
    "fields": of_connection("fields"),
    "versions": of_connection("versions"),
    "file": of_connection("file"),
    "booking": lambda: parts.page_of(Booking, Booking.objects.filter(moves=1).earliest("pk").pk),
    "sync-log": lambda: reverse("admin:calendly_connector_synclogentry_changelist"),
    "connection": lambda: parts.page_of(Connection, Connection.objects.earliest("pk").pk),
}
"""Pages photographed once."""


@pytest.fixture
def story(river: River) -> Iterator[None]:
    """Play a month of bookings, with an attribute that Brevo lacks."""
    newsletter, demos = river.brevo.add_list("Newsletter"), river.brevo.add_list("Demo guests")
    catalogue.refresh_lists(river.account, connections.brevo_client(river.account))
    demo = river.connection.event_types.get(name="Demo")
    anna = User.objects.create_superuser("anna", password="a password", first_name="Anna")
    with versions.changing(river.connection, by=anna, why="Mapping of “every other type”"):
        river.map_lists("booked", join=[newsletter])
    with versions.changing(river.connection, by=anna, why="Mapping of “Demo”"):
        river.map_lists("booked", join=[newsletter, demos], event_type=demo.uri)
        river.map_lists("canceled", leave=[demos], event_type=demo.uri)
        TriggerMapping.objects.filter(event_type=demo.uri, trigger="canceled").update(event_name="demo_canceled")
        river.connection.event_types.filter(name__in=["Demo", "Discovery call"]).update(decided_name=F("name"))
    scenarios.booked(river.calendly)
    scenarios.moved(river.calendly)
    scenarios.canceled(river.calendly)
    scenarios.no_show(river.calendly)
    river.flow()
    with versions.changing(river.connection, by=anna, why="The fields were edited"):
        river.map_field("answer:Which topics?", "TOPICS")
    scenarios.book(river.calendly, scenarios.NADIA)
    river.flow()
    spread_over_a_month()
    backfill.ask(river.connection, backfill.Wish(), by="anna", why="Asked for by anna")
    river.work()
    reconcile.ask(river.connection, by="anna", why="Asked for by anna")
    river.work()
    schedule.install(tasks.SCHEDULES)
    yield


def spread_over_a_month() -> None:
    """Let the charts have something to show: the day's figures, earlier and in other numbers."""
    figures.count_recent()
    connection, today = Connection.objects.earliest("pk"), timezone.localdate()
    for day in range(1, 30):
        numbers: dict[str, float] = {
            "booked": 3 + day * 7 % 6,
            "moved": day * 5 % 3,
            "canceled": day * 3 % 3,
            "no_show": day % 2,
        }
        numbers |= {"lag_p50": 0.04 + day % 5 / 100, "lag_p95": 0.2 + day % 7 / 10, "failures": int(day % 11 == 0)}
        for name, value in numbers.items():
            connection.figures.update_or_create(date=today - timedelta(days=day), name=name, defaults={"value": value})
    outcomes_of_a_month(connection, today - timedelta(days=10))


def outcomes_of_a_month(connection: Connection, day: date) -> None:
    """Let meetings have ended, by type and host, in numbers that aren't all alike."""
    uris = connection.event_types.values_list("uri", flat=True)
    types = {figures.TYPE + uri: 40 - 9 * place for place, uri in enumerate(uris)}
    hosts = {figures.HOST + name: count for name, count in (("Camille Durand", 52), ("Hugo Martin", 31))}
    for detail, booked in {**types, **hosts}.items():
        became = {figures.BOOKED: booked, figures.ATTENDED: booked * 3 // 4, figures.NO_SHOW: booked // 8}
        for name, value in {**became, figures.CANCELED: booked // 9}.items():
            connection.figures.update_or_create(date=day, name=name, detail=detail, defaults={"value": value})


def choose_language(page: Page, server: str, language: str) -> None:
    page.goto(server + reverse("my_settings"))
    page.locator("#id_language").select_option(language)
    page.locator("#content [type=submit]").click()
    expect(page.locator(".messagelist")).to_be_visible()


def shoot(page: Page, server: str, name: str, address: Callable[[], str]) -> None:
    """Photograph one page, from its top to at most two screens."""
    answer = page.goto(server + address())
    assert answer is not None and answer.ok, f"{name}: {answer and answer.status}"
    page.wait_for_load_state("networkidle")
    tall = min(int(page.evaluate("document.documentElement.scrollHeight")), 2 * HEIGHT)
    page.set_viewport_size({"width": WIDTH, "height": max(tall, 600)})
    page.screenshot(path=IMAGES / f"{name}.png")
    page.set_viewport_size({"width": WIDTH, "height": HEIGHT})


@pytest.fixture
def page_to_book(river: River, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make a booking page that asks for consent, whose form may be sent at once."""
    monkeypatch.setattr(form_token, "YOUNGEST", 0.0)
    river.map_lists("booked", join=[river.brevo.add_list("Newsletter")])
    ConsentRule.objects.create(connection=river.connection, mode="answer", question=CONSENT, answer="Yes")
    make_page(river, DEMO, DISCOVERY, GROUP_DEMO, intro="Half an hour with somebody who knows.")
    company = question("Company", "string", 0, required=True)
    ask_more(river, DEMO, company, question(CONSENT, "single_select", 1, choices=("Yes", "No")))


SIZES = {"phone": (390, 844), "desktop": (1000, 760)}
WORDS = {
    "en": ("times", "First name", "E-mail address", "Book this meeting"),
    "da": ("tider", "Fornavn", "E-mailadresse", "Book mødet"),
}


@pytest.mark.parametrize(
    ("size", "language", "steps"),
    [
        ("phone", "en", ("types", "times", "details", "booked")),
        ("phone", "da", ("details",)),
        ("desktop", "en", ("times",)),
    ],
)
def test_take_a_booking_page(
    live_server: LiveServer, river: River, page_to_book: None, size: str, language: str, steps: tuple[str, ...]
) -> None:
    """Photograph each step of a visit, from the first click to the confirmation."""
    wanted, (width, height) = os.environ.get("PICTURES", "").split(), SIZES[size]
    times, name, email, book = WORDS[language]
    with open_page(width=width, height=height, timezone_id="Europe/Copenhagen") as page:

        def keep(step: str) -> None:
            page.wait_for_load_state("networkidle")
            found = f"book-{step}-{size}-{language}"
            if step in steps and (not wanted or found in wanted):
                page.screenshot(path=IMAGES / f"{found}.png", full_page=step == "details")

        page.goto(f"{live_server.url}/book/talk?lang={language}")
        keep("types")
        page.get_by_role("link", name=re.compile("^Demo")).click()
        page.get_by_role("link", name=re.compile(rf"\d+ {times}$")).first.click()
        page.get_by_role("link", name="10:00").hover()
        keep("times")
        page.get_by_role("link", name="10:00").click()
        page.get_by_label(name).fill("Ada")
        page.get_by_label(email).fill("ada@example.com")
        page.get_by_label("Company").fill("Benali Conseil")
        page.get_by_label("Google Meet").check()
        keep("details")
        page.get_by_role("button", name=book).click()
        expect(page.locator("h1")).to_contain_text("✓")
        keep("booked")


def test_take_pictures(live_server: LiveServer, river: River, story: None) -> None:
    """Photograph everything; PICTURES="home-en-light fields" takes some of it."""
    wanted = os.environ.get("PICTURES", "").split()
    with open_page(width=WIDTH, height=HEIGHT) as page:
        log_in(page, f"{live_server.url}/admin/")
        for language, theme in LOOKS:
            choose_language(page, live_server.url, language)
            page.emulate_media(color_scheme="dark" if theme == "dark" else "light")
            shots = {f"{name}-{language}-{theme}": address for name, address in MAIN.items()}
            shots |= MORE if (language, theme) == ("en", "light") else {}
            for name, address in shots.items():
                if not wanted or name in wanted:
                    shoot(page, live_server.url, name, address)
