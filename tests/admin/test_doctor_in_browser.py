"""The doctor's page in a real browser: on a phone and a desk, in light and in dark, open to everybody."""

from pathlib import Path
from typing import Literal

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from playwright.sync_api import expect
from pytest_django.live_server_helper import LiveServer

from calendly_connector.admin import doctor
from calendly_connector.models import SyncLogEntry
from sandbox import scenarios
from tests import browser
from tests.axe import violations
from tests.journeys.river import River


@pytest.mark.browser
@pytest.mark.parametrize(("width", "scheme"), [(390, "light"), (1280, "dark"), (1280, "light")])
def test_nothing_keeps_anybody_from_asking_the_doctor(
    width: int,
    scheme: Literal["light", "dark"],
    live_server: LiveServer,
    river: River,
    tmp_path: Path,
) -> None:
    scenarios.booked(river.calendly)
    river.flow()
    SyncLogEntry.objects.update(cause="attribute_missing:ROLE")
    User.objects.create_superuser("anna", password="a password")

    with browser.open_page(width=width, height=844) as page:
        complaints = browser.watch_complaints(page)
        page.emulate_media(color_scheme=scheme)
        browser.log_in(page, f"{live_server.url}{reverse(f'admin:{doctor.NAME}')}")
        page.get_by_role("button", name="Look now").press("Enter")
        expect(page.get_by_role("status")).to_contain_text("to mend")
        page.locator("details summary").first.click()
        expect(page.get_by_text("The database answers.")).to_be_visible()
        assert complaints == []  # what is done next makes some
        is_wide = page.evaluate("document.documentElement.scrollWidth > document.documentElement.clientWidth")
        page.screenshot(path=tmp_path / "doctor.png", full_page=True)
        found = violations(page)
        page.goto(f"{live_server.url}{reverse(f'admin:{doctor.NAME}')}")
        found += violations(page)

    assert found == [], "\n".join(found)
    assert not is_wide
