"""A member of staff follows a booking through the admin, in a real browser under a strict content security policy."""

import re

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, Route, expect
from pytest_django.live_server_helper import LiveServer

from calendly_connector.models import SyncLogEntry
from sandbox import scenarios
from tests.browser import open_page
from tests.journeys.river import River

POLICY = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; form-action 'self'"


def log_in(page: Page, address: str) -> None:
    page.goto(f"{address}/admin/")
    page.get_by_label("Username").fill("anna")
    page.get_by_label("Password").fill("a password")
    page.get_by_role("button", name="Log in").click()


def with_policy(route: Route) -> None:
    """Answer as the server does, with the policy added; a form's answer is left alone for its cookies' sake."""
    if route.request.method != "GET":
        route.continue_()
        return
    answer = route.fetch(max_redirects=0)
    route.fulfill(response=answer, headers={**answer.headers, "content-security-policy": POLICY})


@pytest.mark.browser
def test_staff_follow_a_delivery_to_what_was_written(live_server: LiveServer, river: River) -> None:
    scenarios.moved(river.calendly)
    river.flow()
    SyncLogEntry.objects.filter(kind="event").update(state="failed", reason="Brevo refused the event.")
    User.objects.create_superuser("anna", password="a password")  # before: the browser's thread has no connection
    complaints: list[str] = []

    with open_page() as page:
        page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
        page.route(re.compile("."), with_policy)
        log_in(page, live_server.url)
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
