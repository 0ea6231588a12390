"""The start page after a real story, in a real browser: its numbers, its buttons, and no complaint."""

import re

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import expect
from pytest_django.live_server_helper import LiveServer

from calendly_connector import tasks
from calendly_connector.models import SyncLogEntry
from calendly_connector.services import schedule
from sandbox import scenarios
from tests.browser import log_in, open_page, watch_complaints
from tests.journeys.river import River

CHARTS = {"Bookings": 4, "Moves": 1, "Cancellations": 1, "No-shows": 1, "Failed steps": 1}


@pytest.mark.browser
def test_staff_see_what_happened_and_what_to_do(live_server: LiveServer, river: River) -> None:
    for story in (scenarios.booked, scenarios.moved, scenarios.canceled, scenarios.no_show):
        story(river.calendly)
        river.flow()
    failed = SyncLogEntry.objects.filter(kind="event").earliest("pk")
    SyncLogEntry.objects.filter(pk=failed.pk).update(state="failed", cause="event_refused")
    schedule.install(tasks.SCHEDULES)
    schedule.run_now("figures", tasks.TASKS["figures"].run)
    User.objects.create_superuser("anna", password="a password")  # before: the browser's thread has no connection

    with open_page() as page:
        complaints = watch_complaints(page)
        log_in(page, f"{live_server.url}/admin/")
        banner = page.locator(".cc-banner")
        expect(banner).to_have_count(1)
        expect(banner.locator(".cc-sentence")).to_have_text("1 step failed and waits to be mended.")
        expect(page.locator(".cc-needs")).to_contain_text("1 entry: Brevo refused the event.")
        for title, count in CHARTS.items():
            chart = page.locator(".cc-chart").filter(has=page.get_by_role("heading", name=title))
            expect(chart.locator("figcaption")).to_contain_text(f"{count} in 30 days, {count} today")
            expect(chart.get_by_role("img", name=title)).to_be_visible()
        page.get_by_text("Bookings as a table").click()
        expect(page.locator(".cc-chart").first.get_by_role("row").nth(1)).to_contain_text("4")
        expect(page.get_by_role("region", name="What runs next")).to_contain_text("figures have changed")
        banner.get_by_role("link", name="Repair").click()

        expect(page).not_to_have_url(re.compile("/admin/$"))
        expect(page.locator("#content")).to_contain_text(re.compile("failed|refused", re.IGNORECASE))
    assert complaints == []


@pytest.mark.browser
def test_it_fits_a_phone_and_the_dark(live_server: LiveServer, river: River) -> None:
    scenarios.booked(river.calendly)
    river.flow()
    User.objects.create_superuser("anna", password="a password")

    with open_page(width=400) as page:
        page.emulate_media(color_scheme="dark")
        log_in(page, f"{live_server.url}/admin/")
        plot = page.get_by_role("img", name="Bookings")
        expect(plot).to_be_visible()
        ink = plot.locator("text").first.evaluate("each => getComputedStyle(each).fill")
        paper = page.locator("body").evaluate("each => getComputedStyle(each).backgroundColor")
        overflow = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")

        assert _brightness(ink) - _brightness(paper) > 150
        assert overflow <= 0


def _brightness(colour: str) -> float:
    red, green, blue = map(int, re.findall(r"\d+", colour)[:3])
    return 0.3 * red + 0.6 * green + 0.1 * blue
