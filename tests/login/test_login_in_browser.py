"""Logging in with a second factor in a real browser: the picture is shown under our policy, and anybody can use it."""

from typing import Literal

import pytest
from django.contrib.auth.models import User
from django.urls import reverse
from playwright.sync_api import expect
from pytest_django.live_server_helper import LiveServer

from tests.axe import violations
from tests.browser import log_in, open_page, watch_complaints
from tests.login.phone import PASSWORD, code_at, make_staff, secret_of


@pytest.mark.browser
@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), ("dark", 1280), ("light", 360)])
def test_set_up_log_out_and_in_again(scheme: Literal["light", "dark"], width: int, live_server: LiveServer) -> None:
    anna: User = make_staff()
    with open_page(width=width) as page:
        page.emulate_media(color_scheme=scheme)
        complaints = watch_complaints(page)
        log_in(page, f"{live_server.url}{reverse('my_settings')}", password=PASSWORD)
        page.get_by_role("link", name="Set up a second factor").click()
        page.get_by_role("button", name="Set up a second factor").click()
        picture = page.get_by_role("img", name="QR code for your authenticator app")
        box = picture.bounding_box()
        assert box is not None and box["width"] >= 200 and box["x"] + box["width"] <= width
        assert complaints == []  # later, axe's own styles are complained of
        found = violations(page)
        secret = secret_of(anna)
        page.locator("#id_code").fill(code_at(secret))
        page.get_by_role("button", name="Confirm").click()
        expect(page.locator(".cc-recovery li")).to_have_count(10)
        found += violations(page)
        page.get_by_role("link", name="I have kept them").click()
        page.goto(f"{live_server.url}{reverse('second_factor')}")
        found += violations(page)

        page.locator("#logout-form button").click()
        page.goto(f"{live_server.url}{reverse('admin:index')}")
        page.locator("#id_username").fill("anna")
        page.locator("#id_password").fill(PASSWORD)
        page.keyboard.press("Enter")
        expect(page.locator("#id_code")).to_be_focused()
        found += violations(page)
        page.keyboard.type(code_at(secret, 1))
        page.keyboard.press("Enter")
        expect(page.locator("#logout-form")).to_be_visible()

    assert found == [], "\n".join(found)
