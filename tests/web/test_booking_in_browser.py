"""Visitors book in a real browser: in place, by keyboard, on a phone, and inside somebody else's site."""

import os
import re

import pytest
from django.core.cache import cache
from playwright.sync_api import FrameLocator, Page, expect
from pytest_django.live_server_helper import LiveServer

from calendly_connector.models import ConsentRule
from calendly_connector.services import booking_limits, form_token
from tests import axe
from tests.browser import open_page, watch_complaints
from tests.journeys.conftest import river
from tests.journeys.river import River
from tests.web.booking_pages import CONSENT, DEMO, DISCOVERY, WHO, ask_more, make_page, question
from tests.web.host_site import host_site
from tests.web.test_booking_page import at_the_form

__all__ = ["river"]

PHONE = {"width": 390, "height": 844}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Fill in forms faster than people do."""
    monkeypatch.setattr(form_token, "YOUNGEST", 0.0)


def shoot(page: Page, name: str) -> None:
    if folder := os.environ.get("SHOTS"):
        page.screenshot(path=f"{folder}/booking-{name}.png", full_page=True)


def choose(page: Page | FrameLocator) -> None:
    page.get_by_role("link", name=re.compile(r"\d+ times$")).first.click()
    page.get_by_role("link", name=re.compile(r"^\d\d:\d\d")).first.click()


def fill_in(page: Page | FrameLocator) -> None:
    page.get_by_label("First name").fill("Ada")
    page.get_by_label("Last name").fill("Berg")
    page.get_by_label("E-mail address").fill("Ada@example.com")


@pytest.mark.browser
def test_a_visitor_books_on_a_phone_without_a_page_being_loaded_anew(live_server: LiveServer, river: River) -> None:
    number = int(river.brevo.add_list("Newsletter"))
    river.map_lists("booked", join=[number])
    ConsentRule.objects.create(connection=river.connection, mode="answer", question=CONSENT, answer="Yes")
    make_page(river, DEMO, DISCOVERY, intro="Half an hour with somebody who knows.", theme={"accent": "#7a1fa2"})
    ask_more(river, DEMO, question(CONSENT, "single_select", 0, choices=("Yes", "No")))
    found: list[str] = []

    with open_page(**PHONE) as page:
        complaints = watch_complaints(page)
        page.goto(f"{live_server.url}/book/talk?utm_source=letter")
        page.evaluate("window.isTheSamePage = true")
        shoot(page, "types")
        found += axe.violations(page, impacts=axe.ANY)
        page.get_by_role("link", name="Demo 45 minutes").click()
        expect(page.get_by_role("heading", name="choose a day and a time")).to_be_focused()
        page.get_by_label("Times are shown for").select_option("Asia/Tokyo")
        expect(page).to_have_url(re.compile("zone=Asia%2FTokyo"))
        found += axe.violations(page, impacts=axe.ANY)
        page.get_by_role("link", name=re.compile(r"\d+ times$")).first.click()
        expect(page.get_by_role("link", name="17:00")).to_be_visible()
        shoot(page, "times")
        found += axe.violations(page, impacts=axe.ANY)
        page.get_by_role("link", name="17:00").click()
        page.get_by_role("button", name="Book this meeting").click()
        expect(page.get_by_label("First name")).to_be_focused()
        expect(page.get_by_label("First name")).to_have_accessible_description("This field is required.")
        fill_in(page)
        page.get_by_label("Google Meet").check()
        page.get_by_label(CONSENT).check()
        shoot(page, "details")
        found += axe.violations(page, impacts=axe.ANY)
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        page.get_by_role("button", name="Book this meeting").click()
        expect(page.get_by_role("heading", name="It is booked")).to_be_focused()
        expect(page.get_by_text("17:00–17:45")).to_be_visible()
        shoot(page, "booked")
        found += axe.violations(page, impacts=axe.ANY)
        assert page.evaluate("window.isTheSamePage")
        with page.expect_download() as download:
            page.get_by_role("link", name="Add to calendar").click()
        assert download.value.suggested_filename == "demo.ics"
    river.flow()

    assert river.contact("ada@example.com")["listIds"] == [number]
    assert river.event_names("ada@example.com") == ["booked"]
    assert [each for each in complaints if "422" not in each] == []
    assert found == []


@pytest.mark.browser
def test_a_taken_time_then_a_refused_consent_then_a_limit_are_each_told(
    live_server: LiveServer, river: River, monkeypatch: pytest.MonkeyPatch
) -> None:
    river.map_lists("booked", join=[int(river.brevo.add_list("Newsletter"))])
    ConsentRule.objects.create(connection=river.connection, mode="answer", question=CONSENT, answer="Yes")
    make_page(river)
    ask_more(river, DEMO, question(CONSENT, "single_select", 0, choices=("Yes", "No")))

    with open_page(**PHONE) as page:
        page.goto(f"{live_server.url}/book/talk?zone=Europe/Copenhagen")
        choose(page)
        fill_in(page)
        page.get_by_label("Google Meet").check()
        at_the_form().send(**{**WHO, "email": "rival@example.com"}, place="0")
        page.get_by_role("button", name="Book this meeting").click()
        expect(page.get_by_text("Somebody else was a little faster")).to_be_visible()
        expect(page.get_by_label("First name")).to_have_value("Ada")
        expect(page.get_by_label("Google Meet")).to_be_checked()
        shoot(page, "taken")
        assert axe.violations(page, impacts=axe.ANY) == []
        page.get_by_role("radio", name="10:00").check()
        expect(page.get_by_label(CONSENT)).not_to_be_checked()
        page.get_by_role("button", name="Book this meeting").click()
        expect(page.get_by_role("heading", name="It is booked")).to_be_visible()
        river.flow()

        monkeypatch.setattr(booking_limits, "windows_of", lambda plan: (("day", 86_400, 0),))
        page.get_by_role("link", name="Book another meeting").click()
        choose(page)
        fill_in(page)
        page.get_by_label("Google Meet").check()
        page.get_by_role("button", name="Book this meeting").click()
        elsewhere = page.get_by_role("link", name="Book on Calendly's page")
        expect(elsewhere).to_have_attribute("href", re.compile(r"hugo-martin/demo.*email=Ada%40example\.com"))
        shoot(page, "limit")
        assert axe.violations(page, impacts=axe.ANY) == []

    assert river.contact("ada@example.com")["listIds"] == []
    assert {each["email"] for each in river.calendly.state.invitees.values()} == {
        "rival@example.com",
        "Ada@example.com",
    }


@pytest.mark.browser
def test_a_visitor_books_by_keyboard_alone(live_server: LiveServer, river: River) -> None:
    make_page(river, asks_for_guests=False)
    ask_more(river, DEMO)

    with open_page() as page:
        page.goto(f"{live_server.url}/book/talk?zone=Europe/Copenhagen")
        press_until(page, r"\d+ times$")
        page.keyboard.press("Enter")
        expect(page.locator("#day")).to_be_focused()
        press_until(page, r"^\d\d:\d\d")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="Demo")).to_be_focused()
        for words in ("Ada", "Berg", "ada@example.com"):
            page.keyboard.press("Tab")
            page.keyboard.type(words)
        page.keyboard.press("Tab")
        page.keyboard.press("Space")
        page.keyboard.press("Enter")
        expect(page.get_by_role("heading", name="It is booked")).to_be_visible()

    [invitee] = river.calendly.state.invitees.values()
    assert (invitee["name"], invitee["email"]) == ("Ada Berg", "ada@example.com")


def press_until(page: Page, name: str) -> None:
    """Press the tabulator until a link of this name has the focus."""
    for _press in range(30):
        page.keyboard.press("Tab")
        focused = page.evaluate("document.activeElement.getAttribute('aria-label') ?? document.activeElement.innerText")
        if re.search(name, focused):
            return
    raise AssertionError(f"nothing called {name!r} can be reached by keyboard")


@pytest.mark.browser
def test_times_are_in_the_browsers_own_zone_wherever_a_visit_begins(live_server: LiveServer, river: River) -> None:
    make_page(river, DEMO, DISCOVERY)

    with open_page(timezone_id="Asia/Tokyo") as page:
        page.goto(f"{live_server.url}/book/talk")
        page.get_by_role("link", name="Demo 45 minutes").click()
        expect(page.get_by_label("Times are shown for")).to_have_value("Asia/Tokyo")
        page.get_by_role("link", name=re.compile(r"\d+ times$")).first.click()
        expect(page.get_by_role("link", name="17:00")).to_be_visible()
        page.goto(f"{live_server.url}/book/talk?type={DEMO.rpartition('/')[2]}")
        expect(page.get_by_label("Times are shown for")).to_have_value("Asia/Tokyo")


@pytest.mark.browser
def test_a_visitor_books_in_a_browser_that_runs_no_script(live_server: LiveServer, river: River) -> None:
    make_page(river, DEMO, DISCOVERY)

    with open_page(**PHONE, java_script_enabled=False) as page:
        page.goto(f"{live_server.url}/book/talk?lang=da")
        page.get_by_role("link", name="Demo 45 minutter").click()
        page.get_by_label("Tiderne vises for").select_option("Asia/Tokyo")
        page.get_by_role("button", name="Skift tidszone").click()
        page.get_by_role("link", name=re.compile(r"\d+ tider$")).first.click()
        shoot(page, "without-script")
        page.get_by_role("link", name="17:00").click()
        page.get_by_label("Fornavn").fill("Ada")
        page.get_by_label("E-mailadresse").fill("ada@example.com")
        page.get_by_label("Company").fill("Benali")
        page.get_by_label("Google Meet").check()
        page.get_by_role("button", name="Book mødet").click()
        expect(page.get_by_role("heading", name="Det er booket")).to_be_visible()
        expect(page.get_by_text("17:00–17:45")).to_be_visible()
    river.flow()

    assert river.event_names("ada@example.com") == ["booked"]


@pytest.mark.browser
def test_what_was_typed_survives_calendlys_outage_and_a_lost_network(live_server: LiveServer, river: River) -> None:
    make_page(river)

    with open_page() as page:
        page.goto(f"{live_server.url}/book/talk?zone=Europe/Copenhagen")
        choose(page)
        fill_in(page)
        page.get_by_label("Google Meet").check()
        page.get_by_label("Company").fill("Benali")
        cache.clear()
        river.break_calendly("status", status=503, times=None)
        page.get_by_role("button", name="Book this meeting").click()
        expect(page.get_by_role("alert")).to_have_text(re.compile("Nothing was booked. Please try again"))
        assert axe.violations(page, impacts=axe.ANY) == []
        river.mend()
        page.context.set_offline(True)
        page.get_by_role("button", name="Book this meeting").click()
        expect(page.get_by_role("alert")).to_have_text(re.compile("^We couldn't be reached."))
        expect(page.get_by_label("First name")).to_have_value("Ada")
        page.context.set_offline(False)
        page.get_by_role("button", name="Book this meeting").click()
        expect(page.get_by_role("heading", name="It is booked")).to_be_visible()

    assert len(river.calendly.state.invitees) == 1


@pytest.mark.browser
def test_a_foreign_site_embeds_the_page_and_is_told_of_the_booking(live_server: LiveServer, river: River) -> None:
    made = make_page(river)

    with host_site(live_server.url) as origin, open_page() as page:
        page.goto(origin)
        frame = page.frame_locator("iframe[title='Book a demo']")
        expect(frame.get_by_text("Talk to us")).to_have_count(0)  # nobody may embed it yet
        assert page.locator("iframe").get_attribute("height") == "720"

        made.allowed_origins = [origin]
        made.save()
        page.goto(f"{origin}/?utm_source=partner")
        choose(frame)
        expect(frame.get_by_role("button", name="Book this meeting")).to_be_visible()
        page.wait_for_function("Number(document.querySelector('iframe').height) !== 720")
        inner = next(each for each in page.frames if each != page.main_frame)
        assert inner.evaluate("document.documentElement.scrollHeight <= innerHeight + 1")
        fill_in(frame)
        frame.get_by_label("Google Meet").check()
        frame.get_by_role("button", name="Book this meeting").click()
        expect(frame.get_by_text("It is booked")).to_be_visible()
        page.wait_for_function("window.heard.length === 1")
        [heard] = page.evaluate("window.heard")
        page.evaluate("postMessage({type: 'calendly-connector:booked', eventType: 'made up', start: ''}, '*')")
        assert page.evaluate("window.heard.length") == 1

    [invitee] = river.calendly.state.invitees.values()
    assert heard.keys() == {"eventType", "start"} and heard["eventType"] == DEMO
    assert invitee["tracking"]["utm_source"] == "partner"
