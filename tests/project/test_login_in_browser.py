"""The first staff user gets in, with a real browser."""

import pytest
from playwright.sync_api import expect
from pytest_django.live_server_helper import LiveServer

from project.first_user import NAME, make_first_user
from tests.browser import log_in, open_page


@pytest.mark.django_db
def test_the_first_user_is_made_once() -> None:
    assert make_first_user()

    assert make_first_user() == ""


@pytest.mark.browser
def test_the_printed_password_opens_the_admin(live_server: LiveServer) -> None:
    password = make_first_user()

    with open_page() as page:
        log_in(page, f"{live_server.url}/admin/", NAME, password)

        expect(page.get_by_role("button", name="Log out")).to_be_visible()
        assert page.locator("#header").evaluate("each => getComputedStyle(each).display") == "flex"  # styled
