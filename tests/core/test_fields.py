"""What staff may map: each source, read from a rich booking and from a bare one."""

import time
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest

from calendly_connector.core import fields
from calendly_connector.core.attributes import CONVERTERS
from calendly_connector.core.booking import Answer, Cancellation, Host, Payment, Status, Tracking
from calendly_connector.core.fields import FIELDS, Context
from calendly_connector.core.merge import Entry
from calendly_connector.core.person import summarise
from calendly_connector.core.rules import Link, RuleSet
from tests.factories import (
    DISCOVERY_CALL,
    invitee_uri,
    make_booking,
    make_entry,
    make_invitee,
    make_meeting,
    make_rules,
)

NOW = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)
LATE = datetime(2026, 12, 3, 23, 30, tzinfo=UTC)  # already the fourth in Paris


def digits(text: str) -> str:
    """Stand in for the real normalisation: a number is what has seven digits."""
    found = "".join(letter for letter in text if letter.isdigit())
    return f"+{found}" if len(found) >= 7 else ""


LINKS = {"n": Link(tag="n", campaign="autumn", run="BOOKING_LINK 2026-11-20")}
RULES = make_rules(
    type_names={DISCOVERY_CALL: "Discovery"},
    type_owners={DISCOVERY_CALL: "Camille Durand"},
    find_link=LINKS.get,
    to_e164=digits,
    timezone="Asia/Tokyo",
)
LATE_MEETING = make_meeting(start_at=LATE, end_at=LATE + timedelta(minutes=45, seconds=59), name="Our talk")
RICH = make_entry(
    meeting=replace(
        LATE_MEETING,
        hosts=(Host(uri="1", name="Camille", email="c@x.example"), Host(uri="2"), Host(uri="3", name="Bo")),
    ),
    tracking=Tracking(utm_source="s", utm_medium="m", utm_campaign="c", utm_term="t", utm_content="n"),
    text_reminder_number="+33 6 12 34 56 78",
    cancel_url="https://c",
    reschedule_url="https://r",
    payment=Payment(provider="stripe", amount=120.5, currency="EUR", successful=True),
)
PAST = make_entry(
    "past",
    meeting=make_meeting(start_at=NOW - timedelta(days=9), end_at=NOW - timedelta(days=9) + timedelta(hours=1)),
    created_at=datetime(2026, 11, 1, tzinfo=UTC),
    tracking=Tracking(utm_source="first"),
    attended_at=NOW,
)


def context(*entries: Entry, rules: RuleSet = RULES) -> Context:
    summary = summarise(entries, now=NOW, grace=timedelta(hours=24))
    assert summary
    return Context(person=summary, rules=rules)


EXPECTED: dict[str, Any] = {
    "first_name": "Nadia",
    "last_name": "Benali",
    "name": "Nadia Benali",
    "phone": "+33612345678",
    "timezone": "Europe/Paris",
    "event_type_name": "Discovery",
    "event_type_uri": DISCOVERY_CALL,
    "event_type_owner": "Camille Durand",
    "meeting_name": "Our talk",
    "meeting_date": date(2026, 12, 4),
    "meeting_start": "2026-12-03T23:30:00Z",
    "meeting_end": "2026-12-04T00:15:59Z",
    "meeting_start_local": "2026-12-04 00:30 (CET)",
    "meeting_minutes": 45,
    "booked_at": "2026-11-22T10:15:04Z",
    "host_name": "Camille, Bo",
    "host_email": "c@x.example",
    "location": "https://zoom.example/j/81",
    "join_url": "https://zoom.example/j/81",
    "status": "booked",
    "canceled_by": None,
    "canceler_type": None,
    "cancel_reason": None,
    "cancel_url": "https://c",
    "reschedule_url": "https://r",
    "payment_amount": 120.5,
    "payment_currency": "EUR",
    "bookings": 2,
    "no_shows": 0,
    "moves": 0,
    "cancellations": 0,
    "meetings_attended": 1,
    "next_meeting_date": date(2026, 12, 4),
    "last_meeting_date": date(2026, 11, 21),
    "link_tag": "n",
    "link_campaign": "autumn",
    "link_run": "BOOKING_LINK 2026-11-20",
    "first_utm_source": "first",
    "first_utm_medium": None,
    "first_utm_campaign": None,
    "first_utm_term": None,
    "first_utm_content": None,
    "last_utm_source": "s",
    "last_utm_medium": "m",
    "last_utm_campaign": "c",
    "last_utm_term": "t",
    "last_utm_content": "n",
}


def test_every_field_has_an_expectation() -> None:
    assert EXPECTED.keys() == FIELDS.keys()


@pytest.mark.parametrize("source", FIELDS)
def test_field_is_read(source: str) -> None:
    assert fields.read(source, context(PAST, RICH)) == EXPECTED[source]


