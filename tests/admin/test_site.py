"""The start page: our name, and groups in the order of staff's questions."""

from collections.abc import Callable

from django.contrib import admin
from django.test import Client
from django.urls import reverse

from project.admin_site import APP, GROUPS, OURS

INDEX = reverse("admin:index")


def test_every_page_of_ours_has_its_group() -> None:
    registered = {model.__name__ for model in admin.site._registry if model._meta.app_label in OURS}

    assert registered == {name for names in GROUPS.values() for name in names}


def test_the_start_page_has_our_name_and_groups(staff: Client) -> None:
    page = staff.get(INDEX)

    assert [group["name"] for group in page.context["app_list"]][:4] == list(GROUPS)
    assert "Calendly → Brevo" in page.content.decode()


def test_a_group_without_a_page_for_somebody_is_not_shown(log_in: Callable[..., Client]) -> None:
    page = log_in("view_booking").get(INDEX)

    assert [group["name"] for group in page.context["app_list"]] == ["What happened"]


def test_the_apps_own_page_lists_everything(staff: Client) -> None:
    page = staff.get(reverse("admin:app_list", args=[APP]))

    assert page.status_code == 200
    assert b"Sync log" in page.content
