"""Calendly's JSON → a booking, or why not: a table over every payload file, and every way to spoil one."""

import json
import time
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from calendly_connector.core.booking import Booking, Payment, Tracking
from calendly_connector.core.errors import MalformedPayload
from calendly_connector.core.interpret import Ignored, Seen, interpret_listing, interpret_webhook, webhook_name
from calendly_connector.core.trigger import OTHER_WEBHOOKS
from tests import payload_files
from tests.core.interpreted import DIFFERENCES, PLAIN

MISSING = "<left out>"
TAKEN_AT = datetime(2026, 11, 30, 12, 0, tzinfo=UTC)


def facts(value: Any, path: str = "") -> dict[str, Any]:
    """Return the leaves of a booking by their paths; a tuple is one leaf, and so is what is absent."""
    if not is_dataclass(value):
        return {path: value}
    inner = [facts(getattr(value, each.name), f"{path}.{each.name}".strip(".")) for each in fields(value)]
    return {name: leaf for part in inner for name, leaf in part.items()}


def expected_facts(name: str) -> dict[str, Any]:
    expected = {**PLAIN, **DIFFERENCES[name]}
    for parent in ("invitee.cancellation", "invitee.payment"):
        if any(path.startswith(f"{parent}.") for path in expected):
            del expected[parent]
    return expected


def changed(path: str, value: Any, name: str = "invitee.created__discovery_call") -> dict[str, Any]:
    """Return a delivery body with one place changed; `MISSING` leaves the key out."""
    body = payload_files.load(name)
    *parents, key = path.split(".")
    place = body
    for parent in parents:
        place = place[parent]
    place[key] = value
    if value is MISSING:
        del place[key]
    return body


def booking_of(body: Any) -> Booking:
    seen = interpret_webhook(body)
    assert isinstance(seen, Seen)
    return seen.booking


def test_every_invitee_payload_is_in_the_table() -> None:
    assert sorted(DIFFERENCES) == [name for name in payload_files.names() if name.startswith("invitee")]


@pytest.mark.parametrize("name", DIFFERENCES)
def test_invitee_delivery_says_what_the_table_says(name: str) -> None:
    seen = interpret_webhook(payload_files.load(name))

    assert isinstance(seen, Seen)
    assert facts(seen.booking) == expected_facts(name)
    assert seen.is_no_show_withdrawn is name.startswith("invitee_no_show.deleted")


@pytest.mark.parametrize("name", DIFFERENCES)
def test_listing_row_says_the_same_as_the_webhook(name: str) -> None:
    payload = payload_files.load(name)["payload"]
    scheduled_event = payload.pop("scheduled_event")

    booking = interpret_listing(payload, scheduled_event, taken_at=TAKEN_AT)

    taken = {"invitee.taken_at": TAKEN_AT, "meeting.taken_at": TAKEN_AT}
    assert facts(booking) == expected_facts(name) | taken


@pytest.mark.parametrize("name", DIFFERENCES)
def test_booking_survives_its_json_form(name: str) -> None:
    booking = booking_of(payload_files.load(name))

    assert Booking.from_json(json.loads(json.dumps(booking.to_json()))) == booking


def test_json_form_of_a_later_version_is_read_without_what_we_do_not_know() -> None:
    booking = booking_of(payload_files.load("invitee.created__nulls_and_options"))
    data = booking.to_json()
    for part in (data, data["invitee"], data["meeting"], data["invitee"]["tracking"], data["invitee"]["payment"]):
        part["x_new"] = 1

    assert Booking.from_json(data) == booking


def test_json_form_of_an_earlier_version_gets_the_defaults_of_what_it_lacks() -> None:
    data = booking_of(payload_files.load("invitee.canceled__by_invitee")).to_json()
    for key in ("cancellation", "payment", "scheduling_method"):
        del data["invitee"][key]

    invitee = Booking.from_json(data).invitee

    assert (invitee.cancellation, invitee.payment, invitee.scheduling_method) == (None, None, "")


OTHERS = [name for name in payload_files.names() if name not in DIFFERENCES]


@pytest.mark.parametrize("name", OTHERS)
def test_other_delivery_is_ignored_with_its_reason(name: str) -> None:
    webhook = name.split("__")[0]

    assert interpret_webhook(payload_files.load(name)) == Ignored(reason=f"“{webhook}”: {OTHER_WEBHOOKS[webhook]}.")


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("invitee.rescheduled", "invitee.rescheduled"),
        ("", ""),
        (None, ""),
        (["x"], ""),
        (7, "7"),
        ("x" * 300, "x" * 100),
    ],
)
def test_unknown_delivery_is_ignored_and_named(name: Any, shown: str) -> None:
    ignored = interpret_webhook(changed("event", name))

    assert ignored == Ignored(reason=f"“{shown}” is no webhook that this version knows.")


