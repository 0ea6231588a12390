"""What is shown about a person, from all their bookings at once, at one moment."""

from datetime import UTC, datetime, timedelta
from itertools import permutations
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from calendly_connector.core.booking import Meeting, Status, Tracking
from calendly_connector.core.merge import Entry
from calendly_connector.core.person import Summary, summarise
from tests.factories import invitee_uri, make_entry, make_meeting

NOW = datetime(2026, 12, 10, 12, 0, tzinfo=UTC)
GRACE = timedelta(hours=24)
HOUR, DAY = timedelta(hours=1), timedelta(days=1)


def meeting(start_at: datetime, minutes: int = 30) -> Meeting:
    return make_meeting(start_at=start_at, end_at=start_at + timedelta(minutes=minutes))


def summary(*entries: Entry, now: datetime = NOW) -> Summary:
    found = summarise(entries, now=now, grace=GRACE)
    assert found
    return found


SOON = make_entry("soon", meeting=meeting(NOW + DAY), created_at=NOW - 2 * DAY)
LATER = make_entry("later", meeting=meeting(NOW + 5 * DAY), created_at=NOW - DAY)
RUNNING = make_entry("running", meeting=meeting(NOW - HOUR, minutes=90), created_at=NOW - 9 * DAY)
OVER = make_entry("over", meeting=meeting(NOW - 3 * HOUR), created_at=NOW - 8 * DAY)
LONG_AGO = make_entry(
    "long-ago", meeting=meeting(NOW - 60 * DAY), created_at=NOW - 70 * DAY, attended_at=NOW - 59 * DAY
)
CANCELED = make_entry(
    "canceled", meeting=meeting(NOW + 2 * HOUR), is_canceled=True, created_at=NOW - 6 * DAY, updated_at=NOW - HOUR
)
MISSED = make_entry(
    "missed", meeting=meeting(NOW - 7 * DAY), no_show_uri="mark", created_at=NOW - 20 * DAY, updated_at=NOW - 6 * DAY
)


def test_nobody_without_bookings_has_a_summary() -> None:
    assert summarise([], now=NOW, grace=GRACE) is None


@pytest.mark.parametrize(
    ("entries", "current"),
    [
        ([SOON, LATER], SOON),
        ([LATER, CANCELED], LATER),
        ([RUNNING, SOON], RUNNING),
        ([OVER, SOON], SOON),
        ([OVER, CANCELED], CANCELED),
        ([LONG_AGO, MISSED], MISSED),
        ([MISSED, LONG_AGO, OVER], MISSED),
        ([CANCELED], CANCELED),
        ([OVER], OVER),
    ],
)
def test_current_is_the_soonest_still_to_come_else_the_one_changed_last(entries: list[Entry], current: Entry) -> None:
    for order in permutations(entries):
        assert summary(*order).current is current


def test_of_two_bookings_changed_at_once_the_later_meeting_is_current() -> None:
    earlier = make_entry("a", meeting=meeting(NOW - 3 * DAY), is_canceled=True)
    later = make_entry("b", meeting=meeting(NOW - 2 * DAY), is_canceled=True)

    assert summary(earlier, later).current is summary(later, earlier).current is later


def test_of_two_meetings_at_once_the_uri_decides() -> None:
    one, other = make_entry("a", meeting=meeting(NOW + DAY)), make_entry("b", meeting=meeting(NOW + DAY))

    assert summary(one, other).current is summary(other, one).current is one


def test_meeting_is_over_when_it_ends() -> None:
    ends_now = make_entry("ends", meeting=meeting(NOW - HOUR, minutes=60))

    assert summary(ends_now, CANCELED).current is CANCELED
    assert summary(ends_now, CANCELED, now=NOW - timedelta(microseconds=1)).current is ends_now


def test_old_half_of_a_move_is_current_only_while_it_is_alone() -> None:
    old = make_entry("old", is_canceled=True, is_rescheduled=True, updated_at=NOW, successor=invitee_uri("new"))
    new = make_entry("new", meeting=meeting(NOW - 3 * DAY), old_invitee=invitee_uri("old"), moves=1)

    assert summary(old).current is old
    assert summary(old, new).current is new


def test_moved_meeting_is_one_booking_and_one_move() -> None:
    old = make_entry("old", successor=invitee_uri("new"))
    new = make_entry("new", old_invitee=invitee_uri("old"), moves=1)

    found = summary(old, new)

    assert (found.booked, found.moves, found.canceled) == (1, 1, 0)


def test_move_from_a_booking_we_never_saw_is_one_booking_and_one_move() -> None:
    found = summary(make_entry("new", old_invitee=invitee_uri("unseen"), moves=1))

    assert (found.booked, found.moves) == (1, 1)


def test_bookings_are_counted_by_where_they_stand() -> None:
    found = summary(SOON, LATER, OVER, LONG_AGO, CANCELED, MISSED)

    assert (found.booked, found.no_shows, found.moves, found.canceled, found.attended) == (6, 1, 0, 1, 1)


@pytest.mark.parametrize(
    ("entries", "next_meeting", "last_meeting"),
    [
        ([SOON, LATER, OVER, LONG_AGO], SOON, OVER),
        ([LATER, RUNNING], LATER, RUNNING),
        ([CANCELED], None, None),
        ([SOON], SOON, None),
        ([MISSED, LONG_AGO], None, MISSED),
        ([make_entry("now", meeting=meeting(NOW))], None, make_entry("now", meeting=meeting(NOW))),
    ],
)
def test_next_has_not_begun_and_last_has(
    entries: list[Entry], next_meeting: Entry | None, last_meeting: Entry | None
) -> None:
    found = summary(*entries)

    assert found.next_meeting == (next_meeting.booking if next_meeting else None)
    assert found.last_meeting == (last_meeting.booking if last_meeting else None)


