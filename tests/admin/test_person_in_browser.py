"""A member of staff finds a difference, mends it, and reads what came of it, in a real browser."""

import re

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import expect
from pytest_django.live_server_helper import LiveServer

from calendly_connector.admin import parts
from calendly_connector.models import Person
from sandbox import scenarios
from tests.browser import log_in, open_page, watch_complaints
from tests.journeys.river import River


@pytest.mark.browser
def test_staff_compare_sync_again_and_find_no_difference(live_server: LiveServer, river: River) -> None:
    scenarios.booked(river.calendly)
    river.flow()
    river.brevo.change_contact(scenarios.NADIA.email, {"COMPANY": "Changed by hand"})
    person = Person.objects.get()
    User.objects.create_superuser("anna", password="a password")  # before: the browser's thread has no connection

    with open_page() as page:
        complaints = watch_complaints(page)
        log_in(page, f"{live_server.url}{parts.page_of(Person, person.pk)}")
        page.get_by_role("button", name="Compare with Brevo now").click()
        row = page.get_by_role("row", name="COMPANY")
        expect(row.locator(".cc-badge")).to_have_text(re.compile("Different"))
        page.get_by_role("button", name="Sync again").click()
        expect(page.get_by_role("row", name="COMPANY")).to_contain_text("Benali Conseil")
        page.get_by_role("button", name="Yes, sync again").click()
        expect(page.locator(".messagelist")).to_contain_text("1 contact will be written again.")
        expect(page.locator(".cc-timeline li").first).to_contain_text("anna: Sync again")
        river.work()
        page.get_by_role("button", name="Compare with Brevo now").click()
        expect(page.get_by_text("No differences")).to_be_visible()
        page.get_by_role("link", name="Show the oldest first").click()
        expect(page.locator(".cc-timeline li").last).to_contain_text("anna: Sync again")

    assert complaints == []


@pytest.mark.browser
def test_the_page_fits_a_narrow_screen(live_server: LiveServer, river: River) -> None:
    scenarios.booked(river.calendly)
    river.flow()
    person = Person.objects.get()
    User.objects.create_superuser("anna", password="a password")

    with open_page(width=400) as page:
        log_in(page, f"{live_server.url}{parts.page_of(Person, person.pk)}?compare=now")

        expect(page.get_by_role("heading", name="Compared line by line")).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 400