REQUIRED = {
    "created_at": "created_at",
    "payload.uri": "invitee.uri",
    "payload.email": "invitee.email",
    "payload.created_at": "invitee.created_at",
    "payload.updated_at": "invitee.updated_at",
    "payload.scheduled_event.uri": "scheduled_event.uri",
    "payload.scheduled_event.start_time": "scheduled_event.start_time",
    "payload.scheduled_event.end_time": "scheduled_event.end_time",
    "payload.scheduled_event.updated_at": "scheduled_event.updated_at",
}
each_required = pytest.mark.parametrize(("key", "path"), REQUIRED.items(), ids=REQUIRED.keys())


@each_required
@pytest.mark.parametrize("value", [MISSING, None, "", "  ", {}, {"x": 1}, [], ["x"]], ids=repr)
def test_missing_indispensable_key_is_named(key: str, path: str, value: Any) -> None:
    with pytest.raises(MalformedPayload) as problem:
        interpret_webhook(changed(key, value))

    assert problem.value.path == path
    assert str(problem.value) == f"Calendly's data has nothing at “{path}”."


@pytest.mark.parametrize("key", ["payload", "payload.scheduled_event"])
@pytest.mark.parametrize("value", [MISSING, None, "text", 7, True, [], [{}]], ids=repr)
def test_missing_object_is_named(key: str, value: Any) -> None:
    with pytest.raises(MalformedPayload) as problem:
        interpret_webhook(changed(key, value))

    assert problem.value.path == key
    assert str(problem.value) == f"Calendly's data has no object at “{key}”."


@pytest.mark.parametrize("body", [None, "text", 7, 1.5, True, [], [{}]], ids=repr)
def test_body_that_is_no_object_is_named(body: Any) -> None:
    with pytest.raises(MalformedPayload) as problem:
        interpret_webhook(body)

    assert problem.value.path == "body"
    assert str(problem.value) == "Calendly's data has no JSON object at “body”."


@pytest.mark.parametrize("value", ["yesterday", "2026-13-01T00:00:00Z", "9:00", 7, True, "0001-01-01T00:00:00+14:00"])
@pytest.mark.parametrize("key", [key for key in REQUIRED if key.endswith(("_at", "_time"))])
def test_time_that_is_none_is_named(key: str, value: Any) -> None:
    with pytest.raises(MalformedPayload) as problem:
        interpret_webhook(changed(key, value))

    assert problem.value.path == REQUIRED[key]
    assert str(problem.value) == f"Calendly's data has no time ({str(value)!r}) at “{REQUIRED[key]}”."


def test_long_nonsense_is_cut_before_it_is_shown() -> None:
    with pytest.raises(MalformedPayload) as problem:
        interpret_webhook(changed("created_at", "x" * 200))

    assert str(problem.value) == f"Calendly's data has no time ({'x' * 40!r}) at “created_at”."


@pytest.mark.parametrize("value", [MISSING, None, "", "no_show", "Active", "x" * 41, {}, 1])
def test_unknown_status_is_no_guess(value: Any) -> None:
    shown = str(value)[:40] if value in ("no_show", "Active", 1, "x" * 41) else ""

    with pytest.raises(MalformedPayload) as problem:
        interpret_webhook(changed("payload.status", value))

    assert problem.value.path == "invitee.status"
    assert str(problem.value) == f"Calendly's data has the unknown status {shown!r} at “invitee.status”."


OPTIONAL = [
    "name", "first_name", "last_name", "timezone", "text_reminder_number", "old_invitee", "new_invitee", "cancel_url",
    "reschedule_url", "scheduling_method", "routing_form_submission",
]  # fmt: skip


@pytest.mark.parametrize("value", [MISSING, None, {"x": 1}, ["x"]], ids=repr)
@pytest.mark.parametrize("key", OPTIONAL)
def test_what_an_invitee_may_lack_is_empty(key: str, value: Any) -> None:
    booking = booking_of(changed(f"payload.{key}", value))

    assert getattr(booking.invitee, key) == ""


@pytest.mark.parametrize("value", [MISSING, None, "text", [], 7], ids=repr)
def test_parts_that_are_no_objects_are_absent(value: Any) -> None:
    parts = {
        key: booking_of(changed(f"payload.{key}", value)) for key in ("tracking", "cancellation", "payment", "no_show")
    }

    assert parts["tracking"].invitee.tracking == Tracking()
    assert parts["cancellation"].invitee.cancellation is None
    assert parts["payment"].invitee.payment is None
    assert parts["no_show"].invitee.no_show_uri == ""


