"""The start page: our name, and groups in the order of staff's questions."""

from collections.abc import Callable

import pytest
from django.contrib import admin
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.test import Client
from django.urls import reverse

from calendly_connector.models import Connection
from project.admin_site import APP, ATTRIBUTION, DOCTOR, GROUPS, HELD, OURS, REPAIR

INDEX = reverse("admin:index")


def test_every_page_of_ours_has_its_group() -> None:
    registered = {model.__name__ for model in admin.site._registry if model._meta.app_label in OURS}

    assert registered == {name for names in GROUPS.values() for name in names} - {REPAIR, HELD, ATTRIBUTION, DOCTOR}


def test_the_start_page_has_our_name_and_groups(staff: Client) -> None:
    page = staff.get(INDEX)

    assert [group["name"] for group in page.context["app_list"]][:4] == list(GROUPS)
    assert "Calendly → Brevo" in page.content.decode()


def test_a_group_without_a_page_for_somebody_is_not_shown(log_in: Callable[..., Client]) -> None:
    page = log_in("view_booking").get(INDEX)

    assert [group["name"] for group in page.context["app_list"]] == ["What happened"]


@pytest.mark.parametrize(("permission", "is_there"), [("view_synclogentry", True), ("view_booking", False)])
def test_the_repair_page_is_in_the_menu_of_whoever_sees_the_log(
    log_in: Callable[..., Client], permission: str, is_there: bool
) -> None:
    link = f'<a href="{reverse("admin:calendly_connector_repair")}">Repair and pausing</a>'

    page = log_in(permission).get(INDEX).content.decode()

    assert (link in page) is is_there


def test_recent_actions_say_what_was_done(staff: Client, connection: Connection) -> None:
    user = User.objects.get(username="anna")
    LogEntry.objects.log_actions(user.pk, [connection], CHANGE, change_message="Test both accounts: both answer.")

    page = staff.get(INDEX).content.decode()

    assert "Test both accounts: both answer." in page


def test_the_apps_own_page_lists_everything(staff: Client) -> None:
    page = staff.get(reverse("admin:app_list", args=[APP]))

    assert page.status_code == 200
    assert b"Sync log" in page.content
