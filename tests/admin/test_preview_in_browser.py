"""A member of staff previews a made-up no-show, sends it to a test address, and finds it in Brevo."""

import re

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import expect
from pytest_django.live_server_helper import LiveServer

from calendly_connector.admin import page as pages
from calendly_connector.models import Booking, Person
from tests.browser import log_in, open_page, watch_complaints
from tests.journeys.river import River

TEST = "anna@company.example"


@pytest.mark.browser
def test_a_made_up_no_show_is_previewed_and_sent_to_a_test_address(live_server: LiveServer, river: River) -> None:
    number = river.brevo.add_list("Missed us")
    river.map_lists("no_show", join=[number])
    User.objects.create_superuser("anna", password="a password")  # before: the browser's thread has no connection
    address = f"{live_server.url}{pages.address_of(river.connection, 'preview')}"

    with open_page() as page:
        complaints = watch_complaints(page)
        log_in(page, address)
        page.get_by_label("Event type").select_option(label="Discovery call")
        page.get_by_label("Kind").select_option(label="No-show")
        page.get_by_role("button", name="Fill it in").click()
        page.get_by_label("Company").fill("Acme")
        page.get_by_role("button", name="Preview").click()

        expect(page.get_by_role("row", name=re.compile("BOOKING_STATUS"))).to_contain_text("no_show")
        expect(page.get_by_role("row", name=re.compile(f"#{number}"))).to_contain_text("Joined")
        expect(page.get_by_role("row", name=re.compile("calendly_meeting_no_show"))).to_contain_text("Sent")
        assert river.calls() == []

        page.get_by_role("textbox", name="Test address").fill(TEST)
        page.get_by_role("button", name="Show what would be sent").click()
        expect(page.get_by_text(f'"email_id": "{TEST}"')).to_be_visible()
        assert river.calls() == []
        page.get_by_role("button", name="Yes, send it").click()

        expect(page.get_by_role("status")).to_contain_text("2 calls were made.")
        expect(page.locator(".cc-badge", has_text="Done")).to_have_count(2)
        assert complaints == []
    contact = river.contact(TEST)
    assert (contact["listIds"], contact["attributes"]["COMPANY"]) == ([number], "Acme")
    assert river.event_names(TEST) == ["no_show"]
    assert not Person.objects.exists()
    assert not Booking.objects.exists()
