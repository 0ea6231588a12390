"""The awkward lives of bookings (design §3), from signed webhooks to what Brevo shows in the end."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import time_machine
from django.utils import timezone
from pytest_django.fixtures import Settings

from calendly_connector.core import interpret
from calendly_connector.models import Booking, Connection, EventType, Job, Person, SyncLogEntry
from calendly_connector.services import accounts, ledger, mapping, schedule, setup
from sandbox.calendly_webhooks import Delivery
from tests import payload_files
from tests.journeys.river import River

ADA, BO = "ada@example.com", "bo@example.com"
FIRST, SECOND = "2026-12-03T09:00:00Z", "2026-12-10T14:00:00Z"
FIRST_DATE, SECOND_DATE = "2026-12-03", "2026-12-10"
ROLL_UPS = {
    "MEETINGS": "bookings",
    "NO_SHOWS": "no_shows",
    "MOVES": "moves",
    "CANCELED": "cancellations",
    "ATTENDED": "meetings_attended",
}


class Calendar:
    """The day on which a test plays; time goes on from there."""

    def __init__(self) -> None:
        self._travel: Any = None
        self.go("2026-11-23T08:00:00Z")

    def go(self, moment: str) -> None:
        """Make it another day for everybody: the app, Calendly and Brevo."""
        self.stop()
        self._travel = time_machine.travel(datetime.fromisoformat(moment).astimezone(UTC), tick=True)
        self._travel.start()

    def stop(self) -> None:
        """Return to today."""
        if self._travel:
            self._travel.stop()


@pytest.fixture(autouse=True)
def calendar() -> Iterator[Calendar]:
    """Let each test begin on Monday, 23 November 2026."""
    calendar = Calendar()
    yield calendar
    calendar.stop()


@pytest.fixture
def lives(river: River) -> River:
    """Return a river whose clock runs and that shows the roll-ups in Brevo."""
    schedule.install({"clock": 60})
    for attribute, source in ROLL_UPS.items():
        river.add_attribute(attribute, type="float")
        river.map_field(source, attribute)
    return river


def _book(river: River, email: str = ADA, start: str = FIRST, **details: Any) -> str:
    defaults: dict[str, Any] = {"event_type": "Discovery call", "name": "Ada Berg", "start_time": start}
    return river.calendly.book(email=email, **{**defaults, **details})


def _shown(river: River, *names: str, email: str = ADA) -> tuple[Any, ...]:
    attributes = river.contact(email)["attributes"]
    return tuple(attributes.get(name) for name in names)


def _status(river: River, email: str = ADA) -> str:
    return str(_shown(river, "BOOKING_STATUS", email=email)[0])


def _named(river: River, event: str) -> Delivery:
    return next(delivery for delivery in river.pending() if delivery.event == event)


def _later(river: River, calendar: Calendar, moment: str) -> None:
    calendar.go(moment)
    river.work()
    river.work()


# -- Cancellations ----------------------------------------------------------------------------------------------


def test_a_cancellation_that_overtakes_its_booking_leaves_nothing_to_book(river: River) -> None:
    river.calendly.cancel(_book(river), reason="Changed plans")
    created, canceled = river.pending()

    river.deliver(canceled)
    river.work()
    river.deliver(created)
    river.work()

    assert Booking.objects.get().status == "canceled"
    assert river.event_names(ADA) == ["canceled"]
    assert _status(river) == "cancelled"


def test_a_duplicate_of_an_old_delivery_changes_nothing(river: River) -> None:
    uri = _book(river)
    created = _named(river, "invitee.created")
    river.flow()
    river.calendly.cancel(uri)
    river.flow()

    again = json.loads(created.body)
    again["created_at"] = "2026-11-23T08:00:01.000000Z"
    assert river.post_body(json.dumps(again).encode()) == 200
    river.work()

    assert river.event_names(ADA) == ["booked", "canceled"]
    assert _status(river) == "cancelled"


def test_canceling_one_of_two_meetings_leaves_the_other_in_sight(lives: River) -> None:
    discovery, demo = lives.brevo.add_list("Discovery"), lives.brevo.add_list("Demo")
    types = dict(EventType.objects.values_list("name", "uri"))
    lives.map_lists("booked", join=[discovery], event_type=types["Discovery call"])
    lives.map_lists("canceled", leave=[discovery], event_type=types["Discovery call"])
    lives.map_lists("booked", join=[demo], event_type=types["Demo"])
    first = _book(lives)
    _book(lives, start=SECOND, event_type="Demo")
    lives.flow()
    assert _shown(lives, "MEETING_DATE", "CALENDLY_EVENT_TYPE") == (FIRST_DATE, "Discovery call")

    lives.calendly.cancel(first)
    lives.flow()

    assert _shown(lives, "BOOKING_STATUS", "MEETING_DATE", "CALENDLY_EVENT_TYPE") == ("booked", SECOND_DATE, "Demo")
    assert lives.contact(ADA)["listIds"] == [demo]
    assert lives.event_names(ADA) == ["booked", "booked", "canceled"]
    assert _shown(lives, "MEETINGS", "CANCELED") == (2, 1)


def test_a_list_that_another_booking_to_come_wants_is_kept(river: River) -> None:
    number = river.brevo.add_list("Bookers")
    river.map_lists("booked", join=[number])
    river.map_lists("canceled", leave=[number])
    first = _book(river)
    _book(river, start=SECOND)
    river.flow()

    river.calendly.cancel(first)
    river.flow()

    assert river.contact(ADA)["listIds"] == [number]


def test_canceling_the_last_meeting_shows(river: River) -> None:
    for uri in (_book(river), _book(river, start=SECOND)):
        river.calendly.cancel(uri)

    river.flow()

    assert _status(river) == "cancelled"
    assert river.event_names(ADA).count("canceled") == 2


# -- Moves ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("order", [(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)])
@pytest.mark.parametrize("one_by_one", [True, False])
def test_a_move_ends_alike_in_every_order(lives: River, order: tuple[int, ...], one_by_one: bool) -> None:
    lives.calendly.move(_book(lives), SECOND)
    deliveries = lives.pending()

    for number in order:
        lives.deliver(deliveries[number])
        if one_by_one:
            lives.work()
    lives.work()

    assert _shown(lives, "BOOKING_STATUS", "MEETING_DATE", "MOVES", "CANCELED") == ("booked", SECOND_DATE, 1, 0)
    assert sorted(Booking.objects.values_list("status", "moves")) == [("booked", 1), ("rescheduled", 0)]
    assert "canceled" not in lives.event_names(ADA)
    assert lives.event_names(ADA).count("rescheduled") == 1


def test_a_move_says_what_it_was_moved_from_and_how_often(river: River) -> None:
    first = _book(river)
    second = river.calendly.move(first, SECOND)
    third = river.calendly.move(second, "2026-12-17T09:00:00Z")

    river.flow()

    moves = [event["event_properties"] for event in river.brevo.events(name="calendly_meeting_rescheduled")]
    assert [(each["booking_id"], each["previous_booking_id"], each["moves"]) for each in moves] == [
        (second, first, 1),
        (third, second, 2),
    ]


def test_canceling_a_moved_meeting_is_a_cancellation(lives: River) -> None:
    lives.calendly.cancel(lives.calendly.move(_book(lives), SECOND), by="host", reason="Ill")

    lives.flow()

    assert lives.event_names(ADA) == ["booked", "rescheduled", "canceled"]
    assert _shown(lives, "BOOKING_STATUS", "MEETINGS", "CANCELED", "MOVES") == ("cancelled", 1, 1, 1)


def _lose_new_half(river: River) -> str:
    """Move a booking whose new half's delivery never comes; return the new half."""
    first = _book(river)
    river.flow()
    moved = river.calendly.move(first, SECOND)
    river.calendly.deliveries.drop(_named(river, "invitee.created"))
    river.flow()
    return moved


