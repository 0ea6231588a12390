"""By keyboard alone, from an unmarked meeting to the status in Brevo; on a phone; and open to everybody."""

import re
from pathlib import Path

import pytest
from django.core.cache import cache
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from calendly_connector.admin import held, parts
from calendly_connector.models import Booking, SchedulingLink
from calendly_connector.services import roles
from sandbox import scenarios
from tests import browser
from tests.admin.people import make_member
from tests.admin.test_held import book_held
from tests.admin.test_held_recovery import way_back
from tests.axe import violations
from tests.journeys.river import River


def chosen(page: Page) -> str:
    """Return whose row has the focus."""
    return str(page.evaluate("document.activeElement.querySelector('h3')?.textContent ?? ''"))


def three_are_held(river: River) -> list[Booking]:
    cache.clear()
    make_member(roles.OPERATOR, "anna")
    return [book_held(river, person) for person in (scenarios.AMIRA, scenarios.TOM, scenarios.NADIA)]


@pytest.mark.browser
def test_the_keyboard_is_enough_from_unmarked_to_brevo(live_server: LiveServer, river: River) -> None:
    three_are_held(river)
    status = "#cc-held-status"

    with browser.open_page() as page:
        complaints = browser.watch_complaints(page)
        page.context.grant_permissions(["clipboard-read", "clipboard-write"])
        browser.log_in(page, f"{live_server.url}{held.address()}")
        expect(page.locator(".cc-held").first).to_be_focused()
        everybody = page.locator(".cc-held h3").all_text_contents()
        first, second, third = everybody
        assert chosen(page) == first
        page.keyboard.press("u")
        expect(page.locator(status)).to_have_text("That can’t be pressed in this row.")
        page.keyboard.press("j")
        page.keyboard.press("ArrowDown")
        assert chosen(page) == third
        page.keyboard.press("n")
        expect(page.locator(status)).to_have_text(f"{third} is marked as a no-show in Calendly. Brevo follows now.")
        assert chosen(page) == third
        page.keyboard.press("k")
        page.keyboard.press("a")
        expect(page.locator(status)).to_have_text(f"{second} counts as having attended. Brevo follows now.")
        page.keyboard.press("ArrowUp")
        page.keyboard.press("n")
        expect(page.locator(status)).to_contain_text(f"{first} is marked")
        page.keyboard.press("u")
        expect(page.locator(status)).to_contain_text(f"The mark of {first} was taken back")
        expect(page.get_by_role("button", name="Make a link to book again")).to_have_count(1)
        page.keyboard.press("j")
        page.keyboard.press("j")
        assert chosen(page) == third
        page.keyboard.press("l")
        expect(page.locator(status)).to_have_text("The link is ready to be copied.")
        link = SchedulingLink.objects.get()
        expect(page.get_by_label("Link to book again")).to_have_value(re.compile(re.escape(f"{link.url}?name=")))
        expect(page.get_by_role("button", name="Copy")).to_be_focused()
        page.keyboard.press("Enter")
        expect(page.locator(status)).to_have_text("Copied.")
        assert page.evaluate("navigator.clipboard.readText()").endswith(f"utm_content={link.tag}")
        page.keyboard.press("k")
        page.keyboard.press("j")
        page.keyboard.press("l")
        expect(page.locator(status)).to_have_text("Copied.")
    assert complaints == []
    river.flow()

    found = {row.name: river.contact(row.person.email)["attributes"]["BOOKING_STATUS"] for row in Booking.objects.all()}
    assert found == {first: "booked", second: "attended", third: "no_show"}


@pytest.mark.browser
@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_keeps_anybody_from_marking(width: int, live_server: LiveServer, river: River, tmp_path: Path) -> None:
    three_are_held(river)

    with browser.open_page(width=width, height=844) as page:
        browser.log_in(page, f"{live_server.url}{held.address()}")
        page.get_by_role("button", name="No-show").first.click()
        page.get_by_role("button", name="Make a link to book again").click()
        expect(page.get_by_label("Link to book again")).to_be_visible()
        found = violations(page)
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        page.screenshot(path=tmp_path / f"held-{width}.png", full_page=True)
        page.goto(f"{live_server.url}{held.address()}")
        page.get_by_role("button", name="Undo").first.click()
        expect(page.locator("[data-said]")).to_contain_text("was taken back")

    assert found == [], "\n".join(found)
    assert wide <= 0


