"""Whatever staff do is kept: who, what, to which row, in words."""

from collections.abc import Callable

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from calendly_connector.admin import parts
from calendly_connector.models import BrevoAccount, Connection, SyncLogEntry
from calendly_connector.services import roles
from tests.admin.people import client_of, make_member
from tests.admin.pressing import press
from tests.admin.rows import make_booking_row, make_step
from tests.admin.test_actions import YES, act


@pytest.fixture
def failed(connection: Connection) -> SyncLogEntry:
    """Return a step that Brevo refused."""
    return make_step(make_booking_row(connection), state="failed", reason="Refused")


def kept() -> list[tuple[str, str, str]]:
    """Return who did what to which row, oldest first."""
    found = LogEntry.objects.select_related("user", "content_type").order_by("pk")
    return [(each.user.username, str(each.object_repr), each.get_change_message()) for each in found]


def test_a_step_is_kept_with_what_it_said(staff: Client, connection: Connection) -> None:
    said = press(staff, connection, "token", secret="a-secret-that-nobody-may-read")

    assert [(who, row) for who, row, _ in kept()] == [("anna", "Main")]
    assert kept()[0][2].startswith("Test and save: ")
    assert " ".join(said.split("\n")) in kept()[0][2]
    assert "a-secret" not in kept()[0][2]


def test_an_action_is_kept_for_each_row(staff: Client, failed: SyncLogEntry) -> None:
    other = make_step(failed.booking, state="failed")  # type: ignore[arg-type]

    act(staff, "retry", failed, other, **YES)

    words = "Try again: 2 entries of 1 person will be tried again."
    assert sorted(kept()) == sorted([("anna", str(failed), words), ("anna", str(other), words)])


def test_a_question_is_no_act(staff: Client, failed: SyncLogEntry) -> None:
    act(staff, "retry", failed)

    assert kept() == []


def test_what_is_refused_is_no_act(log_in: Callable[..., Client], failed: SyncLogEntry) -> None:
    act(log_in("view_synclogentry"), "retry", failed, **YES)

    assert kept() == []


def test_a_manager_reads_the_audit_and_finds_by_user(failed: SyncLogEntry) -> None:
    operator, manager = client_of(roles.OPERATOR), Client()
    manager.force_login(make_member(roles.MANAGER, "max"))
    account = failed.connection.brevo_account
    act(operator, "pause", account, **YES, why="a fair")

    page = manager.get(parts.list_of(LogEntry, q="vera"))

    assert page.status_code == 200
    assert page.context["title"] == "Audit"
    assert "Pause writing: Writing is paused for 1 account." in page.content.decode()
    assert parts.page_of(BrevoAccount, account.pk) in page.content.decode()
    assert manager.get(parts.list_of(LogEntry, q="max")).context["cl"].result_count == 0
    assert manager.get(parts.page_of(LogEntry, LogEntry.objects.latest("pk").pk)).status_code == 200


def test_nobody_changes_or_deletes_the_audit(staff: Client, failed: SyncLogEntry) -> None:
    act(staff, "retry", failed, **YES)
    page = parts.page_of(LogEntry, LogEntry.objects.latest("pk").pk)

    answers = [
        staff.post(page, {"object_repr": "x"}),
        staff.post(page.replace("/change/", "/delete/"), {"post": "yes"}),
    ]

    assert [answer.status_code for answer in answers] == [403, 403]


@pytest.mark.parametrize("role", [roles.VIEWER, roles.OPERATOR])
def test_others_dont_read_the_audit(role: str, db: None) -> None:
    assert client_of(role).get(parts.list_of(LogEntry)).status_code == 403
