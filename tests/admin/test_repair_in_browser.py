"""Staff repair what failed, and replay many, in a real browser under our content security policy."""

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
def test_a_missing_attribute_is_created_and_what_lacked_it_replayed(live_server: LiveServer, river: River) -> None:
    del river.brevo.state.attributes["MEETING_DATE"]
    river.forget_attributes()
    scenarios.booked(river.calendly)
    river.flow()
    User.objects.create_superuser("anna", password="a password")

    with open_page() as page:
        complaints = watch_complaints(page)
        log_in(page, f"{live_server.url}/admin/calendly_connector/synclogentry/")
        page.get_by_role("link", name="Repair", exact=True).first.click()
        expect(page.get_by_role("heading", name="The attribute MEETING_DATE is missing in Brevo")).to_be_visible()
        page.get_by_role("button", name="Create it and replay 1").click()
        expect(page.get_by_text("1 contact is written")).to_be_visible()
        page.get_by_role("button", name="Yes, create and replay").click()
        expect(page.get_by_text("0 of 1 entries looked at")).to_be_visible()
        river.work()
        page.get_by_role("link", name="Look again").click()

        expect(page.get_by_text("1 of 1 entries looked at")).to_be_visible()
        expect(page.locator(".cc-badge").first).to_have_text(re.compile("Finished"))
        page.goto(f"{live_server.url}/admin/calendly_connector/synclogentry/repair/")
        expect(page.get_by_text("Nothing: every write was taken whole.")).to_be_visible()
    assert river.contact(scenarios.NADIA.email)["attributes"]["MEETING_DATE"]
    assert complaints == []


@pytest.mark.browser
def test_many_failures_are_replayed_with_a_plan_and_progress(live_server: LiveServer, river: River) -> None:
    refusal = {"code": "invalid_parameter", "message": "No"}
    river.break_brevo("status", "/contacts", status=400, body=refusal, times=None)
    people = [f"p{number}@example.com" for number in range(3)]
    for email in people:
        river.calendly.book(event_type="Discovery call", email=email, name="Ada Berg")
    river.flow()
    river.mend()
    User.objects.create_superuser("anna", password="a password")

    with open_page() as page:
        complaints = watch_complaints(page)
        log_in(page, f"{live_server.url}/admin/calendly_connector/synclogentry/?state__exact=failed")
        page.get_by_label("Select all objects on this page for an action").check()
        page.get_by_label("Action:").select_option(label="Replay…")
        page.get_by_role("button", name="Run").or_(page.get_by_role("button", name="Go")).click()
        expect(page.get_by_text("6 entries are chosen.")).to_be_visible()
        expect(page.get_by_text("3 events are sent: calendly_meeting_booked × 3")).to_be_visible()
        page.get_by_label("The mapping of that day").check()
        page.get_by_role("button", name="Plan again").click()
        expect(page.get_by_label("The mapping of that day")).to_be_checked()
        page.get_by_role("button", name="Start the replay").click()
        expect(page.get_by_text("The replay of 6 entries has begun.")).to_be_visible()
        page.get_by_role("button", name="Pause the replay").click()
        expect(page.locator(".cc-badge").first).to_have_text(re.compile("Paused"))
        page.get_by_role("button", name="Go on").click()
        river.work()
        page.get_by_role("link", name="Look again").click()

        expect(page.get_by_text("6 of 6 entries looked at")).to_be_visible()
        expect(page.get_by_text("0 steps wait to be written.")).to_be_visible()
    assert [river.event_names(email) for email in people] == [["booked"]] * 3
    assert not SyncLogEntry.objects.exclude(state="done").exists()
    assert complaints == []
