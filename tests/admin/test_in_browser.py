"""A member of staff follows a booking through the admin, in a real browser under our content security policy."""

import re

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import expect
from pytest_django.live_server_helper import LiveServer

from calendly_connector.models import SyncLogEntry
from sandbox import scenarios
from tests.browser import log_in, open_page, watch_complaints
from tests.journeys.river import River


@pytest.mark.browser
def test_staff_follow_a_delivery_to_what_was_written(live_server: LiveServer, river: River) -> None:
    scenarios.moved(river.calendly)
    river.flow()
    SyncLogEntry.objects.filter(kind="event").update(state="failed", reason="Brevo refused the event.")
    User.objects.create_superuser("anna", password="a password")  # before: the browser's thread has no connection

    with open_page() as page:
        complaints = watch_complaints(page)
        log_in(page, f"{live_server.url}/admin/")
        page.get_by_role("row", name="Webhook deliveries").get_by_role("link").first.click()
        page.locator("#result_list").get_by_role("link", name="Discovery call").first.click()
        expect(page.get_by_text("(this one)")).to_be_visible()
        page.locator(".cc-timeline").get_by_role("link", name="Send event").first.click()
        expect(page.locator(".cc-badge")).to_have_text(re.compile("Failed"))
        page.get_by_role("button", name="Try again").click()
        page.get_by_role("button", name="Yes, try again").click()

        expect(page.get_by_text("1 entry of 1 person will be tried again.")).to_be_visible()
        expect(page.locator(".cc-badge")).to_have_text(re.compile("Waiting"))
        assert page.locator(".cc-badge").evaluate("each => getComputedStyle(each).borderRadius") != "0px"  # styled
    assert complaints == []
