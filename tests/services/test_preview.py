"""A preview shows what the writer really sends, call by call; and leaves no trace, here or in Brevo."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest
from django.apps import apps
from django.utils import timezone

from calendly_connector.core import explain, lists
from calendly_connector.core.booking import Tracking
from calendly_connector.core.explain import AttributeFate, ListFate
from calendly_connector.core.steps import Skip, TrackEvent
from calendly_connector.core.trigger import Trigger
from calendly_connector.models import (
    Booking,
    BrevoAccount,
    ConsentRule,
    EventType,
    FieldMapping,
    Person,
    SyncLogEntry,
    WebhookDelivery,
)
from calendly_connector.services import accounts, clock, preview, preview_subject, sync
from calendly_connector.services.preview import Preview
from calendly_connector.services.preview_subject import MadeUp
from tests.journeys.conftest import river
from tests.journeys.river import River

__all__ = ["river"]  # a connected installation

EMAIL = "tom@example.com"
PAST = (timezone.now() - timedelta(days=3)).replace(hour=9, minute=0, second=0, microsecond=0)
Sent = tuple[str, str, Any]  # method, path with query, body


def book(river: River, **details: Any) -> str:
    values = {"event_type": "Discovery call", "email": EMAIL, "name": "Tom Berg", "start_time": PAST.isoformat()}
    answers = {"Company": "Berg", "Mobile number": "+33 6 12 34 56 78", "Which topics?": ["Pricing", "Security"]}
    return river.calendly.book(**{**values, "answers": answers, "tracking": {"utm_source": "news"}, **details})


def take_in(river: River) -> None:
    """Let what Calendly tells into the ledger, and leave what Brevo should hear in the outbox."""
    river.deliver()
    for number in WebhookDelivery.objects.filter(state="stored").order_by("pk").values_list("pk", flat=True):
        sync.take_in(number)


def end_grace_time(river: River) -> None:
    clock.turn(Person.objects.get(email=EMAIL).pk)


def show(trigger: Trigger | None = None, **filters: Any) -> Preview:
    row = Booking.objects.select_related("connection__brevo_account", "person").filter(**filters).latest("pk")
    return preview.preview(preview_subject.of_booking(row, trigger))


def planned(found: Preview) -> list[Sent]:
    return [(call.method, call.path, json.loads(json.dumps(call.body))) for call in found.calls]


def written(river: River) -> list[Sent]:
    """Return the calls that changed something in Brevo since the journal was cleared."""
    calls = river.sandbox.world.journal.calls("brevo")
    return [(call.method, address_of(call), call.body) for call in calls if call.method != "GET"]


def address_of(call: Any) -> str:
    query = "&".join(f"{name}={value}" for name, values in call.query.items() for value in values)
    path = call.path.removeprefix("/v3").replace("@", "%40")
    return f"{path}?{query}" if query else path


def rows() -> dict[str, list[Any]]:
    """Return every row of every table."""
    return {model._meta.label: list(model._base_manager.order_by("pk").values()) for model in apps.get_models()}


@contextmanager
def without_a_trace(river: River) -> Iterator[None]:
    before = rows()
    river.sandbox.world.journal.clear()
    yield
    assert rows() == before
    assert written(river) == []
    assert river.sandbox.world.journal.calls("calendly") == []


def previewed_then_written(river: River) -> list[Sent]:
    """Preview what waits, let it be written, and return the calls, after comparing them."""
    with without_a_trace(river):
        found = planned(show())
    river.sandbox.world.journal.clear()
    river.work()
    assert found == written(river)
    return found


@pytest.fixture
def grid(river: River) -> River:
    """Map lists to every trigger, attributes of several kinds, and one with another rule each."""
    numbers = [river.brevo.add_list(f"List {number}") for number in range(4)]
    river.map_lists("booked", join=numbers[:1])
    river.map_lists("rescheduled", join=numbers[1:2])
    river.map_lists("canceled", join=numbers[2:3], leave=numbers[:2])
    river.map_lists("no_show", join=numbers[3:4], leave=numbers[:1])
    river.map_lists("no_show_undone", join=numbers[:1])
    river.map_lists("attended", join=numbers[2:3])
    river.add_attribute("TOPICS", type="multiple-choice", options=["Pricing", "Security"])
    river.add_attribute("BOOKINGS", type="float")
    river.map_field("answer:Which topics?", "TOPICS")
    river.map_field("bookings", "BOOKINGS")
    river.map_field("answer:company", "COMPANY", overwrite="if_empty")
    return river


def booked(river: River) -> None:
    book(river)
    take_in(river)


def settled(river: River) -> str:
    uri = book(river)
    take_in(river)
    river.work()
    return uri


def moved(river: River) -> None:
    river.calendly.move(settled(river), start_time=(PAST + timedelta(days=7)).isoformat())
    take_in(river)


def canceled(river: River) -> None:
    river.calendly.cancel(settled(river), by="host", reason="Ill")
    take_in(river)


def marked(river: River) -> None:
    river.calendly.mark_no_show(settled(river))
    take_in(river)


def unmarked(river: River) -> None:
    uri = settled(river)
    river.calendly.mark_no_show(uri)
    take_in(river)
    river.work()
    river.calendly.undo_no_show(uri)
    take_in(river)


def attended(river: River) -> None:
    settled(river)
    end_grace_time(river)


LIVES: dict[Trigger, Callable[[River], None]] = {
    Trigger.BOOKED: booked,
    Trigger.RESCHEDULED: moved,
    Trigger.CANCELED: canceled,
    Trigger.NO_SHOW: marked,
    Trigger.NO_SHOW_UNDONE: unmarked,
    Trigger.ATTENDED: attended,
}


# -- A preview is what the writer sends --------------------------------------------------------------------------------


@pytest.mark.parametrize("trigger", Trigger)
def test_what_waits_is_shown_as_it_is_then_sent(grid: River, trigger: Trigger) -> None:
    LIVES[trigger](grid)

    calls = previewed_then_written(grid)

    assert calls[0][:2] == ("POST", "/contacts")
    assert calls[-1][2]["event_name"] == f"calendly_meeting_{trigger}"


TIMES = {"event_date"}
MADE_UP = {"booking_id", "cancel_url", "reschedule_url", "start_time", "end_time", "local_start_time", "canceled_by",
           "canceler_type", "cancel_reason", "host_name", "host_email", "location", "join_url",
           "previous_booking_id"}  # fmt: skip


def comparable(calls: list[Sent]) -> list[Sent]:
    """Return calls without what nobody can know of a change that hasn't come yet."""
    return [(method, path, _known(body)) for method, path, body in calls]


