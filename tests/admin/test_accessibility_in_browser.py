"""Everybody can use the main pages: with a keyboard, with a screen reader, and with weak eyes; in light and in dark."""

from collections.abc import Sequence
from typing import Literal

import pytest
from django.contrib.auth.models import User
from django.db.models import Model
from django.urls import reverse
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from calendly_connector.admin import attribution, parts
from calendly_connector.admin import page as desk
from calendly_connector.admin.connection_pages import PAGES
from calendly_connector.models import (
    Booking,
    BookingPage,
    BookingRequest,
    Connection,
    Drift,
    EventType,
    FieldMapping,
    LinkRun,
    Notice,
    Person,
    SchedulingLink,
    SyncLogEntry,
    TriggerMapping,
    WebhookDelivery,
)
from sandbox import scenarios
from tests.admin.rows import make_some_of_everything
from tests.axe import violations
from tests.browser import log_in, open_page
from tests.journeys.river import River

LISTS: Sequence[type[Model]] = (
    Booking, BookingPage, BookingRequest, Connection, Drift, EventType, FieldMapping, LinkRun, Notice, Person,
    SchedulingLink, SyncLogEntry, TriggerMapping, WebhookDelivery,
)  # fmt: skip


def tell_a_story(river: River) -> list[str]:
    """Let something have happened, and return the addresses of the main pages."""
    scenarios.moved(river.calendly)
    river.flow()
    SyncLogEntry.objects.filter(kind="event").update(state="failed", reason="Brevo refused the event.")
    User.objects.create_superuser("anna", password="a password")
    ours = river.connection
    booking = Booking.objects.filter(connection=ours).latest("pk")
    failed = SyncLogEntry.objects.filter(state="failed").latest("pk")
    make_some_of_everything(3)
    rows = [ours, booking, booking.person, failed, WebhookDelivery.objects.filter(connection=ours).latest("pk")]
    pages = [desk.address_of(ours, each.name) for each in PAGES]
    names = (
        "admin:index",
        "my_settings",
        "second_factor",
        "admin:password_change",
        "admin:axes_accessattempt_changelist",
        f"admin:{attribution.NAME}",
    )
    own = [reverse(name) for name in names]
    return [*own, *map(parts.list_of, LISTS), *(parts.page_of(type(row), row.pk) for row in rows), *pages]


@pytest.mark.browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_keeps_anybody_from_using_a_page(
    scheme: Literal["light", "dark"], live_server: LiveServer, river: River
) -> None:
    addresses = tell_a_story(river)

    with open_page() as page:
        page.emulate_media(color_scheme=scheme)
        page.goto(f"{live_server.url}/admin/")
        found = violations(page)
        log_in(page, f"{live_server.url}/admin/")
        for address in addresses:
            answer = page.goto(f"{live_server.url}{address}")
            assert answer is not None
            assert answer.status == 200, address
            found += violations(page)

    assert found == [], "\n".join(found)


def tab_to(page: Page, name: str) -> None:
    """Press Tab until a button of this name has the focus, and see that the focus can be seen."""
    wanted = page.get_by_role("button", name=name).first
    for _ in range(150):
        page.keyboard.press("Tab")
        if wanted.evaluate("each => each === document.activeElement"):
            break
    expect(wanted).to_be_focused()
    ring = "each => { const seen = getComputedStyle(each); return seen.outlineStyle + seen.boxShadow }"
    assert wanted.evaluate(ring) != "nonenone"


@pytest.mark.browser
def test_the_keyboard_is_enough_to_repair_a_row(live_server: LiveServer, river: River) -> None:
    tell_a_story(river)
    failed = SyncLogEntry.objects.filter(state="failed", connection=river.connection).latest("pk")

    with open_page() as page:
        log_in(page, f"{live_server.url}{parts.page_of(SyncLogEntry, failed.pk)}")
        tab_to(page, "Try again")
        page.keyboard.press("Enter")
        expect(page.get_by_role("button", name="Yes, try again")).to_be_visible()
        tab_to(page, "Yes, try again")
        page.keyboard.press("Enter")

        expect(page.get_by_text("1 entry of 1 person will be tried again.")).to_be_visible()
