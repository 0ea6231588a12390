"""Staff switch debug mode on and off, read what was kept, and can't change it."""

from collections.abc import Callable

import pytest
from django.contrib.admin.models import LogEntry
from django.test import Client

from calendly_connector.admin import parts
from calendly_connector.models import Connection, DebugRecord
from calendly_connector.services import debug
from tests.admin.pressing import address, press, read
from tests.admin.rows import make_debug_record


def test_debug_mode_is_switched_on_after_a_question_and_off_at_once(staff: Client, connection: Connection) -> None:
    asked = staff.post(address(connection, "debug_on")).content.decode()
    connection.refresh_from_db()
    assert "are masked before anything is stored" in asked
    assert not debug.is_on(connection)

    said = press(staff, connection, "debug_on")

    connection.refresh_from_db()
    assert "It ends by itself" in said
    assert debug.is_on(connection)
    assert address(connection, "debug_off") in read(staff, connection)
    assert "Debug mode is off" in press(staff, connection, "debug_off")
    connection.refresh_from_db()
    assert not debug.is_on(connection)


@pytest.mark.parametrize("name", ["debug_on", "debug_off"])
def test_who_may_only_look_can_not_switch_it(name: str, log_in: Callable[..., Client], connection: Connection) -> None:
    viewer = log_in("view_connection", "view_debugrecord")

    assert viewer.post(address(connection, name), {"confirmed": "yes"}).status_code == 403
    assert address(connection, name) not in read(viewer, connection)
    connection.refresh_from_db()
    assert connection.debug_until is None


def test_a_record_is_read_with_its_headers_and_bodies(log_in: Callable[..., Client], connection: Connection) -> None:
    row = make_debug_record(
        connection,
        request_headers={"Content-Type": "application/json"},
        request_body='{"email": "‹e-mail›", "listIds": [4]}',
        answer_body="<html>",
        milliseconds=17,
    )
    viewer = log_in("view_debugrecord")

    listed = viewer.get(parts.list_of(DebugRecord)).content.decode()
    text = viewer.get(parts.page_of(DebugRecord, row.pk)).content.decode()

    assert "POST /v3/contacts</a>" in listed
    assert "17 ms" in listed
    assert "Content-Type" in text
    assert "&quot;listIds&quot;: [\n    4\n  ]" in text
    assert "&lt;html&gt;" in text


@pytest.mark.parametrize(
    ("filters", "count"),
    [
        ({}, 4),
        ({"answer": "2"}, 1),
        ({"answer": "4"}, 1),
        ({"answer": "5"}, 1),
        ({"answer": "lost"}, 1),
        ({"answer": "abc"}, 4),
        ({"direction__exact": "to_calendly"}, 1),
    ],
)
def test_records_are_found_by_direction_and_answer(
    filters: dict[str, str], count: int, staff: Client, connection: Connection
) -> None:
    make_debug_record(connection, direction="to_calendly")
    for status in (400, 503, None):
        make_debug_record(connection, status=status)

    page = staff.get(parts.list_of(DebugRecord, **filters))

    assert page.context["cl"].result_count == count


def test_nobody_without_the_permission_reads_a_record(log_in: Callable[..., Client], connection: Connection) -> None:
    row = make_debug_record(connection)

    assert log_in("view_connection").get(parts.page_of(DebugRecord, row.pk)).status_code == 403
    assert not LogEntry.objects.exists()
