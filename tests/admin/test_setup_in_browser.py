"""Staff set a connection up from nothing to history with the wizard, leaving it once on the way."""

import re
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import expect
from pytest_django.fixtures import Settings

from calendly_connector.admin import page as pages
from calendly_connector.models import Connection
from calendly_connector.services import setup, wizard
from tests import consent
from tests.browser import log_in, open_page, watch_complaints
from tests.journeys.river import River
from tests.web_process import free_address, web_process


@pytest.fixture
def paris(river: River, settings: Settings) -> str:
    """Return the name of a connection that isn't there yet; the Brevo account is, with every attribute."""
    consent.use_application(settings)
    river.calendly.settings.oauth_tokens_per_minute = None
    setup.create_attributes(river.connection, setup.missing_attributes(river.connection))
    User.objects.create_superuser("anna", password="a password")
    return "Paris"


@pytest.mark.browser
def test_wizard_from_nothing_to_history(
    paris: str, river: River, database_url: str, settings: Settings, tmp_path: Path
) -> None:
    ours = settings.PUBLIC_URL = free_address()
    with web_process(ours, database_url=database_url, output=tmp_path / "web.log"), open_page() as page:
        complaints = watch_complaints(page)
        log_in(page, f"{ours}/admin/calendly_connector/connection/add/")
        page.get_by_label("Name").fill(paris)
        page.get_by_label("Brevo account").select_option(label=str(river.account))
        page.get_by_role("button", name="Add and go on").click()
        expect(page.locator("#step-calendly > details")).to_have_attribute("open", "")

        page.get_by_role("button", name="Connect with Calendly").click()
        page.get_by_role("button", name="Approve").click()
        expect(page.locator("#step-calendly")).to_contain_text("subscribe")  # back in the wizard, and connected
        page.get_by_role("button", name="Subscribe / repair").click()
        expect(page.locator("#step-mapping > details")).to_have_attribute("open", "")

        page.goto(f"{ours}/admin/")  # left in the middle
        row = Connection.objects.get(name=paris)
        page.goto(f"{ours}{pages.address_of(row, 'setup')}")
        page.get_by_role("button", name="Let all undecided types follow the default row").click()
        expect(page.locator("#step-test > details")).to_have_attribute("open", "")
        page.get_by_role("button", name="Test both services and our address").click()
        expect(page.get_by_text("Calendly can reach us.")).to_be_visible()
        page.get_by_role("button", name="Bring them in").click()
        expect(page.locator("#step-history")).to_contain_text(re.compile("Running"))
        river.work()
        page.reload()

        expect(page.get_by_text("Everything is set up.")).to_be_visible()
    assert complaints == []
    assert wizard.is_complete(Connection.objects.get(name=paris))
