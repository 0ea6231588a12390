"""What if this happened to a booking: the ledger's values come from the real merge."""

from datetime import UTC, datetime, timedelta

import pytest

from calendly_connector.core import suppose
from calendly_connector.core.booking import Status
from calendly_connector.core.merge import Entry
from calendly_connector.core.person import summarise
from calendly_connector.core.trigger import Trigger
from tests.factories import END_AT, START_AT, make_entry

NOW, GRACE = datetime(2026, 11, 30, 12, 0, tzinfo=UTC), timedelta(hours=24)
MARK = "https://marks/1"
STATUSES = {
    Trigger.BOOKED: Status.BOOKED,
    Trigger.RESCHEDULED: Status.BOOKED,
    Trigger.CANCELED: Status.CANCELED,
    Trigger.NO_SHOW: Status.NO_SHOW,
    Trigger.NO_SHOW_UNDONE: Status.BOOKED,
    Trigger.ATTENDED: Status.ATTENDED,
}
ENTRIES = [
    make_entry(),
    make_entry(is_canceled=True),
    make_entry(is_canceled=True, is_rescheduled=True, new_invitee="https://new"),
    make_entry(successor="https://new"),
    make_entry(no_show_uri=MARK),
    make_entry(was_undone=True),
    make_entry(attended_at=END_AT + GRACE),
    make_entry(old_invitee="https://old", moves=1),
]


@pytest.mark.parametrize("trigger", Trigger)
@pytest.mark.parametrize("known", ENTRIES, ids=lambda entry: str(entry.status))
def test_every_trigger_may_befall_every_booking(known: Entry, trigger: Trigger) -> None:
    found = suppose.suppose(known, trigger, now=NOW, grace=GRACE)

    assert [happening.trigger for happening in found.happenings] == [trigger]
    assert found.after[-1].status is STATUSES[trigger]
    assert found.happenings[0].entry == found.after[-1]


def test_a_move_keeps_both_halves_and_counts() -> None:
    known = make_entry(old_invitee="https://old", moves=1)

    found = suppose.suppose(known, Trigger.RESCHEDULED, now=NOW, grace=GRACE)

    old, new = found.after
    assert (old.status, old.successor, old.uri) == (Status.RESCHEDULED, new.uri, known.uri)
    assert (new.moves, new.booking.invitee.old_invitee) == (2, known.uri)
    assert new.booking.meeting.start_at == START_AT + timedelta(days=7)
    assert found.before[0].uri == known.uri


def test_a_mark_is_kept_and_withdrawn_as_what_it_is() -> None:
    known = make_entry(no_show_uri=MARK)

    again = suppose.suppose(known, Trigger.NO_SHOW, now=NOW, grace=GRACE)
    undone = suppose.suppose(known, Trigger.NO_SHOW_UNDONE, now=NOW, grace=GRACE)

    assert (again.happenings[0].key, undone.happenings[0].key) == (f"no_show:{MARK}", f"no_show_undone:{MARK}")
    assert undone.after[0].was_undone


def test_nobody_misses_or_attends_a_meeting_before_it_was() -> None:
    for trigger in (Trigger.NO_SHOW, Trigger.NO_SHOW_UNDONE):
        assert suppose.suppose(make_entry(), trigger, now=NOW, grace=GRACE).now == END_AT
    attended = suppose.suppose(make_entry(), Trigger.ATTENDED, now=NOW, grace=GRACE)
    assert attended.now == END_AT + GRACE
    summary = summarise(attended.after, now=attended.now, grace=GRACE)
    assert summary
    assert (summary.attended, summary.last_meeting) == (1, attended.after[0].booking)


def test_a_supposed_change_is_newer_than_what_is_known() -> None:
    late = make_entry(updated_at=NOW + timedelta(days=1))

    found = suppose.suppose(late, Trigger.CANCELED, now=NOW, grace=GRACE)

    assert found.happenings
    assert found.now > NOW
