"""Staff bring in history in a real browser under our content security policy: from the form to the contact in Brevo."""

import re
from collections.abc import Callable
from typing import Literal

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from calendly_connector.admin import page as desk
from calendly_connector.admin import parts
from calendly_connector.models import PendingMeeting, Reading
from calendly_connector.services import backfill, reading
from tests.axe import violations
from tests.browser import log_in, open_page, watch_complaints
from tests.journeys.river import River

EMAIL = "ada@example.com"
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


@pytest.fixture
def address(live_server: LiveServer, river: River) -> str:
    """Return the page of a connection in whose Calendly one booking is older than the connector."""
    river.calendly.book(event_type="Demo", email=EMAIL, name="Ada Berg")
    for delivery in river.pending():
        river.calendly.deliveries.drop(delivery)
    User.objects.create_superuser("anna", password="a password")
    return f"{live_server.url}{desk.address_of(river.connection, 'history')}"


def usable(page: Page) -> list[str]:
    """Return what keeps anybody from using the open page, in both lights, and whether it is too wide for its window."""
    found = []
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)
        found += violations(page)
    width, window = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    return [*found, *([f"{page.url} is {width} wide"] if width > window else [])]


def finish(river: River, is_over: Callable[[], bool]) -> None:
    for _ in range(50):
        river.hurry()
        river.work()
        if is_over():
            return
    pytest.fail("Brevo never got everything")


@pytest.mark.browser
def test_from_the_form_to_the_contact(address: str, river: River) -> None:
    with open_page() as page:
        complaints = watch_complaints(page)
        log_in(page, address)
        page.get_by_label("Demo", exact=False).first.check()
        page.get_by_role("button", name="Look first").click()
        expect(page.get_by_text("1 of them is to be read")).to_be_visible()
        expect(page.get_by_role("cell", name=EMAIL)).to_be_visible()

        page.get_by_role("button", name="Bring in", exact=True).click()
        expect(page.get_by_text("Bookings are being brought in.")).to_be_visible()
        page.get_by_role("button", name=re.compile("^Pause")).click()
        expect(page.get_by_text("It is paused. Nothing is lost")).to_be_visible()
        page.get_by_role("button", name=re.compile("^Go on")).click()
        expect(page.get_by_text("It goes on where it stood.")).to_be_visible()
        finish(river, _is_settled)

        expect(page.get_by_text("Brought in last:")).to_be_visible(timeout=15_000)  # the page looks again by itself
        page.get_by_role("button", name="Check now").click()
        expect(page.get_by_text("are being compared with Calendly")).to_be_visible()
        finish(river, lambda: Reading.objects.filter(kind="check", state="finished").exists())
        expect(page.get_by_text("None has ended yet.")).to_be_hidden(timeout=15_000)
    assert river.contact(EMAIL)["attributes"]["CALENDLY_EVENT_TYPE"] == "Demo"
    assert river.event_names(EMAIL) == []
    assert complaints == []


def _is_settled() -> bool:
    row = Reading.objects.get(kind="history")
    return row.finished_at is not None and backfill.is_settled(row)


@pytest.mark.browser
def test_every_part_can_be_used_by_everybody(address: str, river: River) -> None:
    with open_page(width=400) as page:
        log_in(page, address)
        found = usable(page)
        page.get_by_label("Send automation events too").check()
        page.get_by_role("button", name="Look first").click()
        expect(page.get_by_role("button", name="Bring in, and send automation events")).to_be_visible()
        found += usable(page)

        row = backfill.ask(river.connection, backfill.Wish())
        Reading.objects.filter(pk=row.pk).update(meetings=9, meetings_read=4, is_listed=True, skipped={"unchanged": 4})
        PendingMeeting.objects.create(reading=row, uri="m", row={}, listed_at=row.asked_at)
        page.goto(address)
        page.get_by_role("link", name="Stop refreshing this page").click()  # what refreshes itself is a hindrance
        expect(page.get_by_role("progressbar", name="4 of 5 meetings read")).to_be_visible()
        found += usable(page)
        reading.cancel(row)
        page.goto(f"{page.url.split('/admin/')[0]}{parts.page_of(Reading, row.pk)}")
        found += usable(page)

    assert found == [], "\n".join(found)