def _known(value: Any) -> Any:
    if isinstance(value, dict):
        kept = value.keys() - TIMES - MADE_UP
        return {name: _known(value[name]) for name in sorted(kept)}
    return value


def change(river: River, trigger: Trigger, uri: str) -> None:
    if trigger is Trigger.RESCHEDULED:
        river.calendly.move(uri, start_time=(PAST + timedelta(days=7)).isoformat())
    elif trigger is Trigger.CANCELED:
        river.calendly.cancel(uri)
    elif trigger is Trigger.NO_SHOW:
        river.calendly.mark_no_show(uri)
    elif trigger is Trigger.NO_SHOW_UNDONE:
        river.calendly.undo_no_show(uri)
    elif trigger is Trigger.ATTENDED:
        end_grace_time(river)
    take_in(river)


@pytest.mark.parametrize("trigger", [each for each in Trigger if each is not Trigger.BOOKED])
def test_what_would_be_sent_is_sent_when_it_happens(grid: River, trigger: Trigger) -> None:
    uri = settled(grid)
    if trigger is Trigger.NO_SHOW_UNDONE:
        grid.calendly.mark_no_show(uri)
        take_in(grid)
        grid.work()
    with without_a_trace(grid):
        found = planned(show(trigger))
    grid.sandbox.world.journal.clear()

    change(grid, trigger, uri)
    grid.work()

    assert comparable(found) == comparable(written(grid))
    assert found[-1][2]["event_name"] == f"calendly_meeting_{trigger}"


