"""A booking's page shows how its status came about, what was posted, and where to go from there."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection as database
from django.http import HttpRequest, HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext

from calendly_connector.admin import connection_pages, parts
from calendly_connector.admin.page import Page
from calendly_connector.core.booking import Answer, Cancellation
from calendly_connector.models import Booking, Connection, ConsentProof, StatusChange
from sandbox import scenarios
from tests.admin.rows import make_booking_row, make_delivery, make_step
from tests.factories import make_meeting
from tests.journeys.river import River


def read(client: Client, row: Booking) -> str:
    """Return a booking's page as text without tags, each run of white space one blank."""
    page = client.get(parts.page_of(Booking, row.pk))
    assert page.status_code == 200
    return " ".join(re.sub(r"<[^>]+>", " ", page.content.decode()).split())


def test_the_status_is_told_step_by_step_with_how_we_learnt_of_it(staff: Client, connection: Connection) -> None:
    booking = make_booking_row(connection)
    delivery = make_delivery(connection, booking_uri=booking.uri)
    for status, source, posted in (("booked", "webhook", delivery), ("attended", "clock", None)):
        StatusChange.objects.create(
            booking=booking, status=status, source=source, delivery=posted, happened_at=booking.booked_at
        )

    text = read(staff, booking)

    assert re.search(r"✓ Booked 2026-11-22 10:15:04 UTC .+ Calendly&#x27;s webhook invitee\.created #\d+", text)
    assert re.search(r"✓ Attended 2026-11-22 10:15:04 UTC .+ Time passed –", text)


def test_a_lived_booking_has_a_history(staff: Client, river: River) -> None:
    scenarios.canceled(river.calendly)
    river.flow()
    booking = Booking.objects.get()

    statuses = list(StatusChange.objects.filter(booking=booking).values_list("status", flat=True))

    assert statuses == ["booked", "canceled"]
    assert "✕ Canceled" in read(staff, booking)


def test_the_payload_can_be_read_and_the_posted_bytes_are_at_hand(staff: Client, river: River) -> None:
    scenarios.booked(river.calendly)
    river.flow()

    page = staff.get(parts.page_of(Booking, Booking.objects.get().pk)).content.decode()

    assert "<td>invitee › email</td><td data-told>nadia.benali@example.com</td>" in page
    assert "<td>invitee › answers › Company</td><td data-told>Benali Conseil</td>" in page
    assert "<summary>As Calendly posted it</summary>" in page
    assert "&quot;event&quot;: &quot;invitee.created&quot;" in page


def test_a_booking_that_was_read_has_no_posted_bytes(staff: Client, connection: Connection) -> None:
    page = staff.get(parts.page_of(Booking, make_booking_row(connection).pk)).content.decode()

    assert "<td>invitee › email</td>" in page
    assert "As Calendly posted it" not in page


def test_what_calendly_wrote_is_escaped(staff: Client, connection: Connection) -> None:
    answers = (Answer(question="<i>Why?</i>", answer="<script>alert(1)</script>"),)
    booking = make_booking_row(connection, answers=answers)
    make_delivery(connection, b'{"payload": {"name": "<script>alert(2)</script>"}}', booking_uri=booking.uri)

    page = staff.get(parts.page_of(Booking, booking.pk)).content.decode()

    assert "<script>alert" not in page
    assert "<i>Why" not in page


@pytest.mark.parametrize(
    ("canceled", "words"),
    [
        (Cancellation(canceled_by="Nadia", reason="Ill", canceler_type="invitee"), "by Nadia (invitee): Ill"),
        (Cancellation(canceled_by="Camille", reason="", canceler_type="host"), "by Camille (host)"),
    ],
)
def test_a_cancellation_says_by_whom_and_why(
    canceled: Cancellation, words: str, staff: Client, connection: Connection
) -> None:
    assert words in read(staff, make_booking_row(connection, is_canceled=True, cancellation=canceled))


def test_a_no_show_says_whether_the_mark_still_stands(staff: Client, connection: Connection) -> None:
    mark = "https://api.calendly.com/invitee_no_shows/1"

    marked = read(staff, make_booking_row(connection, "nadia-1", no_show_uri=mark))
    undone = read(staff, make_booking_row(connection, "nadia-2", was_undone=True))
    never = read(staff, make_booking_row(connection, "nadia-3"))

    assert f"Marked in Calendly: {mark}" in marked
    assert "the mark was taken back" in undone
    assert "No-show" not in never


def test_guests_and_consents_are_shown(staff: Client, connection: Connection) -> None:
    booking = make_booking_row(connection, meeting=make_meeting(guests=("leo@example.com",)))
    ConsentProof.objects.create(
        person=booking.person, booking=booking, mode="answer", question="May we?", answer="Yes", lists=[7],
        given_at=booking.booked_at,
    )  # fmt: skip

    text = read(staff, booking)

    assert "leo@example.com" in text
    assert "May we? Yes #7" in text


def test_calendlys_own_pages_open_in_a_tab_of_their_own(staff: Client, connection: Connection) -> None:
    booking = make_booking_row(
        connection, reschedule_url="https://calendly.com/reschedulings/1", cancel_url="javascript:alert(1)"
    )

    page = staff.get(parts.page_of(Booking, booking.pk)).content.decode()

    assert '<a href="https://calendly.com/reschedulings/1" rel="noopener noreferrer" target="_blank">Move it' in page
    assert 'href="javascript' not in page


def test_the_preview_is_linked_once_there_is_one(
    staff: Client, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    booking = make_booking_row(connection)

    def show(request: HttpRequest, row: Connection, rest: str) -> HttpResponse:
        return HttpResponse()

    monkeypatch.setattr(connection_pages, "PAGES", ())
    without = staff.get(parts.page_of(Booking, booking.pk)).content.decode()
    monkeypatch.setattr(connection_pages, "PAGES", (Page(name="preview", title="Preview", view=show),))
    with_preview = staff.get(parts.page_of(Booking, booking.pk)).content.decode()

    assert "Preview what is sent" not in without
    assert f"/desk/preview/?booking={booking.pk}" in with_preview


def test_fifty_entries_cost_as_many_queries_as_five(staff: Client, connection: Connection) -> None:
    booking = make_booking_row(connection)

    def queries(count: int) -> int:
        for number in range(booking.sync_log.count(), count):
            delivery = make_delivery(connection, booking_uri=booking.uri)
            make_step(booking, delivery=delivery)
            at = booking.booked_at + timedelta(minutes=number)
            StatusChange.objects.create(
                booking=booking, status="booked", source="webhook", delivery=delivery, happened_at=at
            )
        with CaptureQueriesContext(database) as found:
            read(staff, booking)
        return len(found)

    read(staff, booking)  # what a session remembers from its first page on is asked for once
    few = queries(5)

    assert queries(50) == few <= 20


def test_who_may_not_see_bookings_is_refused(log_in: Callable[..., Client], connection: Connection) -> None:
    booking = make_booking_row(connection)

    assert log_in("view_person").get(parts.page_of(Booking, booking.pk)).status_code == 403
