"""One snapshot at a time: which one wins, what it fires, what it leaves in the ledger."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from calendly_connector.core.booking import Booking, Cancellation, Status
from calendly_connector.core.merge import Entry, Happening, attend, merge, supersede
from calendly_connector.core.trigger import Trigger
from tests.factories import BOOKED_AT, END_AT, invitee_uri, make_booking, make_entry, make_invitee, make_meeting

LATER, LATEST = BOOKED_AT + timedelta(hours=1), BOOKED_AT + timedelta(hours=2)
MARK, SECOND_MARK = "https://marks/1", "https://marks/2"
ATTENDED_AT = END_AT + timedelta(hours=24)

CANCELED: dict[str, Any] = {"is_canceled": True, "updated_at": LATER}
MOVED: dict[str, Any] = CANCELED | {"is_rescheduled": True, "new_invitee": invitee_uri("new")}
MARKED: dict[str, Any] = {"no_show_uri": MARK, "updated_at": LATER}


def keys(happenings: tuple[Happening, ...]) -> list[str]:
    return [happening.key for happening in happenings]


@pytest.mark.parametrize(
    ("entry", "status"),
    [
        (make_entry(), Status.BOOKED),
        (make_entry(no_show_uri=MARK), Status.NO_SHOW),
        (make_entry(attended_at=ATTENDED_AT), Status.ATTENDED),
        (make_entry(attended_at=ATTENDED_AT, no_show_uri=MARK), Status.NO_SHOW),
        (make_entry(is_canceled=True), Status.CANCELED),
        (make_entry(is_canceled=True, no_show_uri=MARK, attended_at=ATTENDED_AT), Status.CANCELED),
        (make_entry(is_canceled=True, is_rescheduled=True), Status.RESCHEDULED),
        (make_entry(is_rescheduled=True), Status.BOOKED),
        (make_entry(successor="new"), Status.RESCHEDULED),
        (make_entry(successor="new", is_canceled=True), Status.RESCHEDULED),
        (make_entry(successor="new", no_show_uri=MARK, attended_at=ATTENDED_AT), Status.RESCHEDULED),
    ],
)
def test_status_follows_from_what_is_known(entry: Entry, status: Status) -> None:
    assert entry.status is status


def test_entry_changed_when_its_invitee_did_or_when_the_clock_said_so() -> None:
    assert make_entry(updated_at=LATER).changed_at == LATER
    assert make_entry(updated_at=LATER, attended_at=LATEST).changed_at == LATEST
    assert make_entry(updated_at=LATEST, attended_at=LATER).changed_at == LATEST


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, ["booked"]),
        ({"old_invitee": invitee_uri("old")}, ["rescheduled"]),
        ({"no_show_uri": MARK}, ["booked", f"no_show:{MARK}"]),
        ({"no_show_uri": MARK, "old_invitee": invitee_uri("old")}, ["rescheduled", f"no_show:{MARK}"]),
        ({"is_canceled": True}, ["canceled"]),
        ({"is_canceled": True, "old_invitee": invitee_uri("old")}, ["canceled"]),
        ({"is_canceled": True, "no_show_uri": MARK}, ["canceled"]),
        (MOVED, []),
        (MOVED | {"old_invitee": invitee_uri("old")}, []),
    ],
)
def test_first_sight_fires_what_the_snapshot_shows(changes: dict[str, Any], expected: list[str]) -> None:
    merged = merge(None, make_booking(**changes))

    assert keys(merged.happenings) == expected
    assert merged.is_news
    assert all(happening.entry is merged.entry for happening in merged.happenings)


@pytest.mark.parametrize(("changes", "expected"), [({}, ["booked"]), ({"is_canceled": True}, []), (MOVED, [])])
def test_history_tells_no_old_cancellation(changes: dict[str, Any], expected: list[str]) -> None:
    assert keys(merge(None, make_booking(**changes), is_quiet=True).happenings) == expected


def test_history_still_tells_a_cancellation_of_what_we_knew_as_booked() -> None:
    assert keys(merge(make_entry(), make_booking(**CANCELED), is_quiet=True).happenings) == ["canceled"]


def test_first_sight_of_a_booking_whose_new_half_is_known_is_silent() -> None:
    merged = merge(None, make_booking(), successor=invitee_uri("new"))

    assert merged.happenings == ()
    assert merged.entry.status is Status.RESCHEDULED


@pytest.mark.parametrize(
    ("known", "changes", "expected"),
    [
        (make_entry(), CANCELED, ["canceled"]),
        (make_entry(attended_at=ATTENDED_AT), CANCELED, ["canceled"]),
        (make_entry(no_show_uri=MARK), CANCELED, ["canceled"]),
        (make_entry(), CANCELED | {"no_show_uri": MARK}, ["canceled"]),
        (make_entry(), MOVED, []),
        (make_entry(), MOVED | {"no_show_uri": MARK}, []),
        (make_entry(no_show_uri=MARK), MOVED, []),
        (make_entry(), MARKED, [f"no_show:{MARK}"]),
        (make_entry(attended_at=ATTENDED_AT), MARKED, [f"no_show:{MARK}"]),
        (make_entry(no_show_uri=MARK), {"updated_at": LATER}, [f"no_show_undone:{MARK}"]),
        (make_entry(no_show_uri=MARK), MARKED | {"no_show_uri": SECOND_MARK}, []),
        (make_entry(no_show_uri=MARK), MARKED, []),
        (make_entry(), {"updated_at": LATER, "name": "Nadia B."}, []),
        (make_entry(successor="new"), CANCELED, []),
        (make_entry(successor="new"), MARKED, []),
        (make_entry(successor="new", no_show_uri=MARK), {"updated_at": LATER}, []),
        (make_entry(is_canceled=True), MARKED | CANCELED, []),
        (make_entry(is_canceled=True), CANCELED, []),
    ],
)
def test_later_snapshot_fires_the_difference(known: Entry, changes: dict[str, Any], expected: list[str]) -> None:
    merged = merge(known, make_booking(**changes))

    assert keys(merged.happenings) == expected
    assert merged.is_news


def test_cancel_of_what_turns_out_to_be_moved_is_silent() -> None:
    merged = merge(make_entry(), make_booking(**CANCELED), successor=invitee_uri("new"))

    assert merged.happenings == ()
    assert merged.entry.status is Status.RESCHEDULED


@pytest.mark.parametrize("changes", [CANCELED, MOVED, MARKED])
def test_older_snapshot_changes_nothing(changes: dict[str, Any]) -> None:
    known = make_entry(updated_at=LATEST)

    merged = merge(known, make_booking(**changes))

    assert merged.entry == known
    assert merged.happenings == ()
    assert merged.is_news is False


def test_same_snapshot_again_is_no_news() -> None:
    known = merge(None, make_booking()).entry

    merged = merge(known, make_booking())

    assert merged.entry == known
    assert merged.happenings == ()
    assert merged.is_news is False


def test_same_facts_seen_later_are_no_news() -> None:
    known = merge(None, make_booking()).entry

    merged = merge(known, make_booking(taken_at=LATER, meeting=make_meeting(taken_at=LATER)))

    assert merged.entry.booking.invitee.taken_at == merged.entry.booking.meeting.taken_at == LATER
    assert merged.is_news is False


@pytest.mark.parametrize(
    ("known", "seen", "wins"),
    [
        ({}, {"taken_at": LATER}, True),
        ({"taken_at": LATER}, {}, False),
        ({"taken_at": LATEST}, {"updated_at": LATER}, True),
        ({}, {"is_canceled": True}, True),
        ({}, {"no_show_uri": MARK}, True),
        ({"no_show_uri": MARK}, {"is_canceled": True}, True),
        ({"is_canceled": True}, {"no_show_uri": MARK}, False),
        ({"is_canceled": True}, {}, False),
        ({"no_show_uri": MARK}, {}, False),
        ({}, {}, False),
    ],
)
def test_newest_is_told_by_update_then_by_sight_then_by_rank(
    known: dict[str, Any], seen: dict[str, Any], wins: bool
) -> None:
    merged = merge(Entry(booking=named("Before", known)), named("After", seen))

    assert merged.entry.booking.invitee.name == ("After" if wins else "Before")


def named(name: str, changes: dict[str, Any]) -> Booking:
    return Booking(invitee=replace(make_invitee(**changes), name=name), meeting=make_meeting())


@pytest.mark.parametrize(
    ("known", "seen", "place"),
    [
        ({}, {"updated_at": LATER}, "new"),
        ({"updated_at": LATER}, {}, "old"),
        ({}, {"taken_at": LATER}, "new"),
        ({"taken_at": LATER}, {}, "old"),
        ({"updated_at": LATER}, {"taken_at": LATEST}, "old"),
        ({}, {}, "old"),
    ],
)
def test_meeting_follows_its_own_time(known: dict[str, Any], seen: dict[str, Any], place: str) -> None:
    entry = make_entry(meeting=make_meeting(location="old", **known))

    merged = merge(entry, make_booking(meeting=make_meeting(location="new", **seen)))

    assert merged.entry.booking.meeting.location == place
    assert merged.happenings == ()


def test_halves_are_taken_from_different_snapshots() -> None:
    known = make_entry(updated_at=LATER, meeting=make_meeting(location="old"))

    merged = merge(known, make_booking(is_canceled=True, meeting=make_meeting(location="new", updated_at=LATER)))

    assert merged.entry.status is Status.BOOKED
    assert merged.entry.booking.meeting.location == "new"
    assert merged.is_news


@pytest.mark.parametrize(
    ("known", "argument", "named", "expected"),
    [
        (None, "", {}, ""),
        (None, "argument", {}, "argument"),
        (None, "", MOVED, invitee_uri("new")),
        (None, "", {"new_invitee": "ignored"}, ""),
        (make_entry(successor="known"), "", MOVED, "known"),
        (make_entry(successor="known"), "argument", MOVED, "argument"),
        (make_entry(), "", MOVED, invitee_uri("new")),
    ],
)
def test_successor_is_the_one_that_names_us_else_the_known_else_the_named(
    known: Entry | None, argument: str, named: dict[str, Any], expected: str
) -> None:
    assert merge(known, make_booking(**named), successor=argument).entry.successor == expected


@pytest.mark.parametrize(
    ("known", "predecessor", "old", "moves"),
    [
        (None, None, "", 0),
        (None, make_entry("old", moves=4), "", 0),
        (None, None, invitee_uri("old"), 1),
        (None, make_entry("old"), invitee_uri("old"), 1),
        (None, make_entry("old", moves=2), invitee_uri("old"), 3),
        (make_entry(moves=5), make_entry("old", moves=2), invitee_uri("old"), 3),
        (make_entry(moves=5), None, invitee_uri("old"), 5),
        (make_entry(moves=0), None, invitee_uri("old"), 1),
    ],
)
def test_moves_are_carried_on(known: Entry | None, predecessor: Entry | None, old: str, moves: int) -> None:
    seen = make_booking(old_invitee=old, updated_at=LATER)

    assert merge(known, seen, predecessor=predecessor).entry.moves == moves


@pytest.mark.parametrize(
    ("known", "changes", "is_withdrawal", "expected"),
    [
        (None, {}, False, False),
        (None, {}, True, True),
        (make_entry(), {"updated_at": LATER}, False, False),
        (make_entry(was_undone=True), MARKED, False, True),
        (make_entry(no_show_uri=MARK), {"updated_at": LATER}, False, True),
        (make_entry(no_show_uri=MARK), MARKED, False, False),
        (make_entry(no_show_uri=MARK), CANCELED, False, False),
        (make_entry(), {}, True, True),
        (make_entry(no_show_uri=MARK, updated_at=LATEST), {}, True, True),
    ],
)
def test_withdrawal_of_a_mark_is_remembered(
    known: Entry | None, changes: dict[str, Any], is_withdrawal: bool, expected: bool
) -> None:
    assert merge(known, make_booking(**changes), is_withdrawal=is_withdrawal).entry.was_undone is expected


def test_a_late_withdrawal_is_news_though_it_fires_nothing() -> None:
    known = make_entry(no_show_uri=SECOND_MARK, updated_at=LATEST)

    merged = merge(known, make_booking(updated_at=LATER), is_withdrawal=True)

    assert merged.is_news
    assert merged.happenings == ()
    assert merged.entry.status is Status.NO_SHOW


def test_attendance_survives_later_snapshots() -> None:
    known = make_entry(attended_at=ATTENDED_AT)

    assert merge(known, make_booking(updated_at=LATER)).entry.attended_at == ATTENDED_AT
    assert merge(None, make_booking()).entry.attended_at is None


@pytest.mark.parametrize(
    ("known", "changes", "at"),
    [
        (None, {"created_at": BOOKED_AT, "updated_at": LATER}, [BOOKED_AT]),
        (None, {"created_at": BOOKED_AT, "updated_at": LATER, "no_show_uri": MARK}, [BOOKED_AT, LATER]),
        (None, CANCELED, [LATER]),
        (make_entry(), CANCELED, [LATER]),
        (make_entry(), MARKED, [LATER]),
        (make_entry(no_show_uri=MARK), {"updated_at": LATER}, [LATER]),
    ],
)
def test_trigger_happened_when_calendly_says_so(
    known: Entry | None, changes: dict[str, Any], at: list[datetime]
) -> None:
    assert [it.at for it in merge(known, make_booking(**changes)).happenings] == at


def test_supersede_links_the_old_half_and_changes_nothing_else() -> None:
    known = make_entry(moves=2, was_undone=True)

    superseded = supersede(known, successor=invitee_uri("new"))

    assert superseded == replace(known, successor=invitee_uri("new"))


def test_booking_counts_as_attended_after_its_grace_time() -> None:
    merged = attend(make_entry(moves=1), at=ATTENDED_AT)

    assert merged.entry == make_entry(moves=1, attended_at=ATTENDED_AT)
    assert [(it.trigger, it.at, it.key) for it in merged.happenings] == [(Trigger.ATTENDED, END_AT, "attended")]
    assert merged.happenings[0].entry is merged.entry
    assert merged.is_news


@pytest.mark.parametrize(
    "known",
    [
        make_entry(is_canceled=True),
        make_entry(successor="new"),
        make_entry(no_show_uri=MARK),
        make_entry(attended_at=ATTENDED_AT),
    ],
    ids=lambda entry: str(entry.status),
)
def test_what_is_not_booked_is_not_attended(known: Entry) -> None:
    merged = attend(known, at=datetime(2027, 1, 1, tzinfo=UTC))

    assert merged.entry is known
    assert merged.happenings == ()
    assert merged.is_news is False


def test_who_canceled_is_taken_over_with_the_cancel() -> None:
    reason = Cancellation(canceled_by="Camille", reason="ill", canceler_type="host")

    merged = merge(make_entry(), make_booking(cancellation=reason, **CANCELED))

    assert merged.entry.booking.invitee.cancellation == reason
