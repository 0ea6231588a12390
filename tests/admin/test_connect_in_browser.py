"""Staff connect Calendly through the sandbox's consent page: refused at first, then resumed, subscribed and tested."""

import re
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import expect
from pytest_django.fixtures import Settings

from calendly_connector.admin import parts
from calendly_connector.models import Connection
from calendly_connector.services import connection as connections
from tests import consent
from tests.browser import log_in, open_page, watch_complaints
from tests.journeys.river import River
from tests.web_process import free_address, web_process


@pytest.fixture
def paris(river: River, settings: Settings) -> Connection:
    """Return a new connection beside the environment's, and an OAuth application to connect it with."""
    consent.use_application(settings)
    river.calendly.settings.oauth_tokens_per_minute = None
    User.objects.create_superuser("anna", password="a password")
    return connections.make_connection("Paris", river.account)


def state_of(row: Connection) -> tuple[str, str]:
    found = Connection.objects.get(pk=row.pk)
    return found.state, found.token_kind


@pytest.mark.browser
def test_staff_connect_refuse_resume_subscribe_and_test(
    paris: Connection, river: River, database_url: str, settings: Settings, tmp_path: Path
) -> None:
    ours = settings.PUBLIC_URL = free_address()
    with web_process(ours, database_url=database_url, output=tmp_path / "web.log"), open_page() as page:
        complaints = watch_complaints(page)
        log_in(page, f"{ours}{parts.page_of(Connection, paris.pk)}")
        calendly, webhooks = page.get_by_label("Calendly", exact=True), page.get_by_label("Webhooks", exact=True)
        expect(calendly.get_by_text("Not connected")).to_be_visible()

        calendly.get_by_role("button", name="Connect with Calendly").click()
        page.get_by_role("button", name="Decline").click()
        expect(page.get_by_text("Calendly was told not to give access, so nothing was changed.")).to_be_visible()
        assert state_of(paris) == ("new", "none")

        calendly.get_by_role("button", name="Connect with Calendly").click()
        page.get_by_role("button", name="Approve").click()
        expect(page.get_by_text("“Paris” is connected.")).to_be_visible()
        expect(calendly.get_by_text("Camille Durand")).to_be_visible()
        expect(calendly.get_by_role("row", name="Receive bookings (webhooks)")).to_contain_text("Yes")
        assert state_of(paris) == ("connected", "oauth")

        webhooks.get_by_role("button", name="Subscribe / repair").click()
        expect(page.get_by_text(re.compile("Subscribed http"))).to_be_visible()
        webhooks.get_by_role("button", name="Test: can Calendly reach us?").click()
        expect(page.get_by_text("Calendly can reach us.")).to_be_visible()

        assert calendly.evaluate("each => getComputedStyle(each).borderTopWidth") == "1px"  # styled
    assert complaints == []
    assert Connection.objects.get(pk=paris.pk).subscription_state == "active"