@pytest.mark.browser
def test_a_meeting_can_be_canceled_with_a_reason_on_a_phone(live_server: LiveServer, river: River) -> None:
    cache.clear()
    make_member(roles.OPERATOR, "anna")
    river.calendly.book(event_type="Demo", email="ada@example.com")
    river.flow()
    row = Booking.objects.get()

    with browser.open_page(width=400, height=844) as page:
        browser.log_in(page, f"{live_server.url}{parts.page_of(Booking, row.pk)}")
        page.get_by_role("link", name="Cancel the meeting").click()
        wide = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
        found = violations(page)
        page.get_by_label("Reason, which everybody who booked reads").fill("The host is ill.")
        page.get_by_role("button", name="Yes, cancel the meeting").click()
        expect(page.get_by_text("The meeting was canceled in Calendly.")).to_be_visible()

    assert (wide, found) == (0, [])
    assert river.calendly.invitee(row.uri)["cancellation"]["reason"] == "The host is ill."


@pytest.mark.browser
def test_a_press_that_does_not_reach_us_says_so_and_leaves_the_row(live_server: LiveServer, river: River) -> None:
    three_are_held(river)

    with browser.open_page() as page:
        browser.log_in(page, f"{live_server.url}{held.address()}")
        expect(page.locator(".cc-held").first).to_be_focused()  # a key before that is nobody's
        page.route("**/mark/**", lambda route: route.abort())
        page.keyboard.press("n")
        expect(page.locator("#cc-held-status")).to_contain_text("can’t be reached")
        page.unroute("**/mark/**")
        page.keyboard.press("n")
        expect(page.locator("#cc-held-status")).to_contain_text("is marked as a no-show")


@pytest.mark.browser
@pytest.mark.parametrize("width", [390, 1280])
def test_in_danish_the_common_page_takes_the_place_of_a_link_and_says_why(
    width: int, live_server: LiveServer, river: River, tmp_path: Path
) -> None:
    three_are_held(river)
    river.break_calendly(
        "status", "/scheduling_links", method="POST", status=403, times=None,
        body={"title": "Insufficient scope", "message": "…", "required_scopes": ["scheduling_links:write"]},
    )  # fmt: skip

    with browser.open_page(width=width, height=844) as page:
        complaints = browser.watch_complaints(page)
        page.set_extra_http_headers({"Accept-Language": "da"})
        browser.log_in(page, f"{live_server.url}{held.address()}")
        expect(page.locator(".cc-held").first).to_be_focused()
        page.keyboard.press("n")
        page.get_by_role("button", name="Lav et link til at booke igen").press("Enter")
        expect(page.locator("#cc-held-status")).to_have_text("Linket er klar til at blive kopieret.")
        expect(page.locator(".cc-held-note")).to_contain_text("Dette er Calendlys fælles side")
        expect(page.locator(".cc-held-note")).to_contain_text("scheduling_links:write")
        expect(page.get_by_label("Link til at booke igen")).to_have_value(re.compile("/discovery-call[?]name="))
        assert complaints == []  # axe brings its own from here on
        found = violations(page)
        page.screenshot(path=tmp_path / f"common-{width}.png", full_page=True)
        page.goto(f"{live_server.url}{way_back(Booking.objects.get(status='no_show'))}")
        page.get_by_role("button", name="Lav et link til at booke igen").click()
        expect(page.locator(".cc-held-note")).to_contain_text("Dette er Calendlys fælles side")
        found += violations(page)
        page.screenshot(path=tmp_path / f"page-{width}.png", full_page=True)

    assert found == [], "\n".join(found)