def test_the_missing_half_of_a_move_is_fetched_after_a_minute(river: River) -> None:
    _lose_new_half(river)
    assert river.event_names(ADA) == ["booked"]
    assert _status(river) == "booked"
    waits = (Job.objects.get(kind="missing_half").run_after - timezone.now()).total_seconds()
    assert 50 < waits <= 60

    river.hurry()
    river.work()

    assert river.event_names(ADA) == ["booked", "rescheduled"]
    assert _shown(river, "MEETING_DATE") == (SECOND_DATE,)


def test_a_half_that_comes_by_itself_is_not_fetched(river: River) -> None:
    first = _book(river)
    river.flow()
    river.calendly.move(first, SECOND)
    river.deliver(_named(river, "invitee.canceled"))
    river.work()
    river.flow()
    fetched_before = len(river.sandbox.world.journal.calls("calendly"))

    river.hurry()
    river.work()

    assert len(river.sandbox.world.journal.calls("calendly")) == fetched_before
    assert river.event_names(ADA) == ["booked", "rescheduled"]


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status": 503},
        {"kind": "status", "status": 500},
        {"kind": "reset"},
        {"kind": "timeout"},
        {"kind": "status", "status": 429},
        {"kind": "status", "status": 429, "headers": {"X-RateLimit-Reset": "0"}},
        {"kind": "status", "status": 429, "headers": {"X-RateLimit-Reset": "30"}},
        {"kind": "status", "status": 429, "headers": {"X-RateLimit-Reset": "99999999"}},
    ],
    ids=str,
)
def test_calendlys_trouble_only_delays_the_missing_half(river: River, fault: dict[str, Any]) -> None:
    _lose_new_half(river)
    river.break_calendly(**fault)
    river.hurry()

    river.work()
    job = Job.objects.get(kind="missing_half")
    is_limit = fault.get("status") == 429
    assert job.failures == (0 if is_limit else 1)
    assert 1 <= (job.run_after - timezone.now()).total_seconds() <= 3600
    river.hurry()
    river.work()

    assert river.event_names(ADA) == ["booked", "rescheduled"]


