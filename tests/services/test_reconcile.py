"""The regular check: what webhooks missed is found and mended; only what is recent starts an automation."""

import json
from datetime import datetime, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from calendly_connector import tasks
from calendly_connector.models import Booking, Connection, KnownMeeting, Reading, SyncLogEntry
from calendly_connector.services import drift_run, reconcile
from tests.journeys.river import River

HOUR, DAY = timedelta(hours=1), timedelta(days=1)


@pytest.fixture
def river(installation: River) -> River:
    """Return an installation that is connected."""
    installation.connect()
    return installation


def check(*arguments: str) -> dict[str, Any]:
    """Run the command and return its report."""
    out = StringIO()
    call_command("calendly_reconcile", "--json", *arguments, stdout=out, stderr=StringIO())
    told: dict[str, Any] = json.loads(out.getvalue())
    return told


def lose_mail(river: River) -> None:
    """Let nothing that Calendly would deliver arrive."""
    for delivery in river.pending():
        river.calendly.deliveries.drop(delivery)


def make_older(river: River, uri: str, age: timedelta) -> None:
    """Let a booking at Calendly be made and last changed so long ago."""
    at = (timezone.now() - age).strftime("%Y-%m-%dT%H:%M:%S.000000Z")
    invitee = river.calendly.state.invitees[uri]
    river.calendly.state.invitees[uri] = {**invitee, "created_at": at, "updated_at": at}


def some_day(days: int) -> datetime:
    """Return ten o'clock on a day, counted from today."""
    return (timezone.now() + days * DAY).replace(hour=10, minute=0, second=0, microsecond=0)


def reads(river: River) -> int:
    """Return how many meetings' invitees Calendly was asked for."""
    return len(river.sandbox.world.journal.calls("calendly", template="/scheduled_events/{uuid}/invitees"))


@pytest.mark.parametrize(
    ("act", "status", "events"),
    [
        ("cancel", "canceled", ["booked", "canceled"]),
        ("mark_no_show", "no_show", ["booked", "no_show"]),
    ],
)
def test_what_was_missed_of_a_known_booking_is_mended(river: River, act: str, status: str, events: list[str]) -> None:
    uri = river.calendly.book(email="ada@example.com", start_time=some_day(-2 if act == "mark_no_show" else 3))
    river.flow()
    getattr(river.calendly, act)(uri)
    lose_mail(river)

    told = check()

    assert (told["changed"], told["new"], told["held_back"]) == (1, 0, 0)
    assert Booking.objects.get().status == status
    assert river.event_names("ada@example.com") == events


def test_a_missed_move_is_a_move(river: River) -> None:
    old = river.calendly.book(email="ada@example.com", start_time=some_day(3))
    river.flow()
    new = river.calendly.move(old, some_day(5))
    lose_mail(river)

    check()

    assert dict(Booking.objects.values_list("uri", "status")) == {old: "rescheduled", new: "booked"}
    assert river.event_names("ada@example.com") == ["booked", "rescheduled"]


def test_a_missed_booking_of_today_starts_its_automation(river: River) -> None:
    river.calendly.book(email="ada@example.com", start_time=some_day(3))
    lose_mail(river)

    told = check()

    assert (told["new"], told["held_back"]) == (1, 0)
    assert river.event_names("ada@example.com") == ["booked"]


def test_what_is_found_late_reaches_the_contact_and_is_named_but_starts_nothing(river: River) -> None:
    uri = river.calendly.book(email="ada@example.com", start_time=some_day(3))
    lose_mail(river)
    make_older(river, uri, 3 * DAY)

    told = check()

    assert (told["new"], told["held_back"]) == (1, 1)
    assert told["events_held_back"] == [
        {"booking": uri, "trigger": "booked", "what": "No event calendly_meeting_booked"}
    ]
    assert river.contact("ada@example.com")["attributes"]["BOOKING_STATUS"] == "booked"
    assert river.brevo.events() == []
    assert "found long after" in SyncLogEntry.objects.get(kind="event").reason


def test_how_old_is_recent_may_be_said(river: River) -> None:
    uri = river.calendly.book(email="ada@example.com", start_time=some_day(3))
    lose_mail(river)
    make_older(river, uri, 3 * DAY)

    told = check("--recent-hours", "100")

    assert told["held_back"] == 0
    assert river.event_names("ada@example.com") == ["booked"]


def test_attendance_is_left_to_the_clock(river: River) -> None:
    river.calendly.book(email="ada@example.com", start_time=some_day(-3))
    river.flow()
    Booking.objects.update(attended_at=None, status="booked")
    SyncLogEntry.objects.filter(happening="attended").delete()

    check()

    assert not SyncLogEntry.objects.filter(happening="attended", state="skipped").exists()