def test_moved_half_is_neither_next_nor_last_even_alone() -> None:
    alone = make_entry("past", meeting=meeting(NOW - HOUR), successor=invitee_uri("unseen"))

    assert summary(alone).last_meeting is summary(alone).next_meeting is None


def test_moved_half_is_neither_next_nor_last() -> None:
    gone = make_entry("gone", meeting=meeting(NOW + HOUR), successor=invitee_uri("new"))
    past = make_entry("past", meeting=meeting(NOW - HOUR), successor=invitee_uri("soon"))

    found = summary(gone, past, SOON)

    assert found.next_meeting is SOON.booking
    assert found.last_meeting is None


def test_first_and_last_touch_are_the_first_and_last_that_are_known() -> None:
    unknown = make_entry("unknown", created_at=NOW - 9 * DAY)
    first = make_entry("first", created_at=NOW - 8 * DAY, tracking=Tracking(utm_source="letter"))
    last = make_entry("last", created_at=NOW - 7 * DAY, tracking=Tracking(salesforce_uuid="7"))
    neither = make_entry("neither", created_at=NOW - 6 * DAY)

    for order in permutations([unknown, first, last, neither]):
        found = summary(*order)
        assert (found.first_touch, found.last_touch) == (Tracking(utm_source="letter"), Tracking(salesforce_uuid="7"))


def test_without_any_tracking_both_touches_are_empty() -> None:
    assert summary(SOON).first_touch == summary(SOON).last_touch == Tracking()


@pytest.mark.parametrize(
    ("now", "changes_at"),
    [
        (timedelta(days=-1), timedelta()),
        (timedelta(), timedelta(minutes=30)),
        (timedelta(minutes=10), timedelta(minutes=30)),
        (timedelta(minutes=30), timedelta(minutes=30) + GRACE),
        (timedelta(minutes=31), timedelta(minutes=30) + GRACE),
        (timedelta(days=9), timedelta(minutes=30) + GRACE),
    ],
)
def test_clock_changes_a_booking_at_its_start_its_end_and_the_end_of_grace(
    now: timedelta, changes_at: timedelta
) -> None:
    start = datetime(2026, 12, 3, 9, 0, tzinfo=UTC)

    assert summary(make_entry(meeting=meeting(start)), now=start + now).changes_at == start + changes_at


def test_end_of_grace_that_nobody_noticed_is_due_at_once() -> None:
    assert summary(OVER, LATER, now=NOW + 2 * DAY).changes_at == OVER.booking.meeting.end_at + GRACE


def test_clock_changes_nothing_for_a_meeting_that_is_off_or_settled() -> None:
    moved = make_entry("moved", meeting=meeting(NOW + DAY), successor="new")

    assert summary(CANCELED, MISSED, LONG_AGO, moved).changes_at is None


def test_next_change_is_the_earliest_of_all_bookings() -> None:
    assert summary(LATER, SOON, OVER).changes_at == OVER.booking.meeting.end_at + GRACE
    assert summary(LATER, SOON).changes_at == SOON.booking.meeting.start_at


def make_history(name: str, hours: int, *, is_marked: bool, is_attended: bool, **changes: Any) -> Entry:
    """Return an entry; only a meeting that has begun may be marked or attended."""
    return make_entry(
        name,
        meeting=meeting(NOW + hours * HOUR),
        no_show_uri="mark" if is_marked and hours < 0 else "",
        attended_at=NOW - HOUR if is_attended and hours < 0 else None,
        **changes,
    )


entries_strategy = st.lists(
    st.builds(
        make_history,
        st.sampled_from("abcdef"),
        st.integers(-100, 100),
        is_marked=st.booleans(),
        is_attended=st.booleans(),
        created_at=st.integers(-200, 0).map(lambda hours: NOW + hours * HOUR),
        is_canceled=st.booleans(),
        is_rescheduled=st.booleans(),
        old_invitee=st.sampled_from(["", *map(invitee_uri, "abcdef")]),
        successor=st.sampled_from(["", *map(invitee_uri, "abcdef")]),
        tracking=st.sampled_from([Tracking(), Tracking(utm_source="letter")]),
    ),
    min_size=1,
    max_size=6,
    unique_by=lambda entry: entry.uri,
)


@given(entries=entries_strategy, data=st.data())
def test_order_of_rows_never_matters(entries: list[Entry], data: st.DataObject) -> None:
    shuffled = data.draw(st.permutations(entries))

    assert summarise(shuffled, now=NOW, grace=GRACE) == summarise(entries, now=NOW, grace=GRACE)


@given(entries=entries_strategy)
def test_summary_adds_up(entries: list[Entry]) -> None:
    found = summary(*entries)

    assert found.current in entries
    assert 0 <= found.booked <= len(entries)
    assert found.no_shows + found.canceled + found.attended <= len(entries)
    assert (found.changes_at is None) is not any(entry.status is Status.BOOKED for entry in entries)
    assert found.next_meeting is None or found.next_meeting.meeting.start_at > NOW
    assert found.last_meeting is None or found.last_meeting.meeting.start_at <= NOW
    if any(entry.status is Status.BOOKED and entry.booking.meeting.end_at > NOW for entry in entries):
        assert found.current.status is Status.BOOKED


@given(entries=entries_strategy, percent=st.integers(0, 99))
def test_between_now_and_the_next_change_the_clock_changes_nothing(entries: list[Entry], percent: int) -> None:
    found = summary(*entries)
    until = found.changes_at or NOW + 100 * DAY
    assume(until > NOW)

    between = NOW + percent * (until - NOW) / 100

    assert summary(*entries, now=between) == found
