"""The first staff user gets in, with a real browser."""

import pytest
from pytest_django.live_server_helper import LiveServer

from project.first_user import NAME, make_first_user
from tests.browser import open_page


@pytest.mark.django_db
def test_the_first_user_is_made_once() -> None:
    assert make_first_user()

    assert make_first_user() == ""


@pytest.mark.browser
def test_the_printed_password_opens_the_admin(live_server: LiveServer) -> None:
    password = make_first_user()

    with open_page() as page:
        page.goto(f"{live_server.url}/admin/")
        page.get_by_label("Username").fill(NAME)
        page.get_by_label("Password").fill(password)
        page.get_by_role("button", name="Log in").click()

        assert page.get_by_role("link", name="Log out").or_(page.get_by_role("button", name="Log out")).is_visible()
        assert page.locator("#header").evaluate("each => getComputedStyle(each).display") == "flex"  # styled
