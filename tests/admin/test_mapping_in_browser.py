"""A member of staff maps a new event type in a real browser; a signed booking then joins exactly the ticked list."""

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from calendly_connector.models import ConsentProof, MappingVersion
from sandbox.brevo_state import Folder
from tests import browser
from tests.admin.mapped import address_of
from tests.journeys.river import River


def map_demo(page: Page) -> None:
    """Map the new event type “Demo”: two lists and a consent that is wrong at first."""
    page.get_by_role("searchbox", name="Event type, host or team").fill("demo")
    page.get_by_role("combobox", name="Show").select_option("Not mapped yet")
    page.get_by_role("button", name="Filter").click()
    expect(page.get_by_role("row", name="Demo Hugo Martin")).to_contain_text("Not mapped yet")
    page.get_by_role("link", name="Edit Demo", exact=True).click()
    booked = page.get_by_role("group", name="Booked", exact=True)
    expect(booked).to_be_hidden()  # until somebody says that it has a mapping of its own
    page.get_by_label("A mapping of its own, as below").check()
    joins = booked.get_by_role("group", name="Lists to join")
    joins.get_by_placeholder("Find a list").fill("partners eve")
    expect(joins.get_by_label("Newsletter")).to_be_hidden()
    joins.get_by_label("Partners — Events").check()
    joins.get_by_placeholder("Find a list").fill("")
    expect(joins.get_by_label("Newsletter")).to_be_visible()
    expect(joins.get_by_label("Partners — Events")).to_be_checked()
    consent = page.get_by_role("group", name="Consent", exact=True)
    consent.get_by_label("Only with a chosen answer").check()
    consent.get_by_label("Question", exact=True).select_option("Company")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_have_text("Nothing was saved. Please correct what is marked below.")
    expect(joins.get_by_label("Partners — Events")).to_be_checked()  # nothing is lost
    consent.get_by_label("Answer that gives consent").fill("Yes please")
    page.get_by_role("button", name="Save").click()


@pytest.mark.browser
def test_staff_map_a_new_event_type_and_the_next_booking_joins_that_list(live_server: LiveServer, river: River) -> None:
    river.brevo.state.folders[77] = Folder(id=77, name="Events")
    partners = river.brevo.add_list("Partners", folder_id=77)
    for number in range(12):
        river.brevo.add_list(f"Another {number}")
    User.objects.create_superuser("anna", password="a password")  # before: the browser's thread has no connection

    with browser.open_page() as page:
        complaints = browser.watch_complaints(page)
        browser.log_in(page, f"{live_server.url}{address_of(river.connection)}")
        page.get_by_role("button", name="Read them again").click()
        expect(page.get_by_text("Read from Brevo: 16 lists")).to_be_visible()
        map_demo(page)
        expect(page.get_by_text("The mapping of “Demo” was saved")).to_be_visible()
        page.get_by_role("link", name="Show all").click()
        row = page.get_by_role("row", name="Demo Hugo Martin")
        expect(row).to_contain_text("Partners")
        expect(row).to_contain_text("only by those who answer “Yes please” to “Company”")
        page.get_by_role("link", name="Versions").first.click()
        expect(page.get_by_text("Demo, Booked: join Partners, default event")).to_be_visible()
    assert complaints == []

    for name, company in (("nadia", "yes PLEASE."), ("tom", "Benali Conseil")):
        river.calendly.book(event_type="Demo", email=f"{name}@example.com", name=name, answers={"Company": company})
    river.calendly.book(
        event_type="Discovery call", email="zoe@example.com", name="zoe", answers={"Company": "Yes please"}
    )
    river.flow()

    lists = {name: river.contact(f"{name}@example.com")["listIds"] for name in ("nadia", "tom", "zoe")}
    assert lists == {"nadia": [partners], "tom": [], "zoe": []}
    proof = ConsentProof.objects.get()
    assert (proof.person.email, proof.answer, proof.lists) == ("nadia@example.com", "yes PLEASE.", [partners])
    assert MappingVersion.objects.filter(made_by_name="anna").count() == 1
