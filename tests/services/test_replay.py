"""A replay does what its plan said: the contact anew, an event once, nothing twice, and nobody subscribed again."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django.fixtures import Settings

from calendly_connector.core import cause, decide
from calendly_connector.core.replay import (
    ASKED,
    HISTORY,
    IGNORED,
    IN_DOUBT,
    LEFT_OUT_THEN,
    LISTS_LEFT,
    LISTS_UNNAMED,
    NO_BOOKING,
    NO_EVENT,
    SENT,
    WAITS,
    Wish,
)
from calendly_connector.models import (
    Booking,
    BrevoAccount,
    Connection,
    EventType,
    Job,
    Person,
    Replay,
    SyncLogEntry,
    TriggerMapping,
)
from calendly_connector.services import accounts, plan, redo, replay, setup, versions
from calendly_connector.services.chosen import Chosen
from sandbox import scenarios
from tests.admin.rows import make_booking_row, make_connection, make_step
from tests.factories import DEMO, make_meeting
from tests.journeys.conftest import river
from tests.journeys.river import River

__all__ = ["river"]

ALL = SyncLogEntry.objects
EVERYTHING = Chosen()
TODAY, THEN = Wish(), Wish(is_today=False)
AGAIN, THEN_AGAIN = Wish(sends_again=True), Wish(is_today=False, sends_again=True)
EMAIL = scenarios.NADIA.email


@pytest.fixture
def connection(db: None) -> Connection:
    """Return a connection without a mapping: every trigger sends its default event."""
    return make_connection()


def start(connection: Connection, chosen: Chosen = EVERYTHING, wish: Wish = TODAY) -> Replay:
    return replay.start(connection, chosen, plan.plan(connection, chosen, wish), wish, by="anna")


def run(connection: Connection, chosen: Chosen = EVERYTHING, wish: Wish = TODAY) -> Replay:
    row = start(connection, chosen, wish)
    replay.advance(row.pk, lambda: None)
    row.refresh_from_db()
    return row


def sent_request(name: str = "calendly_meeting_booked") -> dict[str, object]:
    return {"name": name, "at": "2026-11-22T10:15:04+00:00", "properties": {"booking_id": "stored"}}


# -- What a plan counts, and that the replay does just that -------------------------------------------------------


def make_one_of_each(connection: Connection) -> None:
    """Make entries of every kind, state and reason to leave one out."""
    TriggerMapping.objects.create(connection=connection, trigger="canceled", sends_event=False, leave_lists=[7])
    TriggerMapping.objects.create(connection=connection, trigger="no_show", event_name="missed")
    EventType.objects.create(connection=connection, uri=DEMO, name="Demo", is_ignored=True, read_at=timezone.now())
    for number, state in enumerate(SyncLogEntry.State.values):
        booking = make_booking_row(connection, f"p{number}")
        make_step(booking, "contact", state=state, cause="unfit:NAME" if state == "done" else "")
        make_step(booking, "leave_lists", state=state, request={"lists": [7, 8]})
        make_step(booking, "opt_in", state=state, request={"lists": [7]})
        for happening in ("booked", "no_show:mark", "canceled"):
            make_step(booking, state=state, happening=happening, request=sent_request("then"))
        make_step(booking, "contact", state=state)
    odd = make_booking_row(connection, "odd")
    make_step(odd, state="skipped", happening="booked", reason=decide.HELD_BACK)
    make_step(odd, "leave_lists", state="failed", request={"lists": [9]})
    make_step(odd, "opt_in", state="failed", cause=cause.OPT_IN_UNKNOWN, request={"lists": [7]})
    make_step(odd, state="failed", happening="rescheduled", request=sent_request())
    ALL.filter(happening="rescheduled").update(booking=None)
    ignored = make_booking_row(connection, "ignored", meeting=make_meeting(event_type=DEMO))
    make_step(ignored, "contact", state="skipped")
    make_step(ignored, state="skipped", happening="booked")
    left_out = make_booking_row(connection, "left")
    make_step(left_out, "contact", state="skipped")
    make_step(left_out, state="failed", happening="attended", request=sent_request("over"))


@pytest.mark.parametrize("wish", [TODAY, THEN, AGAIN, THEN_AGAIN], ids=["today", "then", "again", "then again"])
@pytest.mark.parametrize("filters", [{}, {"kind": "event"}, {"states": ("failed",)}], ids=["all", "events", "failed"])
def test_a_replay_does_what_its_plan_says(connection: Connection, wish: Wish, filters: dict[str, Any]) -> None:
    make_one_of_each(connection)
    before = set(ALL.filter(state="waiting").values_list("pk", flat=True))
    planned = plan.plan(connection, Chosen(**filters), wish)

    row = run(connection, Chosen(up_to=ALL.latest("pk").pk, **filters), wish)

    waiting = ALL.filter(state="waiting").exclude(pk__in=before)
    events = [entry.request["name"] for entry in waiting.filter(kind="event")]
    assert (row.done, row.left_out) == (planned.entries - planned.left_out_count, planned.left_out_count)
    assert waiting.filter(kind="contact").values("person").distinct().count() == planned.contacts
    assert waiting.filter(kind="leave_lists").count() == planned.lists
    assert waiting.filter(kind="opt_in").count() == planned.opt_ins
    assert {name: events.count(name) for name in events} == {
        name: planned.events.get(name, 0) + planned.again.get(name, 0) for name in {**planned.events, **planned.again}
    }
    assert row.state == "finished"


def test_a_plan_says_why_entries_are_left_out(connection: Connection) -> None:
    make_one_of_each(connection)

    today, then = (plan.plan(connection, Chosen(), wish).left_out for wish in (TODAY, THEN))

    assert today.keys() == {
        *(WAITS, SENT, IN_DOUBT, HISTORY, IGNORED, NO_EVENT, NO_BOOKING, LISTS_LEFT, LISTS_UNNAMED, ASKED),
    }
    assert LEFT_OUT_THEN in then
    assert {IGNORED, NO_EVENT, NO_BOOKING, LISTS_UNNAMED}.isdisjoint(then)


def test_a_plan_names_the_events_and_what_is_sent_a_second_time(connection: Connection) -> None:
    booking = make_booking_row(connection)
    make_step(booking, state="failed", happening="booked", request=sent_request())
    make_step(booking, state="done", happening="canceled", request=sent_request("calendly_meeting_canceled"))

    found = plan.plan(connection, Chosen(), AGAIN)

    assert found.lines() == [
        "1 event is sent: calendly_meeting_booked × 1",
        "1 event is sent a second time: calendly_meeting_canceled × 1",
    ]


def test_a_plan_costs_as_many_queries_for_many_as_for_few(connection: Connection) -> None:
    make_one_of_each(connection)
    with CaptureQueriesContext(database) as few:
        plan.plan(connection, Chosen(), TODAY)
    for number in range(60):
        make_step(make_booking_row(connection, f"more{number}"), "contact", state="failed")

    with CaptureQueriesContext(database) as many:
        plan.plan(connection, Chosen(), TODAY)

    assert len(many) == len(few) <= 12


# -- In pieces, once ----------------------------------------------------------------------------------------------


@pytest.fixture
def small_pieces(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Let a piece be two entries."""
    monkeypatch.setattr(replay, "BATCH", 2)
    return iter(())


