"""What Calendly told and the ledger lacks: noted by a reading, taken in by a fix."""

from datetime import timedelta

import pytest
from django.utils import timezone

from calendly_connector.models import Booking, Drift, DriftRun
from calendly_connector.services import drift_fix, drift_run
from calendly_connector.services.queue import Later
from sandbox.calendly_values import Json
from tests.journeys.conftest import river
from tests.journeys.river import River
from tests.services.drifting import EMAIL, book, booked, found, note_calendly, work

__all__ = ["river"]


def row() -> Drift:
    return Drift.objects.get()


def lose(river: River) -> None:
    for delivery in river.pending():
        river.calendly.deliveries.drop(delivery)


def test_a_cancellation_that_was_missed_is_shown_and_read_again_by_a_fix(river: River) -> None:
    booked(river)
    uri = Booking.objects.get().uri
    river.calendly.cancel(uri)
    lose(river)
    note_calendly(river, uri)
    shown, booking = found(river), Booking.objects.get().status

    drift_fix.fix(row(), by="anna")
    work(river)

    assert (shown, booking) == ([("status", "canceled", "booked")], "booked")
    assert row_lines() == []
    assert Booking.objects.get().status == "canceled"
    assert river.contact(EMAIL)["attributes"]["BOOKING_STATUS"] in ("cancelled", "2", 2)
    assert river.event_names(EMAIL) == ["booked", "canceled"]  # it happened within a day


def row_lines() -> list[Json]:
    return [line for each in Drift.objects.all() for line in each.lines]


def test_a_booking_that_is_unknown_here_is_taken_in_quietly_when_it_is_old(river: River) -> None:
    uri = river.calendly.book(event_type="Discovery call", email="old@example.com", name="Ada Berg")
    lose(river)
    invitee = river.calendly.state.invitees[uri]
    at = (timezone.now() - timedelta(days=3)).strftime("%Y-%m-%dT%H:%M:%S.000000Z")
    river.calendly.state.invitees[uri] = {**invitee, "created_at": at, "updated_at": at}
    note_calendly(river, uri)
    shown = found(river, "old@example.com")

    drift_fix.fix_all(river.connection, by="anna")
    work(river)

    assert shown == [("unknown", "booked", None)]
    assert not Drift.objects.exists()
    assert river.contact("old@example.com")
    assert river.event_names("old@example.com") == []


def compare_with_brevo(run: DriftRun) -> None:
    """Compare with Brevo, until only Calendly's part is waited for."""
    with pytest.raises(Later):
        drift_run.advance(run.pk, lambda: None)
    run.refresh_from_db()


def test_missed_news_is_found_at_calendly_and_mended(river: River) -> None:
    booked(river)
    river.calendly.cancel(Booking.objects.get().uri)
    lose(river)

    drift_run.compare_all(river.connection, by="anna")
    work(river)
    shown = [(line["what"], line["wanted"], line["found"]) for line in Drift.objects.get().lines]
    status = Booking.objects.get().status
    drift_fix.fix_all(river.connection, by="anna")
    work(river)

    assert (shown, status) == ([("status", "canceled", "booked")], "booked")
    assert Booking.objects.get().status == "canceled"
    assert not Drift.objects.exists()


def test_what_calendlys_next_reading_doesnt_find_any_more_is_gone(river: River) -> None:
    booked(river)
    uri = Booking.objects.get().uri
    river.calendly.cancel(uri)
    note_calendly(river, uri)
    river.flow()  # the webhook came late
    run = drift_run.compare_all(river.connection, by="anna")
    compare_with_brevo(run)
    waiting = (run.stage, run.words, Drift.objects.count())

    work(river)

    run.refresh_from_db()
    assert waiting == ("calendly", "Calendly is still being read.", 1)
    assert (run.stage, Drift.objects.count()) == ("finished", 0)


def test_looking_again_sees_what_the_ledger_has_learned_since(river: River) -> None:
    booked(river)
    uri = Booking.objects.get().uri
    river.calendly.cancel(uri)
    note_calendly(river, uri)
    river.flow()

    count = drift_fix.look_again(Drift.objects.all())
    work(river)

    assert (count, Drift.objects.count()) == (1, 0)


def test_a_booking_that_calendly_refuses_to_show_keeps_nobody_else(river: River) -> None:
    book(river, "ada@example.com", "bea@example.com")
    uris = dict(Booking.objects.values_list("person__email", "uri"))
    for uri in uris.values():
        river.calendly.cancel(uri)
    lose(river)
    for uri in uris.values():
        note_calendly(river, uri)
    path = uris["ada@example.com"].removeprefix("https://api.calendly.com")
    river.break_calendly("status", path, status=403, times=None)

    drift_fix.fix_all(river.connection, by="anna")
    for _turn in range(3):
        river.hurry()
        river.work()

    assert dict(Booking.objects.values_list("person__email", "status")) == {
        "ada@example.com": "booked",
        "bea@example.com": "canceled",
    }
    assert Drift.objects.get().email == "ada@example.com"
