"""A manager makes links for a list in a real browser, in both lights and on a phone: from the form to the contact."""

from pathlib import Path

import pytest
from playwright.sync_api import expect
from pytest_django.live_server_helper import LiveServer

from calendly_connector.admin import page as desk
from calendly_connector.models import LinkRun
from calendly_connector.services import catalogue
from calendly_connector.services import connection as connections
from tests.admin.test_history_in_browser import finish, usable
from tests.browser import log_in, open_page, watch_complaints
from tests.journeys.river import River


@pytest.mark.browser
@pytest.mark.parametrize("width", [390, 1280])
def test_a_list_gets_links(
    width: int, live_server: LiveServer, river: River, admin_user: object, tmp_path: Path
) -> None:
    number = river.brevo.add_list("Autumn campaign")
    river.brevo.add_contact("ada@example.com", list_ids=[number])
    catalogue.refresh_lists(river.account, connections.brevo_client(river.account))
    catalogue.refresh_event_types(river.connection)

    with open_page(width=width, height=844) as page:
        complaints = watch_complaints(page)
        log_in(page, f"{live_server.url}{desk.address_of(river.connection, 'links')}", "admin", "password")
        page.get_by_label("Event type").select_option(label="Discovery call")
        page.get_by_label("Brevo list").select_option(str(number))
        page.get_by_role("button", name="Look what would be done").click()
        expect(page.get_by_text("1 link would be made.")).to_be_visible()
        assert complaints == []  # axe brings its own from here on
        found = usable(page)
        page.get_by_role("button", name="Make the links").click()
        expect(page.get_by_role("region", name="Progress")).to_be_visible()
        finish(river, lambda: LinkRun.objects.get().state == LinkRun.State.FINISHED)
        page.emulate_media(color_scheme="light")  # before loading: its links fade from one color to the other
        page.reload()
        expect(page.get_by_text("1 of 1 links made")).to_be_visible()
        found += usable(page)
        page.screenshot(path=tmp_path / "run.png", full_page=True)

    assert found == [], "\n".join(found)
    assert river.contact("ada@example.com")["attributes"]["BOOKING_LINK"].startswith("https://calendly.com/")