def test_a_missing_half_waits_while_calendly_does_not_accept_the_token(river: River) -> None:
    _lose_new_half(river)
    river.break_calendly("status", status=401)
    river.hurry()
    river.work()
    assert Job.objects.filter(kind="missing_half", state="ready").exists()

    setup.check(Connection.objects.select_related("brevo_account").get())  # the operator connects again
    river.hurry()
    river.work()

    assert river.event_names(ADA) == ["booked", "rescheduled"]


def test_a_missing_half_that_calendly_does_not_know_is_let_go(river: River) -> None:
    _lose_new_half(river)
    river.break_calendly("status", status=404, body={"title": "Resource Not Found", "message": "No"}, times=None)
    river.hurry()

    river.work()

    assert not Job.objects.filter(kind="missing_half").exists()
    assert river.event_names(ADA) == ["booked"]
    assert Booking.objects.get().status == "rescheduled"


# -- Group events and guests ------------------------------------------------------------------------------------


def _book_group(river: River) -> tuple[str, str]:
    first = _book(river, ADA, event_type="Group demo")
    second = _book(river, BO, event_type="Group demo", event=river.calendly.invitee(first)["event"], name="Bo Lund")
    return first, second


def test_one_who_leaves_a_group_leaves_alone(river: River) -> None:
    first, _ = _book_group(river)
    river.calendly.cancel(first)

    river.flow()

    assert (_status(river, ADA), _status(river, BO)) == ("cancelled", "booked")
    assert (river.event_names(ADA), river.event_names(BO)) == (["booked", "canceled"], ["booked"])


def test_a_group_event_that_is_canceled_is_canceled_for_everybody(river: River) -> None:
    first, _ = _book_group(river)
    river.calendly.cancel_event(river.calendly.invitee(first)["event"], reason="Room closed")

    river.flow()

    for email in (ADA, BO):
        assert _status(river, email) == "cancelled"
        assert river.event_names(email) == ["booked", "canceled"]
    canceled = river.brevo.events(name="calendly_meeting_canceled")
    assert [event["event_properties"]["cancel_reason"] for event in canceled] == ["Room closed", "Room closed"]


def test_one_no_show_of_a_group_is_nobody_elses(river: River) -> None:
    first, _ = _book_group(river)
    river.calendly.mark_no_show(first)

    river.flow()

    assert (_status(river, ADA), _status(river, BO)) == ("no_show", "booked")


