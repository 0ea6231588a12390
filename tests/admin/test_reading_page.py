"""The list of readings and the page of each: badges, progress, and the three ways out."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client
from django.utils import timezone

from calendly_connector.admin import parts
from calendly_connector.models import Connection, EventType, Job, PendingMeeting, Reading
from calendly_connector.services import roles
from tests.admin.people import client_of

Kind, State = Reading.Kind, Reading.State


def make_reading(connection: Connection, kind: Reading.Kind = Kind.HISTORY, **fields: Any) -> Reading:
    now = timezone.now()
    values = {"kind": kind, "since": now - timedelta(days=30), "asked_at": now, **fields}
    return Reading.objects.create(connection=connection, **values)


def choose(client: Client, action: str, *rows: Reading) -> str:
    """Press an action of the list, and return the page that follows."""
    values = {"action": action, "_selected_action": [str(row.pk) for row in rows], "from_row": "1"}
    return client.post(parts.list_of(Reading), values, follow=True).content.decode()


def read(client: Client, row: Reading) -> str:
    answer = client.get(parts.page_of(Reading, row.pk))
    assert answer.status_code == 200
    return answer.content.decode()


def state_of(row: Reading) -> str:
    row.refresh_from_db()
    return row.state


def test_a_reading_is_paused_goes_on_and_is_canceled_from_its_page(staff: Client, connection: Connection) -> None:
    row = make_reading(connection)

    paused, state = choose(staff, "pause", row), state_of(row)
    gone_on, again = choose(staff, "go_on", row), state_of(row)
    canceled = choose(staff, "cancel", row)

    assert (state, again, state_of(row)) == ("paused", "running", "canceled")
    assert "Paused. What it has taken in is written." in paused
    assert "It goes on where it stood." in gone_on
    assert "Canceled. What it has taken in stays" in canceled
    assert Job.objects.filter(kind="reading", subject=row.pk).exists()
    assert LogEntry.objects.count() == 3


@pytest.mark.parametrize(
    ("kind", "state", "offered"),
    [
        ("history", "running", ["pause", "cancel"]),
        ("check", "paused", ["go_on", "cancel"]),
        ("gap", "running", ["pause"]),
        ("gap", "paused", ["go_on"]),
        ("history", "finished", []),
        ("history", "canceled", []),
    ],
)
def test_what_makes_sense_is_offered(
    kind: Reading.Kind, state: str, offered: list[str], staff: Client, connection: Connection
) -> None:
    finished_at = timezone.now() if state in ("finished", "canceled") else None
    row = make_reading(connection, kind, state=state, finished_at=finished_at)

    text = read(staff, row)

    assert [name for name in ("pause", "go_on", "cancel") if f'name="action" value="{name}"' in text] == offered


def test_what_a_gap_missed_cannot_be_given_up(staff: Client, connection: Connection) -> None:
    row = make_reading(connection, Kind.GAP)

    said = choose(staff, "cancel", row)

    assert "in a state for that any more." in said
    assert state_of(row) == "running"


def test_its_page_tells_what_is_read_how_far_it_is_and_what_was_left_out(staff: Client, connection: Connection) -> None:
    now = timezone.now()
    EventType.objects.create(
        connection=connection, uri="https://api.calendly.com/event_types/one", name="Demo", read_at=now
    )
    row = make_reading(
        connection,
        event_types=["https://api.calendly.com/event_types/one", "https://api.calendly.com/event_types/gone"],
        meetings=9, meetings_read=3, invitees=4, news=3, added=2, held_back=5, is_listed=True,
        skipped={"unchanged since it was read": 4, "deleted at Calendly meanwhile": 1},
    )  # fmt: skip
    PendingMeeting.objects.create(reading=row, uri="m", row={}, listed_at=now)

    text = read(staff, row)

    assert "3 of 4 meetings read" in text
    assert "Demo, https://api.calendly.com/event_types/gone" in text
    assert "<td>unchanged since it was read</td><td>4</td>" in text
    assert "4 read: 2 new, 1 changed, 1 known as they are" in text
    assert "5 events</a>" in text
    assert 'http-equiv="refresh"' in text


@pytest.mark.parametrize("kind", list(Kind))
@pytest.mark.parametrize("state", list(State))
def test_every_kind_in_every_state_opens(
    kind: Reading.Kind, state: Reading.State, staff: Client, connection: Connection
) -> None:
    is_over = state in (State.CANCELED, State.FINISHED)
    row = make_reading(connection, kind, state=state, finished_at=timezone.now() if is_over else None)

    listed = staff.get(parts.list_of(Reading)).content.decode()

    assert read(staff, row).count(str(state.label)) >= 1
    assert str(kind.label) in listed


@pytest.mark.parametrize("role", [roles.VIEWER, roles.OPERATOR])
def test_only_managers_stop_a_reading(role: str, connection: Connection) -> None:
    row, client = make_reading(connection), client_of(role)

    text = read(client, row)
    choose(client, "cancel", row)

    assert 'value="cancel"' not in text
    assert state_of(row) == "running"


def test_a_manager_may(connection: Connection) -> None:
    row = make_reading(connection)

    choose(client_of(roles.MANAGER), "pause", row)

    assert state_of(row) == "paused"


def test_whoever_may_only_see_readings_sees_them(log_in: Callable[..., Client], connection: Connection) -> None:
    assert "0 of 0 meetings read" in read(log_in("view_reading"), make_reading(connection, is_listed=True))
