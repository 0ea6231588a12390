"""Staff compare everybody, mend one difference, and leave what is respected, in a real browser."""

import os
import re

import pytest
from django.contrib.auth.models import User
from playwright.sync_api import expect
from pytest_django.live_server_helper import LiveServer

from tests.browser import log_in, open_page, watch_complaints
from tests.journeys.river import River
from tests.services.drifting import book, work

CHANGED, DELETED, BLOCKED = "ada@example.com", "bea@example.com", "cleo@example.com"


@pytest.mark.browser
def test_differences_are_found_fixed_and_respected(live_server: LiveServer, river: River) -> None:
    book(river, CHANGED, DELETED, BLOCKED)
    river.brevo.change_contact(CHANGED, {"FIRSTNAME": "Edited in Brevo"})
    river.brevo.delete_contact(DELETED)
    river.brevo.block(BLOCKED)
    User.objects.create_superuser("anna", password="a password")

    with open_page() as page:
        complaints = watch_complaints(page)
        log_in(page, f"{live_server.url}/admin/calendly_connector/drift/")
        page.get_by_role("button", name="Compare now").click()
        expect(page.get_by_text("is being compared")).to_be_visible()
        expect(page.get_by_role("progressbar", name="Progress")).to_be_visible()
        work(river)
        page.get_by_role("link", name="Look again").click()
        expect(page.get_by_text("3 people were compared, 0 of them without a difference.")).to_be_visible()
        if folder := os.environ.get("SHOTS"):
            page.screenshot(path=f"{folder}/drift-list.png", full_page=True)

        page.get_by_role("button", name="Fix all…").click()
        expect(page.get_by_text("2 people are left alone")).to_be_visible()
        expect(page.get_by_text("Contact deleted in Brevo: 1")).to_be_visible()
        if folder:
            page.screenshot(path=f"{folder}/drift-fix-all.png", full_page=True)
        page.get_by_role("button", name="Yes, fix all").click()
        expect(page.get_by_text("1 person's differences are being fixed.")).to_be_visible()
        work(river)
        page.reload()
        expect(page.get_by_role("link", name=re.compile("ada"))).to_have_count(0)

        page.get_by_role("row", name=re.compile("bea")).get_by_role("link", name="1 difference").click()
        expect(page.get_by_text("isn't written there again")).to_be_visible()
        if folder:
            page.screenshot(path=f"{folder}/drift-row.png", full_page=True)
        page.get_by_role("button", name="Ignore").click()
        expect(page.get_by_text("1 person's differences are ignored until they change.")).to_be_visible()
        expect(page.locator(".cc-badge").first).to_have_text(re.compile("Ignored"))
    assert river.contact(CHANGED)["attributes"]["FIRSTNAME"] == "Ada"
    assert river.brevo.contact(DELETED) is None
    assert river.contact(BLOCKED)["emailBlacklisted"] is True
    assert complaints == []