def test_guests_become_no_contacts(river: River) -> None:
    _book(river, guests=["guest@example.com"])

    river.flow()

    assert river.brevo.contact("guest@example.com") is None
    assert [person.email for person in Person.objects.all()] == [ADA]


# -- No-shows and attendance ------------------------------------------------------------------------------------


def test_a_no_show_its_undo_and_a_second_mark_count_right_at_every_moment(lives: River) -> None:
    uri = _book(lives)
    seen = []
    for act in (lives.calendly.mark_no_show, lives.calendly.undo_no_show, lives.calendly.mark_no_show):
        act(uri)
        lives.flow()
        seen.append(_shown(lives, "BOOKING_STATUS", "NO_SHOWS"))

    assert seen == [("no_show", 1), ("booked", 0), ("no_show", 1)]
    assert lives.event_names(ADA) == ["booked", "no_show", "no_show_undone", "no_show"]


def test_an_undo_that_overtakes_its_mark_ends_without_one(lives: River) -> None:
    uri = _book(lives)
    lives.flow()
    lives.calendly.mark_no_show(uri)
    lives.calendly.undo_no_show(uri)
    marked, undone = lives.pending()

    lives.deliver(undone)
    lives.work()
    lives.deliver(marked)
    lives.work()

    assert _shown(lives, "BOOKING_STATUS", "NO_SHOWS") == ("booked", 0)


def test_a_meeting_counts_as_attended_when_its_grace_time_is_over(lives: River, calendar: Calendar) -> None:
    _book(lives)
    lives.flow()
    _later(lives, calendar, "2026-12-04T09:29:00Z")
    assert _status(lives) == "booked"

    _later(lives, calendar, "2026-12-04T09:31:00Z")
    _later(lives, calendar, "2026-12-05T09:31:00Z")

    assert _shown(lives, "BOOKING_STATUS", "ATTENDED") == ("attended", 1)
    assert lives.event_names(ADA) == ["booked", "attended"]


def test_the_grace_time_is_the_connections(lives: River, calendar: Calendar) -> None:
    Connection.objects.update(grace_hours=1)
    _book(lives)
    lives.flow()

    _later(lives, calendar, "2026-12-03T10:31:00Z")

    assert _status(lives) == "attended"


def test_a_late_no_show_withdraws_attendance_and_its_undo_does_not_fire_it_twice(
    lives: River, calendar: Calendar
) -> None:
    uri = _book(lives)
    lives.flow()
    _later(lives, calendar, "2026-12-04T09:31:00Z")
    lives.calendly.mark_no_show(uri)
    lives.flow()
    assert _shown(lives, "BOOKING_STATUS", "ATTENDED", "NO_SHOWS") == ("no_show", 0, 1)

    lives.calendly.undo_no_show(uri)
    lives.flow()
    _later(lives, calendar, "2026-12-06T09:31:00Z")

    assert _shown(lives, "BOOKING_STATUS", "ATTENDED", "NO_SHOWS") == ("attended", 1, 0)
    assert sorted(lives.event_names(ADA)) == ["attended", "booked", "no_show", "no_show_undone"]


@pytest.mark.parametrize("act", ["cancel", "mark_no_show"])
def test_who_canceled_or_did_not_come_does_not_attend(lives: River, calendar: Calendar, act: str) -> None:
    uri = _book(lives)
    getattr(lives.calendly, act)(uri)
    lives.flow()

    _later(lives, calendar, "2026-12-06T09:31:00Z")

    assert "attended" not in lives.event_names(ADA)
    assert _shown(lives, "ATTENDED") == (0,)


def test_a_moved_meeting_is_attended_once_at_its_new_time(lives: River, calendar: Calendar) -> None:
    lives.calendly.move(_book(lives), SECOND)
    lives.flow()
    _later(lives, calendar, "2026-12-06T09:31:00Z")
    assert _status(lives) == "booked"

    _later(lives, calendar, "2026-12-12T09:31:00Z")

    assert lives.event_names(ADA) == ["booked", "rescheduled", "attended"]


