"""Bookings made before the connector was installed: brought in whole, and without one automation event."""

import time
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from calendly_connector.models import Booking, Connection, Reading, StatusChange, SyncLogEntry
from calendly_connector.services import backfill, reread
from tests.journeys.river import River

DAY = timedelta(days=1)


@pytest.fixture
def river(installation: River) -> River:
    """Return an installation that is connected and subscribed; its deliveries are held."""
    installation.connect()
    return installation


def old_booking(river: River, email: str, *, days: int = 20, **fields: Any) -> str:
    """Make a booking that nobody has touched for days and whose webhook never came."""
    uri = river.calendly.book(email=email, **fields)
    for delivery in river.pending():
        river.calendly.deliveries.drop(delivery)
    at = (timezone.now() - days * DAY).strftime("%Y-%m-%dT%H:%M:%S.000000Z")
    invitee = river.calendly.state.invitees[uri]
    river.calendly.state.invitees[uri] = {**invitee, "created_at": at, "updated_at": at}
    return uri


def ask(river: River, days: int = 90) -> Reading:
    """Ask for the history of some days, always the same ones within a test."""
    since = (timezone.now() - days * DAY).replace(hour=0, minute=0, second=0, microsecond=0)
    return backfill.ask(river.connection, backfill.Wish(since=since))


def finish(river: River, row: Reading) -> Reading:
    """Do the work until Brevo has everything."""
    end = time.monotonic() + 20
    river.work()
    row.refresh_from_db()
    while not backfill.is_settled(row):
        assert time.monotonic() < end, "Brevo never got everything"
        time.sleep(0.05)
        river.hurry()
        river.work()
    return row


def bring_in(river: River, days: int = 90) -> Reading:
    return finish(river, ask(river, days))


def test_contacts_and_lists_are_written_and_no_event_leaves(river: River) -> None:
    number = river.brevo.add_list("Bookers")
    river.map_lists("booked", join=[number])
    old_booking(river, "ada@example.com")
    old_booking(river, "bob@example.com")

    row = bring_in(river)

    assert [river.contact(f"{name}@example.com")["listIds"] for name in ("ada", "bob")] == [[number], [number]]
    assert river.calls("/events") == []
    assert (row.news, row.finished_at is not None) == (2, True)
    held = SyncLogEntry.objects.filter(kind="event")
    assert {(entry.state, "history" in entry.reason) for entry in held} == {("skipped", True)}


def test_twice_is_once(river: River) -> None:
    old_booking(river, "ada@example.com")
    bring_in(river)
    river.sandbox.world.journal.clear()

    row = bring_in(river)

    assert (row.news, Booking.objects.count()) == (0, 1)
    assert river.calls("/contacts") == []


def test_what_was_booked_just_now_is_told_by_its_webhook(river: River) -> None:
    river.calendly.book(email="ada@example.com")

    bring_in(river)
    before = Booking.objects.count(), river.event_names("ada@example.com")
    river.flow()

    assert before == (1, [])
    assert river.event_names("ada@example.com") == ["booked"]


def test_history_does_not_hold_back_attendance(river: River) -> None:
    ask(river)

    assert Connection.objects.get().reread_since is None


def test_the_same_wish_joins_the_open_reading(river: River) -> None:
    first = ask(river)
    gap = reread.reread(river.connection, timezone.now() - DAY)

    assert ask(river) == first
    assert gap != first


def test_another_wish_is_refused_while_one_is_open(river: River) -> None:
    first = ask(river)

    with pytest.raises(backfill.OtherUnderWay) as other:
        ask(river, days=10)

    assert other.value.row == first


def test_interrupted_reading_goes_on_where_it_was(river: River) -> None:
    uris = {old_booking(river, f"person{number}@example.com") for number in range(3)}
    row = ask(river)
    river.break_calendly("status", "/invitees", status=503, times=1)
    river.work()
    river.mend()

    river.hurry()
    river.work()

    row.refresh_from_db()
    assert row.finished_at is not None
    assert set(Booking.objects.values_list("uri", flat=True)) == uris


def test_statuses_are_kept_as_read_from_calendly(river: River) -> None:
    old_booking(river, "ada@example.com")

    bring_in(river)

    assert {change.source for change in StatusChange.objects.all()} == {"listing"}