def test_a_second_quick_check_asks_for_no_meeting(river: River) -> None:
    for number in range(6):
        river.calendly.book(email=f"p{number}@example.com", start_time=some_day(number - 3))
    river.flow()
    check("--quick")
    river.sandbox.world.journal.clear()

    told = check("--quick")

    assert (told["new"], told["changed"], told["meetings_read"]) == (0, 0, 0)
    assert reads(river) == 0
    assert river.sandbox.world.journal.calls("brevo") == []


def test_a_thorough_check_looks_at_every_meeting_that_may_be_marked(river: River) -> None:
    past = river.calendly.book(email="ada@example.com", start_time=some_day(-2))
    river.calendly.book(email="bob@example.com", start_time=some_day(2))
    river.flow()
    check()
    river.calendly.mark_no_show(past)
    lose_mail(river)
    river.sandbox.world.journal.clear()

    check()

    assert reads(river) == 1
    assert Booking.objects.get(uri=past).status == "no_show"


def test_a_meeting_that_changes_is_read_again(river: River) -> None:
    uri = river.calendly.book(email="ada@example.com", start_time=some_day(3))
    river.flow()
    check("--quick")
    river.calendly.cancel(uri)
    lose_mail(river)

    told = check("--quick")

    assert (told["meetings_read"], told["changed"]) == (1, 1)


def test_a_dry_run_names_what_would_be_mended_and_writes_nothing(river: River) -> None:
    uri = river.calendly.book(email="ada@example.com", start_time=some_day(3))
    river.flow()
    river.calendly.cancel(uri)
    lose_mail(river)
    before = list(SyncLogEntry.objects.values())

    told = check("--dry-run")

    assert (told["changed"], [each["after"] for each in told["examples"]]) == (1, ["canceled"])
    assert Booking.objects.get().status == "booked"
    assert list(SyncLogEntry.objects.values()) == before
    assert not Reading.objects.exists()
    assert not KnownMeeting.objects.exists()


def test_differences_of_the_last_comparison_are_named(river: River) -> None:
    river.calendly.book(email="ada@example.com", start_time=some_day(3))
    river.flow()
    before = check("--drift")["comparison"]
    river.brevo.delete_contact("ada@example.com")
    drift_run.compare_all(river.connection, by="anna", reads_calendly=False)
    river.work()
    out = StringIO()

    told = check("--drift")
    call_command("calendly_reconcile", "--drift", stdout=out)

    assert before is None
    assert [(each["email"], each["kinds"]) for each in told["people"]] == [("ada@example.com", ["deleted"])]
    assert "ada@example.com (open, respected): deleted" in out.getvalue()


def test_meetings_before_the_window_are_left_alone(river: River) -> None:
    river.calendly.book(email="ada@example.com", start_time=some_day(-40))
    lose_mail(river)

    assert check()["meetings"] == 0
    assert check("--days", "50")["meetings"] == 1


def test_the_schedule_checks_every_connection_that_is_let_in(river: River) -> None:
    river.calendly.book(email="ada@example.com", start_time=some_day(3))
    lose_mail(river)
    Connection.objects.create(name="Another", brevo_account=river.account, organization="x", state="reconnect")

    said = reconcile.check_all()
    river.work()

    assert said == "Asked to check: Calendly → Brevo."
    assert Booking.objects.count() == 1
    assert Reading.objects.get().state == "finished"
    assert tasks.SCHEDULES["reconcile"] == 3600


def test_the_schedule_leaves_what_was_booked_before_the_connection_to_a_backfill(river: River) -> None:
    old = river.calendly.book(email="ada@example.com", start_time=some_day(3))
    new = river.calendly.book(email="bob@example.com", start_time=some_day(4))
    lose_mail(river)
    make_older(river, old, 3 * DAY)

    reconcile.check_all()
    river.work()
    first = set(Booking.objects.values_list("uri", flat=True))
    river.sandbox.world.journal.clear()
    reconcile.check_all()
    river.work()
    cost = reads(river)
    call_command("calendly_backfill", "--json", stdout=StringIO())

    assert first == {new}
    assert cost == 0
    assert set(Booking.objects.values_list("uri", flat=True)) == {old, new}


def test_a_booking_from_before_the_connection_starts_no_automation(river: River) -> None:
    uri = river.calendly.book(email="ada@example.com", start_time=some_day(3))
    lose_mail(river)
    make_older(river, uri, 2 * HOUR)

    told = check()

    assert (told["new"], told["held_back"]) == (1, 1)


def test_a_check_under_way_is_joined(river: River) -> None:
    first = reconcile.ask(river.connection)

    assert reconcile.ask(river.connection) == first


@pytest.mark.parametrize("arguments", [["--days", "0"], ["--recent-hours", "-1"]])
def test_wrong_usage_is_said(river: River, arguments: list[str]) -> None:
    with pytest.raises(CommandError) as refused:
        check(*arguments)

    assert refused.value.returncode == 2
