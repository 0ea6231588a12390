"""Each button does what it says, tells how much it did, asks first where it sends, and needs a permission."""

from collections.abc import Callable
from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.db.models import Model
from django.test import Client
from django.utils import timezone

from calendly_connector.admin import parts
from calendly_connector.models import (
    BrevoAccount,
    BrevoAttribute,
    BrevoList,
    Connection,
    EventType,
    Job,
    SyncLogEntry,
)
from calendly_connector.services import accounts
from tests.admin.rows import make_booking_row, make_delivery, make_step
from tests.journeys.river import River


def act(client: Client, action: str, *rows: Model, **answer: str) -> tuple[Any, list[str]]:
    """Choose rows in the list and start an action; return the answer and what it said."""
    data = {"action": action, "_selected_action": [str(row.pk) for row in rows], **answer}
    page = client.post(parts.list_of(type(rows[0])), data)
    said = [str(message) for message in get_messages(page.wsgi_request)]
    client.cookies.pop("messages", None)  # it has been read
    return page, said


YES = {"confirmed": "yes"}


@pytest.fixture
def failed(connection: Connection) -> SyncLogEntry:
    """Return a step that Brevo refused."""
    return make_step(make_booking_row(connection), state="failed", reason="Refused")


def test_try_again_asks_first(staff: Client, failed: SyncLogEntry) -> None:
    page, _ = act(staff, "retry", failed)

    failed.refresh_from_db()
    assert "Yes, try again" in page.content.decode()
    assert failed.state == "failed"


def test_try_again_lets_a_step_wait_and_asks_for_its_person(staff: Client, failed: SyncLogEntry) -> None:
    done = make_step(failed.booking, state="done")  # type: ignore[arg-type]

    _, messages = act(staff, "retry", failed, done, **YES)

    failed.refresh_from_db()
    done.refresh_from_db()
    assert messages == ["1 entry of 1 person will be tried again."]
    assert (failed.state, failed.reason, done.state) == ("waiting", "", "done")
    assert Job.objects.filter(kind="push", subject=failed.person_id).exists()


def test_an_action_started_on_a_rows_page_returns_there(staff: Client, failed: SyncLogEntry) -> None:
    page, _ = act(staff, "retry", failed, from_row="1", **YES)

    assert page.headers["Location"] == parts.page_of(SyncLogEntry, failed.pk)


@pytest.mark.parametrize("state", ["failed", "malformed"])
def test_take_in_again(state: str, staff: Client, connection: Connection) -> None:
    left = make_delivery(connection, state=state, reason="Broken")
    good = make_delivery(connection, state="processed")

    _, messages = act(staff, "retry", left, good, **YES)

    left.refresh_from_db()
    assert messages == ["1 delivery will be taken in again."]
    assert (left.state, left.reason) == ("stored", "")
    assert list(Job.objects.values_list("kind", "subject")) == [("take_in", left.pk)]


def test_a_given_up_job_starts_again(staff: Client, failed: SyncLogEntry) -> None:
    SyncLogEntry.objects.update(reason="Given up after 20 tries. Last: no answer", cause="given_up")
    key = f"push:{failed.person_id}"
    job = Job.objects.create(
        kind="push", subject=failed.person_id, dedupe_key=key, state="failed", failures=20, run_after=timezone.now()
    )

    _, messages = act(staff, "retry", job, **YES)

    job.refresh_from_db()
    failed.refresh_from_db()
    assert messages == ["1 job will be tried again."]
    assert (job.state, job.failures, failed.state) == ("ready", 0, "waiting")


def test_pause_and_resume(staff: Client, connection: Connection) -> None:
    account = connection.brevo_account

    asked, _ = act(staff, "pause", account)
    _, paused = act(staff, "pause", account, **YES, why="spring cleaning")
    account.refresh_from_db()
    reason = account.pause_reason
    _, resumed = act(staff, "resume", account, **YES)

    account.refresh_from_db()
    assert "Why?" in asked.content.decode()
    assert reason == "Paused by anna: spring cleaning"
    assert (paused, resumed) == (["Writing is paused for 1 account."], ["Writing goes on for 1 account."])
    assert account.state == "active"


def test_refreshes_read_both_services(staff: Client, river: River) -> None:
    for model in (EventType, BrevoList, BrevoAttribute):
        model.objects.all().delete()

    _, types = act(staff, "refresh_event_types", river.connection)
    _, offers = act(staff, "refresh_brevo", river.connection)

    assert types == [f"Calendly → Brevo: {EventType.objects.count()} event types read."]
    assert f"{BrevoAttribute.objects.count()} attributes read." in offers[0]
    assert BrevoList.objects.exists()
    assert "attributes read." in act(staff, "refresh_brevo", river.account)[1][0]


def test_a_refresh_that_fails_says_why(staff: Client, connection: Connection) -> None:
    _, messages = act(staff, "refresh_event_types", connection)

    assert messages == ["Main can't be read: There is no Calendly token: set CALENDLY_ACCESS_TOKEN."]


REFUSED = [
    ("synclogentry", "retry"),
    ("webhookdelivery", "retry"),
    ("job", "retry"),
    ("brevoaccount", "resume"),
    ("brevoaccount", "pause"),
    ("brevoaccount", "refresh_brevo"),
    ("connection", "refresh_event_types"),
    ("connection", "refresh_brevo"),
]


@pytest.mark.parametrize(("name", "action"), REFUSED)
def test_whoever_may_only_look_can_start_nothing(
    name: str, action: str, log_in: Callable[..., Client], failed: SyncLogEntry
) -> None:
    connection, account = failed.connection, failed.connection.brevo_account
    if action == "resume":
        accounts.pause(account, "No credits")
    rows = {
        "synclogentry": failed,
        "webhookdelivery": make_delivery(connection, state="failed"),
        "job": Job.objects.create(kind="push", dedupe_key="push:1", state="failed", run_after=timezone.now()),
        "brevoaccount": account,
        "connection": connection,
    }
    row = rows[name]
    state = getattr(row, "state", "")
    viewer = log_in(f"view_{name}")

    page, messages = act(viewer, action, row, **YES)

    row.refresh_from_db()
    assert messages in ([], ["No action selected."])
    assert getattr(row, "state", "") == state or action == "resume"
    assert BrevoAccount.objects.get(pk=account.pk).is_paused == (action == "resume")
    assert page.status_code in (200, 302)
    assert f'value="{action}"' not in viewer.get(parts.page_of(type(row), row.pk)).content.decode()


def test_whoever_may_change_the_log_is_offered_another_try(log_in: Callable[..., Client], failed: SyncLogEntry) -> None:
    member = log_in("change_synclogentry")

    assert "Try again" in member.get(parts.page_of(SyncLogEntry, failed.pk)).content.decode()
