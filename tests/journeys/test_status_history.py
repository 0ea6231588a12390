"""Every status that a booking takes on is kept, with the time at Calendly and how we learnt of it."""

from datetime import UTC, datetime, timedelta
from typing import Any

import time_machine

from calendly_connector.models import Booking, StatusChange
from calendly_connector.services import clock
from tests.journeys.river import River

TOM: Any = {"email": "tom@example.com", "name": "Tom Berg"}


def history(uri: str) -> list[tuple[str, str]]:
    rows = StatusChange.objects.filter(booking__uri=uri).order_by("pk")
    return list(rows.values_list("status", "source"))


def test_no_show_and_its_withdrawal(river: River) -> None:
    uri = river.calendly.book(event_type="Demo", **TOM)
    river.flow()
    river.calendly.mark_no_show(uri)
    river.flow()
    river.calendly.undo_no_show(uri)
    river.flow()

    assert history(uri) == [("booked", "webhook"), ("no_show", "webhook"), ("booked", "webhook")]
    assert all(change.delivery_id for change in StatusChange.objects.all())


def test_both_halves_of_a_move(river: River) -> None:
    old = river.calendly.book(event_type="Demo", **TOM)
    river.flow()
    new = river.calendly.move(old)
    river.flow()

    assert [status for status, _ in history(old)] == ["booked", "rescheduled"]
    assert history(new) == [("booked", "webhook")]


def test_repeated_delivery_adds_nothing(river: River) -> None:
    uri = river.calendly.book(event_type="Demo", **TOM)
    (delivery,) = river.pending()
    river.post(delivery)
    river.post(delivery)
    river.work()

    assert history(uri) == [("booked", "webhook")]


def test_attendance_is_the_clocks_word(river: River) -> None:
    uri = river.calendly.book(event_type="Demo", **TOM)
    river.flow()
    row = Booking.objects.get(uri=uri)

    with time_machine.travel(row.end_at.astimezone(UTC) + timedelta(hours=25), tick=False):
        clock.turn(row.person_id)

    assert history(uri)[-1] == ("attended", "clock")
    kept = StatusChange.objects.get(booking=row, status="attended")
    assert kept.happened_at == row.end_at + timedelta(hours=24)


def test_first_sight_keeps_the_time_of_booking(river: River) -> None:
    uri = river.calendly.book(event_type="Demo", **TOM)
    river.flow()

    change = StatusChange.objects.get(booking__uri=uri)
    assert change.happened_at == Booking.objects.get(uri=uri).booked_at
    assert change.happened_at < datetime.now(UTC)