@pytest.mark.parametrize("trigger", Trigger)
def test_a_made_up_booking_sends_what_a_real_one_would(grid: River, trigger: Trigger) -> None:
    wanted = MadeUp(
        event_type=EventType.objects.get(name="Discovery call"),
        trigger=trigger,
        name="Tom Berg",
        email=EMAIL,
        start_at=PAST + timedelta(days=7) if trigger is Trigger.RESCHEDULED else PAST,
        answers={"Company": "Berg", "Mobile number": "+33 6 12 34 56 78", "Which topics?": "Pricing\nSecurity"},
        tracking=Tracking(utm_source="news"),
        timezone="Europe/Paris",
    )
    with without_a_trace(grid):
        found = planned(preview.preview(preview_subject.made_up(grid.connection, wanted)))
    FieldMapping.objects.filter(attribute="COMPANY").update(overwrite="never")  # the real one is there before its step
    LIVES[trigger](grid)
    grid.sandbox.world.journal.clear()

    grid.work()

    real = written(grid)
    found[0][2]["attributes"].pop("COMPANY")
    assert comparable(found) == comparable(real)


def test_a_made_up_move_counts_as_one_booking(grid: River) -> None:
    kind = EventType.objects.get(name="Demo")
    wanted = MadeUp(event_type=kind, trigger=Trigger.RESCHEDULED, name="Tom", email=EMAIL, start_at=PAST)

    found = preview.preview(preview_subject.made_up(grid.connection, wanted))

    assert planned(found)[0][2]["attributes"]["BOOKINGS"] == 1
    assert planned(found)[0][2]["attributes"]["MEETING_DATE"] == PAST.date().isoformat()


def test_several_bookings_of_a_person_all_count(grid: River) -> None:
    settled(grid)
    book(grid, event_type="Demo", answers={})
    take_in(grid)

    calls = previewed_then_written(grid)

    assert calls[0][2]["attributes"]["BOOKINGS"] == 2


def test_what_is_written_only_when_empty_is_left_as_brevo_has_it(grid: River) -> None:
    settled(grid)
    grid.calendly.book(event_type="Demo", email=EMAIL, name="Tom Berg", answers={"Company": "Another"})
    take_in(grid)

    line = next(each for each in show().attributes if each.rule.attribute == "COMPANY")
    calls = previewed_then_written(grid)

    assert (line.fate, line.before) == (AttributeFate.KEPT, "Berg")
    assert "COMPANY" not in calls[0][2]["attributes"]


def test_attributes_that_were_never_read_are_read_for_the_preview_alone(grid: River) -> None:
    BrevoAccount.objects.update(attributes_read_at=None)
    booked(grid)

    calls = previewed_then_written(grid)

    assert calls[0][2]["attributes"]["FIRSTNAME"] == "Tom"


def test_an_attribute_that_came_to_brevo_meanwhile_is_seen(grid: River) -> None:
    settled(grid)
    grid.map_field("last_name", "SURNAME")
    grid.brevo.add_attribute("SURNAME")
    BrevoAccount.objects.update(attributes_read_at=timezone.now() - timedelta(hours=1))
    grid.calendly.book(event_type="Demo", email=EMAIL, name="Tom Berg")
    take_in(grid)

    calls = previewed_then_written(grid)

    assert calls[0][2]["attributes"]["SURNAME"] == "Berg"


# -- Consent -----------------------------------------------------------------------------------------------------------


def test_double_opt_in_asks_and_joins_nothing(grid: River) -> None:
    ConsentRule.objects.create(
        connection=grid.connection, mode="double_opt_in", template=3, redirect_url="https://example.com/thanks"
    )
    booked(grid)

    shown = show().lists
    calls = previewed_then_written(grid)

    assert [line.fate for line in shown] == [ListFate.ASKED]
    assert [call[1] for call in calls] == ["/contacts", "/contacts/doubleOptinConfirmation", "/events"]
    assert "listIds" not in calls[0][2]


def test_nobody_who_opted_out_is_asked(grid: River) -> None:
    ConsentRule.objects.create(
        connection=grid.connection, mode="double_opt_in", template=3, redirect_url="https://example.com/thanks"
    )
    grid.brevo.add_contact(EMAIL)
    grid.brevo.block(EMAIL)
    booked(grid)

    found = show()
    calls = previewed_then_written(grid)

    assert found.before.is_blocked
    assert any("opted out" in note for note in found.notes)
    assert [call[1] for call in calls] == ["/contacts", "/events"]


def test_a_list_without_consent_is_shown_with_its_reason(grid: River) -> None:
    ConsentRule.objects.create(connection=grid.connection, mode="answer", question="Company", answer="Yes")
    booked(grid)

    (line,) = show().lists
    calls = previewed_then_written(grid)

    assert (line.fate, line.row) == (ListFate.WITHHELD, explain.Row.DEFAULT)
    assert "“Berg”" in line.reason
    assert "listIds" not in calls[0][2]