def test_labels_are_all_different_and_kinds_all_known() -> None:
    assert len({field.label for field in FIELDS.values()}) == len(FIELDS)
    assert {field.kind for field in FIELDS.values()} <= CONVERTERS.keys()


def test_labels_of_both_touches_say_which() -> None:
    assert FIELDS["first_utm_term"].label == "First touch: UTM term"
    assert FIELDS["last_utm_term"].label == "Last touch: UTM term"


def test_unknown_source_is_a_programming_error() -> None:
    with pytest.raises(KeyError):
        fields.read("no such field", context(RICH))


def test_every_status_has_its_value_in_brevo() -> None:
    assert fields.STATUS_VALUES == {
        Status.BOOKED: "booked",
        Status.RESCHEDULED: "booked",
        Status.CANCELED: "cancelled",
        Status.NO_SHOW: "no_show",
        Status.ATTENDED: "attended",
    }


REASON = Cancellation(canceled_by="Camille", reason="ill", canceler_type="host")


def test_cancellation_is_told_of_a_canceled_booking() -> None:
    canceled = context(make_entry(is_canceled=True, cancellation=REASON))

    read = [fields.read(source, canceled) for source in ("canceled_by", "canceler_type", "cancel_reason", "status")]

    assert read == ["Camille", "host", "ill", "cancelled"]


def test_cancellation_of_a_moved_half_is_nobodys_business() -> None:
    moved = context(make_entry(is_canceled=True, is_rescheduled=True, cancellation=REASON))

    read = [fields.read(source, moved) for source in ("canceled_by", "canceler_type", "cancel_reason", "status")]

    assert read == [None, None, None, "booked"]


def test_roll_ups_count() -> None:
    moved = make_entry("moved", old_invitee=invitee_uri("past"), moves=1)
    missed = make_entry("missed", no_show_uri="mark")
    canceled = make_entry("canceled", is_canceled=True)

    person = context(PAST, moved, missed, canceled)

    read = {source: fields.read(source, person) for source in ("bookings", "moves", "no_shows", "cancellations")}
    assert read == {"bookings": 3, "moves": 1, "no_shows": 1, "cancellations": 1}


def test_name_of_the_meeting_stands_in_for_a_type_not_read_yet() -> None:
    assert fields.read("event_type_name", context(RICH, rules=make_rules())) == "Our talk"


@pytest.mark.parametrize(
    ("zone", "default", "day"),
    [
        ("Europe/Paris", "UTC", date(2026, 12, 4)),
        ("America/New_York", "Europe/Paris", date(2026, 12, 3)),
        ("", "Europe/Paris", date(2026, 12, 4)),
        ("Atlantis/Capital", "Europe/Paris", date(2026, 12, 4)),
        ("../etc/passwd", "Europe/Paris", date(2026, 12, 4)),
        ("x" * 300, "Europe/Paris", date(2026, 12, 4)),
        ("Europe", "Europe/Paris", date(2026, 12, 4)),
        ("", "Atlantis/Capital", date(2026, 12, 3)),
        ("", "", date(2026, 12, 3)),
    ],
)
def test_day_is_the_invitees_else_the_connections_else_utc(zone: str, default: str, day: date) -> None:
    person = context(make_entry(meeting=LATE_MEETING, timezone=zone), rules=make_rules(timezone=default))

    assert fields.read("meeting_date", person) == day
    assert fields.read("next_meeting_date", person) == day


@pytest.mark.parametrize(
    ("question", "asked"),
    [
        ("Company", "company"),
        ("  Company?  ", "company"),
        ("Your   company name:", "YOUR COMPANY NAME"),
        ("*Company*.!", "Company"),
        ("Straße", "STRASSE"),
        ("Are you a customer ?", "are you a customer"),
    ],
)
def test_question_is_found_however_it_is_typed(question: str, asked: str) -> None:
    invitee = make_invitee(answers=(Answer(question=question, answer="x"),))

    assert fields.answer_to(asked, invitee) == "x"


def test_letters_of_a_question_are_never_taken_off() -> None:
    invitee = make_invitee(answers=(Answer(question="Xbox", answer="x"),))

    assert fields.answer_to("box", invitee) is None


def test_answer_is_read_by_its_question() -> None:
    assert fields.read("answer:company", context(RICH)) == "Benali Conseil"
    assert fields.read("answer:shoe size", context(RICH)) is None


@pytest.mark.parametrize(
    ("texts", "found"), [(("", "x"), "x"), ((" ", "\n"), None), (("x", "y"), "x"), ((" x ",), " x "), ((), None)]
)
def test_first_answer_that_says_something_counts(texts: tuple[str, ...], found: str | None) -> None:
    invitee = make_invitee(answers=tuple(Answer(question="Why?", answer=text) for text in texts))

    assert fields.answer_to("why", invitee) == found


