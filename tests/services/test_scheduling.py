"""Booking through us, seen from outside: what Calendly was asked for, and what the visitor hears."""

import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.core.cache import cache
from django.db import connection as database
from django.db.models import F
from django.utils import timezone

from calendly_connector.clients.calendly_scheduling import Place, Wish
from calendly_connector.core.month import Month
from calendly_connector.models import Booking, BookingRequest, Connection, Job
from calendly_connector.services import booking_limits, booking_lookup, catalogue, openings, scheduling
from calendly_connector.services.booking_outcome import Outcome
from tests.journeys.river import River
from tests.services.booking import EMAIL, booked_at, open_times, sent, type_named, wish_for

SCHEDULED_EVENTS = "/scheduled_events"


@pytest.fixture
def river(installation: River, monkeypatch: pytest.MonkeyPatch) -> River:
    """Return a connected installation that waits no longer than it must."""
    monkeypatch.setattr(scheduling, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(scheduling, "WAIT_SECONDS", 2.0)
    installation.connect()
    return installation


def book(river: River, wish: Wish, key: str = "form-1") -> Outcome:
    return scheduling.book(river.connection, wish, key=key)


def break_booking(river: River, kind: str, **details: Any) -> None:
    river.break_calendly(kind, "/invitees", method="POST", **details)


def take(river: River, wish: Wish) -> None:
    """Let somebody take the time on Calendly's own page, just after we looked."""
    openings.slot_at(river.connection, wish.event_type, wish.start_at)
    river.calendly.book(event_type="Demo", email="fast@example.com", name="Fast", start_time=wish.start_at.timestamp())


def age(**by: int) -> None:
    """Let time pass for every request that was sent."""
    BookingRequest.objects.exclude(sent_at=None).update(sent_at=F("sent_at") - timedelta(**by))


def test_a_wish_is_booked_and_at_once_in_the_ledger(river: River) -> None:
    wish = wish_for(river)

    outcome = book(river, wish)

    assert outcome.state == "booked"
    assert outcome.invitee is not None and outcome.scheduled_event is not None
    assert outcome.invitee["email"] == EMAIL
    assert Booking.objects.get().uri == outcome.invitee["uri"] == BookingRequest.objects.get().invitee
    assert [each["email"] for each in booked_at(river, wish)] == [EMAIL]


def test_the_webhook_that_follows_changes_nothing_and_sends_nothing_twice(river: River) -> None:
    book(river, wish_for(river, tracking={"utm_source": "letter"}))
    river.work()
    before = Booking.objects.values().get()

    river.flow()
    river.flow()

    assert river.event_names(EMAIL) == ["booked"]
    assert Booking.objects.values().get() == before
    assert before["utm_source"] == "letter"


def test_the_same_form_books_once(river: River) -> None:
    wish = wish_for(river)

    first, second = book(river, wish), book(river, wish)
    later = book(river, replace(wish, start_at=wish.start_at + timedelta(hours=2)))

    assert [each.state for each in (first, second, later)] == ["booked"] * 3
    assert first.invitee == second.invitee == later.invitee
    assert len(sent(river)) == 1


@pytest.mark.django_db(transaction=True)
def test_a_double_click_books_once(river: River) -> None:
    wish, found = wish_for(river), []

    def click() -> None:
        found.append(book(river, wish))
        database.close()

    break_booking(river, "slow", seconds=0.3)
    clicks = [threading.Thread(target=click) for _ in range(4)]
    for each in clicks:
        each.start()
    for each in clicks:
        each.join()

    assert [each.state for each in found] == ["booked"] * 4
    assert len({each.invitee["uri"] for each in found if each.invitee}) == 1
    assert len(sent(river)) == 1


def test_somebody_elses_key_shows_nothing_of_their_booking(river: River) -> None:
    wish = wish_for(river)
    book(river, wish)

    outcome = book(river, replace(wish, email="mallory@example.com"))

    assert outcome.state == "refused"
    assert outcome.invitee is None


def test_a_time_taken_meanwhile_is_said_and_fresh_times_leave_it_out(river: River) -> None:
    wish = wish_for(river)
    take(river, wish)

    outcome = book(river, wish)

    assert outcome.state == "taken"
    assert not outcome.fallback_url
    assert len(sent(river)) == 1  # what we knew was a few seconds old
    assert wish.start_at not in [each.start_at for each in open_times(river.connection, wish.event_type)]


def test_after_a_taken_time_the_same_form_books_another(river: River) -> None:
    wish = wish_for(river)
    take(river, wish)
    book(river, wish)

    other = open_times(river.connection, wish.event_type)[0]
    outcome = book(river, replace(wish, start_at=other.start_at))

    assert outcome.state == "booked"
    assert BookingRequest.objects.exclude(sent_at=None).count() == 2  # both count towards the limits


def test_a_time_that_was_never_open_costs_no_call(river: River) -> None:
    wish = wish_for(river)

    assert book(river, replace(wish, start_at=wish.start_at + timedelta(minutes=7))).state == "taken"
    assert book(river, replace(wish, start_at=timezone.now() - timedelta(days=1)), "form-2").state == "taken"
    assert not sent(river)


def test_a_404_is_a_time_that_is_gone(river: River) -> None:
    break_booking(river, "status", status=404, body={"title": "Resource Not Found", "message": "…"})

    assert book(river, wish_for(river)).state == "taken"


@pytest.mark.parametrize(
    ("plan", "allowed"),
    [
        ("teams (paid)", [10, 50, 100]),
        ("", [10, 50, 100]),
        ("teams (trial)", [5]),
        ("basic (free)", [5]),
        ("enterprise (paid)", [500]),
    ],
)
def test_a_plan_tells_the_limits(plan: str, allowed: list[int]) -> None:
    assert [each[2] for each in booking_limits.windows_of(plan)] == allowed


def fill(connection: Connection, count: int) -> None:
    now = timezone.now()
    rows = [
        BookingRequest(
            connection=connection, key=f"other-{number}", event_type="x", start_at=now, email="a@example.com",
            wish={}, asked_at=now, sent_at=now, state="refused",
        )
        for number in range(count)
    ]  # fmt: skip
    BookingRequest.objects.bulk_create(rows)


def test_over_the_limit_the_visitor_is_led_to_calendlys_own_page(river: River) -> None:
    fill(river.connection, 10)

    outcome = book(river, wish_for(river, tracking={"utm_source": "letter"}))

    assert outcome.state == "limit"
    assert outcome.fallback_url.startswith("https://calendly.com/")
    assert "name=Vera+Holm&email=vera%40example.com&utm_source=letter" in outcome.fallback_url
    assert not sent(river)
    assert scheduling.quota(river.connection) == [("minute", 10, 10), ("hour", 10, 50), ("day", 10, 100)]


def test_when_the_minute_is_over_the_same_form_books(river: River) -> None:
    fill(river.connection, 10)
    wish = wish_for(river)
    book(river, wish)
    age(seconds=61)

    assert book(river, wish).state == "booked"


def test_connections_of_one_calendly_user_share_its_limits(river: River) -> None:
    twin = Connection.objects.create(name="Twin", brevo_account=river.account, user=river.connection.user)
    fill(twin, 10)

    assert book(river, wish_for(river)).state == "limit"


def test_a_limit_that_is_said_to_last_for_decades_ends_with_the_day(river: River) -> None:
    booking_limits.block(river.connection, seconds=1.7e12)  # a moment, and in milliseconds

    until = booking_limits.blocked_until(river.connection)

    assert until is not None and until <= timezone.now() + timedelta(days=1)


def test_calendlys_own_429_is_a_limit_too_and_keeps_the_next_one_from_asking(river: River) -> None:
    wish = wish_for(river)
    break_booking(river, "status", status=429, headers={"X-RateLimit-Reset": "30"})

    first, second = book(river, wish), book(river, wish, "form-2")

    assert [first.state, second.state] == ["limit", "limit"]
    assert first.fallback_url
    assert len(sent(river)) == 1


PLAN_LACKS_IT = {
    "title": "Permission Denied",
    "message": "The Scheduling API is only available on paid Calendly plans.",
}


@pytest.mark.parametrize(("status", "body"), [(403, PLAN_LACKS_IT), (401, None), (503, None)])
def test_what_calendly_doesnt_let_us_do_leads_to_its_own_page(river: River, status: int, body: Any) -> None:
    break_booking(river, "status", status=status, body=body, times=5)

    outcome = book(river, wish_for(river))

    assert outcome.state == "refused"
    assert "email=vera%40example.com" in outcome.fallback_url
    assert outcome.words


def test_it_may_be_tried_again_when_calendly_is_back(river: River) -> None:
    wish = wish_for(river)
    break_booking(river, "status", status=503)
    assert book(river, wish).state == "refused"

    assert book(river, wish).state == "booked"


def test_calendlys_complaints_are_told_by_field(river: River) -> None:
    details = [{"parameter": "invitee.email", "message": "is not a valid email"}]
    break_booking(
        river, "status", status=400, body={"message": "The supplied parameters are invalid.", "details": details}
    )

    outcome = book(river, wish_for(river))

    assert (outcome.state, outcome.problems) == ("refused", {"email": "is not a valid email"})
    assert not outcome.fallback_url


def test_a_booking_whose_answer_was_lost_is_found(river: River) -> None:
    wish = wish_for(river, email="Vera@Example.com")
    break_booking(river, "commit_then_reset")

    outcome = book(river, wish)

    assert outcome.state == "booked"
    assert len(sent(river)) == 1
    assert len(booked_at(river, wish)) == 1
    assert Booking.objects.count() == 1


@pytest.mark.parametrize(("kind", "details"), [("reset", {}), ("status", {"status": 500})])
def test_what_was_surely_not_booked_is_tried_once_more(river: River, kind: str, details: dict[str, Any]) -> None:
    wish = wish_for(river)
    break_booking(river, kind, **details)

    outcome = book(river, wish)

    assert outcome.state == "booked"
    assert (len(sent(river)), len(booked_at(river, wish))) == (2, 1)
    assert BookingRequest.objects.exclude(sent_at=None).count() == 2


def test_it_isnt_tried_a_third_time(river: River) -> None:
    break_booking(river, "reset", times=9)

    outcome = book(river, wish_for(river))

    assert outcome.state == "unknown"
    assert outcome.fallback_url
    assert len(sent(river)) == 2


def test_what_stays_unknown_is_settled_later_as_booked(river: River) -> None:
    wish = wish_for(river)
    break_booking(river, "commit_then_reset")
    river.break_calendly("status", SCHEDULED_EVENTS, method="GET", status=503, times=2)

    assert book(river, wish).state == "unknown"
    river.hurry()
    river.work()

    assert BookingRequest.objects.get().state == "booked"
    assert Booking.objects.count() == 1
    assert len(sent(river)) == 1


def test_what_stays_unknown_is_settled_later_as_not_booked(river: River) -> None:
    wish = wish_for(river)
    break_booking(river, "reset", times=2)
    book(river, wish)

    river.hurry()
    river.work()
    assert BookingRequest.objects.get(key="form-1").state == "unknown"  # it may come yet
    age(minutes=5)
    river.hurry()
    river.work()

    assert BookingRequest.objects.get(key="form-1").state == "refused"
    assert not Job.objects.filter(kind=booking_limits.SETTLE).exists()
    assert book(river, wish).state == "refused"  # two attempts are enough
    assert len(sent(river)) == 2


def test_what_a_colleague_may_hold_is_never_booked_again_by_a_members_connection(river: River) -> None:
    wish = wish_for(river, "Support")  # its hosts are others than the token's user
    catalogue.refresh_event_types(river.connection)
    Connection.objects.update(scope=Connection.Scope.USER)
    river.connection.refresh_from_db()
    break_booking(river, "commit_then_reset")

    assert book(river, wish).state == "unknown"
    age(minutes=5)
    river.hurry()
    river.work()
    again = book(river, wish)

    assert (again.state, len(sent(river)), len(booked_at(river, wish))) == ("unknown", 1, 1)
    assert "Please look at your e-mail" in again.words and again.fallback_url


def test_a_second_try_by_the_visitor_looks_first(river: River) -> None:
    wish = wish_for(river)
    break_booking(river, "commit_then_reset")
    river.break_calendly("status", SCHEDULED_EVENTS, method="GET", status=503, times=2)
    assert book(river, wish).state == "unknown"

    assert book(river, wish).state == "booked"
    assert len(sent(river)) == 1


def test_a_round_robin_is_booked_without_a_place(river: River) -> None:
    outcome = book(river, wish_for(river, "Support", place=Place(kind="google_conference", text="")))

    assert outcome.state == "booked"
    assert "location" not in sent(river)[0].body


def test_a_group_takes_as_many_as_places_are_left(river: River) -> None:
    wish = wish_for(river, "Group demo")
    places = open_times(river.connection, wish.event_type)[0].places_left

    states = [
        book(river, replace(wish, email=f"guest{number}@example.com"), f"form-{number}").state
        for number in range(places + 1)
    ]

    assert states == ["booked"] * places + ["taken"]
    assert len(booked_at(river, wish)) == places == len(sent(river))


def test_two_requests_for_one_place_are_never_under_way_at_once(river: River) -> None:
    wish = wish_for(river)
    asked_at = timezone.now()
    rows = []
    for number in (1, 2):
        rows.append(
            BookingRequest.objects.create(
                connection=river.connection, key=f"form-{number}", event_type=wish.event_type, start_at=wish.start_at,
                email=EMAIL, wish=booking_lookup.to_json(wish), asked_at=asked_at,
            )
        )  # fmt: skip

    claims = [booking_limits.claim(row, places=1, seen_at=asked_at).value for row in rows]

    assert claims == ["ours", "busy"]
    assert book(river, replace(wish, email="third@example.com"), "form-3").state == "taken"
    assert not sent(river)


CHECKS: list[tuple[dict[str, Any], str]] = [
    ({"email": "nobody"}, "email"),
    ({"email": "a\n@example.com"}, "email"),
    ({"email": f"{'x' * 400}@example.com"}, "email"),
    ({"name": " "}, "name"),
    ({"name": "x" * 300}, "name"),
    ({"timezone": "Mars/Olympus"}, "timezone"),
    ({"timezone": "../../etc/passwd"}, "timezone"),
    ({"text_reminder_number": "12"}, "text_reminder_number"),
    ({"answers": ()}, "answers.0"),
    ({"answers": (("Company", " ", 0),)}, "answers.0"),
    ({"answers": (("Company", "X", 0), ("company", "X", 0))}, "answers"),
    ({"answers": (("Company", "X", 0), ("Mobile number", "call me", 2))}, "answers.2"),
    ({"guests": tuple(f"g{number}@example.com" for number in range(11))}, "guests"),
    ({"guests": ("ok@example.com", "nobody")}, "guests.1"),
    ({"place": Place(kind="webex_conference", text="")}, "place"),
    ({"place": Place(kind="physical", text="My kitchen")}, "place"),
    ({"place": None}, "place"),
]


@pytest.mark.parametrize(("change", "field"), CHECKS)
def test_what_cant_be_right_is_said_beside_its_field_and_costs_no_call(
    river: River, change: dict[str, Any], field: str
) -> None:
    outcome = book(river, wish_for(river, "Discovery call", **change))

    assert outcome.state == "refused"
    assert list(outcome.problems) == [field]
    assert not sent(river)
    assert not BookingRequest.objects.exists()


def test_what_people_type_is_sent_as_calendly_wants_it(river: River) -> None:
    Connection.objects.update(phone_region="DK")
    river.connection.refresh_from_db()
    answers = (("Mobile number", "32 12 34 56", 7), ("Company", " Holm ", 9), ("Which topics?", "Pricing\nSecurity", 1))
    wish = wish_for(
        river, "Discovery call", answers=answers, email=" vera@bücher.example ", text_reminder_number="0045 32123456",
        guests=("Tom@example.com", "tom@example.com ", ""), place=Place(kind="physical", text=""),
        tracking={"utm_source": "letter", "other": "x"},
    )  # fmt: skip

    outcome = book(river, wish)
    assert (outcome.state, outcome.problems) == ("booked", {})
    body = sent(river)[0].body
    assert body["invitee"]["email"] == "vera@xn--bcher-kva.example"
    assert body["invitee"]["text_reminder_number"] == "+4532123456"
    assert body["event_guests"] == ["Tom@example.com"]
    assert body["location"] == {"kind": "physical", "location": "12 rue des Lilas, Lyon"}
    assert body["questions_and_answers"] == [
        {"question": "Company", "answer": "Holm", "position": 0},
        {"question": "Mobile number", "answer": "+4532123456", "position": 2},
        {"question": "Which topics?", "answer": "Pricing\nSecurity", "position": 3},
    ]
    assert body["tracking"] == {
        "utm_source": "letter", "utm_campaign": None, "utm_medium": None, "utm_content": None, "utm_term": None,
        "salesforce_uuid": None,
    }  # fmt: skip


def test_event_types_that_cant_be_booked_are_left_out(river: River) -> None:
    demo, call = (type_named(river.calendly, name) for name in ("Demo", "Discovery call"))
    river.calendly.state.event_types[call] = {**river.calendly.state.event_types[call], "active": False}

    found = scheduling.types_of(river.connection, [call, "https://api.calendly.com/event_types/none", demo, "nonsense"])

    assert [each.name for each in found] == ["Demo"]


def test_open_times_are_asked_for_31_days_at_a_time_and_kept_for_a_while(river: River) -> None:
    demo, now = type_named(river.calendly, "Demo"), timezone.now()

    def ask() -> list[Any]:
        times = scheduling.available(
            river.connection, demo, since=now - timedelta(days=3), until=now + timedelta(days=70)
        )
        return [each.start_at for each in times]

    first = ask()
    assert first == ask() == sorted(first)
    assert now < first[0] and now + timedelta(days=65) < first[-1] < now + timedelta(days=70)
    calls = river.sandbox.world.journal.calls("calendly", method="GET", template="/event_type_available_times")
    assert [call.status for call in calls] == [200, 200, 200]
    openings.forget(river.connection, demo)
    ask()
    assert len(river.sandbox.world.journal.calls("calendly", template="/event_type_available_times")) == 6


@pytest.mark.parametrize("zone", ["Europe/Copenhagen", "Australia/Lord_Howe", "Asia/Kolkata"])
def test_months_in_which_clocks_change_are_no_longer_than_calendly_allows(river: River, zone: str) -> None:
    demo, now = type_named(river.calendly, "Demo"), timezone.now()

    for number in (3, 4, 10):  # of 31 days, 30, and 31: clocks go forward or back in the first and last days
        first, end = Month(now.year + 1, number).window(ZoneInfo(zone))
        times = scheduling.available(river.connection, demo, since=first, until=end)
        assert first <= times[0].start_at and end - timedelta(days=4) < times[-1].start_at < end


def test_a_booking_in_another_process_makes_open_times_stale(river: River) -> None:
    wish = wish_for(river)
    row = BookingRequest(
        connection=river.connection, key="elsewhere", event_type="other", start_at=wish.start_at, email=EMAIL, wish={},
        asked_at=timezone.now(), sent_at=timezone.now(), settled_at=timezone.now(), state="booked",
    )  # fmt: skip
    river.calendly.book(event_type="Demo", email="fast@example.com", name="Fast", start_time=wish.start_at.timestamp())
    assert wish.start_at in [each.start_at for each in open_times(river.connection, wish.event_type)]

    row.save()

    assert wish.start_at not in [each.start_at for each in open_times(river.connection, wish.event_type)]


def test_an_outcome_can_be_asked_for_later(river: River) -> None:
    wish = wish_for(river)
    first = book(river, wish)
    cache.clear()

    later = scheduling.outcome_of("form-1")

    assert later is not None and later.state == "booked"
    assert later.invitee == first.invitee
    assert scheduling.outcome_of("another") is None
