"""A member of staff maps a question, is warned while editing, makes the attribute in Brevo, and a booking fills it."""

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Locator, Page, expect
from pytest_django.live_server_helper import LiveServer

from calendly_connector.admin import page as pages
from sandbox import scenarios
from tests.browser import log_in, open_page, watch_complaints
from tests.journeys.river import River

TOPICS = "answer:Which topics?"


def last_line(page: Page) -> Locator:
    return page.locator(".cc-field-line").last


@pytest.mark.browser
def test_staff_map_a_question_and_a_booking_carries_its_answer(live_server: LiveServer, river: River) -> None:
    scenarios.booked(river.calendly)
    river.flow()
    User.objects.create_superuser("anna", password="a password")
    address = live_server.url + pages.address_of(river.connection, "fields")

    with open_page() as page:
        complaints = watch_complaints(page)
        log_in(page, address)
        page.get_by_role("button", name="Add a line").click()
        line = last_line(page)
        expect(line.get_by_label("Value")).to_be_focused()

        line.get_by_label("Value").select_option(TOPICS)
        expect(line.get_by_text("Pricing Integration")).to_be_visible()
        line.get_by_label("Brevo attribute").select_option("MEETING_DATE")
        expect(line.get_by_text("text → date; only if it is written YYYY-MM-DD")).to_be_visible()
        expect(line.get_by_role("listitem")).to_contain_text("a real answer doesn't fit")

        line.get_by_label("Brevo attribute").select_option("+")
        expect(line.get_by_label("Name of a new attribute")).to_have_value("TOPICS")
        expect(line.get_by_role("listitem")).to_contain_text("Brevo has no attribute TOPICS")
        page.get_by_role("button", name="Save").click()
        expect(page.get_by_text("9 lines are saved.")).to_be_visible()

        page.get_by_role("link", name="Create the 1 missing attribute").click()
        expect(page.get_by_role("checkbox", name="Create, for Answer: Which topics?")).to_be_checked()
        page.get_by_role("button", name="Create in Brevo").click()
        expect(page.get_by_text("1 attribute is in Brevo now: TOPICS (text).")).to_be_visible()
        expect(page.locator(".cc-warnings").get_by_text("TOPICS")).to_have_count(0)
    assert complaints == []

    scenarios.booked(river.calendly, scenarios.ZOE)
    river.flow()
    assert river.contact(scenarios.ZOE.email)["attributes"]["TOPICS"] == "Security"


@pytest.mark.browser
def test_a_renamed_question_is_replaced_and_other_edits_are_kept(live_server: LiveServer, river: River) -> None:
    river.map_field("answer:Job role", "JOB_TITLE")
    User.objects.create_superuser("anna", password="a password")
    address = live_server.url + pages.address_of(river.connection, "fields")

    with open_page(width=400) as page:
        complaints = watch_complaints(page)
        log_in(page, address)
        first = page.locator(".cc-field-line").first
        first.get_by_label("Writes").select_option("if_empty")
        page.get_by_role("button", name="Use “Role” instead").click()

        expect(page.get_by_text("8 lines are saved.")).to_be_visible()
        expect(page.locator(".cc-field-line").first.get_by_label("Writes")).to_have_value("if_empty")
        expect(page.get_by_role("button", name="Use “Role” instead")).to_have_count(0)
        width = page.evaluate("document.documentElement.scrollWidth")
    assert complaints == []
    assert width <= 400