def test_a_mapping_without_the_event_still_records_attendance(lives: River, calendar: Calendar) -> None:
    lives.map_lists("attended")
    lives.connection.trigger_mappings.update(sends_event=False)
    _book(lives)
    lives.flow()

    _later(lives, calendar, "2026-12-04T09:31:00Z")

    assert lives.event_names(ADA) == ["booked"]
    assert _shown(lives, "BOOKING_STATUS", "ATTENDED") == ("attended", 1)


def test_grace_time_that_ended_while_the_account_was_paused_is_not_forgotten(lives: River, calendar: Calendar) -> None:
    lives.brevo.settings.dead_key = True
    _book(lives)
    lives.flow()
    _later(lives, calendar, "2026-12-08T09:31:00Z")
    lives.brevo.settings.dead_key = False

    accounts.resume(lives.account)
    lives.hurry()
    lives.work()
    _later(lives, calendar, "2026-12-08T09:35:00Z")

    assert lives.event_names(ADA) == ["booked", "attended"]
    assert _status(lives) == "attended"


def test_the_contact_follows_the_clock_from_one_meeting_to_the_next(lives: River, calendar: Calendar) -> None:
    lives.add_attribute("NEXT_MEETING", type="date")
    lives.map_field("next_meeting_date", "NEXT_MEETING")
    lives.add_attribute("LAST_MEETING", type="date")
    lives.map_field("last_meeting_date", "LAST_MEETING")
    _book(lives)
    _book(lives, start=SECOND)
    lives.flow()
    assert _shown(lives, "MEETING_DATE", "NEXT_MEETING", "LAST_MEETING") == (FIRST_DATE, FIRST_DATE, None)

    _later(lives, calendar, "2026-12-03T09:10:00Z")
    assert _shown(lives, "MEETING_DATE", "NEXT_MEETING", "LAST_MEETING") == (FIRST_DATE, SECOND_DATE, FIRST_DATE)
    _later(lives, calendar, "2026-12-03T10:00:00Z")

    assert _shown(lives, "MEETING_DATE", "NEXT_MEETING", "LAST_MEETING") == (SECOND_DATE, SECOND_DATE, FIRST_DATE)

    _later(lives, calendar, "2026-12-10T16:00:00Z")

    assert _shown(lives, "NEXT_MEETING", "LAST_MEETING") == (None, SECOND_DATE)


# -- Roll-ups ---------------------------------------------------------------------------------------------------


def test_roll_ups_are_right_after_every_correction(lives: River, calendar: Calendar) -> None:
    seen = []

    def look() -> None:
        lives.flow()
        lives.work()
        seen.append(_shown(lives, "MEETINGS", "MOVES", "CANCELED", "NO_SHOWS", "ATTENDED"))

    first = _book(lives)
    look()
    moved = lives.calendly.move(first, "2026-12-04T09:00:00Z")
    look()
    second = _book(lives, start=SECOND)
    look()
    lives.calendly.cancel(second)
    look()
    lives.calendly.mark_no_show(moved)
    look()
    lives.calendly.undo_no_show(moved)
    look()
    calendar.go("2026-12-06T12:00:00Z")
    look()

    assert seen == [
        (1, 0, 0, 0, 0),
        (1, 1, 0, 0, 0),
        (2, 1, 0, 0, 0),
        (2, 1, 1, 0, 0),
        (2, 1, 1, 1, 0),
        (2, 1, 1, 0, 0),
        (2, 1, 1, 0, 1),
    ]


def test_the_first_touch_stays_and_the_last_touch_follows(river: River) -> None:
    for touch in ("first", "last"):
        river.add_attribute(f"{touch}_SOURCE")
        river.map_field(f"{touch}_utm_source", f"{touch.upper()}_SOURCE")
    _book(river, tracking={"utm_source": "newsletter"})
    river.flow()
    _book(river, start=SECOND)
    _book(river, start="2026-12-17T09:00:00Z", tracking={"utm_source": "advert"})

    river.flow()

    assert _shown(river, "FIRST_SOURCE", "LAST_SOURCE") == ("newsletter", "advert")


# -- Event types ------------------------------------------------------------------------------------------------


def test_a_deleted_event_type_keeps_its_name(river: River) -> None:
    uri = river.calendly.add_event_type("Farewell call")
    _book(river, event_type=uri)
    river.calendly.delete_event_type(uri)

    river.flow()

    assert _shown(river, "CALENDLY_EVENT_TYPE") == ("Farewell call",)
    assert EventType.objects.get(uri=uri).is_active is False


