"""Every registry is complete: whoever adds a member is told here what it needs."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from calendly_connector.core import decide, fields, interpret, merge, person, trigger
from calendly_connector.core.attributes import CONVERTERS
from calendly_connector.core.booking import Status
from calendly_connector.core.interpret import Seen
from calendly_connector.core.merge import Entry, Happening
from calendly_connector.core.rules import Overwrite
from calendly_connector.core.steps import TrackEvent
from calendly_connector.core.trigger import Trigger
from calendly_connector.models import Booking, FieldMapping, TriggerMapping
from tests import payload_files
from tests.core import ledger
from tests.factories import make_rules

NOW = datetime(2026, 12, 20, 12, 0, tzinfo=UTC)
PLAIN = "invitee.created__discovery_call"
RICHEST, POOREST = "invitee.created__unknown_keys_options", "invitee.created__minimal_keys"

WAYS: dict[Trigger, tuple[str, ...]] = {
    Trigger.BOOKED: (PLAIN,),
    Trigger.RESCHEDULED: ("invitee.canceled__reschedule_old_half", "invitee.created__reschedule_new_half"),
    Trigger.CANCELED: (PLAIN, "invitee.canceled__by_invitee"),
    Trigger.NO_SHOW: (PLAIN, "invitee_no_show.created__marked"),
    Trigger.NO_SHOW_UNDONE: (PLAIN, "invitee_no_show.created__marked", "invitee_no_show.deleted__no_show_null"),
    Trigger.ATTENDED: (PLAIN,),  # and then the clock
}


def seen(name: str) -> Seen:
    found = interpret.interpret_webhook(payload_files.load(name))
    assert isinstance(found, Seen)
    return found


def happened(trigger: Trigger) -> Happening:
    """Return the trigger as the last thing that happens in a story told by payload files."""
    entries: ledger.Entries = {}
    happenings: tuple[Happening, ...] = ()
    for name in WAYS[trigger]:
        entries, happenings = ledger.take(entries, seen(name))
    if trigger is Trigger.ATTENDED:
        happenings = merge.attend(next(iter(entries.values())), at=NOW).happenings
    return happenings[-1]


def test_every_trigger_has_a_way_to_fire() -> None:
    assert WAYS.keys() == set(Trigger)


@pytest.mark.parametrize("each", Trigger)
def test_trigger_fires_and_has_its_default_event(each: Trigger) -> None:
    happening = happened(each)

    decision = decide.decide_event(happening, rules=make_rules())

    assert happening.trigger is each
    assert isinstance(decision, TrackEvent)
    assert decision.name == f"calendly_meeting_{each}"


def test_every_status_can_be_reached() -> None:
    plain = Entry(booking=seen(PLAIN).booking)
    reached = [
        plain,
        Entry(booking=seen("invitee.canceled__by_host").booking),
        Entry(booking=seen("invitee.canceled__reschedule_old_half").booking),
        Entry(booking=seen("invitee_no_show.created__marked").booking),
        replace(plain, attended_at=NOW),
    ]

    assert {entry.status for entry in reached} == set(Status)
    assert fields.STATUS_VALUES.keys() == set(Status)


def test_every_webhook_has_a_payload() -> None:
    told = {name.split("__")[0] for name in payload_files.names()}

    assert told == trigger.INVITEE_WEBHOOKS | trigger.OTHER_WEBHOOKS.keys()


@pytest.mark.parametrize("payload", [RICHEST, POOREST])
@pytest.mark.parametrize("source", fields.FIELDS)
def test_field_is_read_from_the_richest_and_from_the_poorest_payload(source: str, payload: str) -> None:
    summary = person.summarise([Entry(booking=seen(payload).booking)], now=NOW, grace=timedelta(hours=24))
    assert summary

    value = fields.read(source, fields.Context(person=summary, rules=make_rules()))

    assert value is None or isinstance(value, str | int | float) or hasattr(value, "isoformat")


def test_every_kind_of_attribute_has_a_converter() -> None:
    writable = {"text", "date", "float", "boolean", "multiple-choice", "user", "category"}  # brevo-api.md §4.2

    assert CONVERTERS.keys() == writable


def test_every_kind_that_a_field_suggests_can_be_written() -> None:
    assert {field.kind for field in fields.FIELDS.values()} <= CONVERTERS.keys()


@pytest.mark.parametrize(
    ("core", "stored"),
    [(Status, Booking.Status), (Trigger, TriggerMapping.Trigger), (Overwrite, FieldMapping.Overwrite)],
    ids=["status", "trigger", "overwrite"],
)
def test_core_and_database_know_the_same_values(core: Any, stored: Any) -> None:
    assert [member.value for member in core] == stored.values
    assert [member.name for member in core] == stored.names


@pytest.mark.parametrize("model_field", [("status", Booking, Status), ("trigger", TriggerMapping, Trigger)])
def test_column_is_wide_enough(model_field: tuple[str, Any, Any]) -> None:
    name, model, values = model_field

    assert max(map(len, values)) <= model._meta.get_field(name).max_length


def test_public_functions_of_the_core_say_what_they_do() -> None:
    public: list[Callable[..., Any]] = [
        value
        for module in (decide, fields, interpret, merge, person)
        for name, value in vars(module).items()
        if callable(value) and not name.startswith("_") and getattr(value, "__module__", "") == module.__name__
    ]

    assert [it.__qualname__ for it in public if not it.__doc__] == []
