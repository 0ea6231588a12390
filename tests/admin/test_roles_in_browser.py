"""A viewer walks through the admin with a real browser: everything can be read, nothing pressed, no address seen."""

import re

import pytest
from django.contrib import admin
from django.urls import reverse
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from calendly_connector.admin import page as desk
from calendly_connector.admin import parts
from calendly_connector.admin.connection_pages import PAGES
from calendly_connector.models import Connection, Person, SyncLogEntry
from calendly_connector.services import roles
from sandbox import scenarios
from tests.admin.people import make_member
from tests.browser import log_in, open_page, watch_complaints
from tests.journeys.river import River

ADDRESS = re.compile(r"[\w.+-]+@[\w-]+\.\w+|(?<!%A6)%40")  # %A6: the end of a masked name
PRESSED = "main form[method=post] :is(button, input[type=submit], select):enabled"
"""Whatever sends something, and is not in the page's header: logging out and one's own settings are everybody's."""


def look_at(page: Page, address: str) -> str:
    """Open a page and return its source, once it was seen that nothing on it can be pressed."""
    answer = page.goto(address)
    assert answer is not None
    assert answer.status in (200, 403), address
    expect(page.locator(PRESSED)).to_have_count(0)
    return page.content()


@pytest.mark.browser
def test_a_viewer_can_do_none_of_it(live_server: LiveServer, river: River) -> None:
    scenarios.moved(river.calendly)
    river.flow()
    SyncLogEntry.objects.filter(kind="event").update(state="failed", reason="Brevo refused zoe@example.com.")
    make_member(roles.VIEWER)
    ours = [model for model in admin.site._registry if model._meta.app_label == roles.APP]
    newest = {model: model._default_manager.values_list("pk", flat=True).last() for model in ours}
    rows = [parts.page_of(model, key) for model, key in newest.items() if key]
    pages = [desk.address_of(Connection.objects.get(), each.name) for each in PAGES]
    addresses = [reverse("admin:index"), *map(parts.list_of, ours), *rows, *pages]

    with open_page() as page:
        complaints = watch_complaints(page)
        log_in(page, f"{live_server.url}/admin/", "vera")
        sources = {address: look_at(page, f"{live_server.url}{address}") for address in addresses}
        page.goto(f"{live_server.url}{parts.list_of(Person)}")
        page.locator("#searchbar").fill(Person.objects.get().email)
        page.locator("#searchbar").press("Enter")
        expect(page.locator("#result_list")).to_contain_text("…@e….com")

    assert {address: ADDRESS.findall(source) for address, source in sources.items() if ADDRESS.search(source)} == {}
    assert [each for each in complaints if "403" not in each] == []


@pytest.mark.browser
def test_an_operator_is_offered_another_try_and_sees_whose_it_is(live_server: LiveServer, river: River) -> None:
    scenarios.moved(river.calendly)
    river.flow()
    SyncLogEntry.objects.filter(kind="event").update(state="failed", reason="Brevo refused it.")
    failed = SyncLogEntry.objects.filter(kind="event").latest("pk")
    make_member(roles.OPERATOR)

    with open_page() as page:
        log_in(page, f"{live_server.url}{parts.page_of(SyncLogEntry, failed.pk)}", "vera")
        expect(page.locator("main")).to_contain_text(failed.person.email)
        page.get_by_role("button", name="Try again").click()
        page.get_by_role("button", name="Yes, try again").click()

        expect(page.get_by_text("1 entry of 1 person will be tried again.")).to_be_visible()
