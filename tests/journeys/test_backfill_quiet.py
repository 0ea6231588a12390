"""History makes no noise: whatever the mapping says, no automation event leaves for what is long past.

And no more than that is held back: what happens from now on is told as ever.
"""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.utils import timezone

from calendly_connector.core.trigger import Trigger
from calendly_connector.models import Booking, Connection, Person, SyncLogEntry, TriggerMapping
from sandbox.calendly_world import DEMO, DISCOVERY, GROUP_DEMO, SUPPORT
from tests.journeys.history import backfill, ledger, make_old, make_up, truth
from tests.journeys.river import River

MEETINGS = 60
TYPES = (DEMO, DISCOVERY, GROUP_DEMO, SUPPORT)
Prepare = Callable[[River], None]


def _map_all(river: River, *event_types: str, name: str = "") -> None:
    number = river.brevo.add_list("Bookers")
    for event_type in event_types:
        for trigger in Trigger:
            TriggerMapping.objects.create(
                connection=river.connection, event_type=event_type, trigger=trigger.value, join_lists=[number],
                sends_event=True, event_name=name,
            )  # fmt: skip


def _nothing_mapped(river: River) -> None:
    TriggerMapping.objects.all().delete()


def _default_row(river: River) -> None:
    _map_all(river, "")


def _each_type(river: River) -> None:
    _map_all(river, *TYPES, name="our_own_name")


def _each_type_and_default(river: River) -> None:
    _map_all(river, "", *TYPES)


def _one_name_for_all(river: River) -> None:
    _map_all(river, "", name="calendly")


def _no_webhooks(river: River) -> None:
    _map_all(river, "")
    river.calendly.state.subscriptions.clear()


def _guests_too(river: River) -> None:
    _map_all(river, "")
    Connection.objects.update(guest_policy=Connection.GuestPolicy.CONTACT)


MAPPINGS: tuple[Prepare, ...] = (
    _nothing_mapped, _default_row, _each_type, _each_type_and_default, _one_name_for_all, _guests_too,
    _no_webhooks,
)  # fmt: skip


def let_everything_come(river: River) -> None:
    """Do all work that could follow, also what time brings: the clock of attendance, retries, waiting events."""
    river.work()
    Person.objects.filter(clock_at__lte=timezone.now()).update(clock_at=timezone.now() - timedelta(minutes=1))
    river.hurry()
    river.work()


def events_sent(river: River) -> list[str]:
    """Return the paths by which an event could have left, and the events that Brevo has."""
    calls = [call.path for call in river.calls() if call.template.startswith("/events")]
    return calls + [event["event_name"] for event in river.brevo.events()]


@pytest.mark.parametrize("prepare", MAPPINGS)
def test_no_event_leaves_whatever_the_mapping_says(river: River, prepare: Prepare) -> None:
    prepare(river)
    make_up(river.calendly, MEETINGS, MEETINGS + 20, seed=1)

    done = backfill()
    let_everything_come(river)

    assert done.status == 0, done.words
    assert ledger() == truth(river)
    assert {status for status, _ in ledger().values()} == {"booked", "attended", "canceled", "no_show", "rescheduled"}
    assert events_sent(river) == []
    events = SyncLogEntry.objects.filter(kind="event")
    assert set(events.values_list("state", flat=True)) <= {"skipped"}
    assert done.report["held_back"] == events.filter(reason__contains="history").count()
    assert done.report["held_back"] > 0 or prepare is _nothing_mapped


def test_a_second_and_a_third_run_stay_quiet(river: River) -> None:
    _default_row(river)
    make_up(river.calendly, MEETINGS)

    for _ in range(3):
        assert backfill().status == 0
        let_everything_come(river)

    assert events_sent(river) == []


def test_webhooks_of_the_past_that_come_after_all_stay_quiet_too(river: River) -> None:
    _default_row(river)
    uri = river.calendly.book(email="ada@example.com", event_type="Demo")
    late = river.pending()
    make_old(river.calendly, uri)

    backfill()
    river.deliver(*late)
    let_everything_come(river)

    assert ledger() == truth(river)
    assert events_sent(river) == []


def test_what_was_told_before_history_is_read_is_not_told_again(river: River) -> None:
    _default_row(river)
    uri = river.calendly.book(email="ada@example.com", event_type="Demo")
    river.flow()
    assert river.event_names("ada@example.com") == ["booked"]
    make_old(river.calendly, uri)
    make_up(river.calendly, MEETINGS)

    backfill()
    let_everything_come(river)

    assert river.event_names("ada@example.com") == ["booked"]
    assert len(river.brevo.events()) == 1


def test_a_booking_of_this_minute_is_told_by_its_webhook_before_or_after(river: River) -> None:
    _default_row(river)
    river.calendly.book(email="ada@example.com", event_type="Demo")
    waiting = river.pending()

    backfill()
    assert events_sent(river) == []
    river.deliver(*waiting)
    let_everything_come(river)

    assert river.event_names("ada@example.com") == ["booked"]


def test_what_happens_to_a_booking_of_history_later_is_told(river: River) -> None:
    _default_row(river)
    make_up(river.calendly, MEETINGS)
    backfill()
    uri = _upcoming()

    river.calendly.cancel(uri)
    river.flow()

    assert ledger() == truth(river)
    [event] = river.brevo.events()
    assert (event["event_name"], event["event_properties"]["booking_id"]) == ("calendly_meeting_canceled", uri)


def test_with_events_they_leave_once_each_and_not_again(river: River) -> None:
    _default_row(river)
    make_up(river.calendly, MEETINGS)

    loud = backfill("--with-events")
    let_everything_come(river)
    sent = [(event["event_name"], event["event_properties"]["booking_id"]) for event in river.brevo.events()]
    backfill("--with-events")
    let_everything_come(river)

    assert loud.status == 0, loud.words
    assert loud.report["held_back"] == 0
    assert len(set(sent)) == len(sent) > 0
    assert len(river.brevo.events()) == len(sent)


def test_after_a_quiet_run_one_with_events_does_not_make_up_for_it(river: River) -> None:
    _default_row(river)
    make_up(river.calendly, MEETINGS)

    backfill()
    backfill("--with-events")
    let_everything_come(river)

    assert events_sent(river) == []


def _upcoming() -> str:
    """Return an invitee of history who is still to come."""
    return str(Booking.objects.filter(status="booked", start_at__gt=timezone.now()).earliest("start_at").uri)
