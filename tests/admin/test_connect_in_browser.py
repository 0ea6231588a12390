"""Staff connect Calendly through the sandbox's consent page: refused at first, then resumed, subscribed and tested."""

import re
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import Page, Route, expect
from pytest_django.fixtures import Settings

from calendly_connector.admin import parts
from calendly_connector.models import Connection
from calendly_connector.services import connection as connections
from tests import consent
from tests.browser import open_page
from tests.journeys.river import River
from tests.web_process import free_address, web_process

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; form-action 'self' {consent_page}"
)


@pytest.fixture
def paris(river: River, settings: Settings) -> Connection:
    """Return a new connection beside the environment's, and an OAuth application to connect it with."""
    consent.use_application(settings)
    river.calendly.settings.oauth_tokens_per_minute = None
    User.objects.create_superuser("anna", password="a password")
    return connections.make_connection("Paris", river.account)


def log_in(page: Page, address: str) -> None:
    page.goto(address)
    page.get_by_label("Username").fill("anna")
    page.get_by_label("Password").fill("a password")
    page.get_by_role("button", name="Log in").click()


def watch_policy(page: Page, ours: str, consent_page: str) -> list[str]:
    """Put our pages under the strict policy and return what the browser will complain of."""
    complaints: list[str] = []
    policy = POLICY.format(consent_page=consent_page)

    def with_policy(route: Route) -> None:
        if route.request.method != "GET":
            route.continue_()
            return
        answer = route.fetch(max_redirects=0)
        route.fulfill(response=answer, headers={**answer.headers, "content-security-policy": policy})

    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    page.route(re.compile(f"^{re.escape(ours)}/(admin|static)/"), with_policy)
    return complaints


def state_of(row: Connection) -> tuple[str, str]:
    found = Connection.objects.get(pk=row.pk)
    return found.state, found.token_kind


@pytest.mark.browser
def test_staff_connect_refuse_resume_subscribe_and_test(
    paris: Connection, river: River, database_url: str, settings: Settings, tmp_path: Path
) -> None:
    ours = settings.PUBLIC_URL = free_address()
    with web_process(ours, database_url=database_url, output=tmp_path / "web.log"), open_page() as page:
        complaints = watch_policy(page, ours, river.sandbox.url)
        log_in(page, f"{ours}{parts.page_of(Connection, paris.pk)}")
        expect(page.get_by_label("Calendly", exact=True)).to_be_visible()
        page.reload()  # what a form's answer leads to came without the policy
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