MOBILE = Answer(question="Your mobile, please", answer="0622222")
DIALLED = make_meeting(location_kind="outbound_call", location="0633333")


@pytest.mark.parametrize(
    ("reminder", "answers", "meeting", "phone"),
    [
        ("0611111", (MOBILE,), DIALLED, "+0611111"),
        ("", (MOBILE,), DIALLED, "+0622222"),
        ("none", (MOBILE,), DIALLED, "+0622222"),
        ("", (), DIALLED, "+0633333"),
        ("", (replace(MOBILE, answer="no"),), DIALLED, "+0633333"),
        ("", (replace(MOBILE, answer="no"), replace(MOBILE, answer="0644444")), DIALLED, "+0644444"),
        ("", (replace(MOBILE, question="Customer number"),), make_meeting(), None),
        ("", (), make_meeting(location_kind="inbound_call", location="0633333"), None),
        ("", (), make_meeting(), None),
    ],
)
def test_phone_is_the_first_valid_number(
    reminder: str, answers: tuple[Answer, ...], meeting: Any, phone: str | None
) -> None:
    entry = make_entry(text_reminder_number=reminder, answers=answers, meeting=meeting)

    assert fields.read("phone", context(entry)) == phone


@pytest.mark.parametrize(
    ("question", "asks"),
    [
        ("Phone", True),
        ("Mobile number", True),
        ("Telefonnummer", True),
        ("Mobilnr.", True),
        ("Numéro de téléphone", True),
        ("Portable", True),
        ("Handynummer", True),
        ("WhatsApp?", True),
        ("SMS", True),
        ("Tel.", True),
        ("Cell", True),
        ("(telephone)", True),
        ("Company", False),
        ("Headphones", False),
        ("Tell us your customer number", False),
        ("Cellar access code", False),
        ("Cellphone", True),
        ("Tel.", True),
        ("Hotel", False),
        ("", False),
    ],
)
def test_question_for_a_phone_number_is_recognised(question: str, asks: bool) -> None:
    entry = make_entry(answers=(Answer(question=question, answer="0655555"),))

    assert fields.read("phone", context(entry)) == ("+0655555" if asks else None)


def test_readable_time_names_its_zone() -> None:
    summer = datetime(2026, 7, 1, 8, 5, tzinfo=UTC)
    entry = make_entry(meeting=make_meeting(start_at=summer, end_at=summer))

    assert fields.read("meeting_start_local", context(entry)) == "2026-07-01 10:05 (CEST)"


def test_exact_instant_is_utc_wherever_this_machine_stands(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        assert fields.read("meeting_start", context(RICH)) == "2026-12-03T23:30:00Z"
    finally:
        monkeypatch.undo()
        time.tzset()


def test_readable_time_without_a_zone_is_in_the_connections() -> None:
    entry = make_entry(timezone="", meeting=LATE_MEETING)

    assert fields.read("meeting_start_local", context(entry)) == "2026-12-04 08:30 (JST)"


def test_long_meeting_is_told_in_whole_minutes() -> None:
    all_day = make_meeting(start_at=LATE, end_at=LATE + timedelta(hours=8, seconds=59))

    assert fields.read("meeting_minutes", context(make_entry(meeting=all_day))) == 480


def test_dates_of_meetings_that_there_are_not_are_unknown() -> None:
    canceled = context(make_entry(is_canceled=True))

    assert fields.read("next_meeting_date", canceled) is None
    assert fields.read("last_meeting_date", canceled) is None


def test_where_there_is_no_number_none_is_made_up() -> None:
    person = context(make_entry(answers=(), meeting=make_meeting()), rules=make_rules(to_e164=str))

    assert fields.phone(person) == ""


def test_moment_is_told_in_the_bookings_zone() -> None:
    moment = datetime(2026, 12, 3, 9, 0, tzinfo=UTC)

    assert fields.local(moment, make_booking(), "UTC").isoformat() == "2026-12-03T10:00:00+01:00"


def test_a_moved_booking_keeps_the_link_that_its_first_half_came_through() -> None:
    first = make_entry("first", tracking=Tracking(utm_content="n"), successor=invitee_uri("new"))
    new = make_entry("new", old_invitee=invitee_uri("first"))

    assert fields.read("link_campaign", context(first, new)) == "autumn"


def test_a_booking_without_a_link_of_ours_came_through_none() -> None:
    other = make_entry(tracking=Tracking(utm_content="banner"))

    assert [fields.read(f"link_{part}", context(other)) for part in ("tag", "campaign", "run")] == [None] * 3
    assert fields.read("link_tag", context(make_entry())) is None
