"""The mapping is checked when it is saved: errors keep it from being saved, warnings come with it."""

from typing import Any

import pytest
from django.contrib.messages import get_messages
from django.test import Client
from django.utils import timezone

from calendly_connector.admin import parts
from calendly_connector.models import BrevoList, Connection, EventType, TriggerMapping
from tests.admin.rows import make_connection
from tests.factories import DEMO, DISCOVERY_CALL


@pytest.fixture
def catalogue(connection: Connection) -> Connection:
    """Return a connection with an event type and two lists."""
    now, account = timezone.now(), connection.brevo_account
    EventType.objects.create(
        connection=connection, uri=DISCOVERY_CALL, name="Discovery call", questions=["Your company?"], read_at=now
    )
    for number, name in ((4, "Discovery calls"), (5, "Demos")):
        BrevoList.objects.create(account=account, number=number, name=name, read_at=now)
    return connection


def save(staff: Client, model: type[Any], values: dict[str, Any]) -> tuple[Any, list[str]]:
    """Save a new mapping; return its form's errors (None when it was saved) and the warnings."""
    page = staff.post(f"{parts.list_of(model)}add/", values)
    messages = [str(message) for message in get_messages(page.wsgi_request) if message.level_tag == "warning"]
    return (page.context["adminform"].form.errors.as_text() if page.status_code == 200 else None), messages


def trigger(connection: Connection, **changes: Any) -> dict[str, Any]:
    return {"connection": connection.pk, "event_type": "", "trigger": "booked", "sends_event": "on", **changes}


def test_lists_are_ticked_or_written(staff: Client, catalogue: Connection) -> None:
    values = trigger(catalogue, event_type=DISCOVERY_CALL, join_lists_known=["4"], join_lists_other="[5, 12]")

    errors, warnings = save(staff, TriggerMapping, values)

    row = TriggerMapping.objects.get()
    assert errors is None
    assert (row.join_lists, row.leave_lists, row.event_type) == ([4, 5, 12], [], DISCOVERY_CALL)
    assert len(warnings) == 1
    assert "List #12 is not among the lists" in warnings[0]


def test_a_mapping_opens_with_what_it_holds(staff: Client, catalogue: Connection) -> None:
    row = TriggerMapping.objects.create(connection=catalogue, event_type=DEMO, trigger="booked", join_lists=[4, 12])

    text = staff.get(parts.page_of(TriggerMapping, row.pk)).content.decode()

    assert 'value="12"' in text
    assert f'value="{DEMO}" selected' in text  # unknown, yet kept
    assert "Discovery calls (#4)" in text


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"join_lists_other": "four"}, "“four” is no id of a list"),
        ({"join_lists_other": "0"}, "“0” is no id of a list"),
        ({"join_lists_known": ["4"], "leave_lists_other": "4"}, "List #4 can"),
        ({"event_name": "meeting booked"}, "Brevo takes only letters"),
        ({"event_name": "x" * 256}, "255"),
        ({"event_type": DEMO}, "Select a valid choice"),
    ],
)
def test_a_trigger_mapping_that_cannot_work_is_refused(
    changes: dict[str, Any], words: str, staff: Client, catalogue: Connection
) -> None:
    errors, _ = save(staff, TriggerMapping, trigger(catalogue, **changes))

    assert words in (errors or "")
    assert not TriggerMapping.objects.exists()


def test_an_event_type_of_another_connection_is_refused(staff: Client, catalogue: Connection) -> None:
    other = make_connection("Other", is_environment=False)

    errors, _ = save(staff, TriggerMapping, trigger(other, event_type=DISCOVERY_CALL))

    assert "belongs to another connection" in (errors or "")


def test_the_same_cell_twice_is_refused(staff: Client, catalogue: Connection) -> None:
    save(staff, TriggerMapping, trigger(catalogue))

    errors, _ = save(staff, TriggerMapping, trigger(catalogue))

    assert "already exists" in (errors or "")