def test_a_new_event_type_is_read_once(river: River) -> None:
    uri = river.calendly.add_event_type("Brand new call")
    _book(river, event_type=uri)
    _book(river, BO, start=SECOND, event_type=uri)

    river.flow()

    assert _shown(river, "CALENDLY_EVENT_TYPE") == ("Brand new call",)
    assert len(river.sandbox.world.journal.calls("calendly", template="/event_types/{uuid}")) == 1


def test_an_event_type_that_calendly_does_not_know_goes_by_the_meetings_name(river: River) -> None:
    assert river.post_body(payload_files.raw("invitee.created__one_off_event_type")) == 200

    river.work()

    email = "nadia.benali@example.com"
    assert _shown(river, "CALENDLY_EVENT_TYPE", email=email) == ("Contract talk",)
    assert river.brevo.events()[0]["event_properties"]["event_type"] == "Contract talk"


def test_an_event_type_that_can_not_be_read_does_not_hold_up_the_booking(river: River, settings: Settings) -> None:
    uri = river.calendly.add_event_type("Brand new call")
    settings.CALENDLY_ACCESS_TOKEN = ""
    _book(river, event_type=uri)

    river.flow()

    assert _shown(river, "CALENDLY_EVENT_TYPE") == ("Brand new call",)
    assert not EventType.objects.filter(uri=uri).exists()


# -- Names, zones and addresses ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "email", "first", "last"),
    [
        ("single_name", "nadia.benali@example.com", "Nadia", "Benali"),
        ("single_name_comma", "jens.peter.nielsen@example.com", "Jens Peter", "Nielsen"),
        ("single_name_one_word", "nadia.benali@example.com", "Nadia", None),
    ],
)
def test_a_whole_name_is_split_for_both_attributes(
    river: River, name: str, email: str, first: str, last: str | None
) -> None:
    assert river.post_body(payload_files.raw(f"invitee.created__{name}")) == 200

    river.work()

    assert _shown(river, "FIRSTNAME", "LASTNAME", email=email) == (first, last)


def test_without_a_zone_the_connections_counts(river: River) -> None:
    Connection.objects.update(timezone="Pacific/Auckland")
    _book(river, timezone=None, start="2026-12-03T20:00:00Z")

    river.flow()

    assert _shown(river, "MEETING_DATE") == ("2026-12-04",)
    properties = river.brevo.events()[0]["event_properties"]
    assert "timezone" not in properties
    assert properties["local_start_time"] == "2026-12-04T09:00:00+13:00"


def test_an_address_in_other_letters_is_the_same_person(lives: River) -> None:
    _book(lives, " Ada@Example.COM ")
    _book(lives, start=SECOND)

    lives.flow()

    assert [person.email for person in Person.objects.all()] == [ADA]
    assert len(lives.brevo.contacts()) == 1
    assert _shown(lives, "MEETINGS") == (2,)


def test_another_address_is_another_person(lives: River) -> None:
    _book(lives)
    _book(lives, BO, start=SECOND)

    lives.flow()

    assert _shown(lives, "MEETINGS", "MEETING_DATE") == (1, FIRST_DATE)
    assert _shown(lives, "MEETINGS", "MEETING_DATE", email=BO) == (1, SECOND_DATE)


def test_a_booking_whose_address_was_corrected_moves_to_the_other_person(lives: River) -> None:
    _book(lives, "adda@example.com")
    _book(lives, "adda@example.com", start=SECOND)
    created = lives.pending()[0]
    lives.flow()

    body = json.loads(created.body)
    body["payload"] |= {"email": ADA, "updated_at": "2026-11-24T08:00:00.000000Z"}
    assert lives.post_body(json.dumps(body).encode()) == 200
    lives.work()

    assert _shown(lives, "MEETINGS", "MEETING_DATE") == (1, FIRST_DATE)
    assert _shown(lives, "MEETINGS", "MEETING_DATE", email="adda@example.com") == (1, SECOND_DATE)


# -- History ----------------------------------------------------------------------------------------------------