# -- What is left out, and why -----------------------------------------------------------------------------------------


def decisions(found: Preview) -> list[TrackEvent | Skip]:
    return [line.decision for line in found.events]


def test_an_event_that_was_sent_is_not_sent_again(grid: River) -> None:
    settled(grid)

    found = show()

    assert [call.path for call in found.calls] == ["/contacts"]
    (decision,) = decisions(found)
    assert isinstance(decision, Skip)
    assert "sent once already" in decision.reason


def test_supposing_what_is_so_already_sends_no_second_event(grid: River) -> None:
    settled(grid)

    found = show(Trigger.BOOKED)

    assert all(isinstance(decision, Skip) for decision in decisions(found))


def test_an_ignored_type_changes_nothing(grid: River) -> None:
    EventType.objects.filter(name="Discovery call").update(is_ignored=True, decided_name="Discovery call")
    settled(grid)

    found = show(Trigger.CANCELED)

    assert found.calls == []
    assert any("ignore" in note for note in found.notes)


def test_a_grid_that_sends_no_event_says_so(grid: River) -> None:
    settled(grid)
    grid.connection.trigger_mappings.filter(trigger="canceled").update(sends_event=False)

    (decision,) = decisions(show(Trigger.CANCELED))

    assert decision == Skip(what="No event calendly_meeting_canceled", reason="The mapping sends no event for this.")


def test_history_without_events_says_that_nothing_is_new(grid: River) -> None:
    settled(grid)
    SyncLogEntry.objects.all().delete()

    (decision,) = decisions(show())

    assert isinstance(decision, Skip)
    assert decision.reason.startswith("Nothing new has happened")


def test_events_wait_behind_one_of_unknown_outcome(grid: River) -> None:
    canceled(grid)
    SyncLogEntry.objects.filter(kind="event", happening="booked").update(state="unknown", settled_at=None)

    first, second = decisions(show())

    assert isinstance(first, Skip)
    assert isinstance(second, Skip)
    assert "behind" in second.reason


def test_an_unknown_attribute_and_a_bad_phone_are_named(grid: River) -> None:
    grid.map_field("name", "NOT_THERE")
    book(grid, answers={"Company": "Berg", "Mobile number": "none"})
    grid.map_field("answer:Mobile number", "SMS")
    take_in(grid)

    unfit = {line.rule.attribute: line.reason for line in show().attributes if line.fate is AttributeFate.UNFIT}

    assert "Brevo has no attribute NOT_THERE" in unfit["NOT_THERE"]
    assert "can't be understood" in unfit["SMS"]


# -- Before ------------------------------------------------------------------------------------------------------------


def test_before_and_after_are_compared(grid: River) -> None:
    uri = settled(grid)
    grid.calendly.cancel(uri)
    take_in(grid)

    found = show()

    fates = {line.rule.attribute: (line.fate, line.before, line.value) for line in found.attributes}
    assert fates["BOOKING_STATUS"] == (AttributeFate.WRITTEN, "booked", "cancelled")
    assert fates["SMS"] == (AttributeFate.UNCHANGED, "33612345678", "+33612345678")
    assert fates["TOPICS"][0] is AttributeFate.UNCHANGED
    assert {line.fate for line in found.lists} == {ListFate.JOINED, ListFate.LEFT}
    assert {line.what for line in found.lists} == {lists.JOIN, lists.LEAVE}


@pytest.mark.parametrize("kind", ["paused", "no key", "no answer", "refused"])
def test_without_brevos_answer_the_calls_are_shown_all_the_same(grid: River, settings: Any, kind: str) -> None:
    FieldMapping.objects.update(overwrite="always")  # whether there is nothing in Brevo yet can't be known
    settled(grid)
    book(grid, event_type="Demo")
    take_in(grid)
    expected = planned(show())
    if kind == "paused":
        accounts.pause(grid.account, "Paused by Anna")
    elif kind == "no key":
        settings.BREVO_API_KEY = ""
    elif kind == "no answer":
        grid.break_brevo("reset", method="GET", times=None)
    else:
        grid.break_brevo("status", method="GET", status=401, times=None)

    with without_a_trace(grid):
        found = show()

    assert planned(found) == expected
    assert found.before.why_unknown
    assert {line.before for line in found.attributes} == {None}
