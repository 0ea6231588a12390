"""Every page of the admin, Django's own among them, works under our policy: the browser has nothing to complain of."""

import pytest
from django.contrib import admin
from django.contrib.auth.models import Group, User
from django.db.models import Model
from django.urls import reverse
from playwright.sync_api import Page, expect
from pytest_django.live_server_helper import LiveServer

from calendly_connector.admin import parts
from tests.admin.rows import make_some_of_everything
from tests.browser import log_in, open_page, watch_complaints


def pages_of(model: type[Model]) -> list[str]:
    """Return the address of a model's list, and of everything that one of its rows has."""
    name, key = (
        f"admin:{model._meta.app_label}_{model._meta.model_name}",
        model._default_manager.values_list("pk").first(),
    )
    ours = [f"{name}_{page}" for page in ("change", "history", "delete")] if key else []
    return [reverse(f"{name}_changelist"), reverse(f"{name}_add"), *(reverse(page, args=key) for page in ours)]


def visit(page: Page, address: str) -> None:
    """Open a page; one that nobody may open says so with 403, which is no complaint about its content."""
    answer = page.goto(address)
    assert answer is not None
    assert answer.status in (200, 403), address


@pytest.mark.browser
def test_no_page_of_the_admin_breaks_the_policy(live_server: LiveServer) -> None:
    make_some_of_everything(2)
    Group.objects.create(name="Marketing")
    User.objects.create_superuser("anna", password="a password")
    addresses = [address for model in admin.site._registry for address in pages_of(model)]
    addresses += [reverse("admin:index"), reverse("admin:password_change")]

    with open_page() as page:
        complaints = watch_complaints(page)
        log_in(page, f"{live_server.url}/admin/")
        for address in addresses:
            visit(page, f"{live_server.url}{address}")

    assert len(addresses) > 50
    assert [each for each in complaints if "403" not in each] == []


@pytest.mark.browser
def test_djangos_own_widgets_work_under_the_policy(live_server: LiveServer) -> None:
    user = User.objects.create_superuser("anna", password="a password")

    with open_page() as page:
        complaints = watch_complaints(page)
        log_in(page, f"{live_server.url}{parts.page_of(User, user.pk)}")
        page.get_by_role("link", name="Choose a Date").first.click()
        page.locator(".calendarbox").first.get_by_role("link", name="Tomorrow").click()
        page.get_by_role("link", name="Choose a Time").first.click()
        page.locator(".clockbox").first.get_by_role("link", name="Noon").click()
        expect(page.locator("#id_last_login_1")).to_have_value("12:00:00")
        page.locator("#id_user_permissions_from option").first.click()
        page.locator("#id_user_permissions_add").click()
        expect(page.locator("#id_user_permissions_to option")).to_have_count(1)
        page.get_by_role("button", name="Toggle theme").filter(visible=True).click()
        page.get_by_role("button", name="Save and continue editing").click()
        expect(page.get_by_text("was changed successfully")).to_be_visible()

    assert complaints == []