def _record_quietly(river: River, invitee_uri: str) -> None:
    invitee = river.calendly.invitee(invitee_uri)
    seen = interpret.interpret_listing(invitee, river.calendly.event(invitee["event"]), taken_at=timezone.now())
    source = ledger.Source(is_quiet=True)
    ledger.record(river.connection, seen, rules=mapping.rules_of(river.connection), source=source)


@pytest.mark.parametrize("act", ["", "cancel", "mark_no_show", "move"])
@pytest.mark.parametrize("start", [FIRST, "2026-11-02T09:00:00Z"])
def test_history_reaches_the_contact_and_starts_no_automation(
    lives: River, calendar: Calendar, act: str, start: str
) -> None:
    uris = [_book(lives, start=start)]
    if act == "move":
        uris.append(lives.calendly.move(uris[0], SECOND))
    elif act:
        getattr(lives.calendly, act)(uris[0])
    for delivery in lives.pending():
        lives.calendly.deliveries.drop(delivery)

    for uri in uris:
        _record_quietly(lives, uri)
    lives.work()
    _later(lives, calendar, "2026-11-23T08:05:00Z")

    assert lives.brevo.events() == []
    assert lives.contact(ADA)["attributes"]["MEETINGS"] == 1
    events = SyncLogEntry.objects.filter(kind="event")
    assert {entry.state for entry in events} <= {"skipped"}
    assert {entry.reason for entry in events} <= {"Held back: history is brought in without automation events."}


def test_a_past_meeting_of_history_counts_as_attended(lives: River) -> None:
    uri = _book(lives, start="2026-11-02T09:00:00Z")
    lives.calendly.deliveries.drop(lives.pending()[0])

    _record_quietly(lives, uri)
    lives.work()

    assert _shown(lives, "BOOKING_STATUS", "ATTENDED") == ("attended", 1)


def test_a_meeting_to_come_that_was_read_quietly_speaks_up_later(lives: River, calendar: Calendar) -> None:
    uri = _book(lives)
    lives.calendly.deliveries.drop(lives.pending()[0])
    _record_quietly(lives, uri)
    lives.work()

    _later(lives, calendar, "2026-12-04T09:31:00Z")

    assert lives.event_names(ADA) == ["attended"]


def test_a_webhook_that_quiet_history_outran_is_told_all_the_same_once(lives: River) -> None:
    uri = _book(lives)
    created = lives.pending()[0]
    _record_quietly(lives, uri)
    lives.work()
    before = lives.event_names(ADA)

    lives.deliver(created)
    lives.calendly.cancel(uri)
    lives.flow()
    lives.post(created)
    lives.work()

    assert before == []
    assert lives.event_names(ADA) == ["booked", "canceled"]


def test_a_webhook_of_long_ago_wakes_no_history(lives: River) -> None:
    _book(lives)
    created = lives.pending()[0]
    lives.calendly.deliveries.drop(created)
    body = json.loads(created.body)
    made = {"created_at": "2026-11-01T08:00:00.000000Z", "updated_at": "2026-11-01T08:00:00.000000Z"}
    body["payload"] |= made
    seen = interpret.interpret_listing(body["payload"], body["payload"]["scheduled_event"], taken_at=timezone.now())
    rules = mapping.rules_of(lives.connection)
    ledger.record(lives.connection, seen, rules=rules, source=ledger.Source(is_quiet=True))

    assert lives.post_body(json.dumps(body).encode()) == 200
    lives.work()

    assert lives.event_names(ADA) == []


def test_a_list_joined_again_is_not_left_by_a_step_that_waited(river: River) -> None:
    number = river.brevo.add_list("Bookers")
    river.map_lists("booked", join=[number])
    river.map_lists("canceled", leave=[number])
    first = _book(river)
    river.flow()
    river.break_brevo("status", "/contacts/{identifier}", method="PUT", status=503)
    river.calendly.cancel(first)
    river.flow()
    assert river.log(kind="leave_lists")[-1].state == "waiting"

    _book(river, start=SECOND)
    river.flow()
    river.hurry()
    river.work()

    assert river.contact(ADA)["listIds"] == [number]
    assert river.log(kind="leave_lists")[-1].state == "skipped"