@pytest.mark.parametrize("value", [MISSING, None, "text", {}, 7, [], ["text", None, 7, []]], ids=repr)
def test_lists_that_are_none_are_empty(value: Any) -> None:
    answers = booking_of(changed("payload.questions_and_answers", value))
    hosts = booking_of(changed("payload.scheduled_event.event_memberships", value))
    guests = booking_of(changed("payload.scheduled_event.event_guests", value))

    assert (answers.invitee.answers, hosts.meeting.hosts, guests.meeting.guests) == ((), (), ())


def test_answer_without_a_position_has_that_of_its_row() -> None:
    rows = [{"question": "One", "answer": "a"}, {"question": "Two", "answer": "b", "position": "?"}, {"position": 9}]

    found = booking_of(changed("payload.questions_and_answers", rows)).invitee.answers

    assert [(row.question, row.answer, row.position) for row in found] == [
        ("One", "a", 0),
        ("Two", "b", 1),
        ("", "", 9),
    ]


def test_mark_without_an_address_is_still_a_mark() -> None:
    assert booking_of(changed("payload.no_show", {})).invitee.no_show_uri == "marked"


@pytest.mark.parametrize(
    ("amount", "read"),
    [(12, 12.0), ("12.5", 12.5), (None, 0.0), ("string", 0.0), ("", 0.0), ([], 0.0), ({"x": 1}, 0.0)],
)
def test_amount_is_a_number_whatever_its_form(amount: Any, read: float) -> None:
    payment = booking_of(changed("payload.payment", {"amount": amount})).invitee.payment

    assert payment == Payment(provider="", amount=read, currency="", successful=False)


