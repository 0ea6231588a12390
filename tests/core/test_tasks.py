"""What a CRM task says of a booking, and for which bookings there is one."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from calendly_connector.core import tasks
from calendly_connector.core.booking import Answer, Cancellation, Host
from tests.factories import DISCOVERY_CALL, END_AT, START_AT, make_entry, make_meeting

NAMES = {DISCOVERY_CALL: "Discovery call"}
CANCELED = Cancellation(canceled_by="Nadia Benali", reason="No time\n\nSorry", canceler_type="invitee")


def told(**changes: Any) -> tasks.Task:
    found = tasks.describe(make_entry(**changes), type_names=NAMES)
    assert found
    return found


def test_a_task_says_what_with_whom_when_how_long_and_whose_it_is() -> None:
    found = told(
        cancel_url="https://calendly.com/cancellations/1", reschedule_url="https://calendly.com/reschedulings/1"
    )

    assert (found.name, found.owner, found.is_done) == ("Discovery call with Nadia Benali", "camille@example.fr", False)
    assert (found.at, found.duration) == ("2026-12-03T09:00:00.000Z", 1_800_000)
    assert found.notes.splitlines() == [
        "Booked through Calendly.",
        "Where: https://zoom.example/j/81",
        "Company: Benali Conseil",
        "Move: https://calendly.com/reschedulings/1",
        "Cancel: https://calendly.com/cancellations/1",
        "Calendly booking: nadia",
    ]


@pytest.mark.parametrize(
    ("changes", "first"),
    [
        ({"is_canceled": True, "cancellation": CANCELED}, "Canceled by Nadia Benali: No time, Sorry"),
        ({"is_canceled": True, "cancellation": replace(CANCELED, reason=" ")}, "Canceled by Nadia Benali."),
        ({"is_canceled": True}, "Canceled."),
        ({"no_show_uri": "https://mark"}, "The invitee didn't come (no-show)."),
        ({"attended_at": END_AT}, "The meeting took place."),
    ],
)
def test_what_is_over_is_done_and_says_how_it_ended(changes: dict[str, Any], first: str) -> None:
    found = told(cancel_url="https://c", reschedule_url="https://r", **changes)

    assert found.is_done
    assert found.notes.splitlines()[0] == first
    assert "https://c" not in found.notes


def test_a_meeting_without_a_type_a_name_or_a_host_has_words_all_the_same() -> None:
    bare = make_meeting(event_type="", name="", hosts=(Host(uri="1", name="Bo"),), location="", join_url="")

    entry = make_entry(meeting=bare, answers=())
    nameless = replace(entry, booking=replace(entry.booking, invitee=replace(entry.booking.invitee, name="")))
    found = tasks.describe(nameless, type_names=NAMES)

    assert found
    assert (found.name, found.owner) == ("Meeting with nadia.benali@example.com", "")
    assert found.notes == "Booked through Calendly.\nCalendly booking: nadia"


def test_the_old_half_of_a_move_has_no_task_of_its_own() -> None:
    assert tasks.describe(make_entry(successor="https://new"), type_names=NAMES) is None
    assert told(moves=1).notes.splitlines()[3] == "Moved once"
    assert told(moves=3).notes.splitlines()[3] == "Moved 3 times"


def test_long_answers_leave_room_for_the_line_by_which_it_is_found() -> None:
    notes = told(answers=(Answer(question="Why", answer="x" * 5000),)).notes

    assert len(notes) <= tasks.NOTES_LENGTH
    assert notes.endswith("\nCalendly booking: nadia")


def test_a_fingerprint_changes_with_whatever_the_task_says() -> None:
    plain = told()

    assert told().digest == plain.digest
    assert told(moves=1).digest != plain.digest
    assert told(meeting=make_meeting(end_at=END_AT + timedelta(minutes=5))).digest != plain.digest


@pytest.mark.parametrize(
    ("changes", "now", "begins"),
    [
        ({}, START_AT, True),
        ({}, END_AT, False),
        ({"is_canceled": True}, START_AT, False),
        ({"successor": "https://new"}, START_AT, False),
        ({"no_show_uri": "https://mark"}, datetime(2026, 12, 1, tzinfo=UTC), False),
    ],
)
def test_a_task_is_made_for_a_meeting_to_come_and_for_no_other(
    changes: dict[str, Any], now: datetime, *, begins: bool
) -> None:
    assert tasks.may_begin(make_entry(**changes), now=now) is begins
