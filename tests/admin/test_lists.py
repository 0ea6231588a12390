"""Every list opens, costs the same however many rows it shows, and finds what staff look for."""

import pytest
from django.contrib import admin
from django.db import connection as database
from django.db.models import Model
from django.test import Client
from django.test.utils import CaptureQueriesContext

from calendly_connector import models
from calendly_connector.admin import parts
from calendly_connector.admin.base import CappedPaginator
from calendly_connector.core import decide
from calendly_connector.models import Connection
from tests.admin.rows import make_booking_row, make_delivery, make_some_of_everything, make_step

SHOWN = sorted(name for name in models.__all__ if admin.site.is_registered(getattr(models, name)))
WITHOUT_A_PAGE = {
    "CrmTask",  # on the page of its booking
    "DailyFigure",  # drawn on the start page
    "RateLimit",  # of no use to staff
    "Tally",  # for Prometheus
    "StaffPreference",  # each one's own, on the page of their settings
    "StatusChange",  # on the page of its booking
    "KnownMeeting",  # only the readings' memory
    "PendingMeeting",
    "ContactMirror",  # on the page of its person
    "DriftRun",  # above the list of differences
    "ErasureKey",  # a secret
    "StaffLogin",  # each one's own, on a page of its own; reset on the page of users
    "RecoveryCode",  # shown once
}
HISTORY = [
    "Booking",
    "BookingRequest",
    "BrevoDelivery",
    "BulkImport",
    "ConsentProof",
    "ConsentRule",
    "DebugRecord",
    "Drift",
    "Erasure",
    "EventType",
    "Job",
    "LinkRun",
    "MappingVersion",
    "Notice",
    "Person",
    "Replay",
    "Reading",
    "SchedulingLink",
    "SyncLogEntry",
    "TriggerMapping",
    "WebhookDelivery",
]


def model_of(name: str) -> type[Model]:
    found: type[Model] = getattr(models, name)
    return found


def queries_of(staff: Client, address: str) -> int:
    staff.get(address)  # what a process asks only once is asked now
    with CaptureQueriesContext(database) as queries:
        assert staff.get(address).status_code == 200
    return len(queries)


def test_every_model_that_staff_need_has_a_page() -> None:
    assert set(models.__all__) - set(SHOWN) == WITHOUT_A_PAGE


def test_lists_of_fifty_cost_as_many_queries_as_lists_of_five(staff: Client) -> None:
    addresses = {name: parts.list_of(model_of(name)) for name in SHOWN}
    make_some_of_everything(5)
    few = {name: queries_of(staff, address) for name, address in addresses.items()}

    make_some_of_everything(50)

    assert {name: queries_of(staff, address) for name, address in addresses.items()} == few
    assert {name: count for name, count in few.items() if count > 9} == {}


@pytest.mark.parametrize("name", SHOWN)
def test_every_page_of_a_row_opens(name: str, staff: Client) -> None:
    make_some_of_everything(1)
    row = model_of(name)._default_manager.first()

    assert row and staff.get(parts.page_of(type(row), row.pk)).status_code == 200


@pytest.mark.parametrize("name", HISTORY)
def test_history_can_be_read_but_not_changed(name: str, staff: Client) -> None:
    make_some_of_everything(1)
    row = model_of(name)._default_manager.first()
    assert row
    page = parts.page_of(type(row), row.pk)

    answers = [
        staff.get(parts.list_of(type(row)) + "add/"),
        staff.post(page, {"state": "done"}),
        staff.post(page.replace("/change/", "/delete/"), {"post": "yes"}),
    ]

    assert [answer.status_code for answer in answers] == [403, 403, 403]
    assert type(row)._default_manager.filter(pk=row.pk).exists()


@pytest.mark.parametrize("word", ["zoe@example.com", "scheduled_events/zoe-meeting/invitees/zoe", "Too big"])
@pytest.mark.parametrize("name", ["SyncLogEntry", "WebhookDelivery"])
def test_search_finds_by_person_invitee_and_reason(name: str, word: str, staff: Client, connection: Connection) -> None:
    for person, reason in (("zoe", "Too big"), ("tom", "Too small")):
        booking = make_booking_row(connection, person)
        delivery = make_delivery(connection, booking_uri=booking.uri, reason=reason)
        make_step(booking, delivery=delivery, reason=reason)

    page = staff.get(parts.list_of(model_of(name), q=word))

    assert b"zoe@example.com" in parts_of(page.content)
    assert b"tom@example.com" not in parts_of(page.content)


def parts_of(content: bytes) -> bytes:
    return content.replace(b"<wbr>", b"")


@pytest.mark.parametrize(
    ("name", "filters", "count"),
    [
        ("WebhookDelivery", {"webhook": "invitee.created"}, 1),
        ("WebhookDelivery", {"webhook": "others"}, 1),
        ("WebhookDelivery", {"state__exact": "failed"}, 1),
        ("SyncLogEntry", {"trigger": "no_show"}, 2),
        ("SyncLogEntry", {"trigger": "booked", "state__exact": "done"}, 1),
        ("SyncLogEntry", {"held": "any"}, 2),
        ("SyncLogEntry", {"held": "late"}, 1),
        ("SyncLogEntry", {"held": "history"}, 1),
        ("SyncLogEntry", {"held": "of no kind"}, 6),
        ("Reading", {"kind__exact": "history"}, 1),
        ("Reading", {"state__exact": "paused"}, 1),
        ("Booking", {"type": "https://api.calendly.com/event_types/discovery-call"}, 1),
        ("Booking", {"status__exact": "canceled"}, 0),
    ],
)
def test_filters_keep_what_they_say(
    name: str, filters: dict[str, str], count: int, staff: Client, connection: Connection
) -> None:
    booking = make_booking_row(connection)
    models.EventType.objects.create(
        connection=connection, uri=booking.event_type, name="Discovery call", read_at=booking.start_at
    )
    make_delivery(connection)
    make_delivery(connection, webhook_name="meeting_recap.created", state="failed")
    for happening in ("booked", "no_show", "no_show:2", "no_show_undone"):
        make_step(booking, happening=happening, state="done")
    for reason in decide.HELD:
        make_step(booking, happening=f"attended:{reason}", state="skipped", reason=reason)
    for kind, state in (("history", "running"), ("check", "paused")):
        models.Reading.objects.create(
            connection=connection, kind=kind, state=state, since=booking.start_at, asked_at=booking.start_at
        )

    page = staff.get(parts.list_of(model_of(name), **filters))

    assert page.context["cl"].result_count == count


def test_a_long_list_says_that_it_was_cut(
    staff: Client, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(CappedPaginator, "CAP", 2)
    for _ in range(3):
        make_delivery(connection)

    page = staff.get(parts.list_of(models.WebhookDelivery))

    assert "Only the first 2 can be paged through" in page.content.decode()