@pytest.mark.parametrize(
    ("join_url", "kept"),
    [
        ("https://zoom.example/j/1", "https://zoom.example/j/1"),
        ("http://zoom.example/j/1", "http://zoom.example/j/1"),
        ("javascript:alert(1)", ""),
        ("zoommtg://join", ""),
        ("zoom.example/j/1", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_join_link_is_a_web_address_or_none(join_url: Any, kept: str) -> None:
    location = {"type": "zoom", "join_url": join_url}

    meeting = booking_of(changed("payload.scheduled_event.location", location)).meeting

    assert (meeting.join_url, meeting.location) == (kept, kept)


def test_place_in_words_comes_before_the_join_link_and_information_after_both() -> None:
    location = {
        "type": "webex_conference",
        "location": "Room 5",
        "join_url": "https://w.example",
        "additional_info": "B",
    }

    meeting = booking_of(changed("payload.scheduled_event.location", location)).meeting

    assert (meeting.location, meeting.join_url) == ("Room 5, B", "https://w.example")


@pytest.mark.parametrize("location", [None, MISSING, "Lyon", 7, []], ids=repr)
def test_location_that_is_no_object_is_no_place(location: Any) -> None:
    meeting = booking_of(changed("payload.scheduled_event.location", location)).meeting

    assert (meeting.location_kind, meeting.location, meeting.join_url) == ("", "", "")


def test_nul_characters_that_no_database_keeps_are_dropped() -> None:
    assert booking_of(changed("payload.name", "Na\x00dia\x00")).invitee.name == "Nadia"


def test_names_lose_their_outer_spaces() -> None:
    body = changed("payload.name", "  Nadia Benali ")
    body["payload"] |= {"first_name": " Nadia\t", "last_name": "\nBenali "}
    body["payload"]["scheduled_event"]["name"] = " Discovery call "

    booking = booking_of(body)

    assert (booking.invitee.name, booking.invitee.first_name, booking.invitee.last_name) == (
        "Nadia Benali",
        "Nadia",
        "Benali",
    )
    assert booking.meeting.name == "Discovery call"


def test_guests_are_written_as_people_are() -> None:
    guests = [{"email": " Chef@Example.FR "}, {"email": None}]

    assert booking_of(changed("payload.scheduled_event.event_guests", guests)).meeting.guests == ("chef@example.fr", "")


def test_time_without_a_zone_is_utc_and_one_with_an_offset_is_turned_into_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Asia/Tokyo")  # wherever this machine stands
    time.tzset()
    naive = booking_of(changed("payload.scheduled_event.start_time", "2026-12-03T09:00:00"))
    offset = booking_of(changed("payload.scheduled_event.start_time", "2026-12-03T10:00:00+01:00"))

    monkeypatch.undo()
    time.tzset()
    for booking in (naive, offset):
        assert booking.meeting.start_at == PLAIN["meeting.start_at"]
        assert booking.meeting.start_at.tzinfo is UTC


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4),
    max_leaves=8,
)


def paths(value: Any, path: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    below = [paths(inner, (*path, key)) for key, inner in value.items()] if isinstance(value, Mapping) else []
    return [path, *(found for part in below for found in part)]


RICH = payload_files.load("invitee.created__unknown_keys_options")
PLACES = [path for path in paths(RICH) if path]


@pytest.mark.parametrize(
    ("body", "name"),
    [
        ({"event": "invitee.created"}, "invitee.created"),
        ({}, ""),
        ({"event": None}, ""),
        (None, ""),
        ([], ""),
        ("x", ""),
    ],
)
def test_name_of_a_delivery_is_what_it_calls_itself(body: Any, name: str) -> None:
    assert webhook_name(body) == name


def answer_to(body: Any) -> None:
    """Interpret a body; fail by any exception but the one that says what is wrong."""
    try:
        answer = interpret_webhook(body)
    except MalformedPayload as problem:
        assert problem.path
    else:
        assert isinstance(answer, Seen | Ignored)


@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(body=JSON)
def test_any_json_is_seen_ignored_or_malformed(body: Any) -> None:
    answer_to(body)


@settings(max_examples=500, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(spoilt=st.lists(st.tuples(st.sampled_from(PLACES), JSON), min_size=1, max_size=3))
def test_spoilt_delivery_is_seen_ignored_or_malformed(spoilt: list[tuple[tuple[str, ...], Any]]) -> None:
    body: Any = payload_files.load("invitee.created__unknown_keys_options")
    for (*parents, key), value in spoilt:
        place = body
        for parent in parents:
            place = place.get(parent) if isinstance(place, dict) else None
        if isinstance(place, dict):
            place[key] = value

    answer_to(body)


OUTSIDE_THE_RANGE = 10**400


@pytest.mark.parametrize(
    ("path", "value", "fact", "read"),
    [
        ("payload.scheduled_event.location", {"type": "zoom", "join_url": "http://["}, "meeting.join_url", ""),
        ("payload.payment", {"amount": OUTSIDE_THE_RANGE}, "invitee.payment.amount", 0.0),
        ("payload.payment", {"amount": "nan"}, "invitee.payment.amount", 0.0),
        ("payload.payment", {"amount": float("inf")}, "invitee.payment.amount", 0.0),
        ("payload.name", "Zoé \ud83d", "invitee.name", "Zoé ?"),
    ],
    ids=["address", "huge amount", "no amount", "infinite amount", "half an emoji"],
)
def test_odd_leaf_is_read_as_something_that_can_be_kept(path: str, value: Any, fact: str, read: Any) -> None:
    assert facts(booking_of(changed(path, value)))[fact] == read


ADDRESSES = {
    "payload.uri": "invitee.uri",
    "payload.old_invitee": "invitee.old_invitee",
    "payload.new_invitee": "invitee.new_invitee",
    "payload.no_show.uri": "invitee.no_show.uri",
    "payload.scheduled_event.uri": "scheduled_event.uri",
    "payload.scheduled_event.event_type": "scheduled_event.event_type",
    "payload.email": "invitee.email",
}


@pytest.mark.parametrize(("key", "path"), ADDRESSES.items(), ids=ADDRESSES.keys())
def test_address_too_long_for_the_ledger_is_refused_and_not_cut(key: str, path: str) -> None:
    longest = 320 if key == "payload.email" else 255

    kept = booking_of(changed(key, "x" * longest, "invitee_no_show.created__marked"))
    with pytest.raises(MalformedPayload) as problem:
        interpret_webhook(changed(key, "x" * (longest + 1), "invitee_no_show.created__marked"))

    assert "x" * longest in facts(kept).values()
    assert problem.value.path == path
    assert str(problem.value) == f"Calendly's data has more than {longest} characters at “{path}”."


@pytest.mark.parametrize("key", [key for key in REQUIRED if key.endswith(("_at", "_time"))])
@pytest.mark.parametrize("year", [1969, 9001])
def test_year_that_leaves_no_room_for_a_time_zone_is_refused(key: str, year: int) -> None:
    for kept in (1970, 9000):
        interpret_webhook(changed(key, f"{kept}-06-01T00:00:00Z"))

    with pytest.raises(MalformedPayload) as problem:
        interpret_webhook(changed(key, f"{year}-06-01T00:00:00Z"))

    assert str(problem.value) == f"Calendly's data has a time in the year {year} at “{REQUIRED[key]}”."