def test_one_person_in_many_pieces_is_written_once(connection: Connection, small_pieces: None) -> None:
    booking = make_booking_row(connection)
    for _ in range(7):
        make_step(booking, "contact", state="done", cause="attribute_missing:MEETING_DATE")

    row = run(connection, Chosen(cause="attribute_missing:MEETING_DATE"))

    assert (row.done, row.left_out, row.total) == (7, 0, 7)
    assert ALL.filter(state="waiting").count() == 1
    assert not ALL.exclude(cause="").exists()


def test_an_event_that_is_sent_again_is_sent_once_by_a_replay(connection: Connection) -> None:
    step = make_step(make_booking_row(connection), state="done", happening="booked", request=sent_request())
    row = run(connection, Chosen(up_to=step.pk), AGAIN)

    Replay.objects.update(reached=0, state="running")
    replay.advance(row.pk, lambda: None)
    run(connection, Chosen(), AGAIN)  # another replay is another wish

    assert list(ALL.order_by("pk").values_list("happening", "state")) == [
        ("booked", "done"),
        (f"booked:replay-{row.pk}", "waiting"),
        (f"booked:replay-{row.pk + 1}", "waiting"),
    ]


def test_a_replay_that_dies_in_the_middle_goes_on_where_it_stood(
    connection: Connection, small_pieces: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(5):
        make_step(make_booking_row(connection, f"p{number}"), "contact", state="failed")
    row = start(connection)
    pieces: Iterator[Callable[..., redo.Redone]] = iter([redo.redo, _die])

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(redo, "redo", lambda *rows, **rest: next(pieces)(*rows, **rest))
        replay.advance(row.pk, lambda: None)
    row.refresh_from_db()
    halfway = (row.done, ALL.filter(state="waiting").count())
    replay.advance(row.pk, lambda: None)

    row.refresh_from_db()
    assert halfway == (2, 2)
    assert (row.done, row.state, ALL.filter(state="waiting").count()) == (5, "finished", 5)
    assert Job.objects.filter(kind="push").count() == 5


def _die(rows: list[SyncLogEntry], **_: object) -> redo.Redone:
    SyncLogEntry.objects.filter(pk=rows[0].pk).update(state="waiting")  # half of a piece
    raise KeyboardInterrupt


def test_a_form_that_is_sent_twice_sends_each_event_once(connection: Connection) -> None:
    make_step(make_booking_row(connection), state="done", happening="booked", request=sent_request())
    chosen = Chosen(states=("done",), up_to=ALL.latest("pk").pk, form="a form")
    first = run(connection, chosen, AGAIN)

    with pytest.raises(replay.AlreadyStarted) as again:
        start(connection, chosen, AGAIN)

    assert again.value.row == first
    assert ALL.filter(state="waiting", kind="event").count() == 1
    assert Replay.objects.count() == 1


@pytest.mark.parametrize("state", ["running", "paused"])
def test_the_same_replay_is_refused_until_it_is_over(connection: Connection, state: str) -> None:
    make_step(make_booking_row(connection), state="done", happening="booked", request=sent_request())
    row = start(connection, Chosen(states=("done",), up_to=1, form="one"), AGAIN)
    Replay.objects.update(state=state)

    with pytest.raises(replay.AlreadyStarted):
        start(connection, Chosen(states=("done",), up_to=2, form="other"), AGAIN)
    replay.cancel(row)
    other = start(connection, Chosen(states=("done",), up_to=2, form="other"), AGAIN)

    assert other != row


def test_a_paused_replay_does_nothing_until_it_goes_on(connection: Connection) -> None:
    make_step(make_booking_row(connection), "contact", state="failed")
    row = start(connection)

    assert replay.pause(row)
    replay.advance(row.pk, lambda: None)
    assert ALL.get().state == "failed"
    assert replay.go_on(row)
    replay.advance(row.pk, lambda: None)

    assert ALL.get().state == "waiting"


def test_a_canceled_replay_can_not_go_on(connection: Connection) -> None:
    make_step(make_booking_row(connection), "contact", state="failed")
    row = start(connection)

    assert replay.cancel(row)
    assert (replay.cancel(row), replay.pause(row), replay.go_on(row)) == (False, False, False)
    replay.advance(row.pk, lambda: None)

    assert ALL.get().state == "failed"


def test_a_replay_that_fails_too_often_waits_for_staff_with_words(connection: Connection) -> None:
    row = start(connection)

    replay.give_up(row.pk, "Disk full.")

    row.refresh_from_db()
    assert (row.state, row.words) == ("paused", "It failed many times. Disk full.")


def test_entries_that_came_later_are_not_replayed(connection: Connection) -> None:
    booking = make_booking_row(connection)
    first = make_step(booking, "contact", state="failed")
    row = start(connection, Chosen(states=("failed",), up_to=first.pk))
    later = make_step(make_booking_row(connection, "zoe"), "contact", state="failed")

    replay.advance(row.pk, lambda: None)

    assert (ALL.get(pk=first.pk).state, ALL.get(pk=later.pk).state) == ("waiting", "failed")


# -- Which entries ------------------------------------------------------------------------------------------------


def test_a_choice_survives_being_written_down() -> None:
    chosen = Chosen(ids=(1, 2), states=("failed",), cause="given_up", since="2026-11-22", search="zoe", up_to=9)

    assert Chosen.from_json(chosen.to_json()) == chosen


@pytest.mark.parametrize(
    "data",
    [[], {"odd": 1}, {"kind": "x"}, {"states": ["x"]}, {"states": "failed"}, {"since": "soon"}, {"ids": ["x"]},
     {"ids": list(range(1001))}, {"trigger": "x"}],
)  # fmt: skip
def test_what_is_no_choice_is_refused(data: object) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        Chosen.from_json(data)


@pytest.mark.parametrize(
    ("filters", "names"),
    [
        ({"cause": "given_up"}, ["a"]),
        ({"states": ("done", "skipped")}, ["b", "c"]),
        ({"kind": "contact"}, ["a"]),
        ({"trigger": "no_show"}, ["b"]),
        ({"email": " B@example.com "}, ["b"]),
        ({"search": "c@ mean"}, ["c"]),
        ({"since": "2026-11-02"}, ["b", "c"]),
        ({"until": "2026-11-02T00:00:00+00:00"}, ["a"]),
        ({"since": "2026-11-02", "until": "2026-11-03"}, ["b"]),
    ],
)
def test_entries_are_chosen_by(connection: Connection, filters: dict[str, str], names: list[str]) -> None:
    values: list[dict[str, str]] = [
        {"kind": "contact", "state": "failed", "cause": "given_up"},
        {"state": "done", "happening": "no_show:mark"},
        {"state": "skipped", "happening": "no_show_undone:mark", "reason": "meant so"},
    ]
    for day, (name, fields) in enumerate(zip("abc", values, strict=True), start=1):
        step = make_step(make_booking_row(connection, name), **fields)
        ALL.filter(pk=step.pk).update(created_at=f"2026-11-0{day}T12:00:00Z")

    found = Chosen(**filters).rows().order_by("pk")  # type: ignore[arg-type]

    assert [step.person.email[0] for step in found] == names


# -- To Brevo and back --------------------------------------------------------------------------------------------


def forget_attribute(river: River, name: str) -> None:
    del river.brevo.state.attributes[name]
    river.forget_attributes()


def test_what_a_missing_attribute_left_out_is_written_by_a_replay(river: River) -> None:
    forget_attribute(river, "MEETING_DATE")
    scenarios.booked(river.calendly)
    river.flow()
    assert "MEETING_DATE" not in river.contact(EMAIL)["attributes"]

    setup.create_attributes(river.connection, [("MEETING_DATE", "date")])
    start(river.connection, Chosen(cause="attribute_missing:MEETING_DATE"))
    river.work()

    assert river.contact(EMAIL)["attributes"]["MEETING_DATE"]
    assert not ALL.exclude(cause="").exists()
    assert river.event_names(EMAIL) == ["booked"]
    assert Replay.objects.get().state == "finished"


def test_a_contact_can_be_decided_by_the_mapping_of_that_day(river: River) -> None:
    river.calendly.book(event_type="Discovery call", email=EMAIL, name="Ada Berg")
    with versions.changing(river.connection, by=None, why="Then"):
        river.map_field("last_name", "LASTNAME")
    river.flow()
    with versions.changing(river.connection, by=None, why="Now"):
        river.map_field("first_name", "LASTNAME")

    start(river.connection, Chosen(kind="contact"), THEN)
    river.work()
    then = river.contact(EMAIL)["attributes"]["LASTNAME"]
    start(river.connection, Chosen(kind="contact"), TODAY)
    river.work()

    assert then == "Berg"
    assert river.contact(EMAIL)["attributes"]["LASTNAME"] == "Ada"


def test_news_that_waits_along_is_written_by_todays_mapping(river: River) -> None:
    booked = river.calendly.book(event_type="Discovery call", email=EMAIL, name="Ada Berg")
    with versions.changing(river.connection, by=None, why="Then"):
        river.map_field("last_name", "LASTNAME")
    river.flow()
    number = river.brevo.add_list("Canceled")
    with versions.changing(river.connection, by=None, why="Now"):
        river.map_field("first_name", "LASTNAME")
        river.map_lists("canceled", join=[number])
    accounts.pause_for_staff(river.account, by="anna", why="A test")
    river.calendly.cancel(booked)
    river.flow()

    run(river.connection, Chosen(kind="contact", states=("done",)), THEN)
    accounts.resume(river.account)
    river.work()

    assert river.contact(EMAIL)["attributes"]["LASTNAME"] == "Ada"
    assert river.contact(EMAIL)["listIds"] == [number]


def test_a_failed_event_goes_as_it_was_or_by_todays_mapping(river: River) -> None:
    refusal = {"code": "invalid_parameter", "message": "No"}
    river.break_brevo("status", "/events", status=400, body=refusal, times=2)
    scenarios.booked(river.calendly)
    river.flow()
    start(river.connection, Chosen(states=("failed",)), THEN)
    TriggerMapping.objects.create(connection=river.connection, trigger="booked", event_name="welcome")

    river.work()
    assert river.log(kind="event")[0].state == "failed"
    start(river.connection, Chosen(states=("failed",)), TODAY)
    river.work()

    assert [call.body["event_name"] for call in river.calls("/events")] == [
        "calendly_meeting_booked",
        "calendly_meeting_booked",
        "welcome",
    ]
    assert [(step.kind, step.state) for step in river.log()] == [("contact", "done"), ("event", "done")]


def test_an_event_waits_for_its_contact(river: River) -> None:
    refusal = {"code": "invalid_parameter", "message": "No"}
    river.break_brevo("status", "/contacts", status=400, body=refusal)
    scenarios.booked(river.calendly)
    river.flow()
    river.sandbox.world.journal.clear()

    start(river.connection, Chosen(kind="event"))
    river.work()

    assert [call.template for call in river.calls()] == ["/contacts", "/events"]


def test_done_events_stay_at_home_unless_it_is_asked_for(river: River) -> None:
    scenarios.booked(river.calendly)
    river.flow()

    start(river.connection)
    river.work()
    once = river.event_names(EMAIL)
    start(river.connection, Chosen(kind="event"), AGAIN)
    river.work()

    assert once == ["booked"]
    assert river.event_names(EMAIL) == ["booked", "booked"]


def test_who_unsubscribed_is_not_subscribed_again(river: River) -> None:
    number = river.brevo.add_list("Demos")
    river.map_lists("booked", join=[number])
    scenarios.booked(river.calendly)
    river.flow()
    river.brevo.unsubscribe(EMAIL, [number])
    river.brevo.block(EMAIL)

    for wish in (TODAY, THEN):
        start(river.connection, Chosen(), wish)
        river.work()

    assert river.contact(EMAIL)["listIds"] == []
    assert river.contact(EMAIL)["emailBlacklisted"] is True


def test_a_skipped_event_goes_when_the_mapping_sends_it_now(river: River) -> None:
    TriggerMapping.objects.create(connection=river.connection, trigger="booked", sends_event=False)
    scenarios.booked(river.calendly)
    river.flow()
    TriggerMapping.objects.update(sends_event=True)

    start(river.connection, Chosen(states=("skipped",)))
    river.work()

    (recorded,) = river.brevo.events(email=EMAIL)
    booking = Booking.objects.get()
    assert recorded["event_date"].startswith(f"{booking.booked_at:%Y-%m-%dT%H:%M}")
    assert [step.state for step in river.log(kind="event")] == ["done"]


def test_many_people_replayed_by_the_mapping_of_that_day_are_not_imported_by_todays(
    river: River, settings: Settings
) -> None:
    people = [f"p{number}@example.com" for number in range(3)]
    for email in people:
        river.calendly.book(event_type="Discovery call", email=email, name="Ada Berg")
    with versions.changing(river.connection, by=None, why="Then"):
        river.map_field("last_name", "LASTNAME")
    river.flow()
    with versions.changing(river.connection, by=None, why="Now"):
        river.map_field("first_name", "LASTNAME")
    settings.PEOPLE_AT_ONCE_FROM = 2

    start(river.connection, Chosen(kind="contact"), THEN)
    replay.advance(Replay.objects.get().pk, lambda: None)
    Job.objects.filter(kind="push").update(run_after=timezone.now() - timedelta(minutes=1))
    river.work()
    river.hurry()
    river.work()

    assert {river.contact(email)["attributes"]["LASTNAME"] for email in people} == {"Berg"}
    assert not ALL.filter(state__in=["waiting", "sending"]).exists()


def test_replaying_while_writing_is_paused_only_lets_it_wait(river: River) -> None:
    scenarios.booked(river.calendly)
    river.flow()
    BrevoAccount.objects.update(state="paused", pause_reason="Paused by anna: spring cleaning.")
    calls = len(river.calls())

    start(river.connection, Chosen(kind="contact"))
    river.work()

    assert len(river.calls()) == calls
    assert Person.objects.filter(sync_log__state="waiting").count() == 1
