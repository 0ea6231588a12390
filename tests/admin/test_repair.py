"""Repair as staff do it: failures grouped by what mends them, a button for each, nothing without a permission."""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.messages import get_messages
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from calendly_connector.admin import parts
from calendly_connector.core import cause
from calendly_connector.models import (
    BrevoAccount,
    BrevoList,
    Connection,
    Job,
    Person,
    Replay,
    SyncLogEntry,
    WebhookDelivery,
)
from calendly_connector.services import accounts, keep_alive, replay, setup
from sandbox import scenarios
from tests.admin.rows import make_booking_row, make_connection, make_delivery, make_step
from tests.journeys.river import River

ALL = SyncLogEntry.objects
MISSING = "attribute_missing:MEETING_DATE"
Log = Callable[..., Client]


def page_of(client: Client) -> str:
    answer = client.get(reverse("admin:calendly_connector_repair"))
    assert answer.status_code == 200
    return answer.content.decode()


def press(client: Client, name: str, **values: object) -> tuple[Any, list[str]]:
    """Press a button of the page; return the answer and what is said."""
    answer = client.post(reverse("admin:calendly_connector_repair_act", args=[name]), values)
    said = [str(message) for message in get_messages(answer.wsgi_request)]
    client.cookies.pop("messages", None)
    return answer, said


def replay_plan(**chosen: object) -> str:
    address = reverse("admin:calendly_connector_replay_plan")
    return f"{address}?chosen={json.dumps(chosen)}"


YES = {"confirmed": "yes"}


@pytest.fixture
def missing(connection: Connection) -> list[SyncLogEntry]:
    """Return three writes without an attribute that Brevo lacks."""
    rows = [make_booking_row(connection, name) for name in ("ada", "bo", "cy")]
    return [make_step(row, "contact", state="done", cause=MISSING, reason="MEETING_DATE was left out.") for row in rows]


# -- The page -----------------------------------------------------------------------------------------------------


def test_each_trouble_says_what_happened_to_how_many_and_what_mends_it(
    staff: Client, missing: list[SyncLogEntry]
) -> None:
    page = page_of(staff)

    assert "The attribute MEETING_DATE is missing in Brevo" in page
    assert "3 entries" in page
    assert "Create it and replay 3" in page
    assert page.replace("<wbr>", "").count("@example.com") == 3


@pytest.mark.parametrize("code", cause.CODES)
def test_every_cause_is_offered_its_remedy_and_a_way_out(code: str, staff: Client, connection: Connection) -> None:
    make_step(make_booking_row(connection), "contact", state="failed", cause=cause.of(code, "NAME"))

    page = page_of(staff)

    assert "NAME" in page or "%(about)s" not in page
    assert "Leave out…" in page
    assert "Replay 1…" in page or "Try again…" in page


def test_values_that_do_not_fit_lead_to_the_field_mapping(staff: Client, connection: Connection) -> None:
    make_step(make_booking_row(connection), "contact", state="done", cause="unfit:SIZE")

    assert f'href="/admin/calendly_connector/connection/{connection.pk}/desk/fields/"' in page_of(staff)


def test_causes_are_grouped_by_connection_and_what_was_mended_is_gone(staff: Client, connection: Connection) -> None:
    other = make_connection("Other", is_environment=False)
    booking, elsewhere = make_booking_row(connection), make_booking_row(other)
    for each in (booking, booking, elsewhere):
        make_step(each, "contact", state="done", cause=MISSING)
    make_step(booking, state="failed", reason="Nobody knows")
    Person.objects.update(pushed_at="2099-01-01T00:00:00Z")
    make_step(booking, "contact", state="failed", settled_at="2026-01-01T00:00:00Z")

    page = page_of(staff)

    assert page.count("The attribute MEETING_DATE is missing in Brevo") == 2
    assert page.count("Failed for another reason") == 1
    assert ("2 entries" in page, "1 entry" in page) == (True, True)


def test_the_page_costs_as_many_queries_with_many_groups_as_with_few(staff: Client, connection: Connection) -> None:
    def queries() -> int:
        with CaptureQueriesContext(database) as found:
            page_of(staff)
        return len(found)

    make_step(make_booking_row(connection), "contact", state="failed", cause="given_up")
    make_delivery(connection, state="failed", reason="Given up")
    page_of(staff)
    few = queries()
    for number in range(30):
        make_step(make_booking_row(connection, f"p{number}"), "contact", state="done", cause=f"unfit:N{number}")
        make_delivery(connection, state="malformed", reason=f"Odd {number}")

    assert queries() == few <= 14


def test_the_sync_log_leads_to_it(staff: Client) -> None:
    assert reverse("admin:calendly_connector_repair") in staff.get(parts.list_of(SyncLogEntry)).content.decode()


def test_whoever_may_not_see_the_log_does_not_see_it(log_in: Log) -> None:
    assert log_in("view_booking").get(reverse("admin:calendly_connector_repair")).status_code == 403


def test_a_viewer_is_offered_nothing(log_in: Log, connection: Connection, missing: list[SyncLogEntry]) -> None:
    make_delivery(connection, state="failed", reason="Given up")

    page = page_of(log_in("view_synclogentry"))

    assert "MEETING_DATE" in page
    assert not any(word in page for word in ("Create it and", "Leave out…", "Replay 3", "Take in 1", "Pause writing…"))


# -- Its buttons --------------------------------------------------------------------------------------------------


def test_create_and_replay_asks_with_the_plan_then_mends_all_of_it(staff: Client, river: River) -> None:
    del river.brevo.state.attributes["MEETING_DATE"]
    river.forget_attributes()
    scenarios.booked(river.calendly)
    river.flow()
    values = {"connection": river.connection.pk, "cause": MISSING}

    asked, _ = press(staff, "create", **values)
    done, said = press(staff, "create", **values, **YES)
    river.work()

    assert "of the type “date”" in asked.content.decode()
    assert "1 contact is written" in asked.content.decode()
    assert done.headers["Location"] == parts.page_of(Replay, Replay.objects.get().pk)
    assert said == ["Brevo has an attribute MEETING_DATE now.", "The replay of 1 entry has begun."]
    assert river.contact(scenarios.NADIA.email)["attributes"]["MEETING_DATE"]
    assert "Nothing: every write was taken whole." in page_of(staff)


def test_create_says_why_brevo_refuses(staff: Client, river: River) -> None:
    refusal = {"code": "invalid_parameter", "message": "No"}
    river.break_brevo("status", "/contacts/attributes/{category}/{name}", status=400, body=refusal)

    _, said = press(staff, "create", connection=river.connection.pk, cause=MISSING, **YES)

    assert said == ["Brevo refused it: No"]
    assert not Replay.objects.exists()


@pytest.mark.parametrize("wrong", ["given_up", "attribute_missing", "unfit:NAME"])
def test_only_a_missing_attribute_is_created(wrong: str, staff: Client, connection: Connection) -> None:
    answer, _ = press(staff, "create", connection=connection.pk, cause=wrong, **YES)

    assert answer.status_code == 404


def test_leaving_a_group_out_needs_a_reason(staff: Client, connection: Connection, missing: list[SyncLogEntry]) -> None:
    failed = make_step(make_booking_row(connection), state="failed", cause="event_refused")
    values = {"connection": connection.pk, "cause": "event_refused"}

    asked, _ = press(staff, "skip", **values)
    again, _ = press(staff, "skip", **values, **YES, why=" ")
    _, said = press(staff, "skip", **values, **YES, why="a test booking")

    failed.refresh_from_db()
    assert "1 entry no longer asks to be mended" in asked.content.decode()
    assert "Please give a reason." in again.content.decode()
    assert said == ["1 entry was left out: a test booking"]
    assert (failed.state, failed.cause, failed.reason) == ("skipped", "", "Skipped by anna: a test booking")
    assert ALL.filter(cause=MISSING).count() == 3
    assert "a test booking" in LogEntry.objects.get().change_message


def test_what_brevo_took_stays_done_when_its_warning_is_left_out(
    staff: Client, connection: Connection, missing: list[SyncLogEntry]
) -> None:
    press(staff, "skip", connection=connection.pk, cause=MISSING, **YES, why="not needed")

    row = ALL.filter(pk=missing[0].pk).get()
    assert (row.state, row.cause) == ("done", "")
    assert row.reason == "MEETING_DATE was left out. Skipped by anna: not needed"


def test_failures_without_a_cause_can_be_left_out_alone(staff: Client, connection: Connection) -> None:
    booking = make_booking_row(connection)
    make_step(booking, state="failed")
    known = make_step(booking, state="failed", cause="event_refused")

    press(staff, "skip", connection=connection.pk, cause="", **YES, why="old")

    assert list(ALL.filter(state="failed")) == [known]


def test_lists_are_read_again(staff: Client, river: River) -> None:
    BrevoList.objects.all().delete()
    river.brevo.add_list("Demos")

    _, said = press(staff, "lists", connection=river.connection.pk, cause="lists_refused")

    assert said[0].startswith("Read again: ")
    assert BrevoList.objects.filter(name="Demos").exists()


def test_deliveries_of_one_reason_are_taken_in_again(staff: Client, connection: Connection) -> None:
    left = make_delivery(connection, state="malformed", reason="The body is no JSON.")
    other = make_delivery(connection, state="malformed", reason="No e-mail")
    values = {"connection": connection.pk, "state": "malformed", "reason": "The body is no JSON."}

    asked, _ = press(staff, "deliveries", **values)
    _, said = press(staff, "deliveries", **values, **YES)

    assert "Take in 1 again" in page_of(staff)  # the other one
    assert "Yes, take in again" in asked.content.decode()
    assert said == ["1 delivery will be taken in again."]
    assert WebhookDelivery.objects.get(pk=left.pk).state == "stored"
    assert WebhookDelivery.objects.get(pk=other.pk).state == "malformed"


def test_deliveries_that_were_taken_in_stay_so_whatever_is_posted(staff: Client, connection: Connection) -> None:
    make_delivery(connection, state="processed")

    press(staff, "deliveries", connection=connection.pk, state="processed", reason="", **YES)

    assert WebhookDelivery.objects.get().state == "processed"


ALLOWED = {
    "create": ("change_synclogentry", "change_fieldmapping"),
    "lists": ("change_synclogentry",),
    "skip": ("change_synclogentry",),
    "deliveries": ("change_webhookdelivery",),
    "pause": ("pause_brevoaccount",),
    "resume": ("pause_brevoaccount",),
}


@pytest.mark.parametrize("name", ALLOWED)
def test_each_button_needs_its_permissions_and_no_other(name: str, log_in: Log, connection: Connection) -> None:
    values = {"connection": connection.pk, "cause": MISSING, "account": connection.brevo_account_id}
    values |= {"state": "failed", "reason": ""}
    member = log_in("view_synclogentry", *ALLOWED[name])

    assert press(member, name, **values)[0].status_code in (200, 302)
    assert member.get(reverse("admin:calendly_connector_repair_act", args=[name])).status_code == 405


@pytest.mark.parametrize("name", ALLOWED)
def test_without_them_it_is_refused(name: str, log_in: Log, missing: list[SyncLogEntry]) -> None:
    connection = missing[0].connection
    every = {each for names in ALLOWED.values() for each in names} | {"change_brevoaccount", "change_connection"}
    member = log_in("view_synclogentry", *(every - {ALLOWED[name][0]}))
    values = {"connection": connection.pk, "cause": MISSING, "account": connection.brevo_account_id}

    answer, _ = press(member, name, **values, **YES, why="I want to")

    assert answer.status_code == 403
    assert not BrevoAccount.objects.filter(state="paused").exists()
    assert ALL.filter(cause=MISSING).count() == 3


def test_a_button_that_is_none_is_not_found(staff: Client) -> None:
    assert press(staff, "explode")[0].status_code == 404


# -- Pausing ------------------------------------------------------------------------------------------------------


def pause(client: Client, account: BrevoAccount, why: str = "spring cleaning") -> list[str]:
    return press(client, "pause", account=account.pk, **YES, why=why)[1]


def test_while_paused_deliveries_are_received_and_taken_in_and_written_afterwards(staff: Client, river: River) -> None:
    said = pause(staff, river.account)
    scenarios.booked(river.calendly)
    river.flow()
    river.hurry()
    river.work()
    taken_in = WebhookDelivery.objects.values_list("state", flat=True)
    states = set(ALL.values_list("state", flat=True))
    calls = river.calls()

    press(staff, "resume", account=river.account.pk, **YES)
    river.open_limits()
    river.hurry()
    river.work()

    assert said == [f"Writing to {river.account} is paused."]
    assert set(taken_in) == {"processed"}
    assert (states, calls) == ({"waiting"}, [])
    assert river.event_names(scenarios.NADIA.email) == ["booked"]


def test_a_pause_by_staff_is_not_lifted_by_the_daily_call(staff: Client, river: River) -> None:
    accounts.pause(river.account, f"{accounts.DEAD_KEY}. Make a new one.")
    pause(staff, river.account)

    keep_alive.keep_alive()

    assert river.account.is_paused
    assert river.account.pause_reason == "Paused by anna: spring cleaning"


def test_a_pause_by_staff_while_the_daily_call_is_made_stays(
    staff: Client, river: River, monkeypatch: pytest.MonkeyPatch
) -> None:
    accounts.pause(river.account, f"{accounts.DEAD_KEY}. Make a new one.")
    monkeypatch.setattr(setup, "greet_brevo", lambda account, client: pause(staff, river.account))

    keep_alive.keep_alive()

    assert river.account.pause_reason == "Paused by anna: spring cleaning"


def test_pausing_asks_for_a_reason_and_resuming_asks_first(staff: Client, connection: Connection) -> None:
    account = connection.brevo_account
    asked, _ = press(staff, "pause", account=account.pk, **YES)
    pause(staff, account)
    resumed, _ = press(staff, "resume", account=account.pk)

    account.refresh_from_db()
    assert "Please give a reason." in asked.content.decode()
    assert "spring cleaning" in resumed.content.decode()
    assert account.is_paused


def test_the_connections_page_pauses_with_a_reason_too(log_in: Log, connection: Connection) -> None:
    operator = log_in("view_connection", "pause_brevoaccount")
    address = reverse("admin:calendly_connector_connection_step", args=[connection.pk, "pause"])

    asked = operator.post(address, YES)
    operator.post(address, {**YES, "why": "a fair"})

    assert "Please give a reason." in asked.content.decode()
    assert BrevoAccount.objects.get().pause_reason == "Paused by some: a fair"


def test_the_connections_page_pauses_for_nobody_else(log_in: Log, connection: Connection) -> None:
    manager = log_in("view_connection", "change_connection", "change_brevoaccount")
    address = reverse("admin:calendly_connector_connection_step", args=[connection.pk, "pause"])

    assert manager.post(address, {**YES, "why": "a fair"}).status_code == 403
    assert not BrevoAccount.objects.get().is_paused


# -- Replaying ----------------------------------------------------------------------------------------------------


def choose(client: Client, action: str, *rows: SyncLogEntry, query: str = "", **values: str) -> Any:
    data = {"action": action, "_selected_action": [str(row.pk) for row in rows], **values}
    return client.post(parts.list_of(SyncLogEntry) + query, data)


def chosen_in(answer: Any) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(parse_qs(urlsplit(answer.headers["Location"]).query)["chosen"][0])
    return found


def test_one_entry_is_replayed_from_its_own_page(staff: Client, missing: list[SyncLogEntry]) -> None:
    row = missing[1]
    assert "Replay…" in staff.get(parts.page_of(SyncLogEntry, row.pk)).content.decode()

    planned = choose(staff, "replay", row, from_row="1")
    plan = staff.get(planned.headers["Location"]).content.decode()
    started = staff.post(replay_plan(), {"chosen": json.dumps(chosen_in(planned)), "rules": "today"})

    assert chosen_in(planned) == {"ids": [row.pk]}
    assert "1 contact is written" in plan
    assert started.headers["Location"] == parts.page_of(Replay, Replay.objects.get().pk)
    assert Replay.objects.get().asked_by == "anna"


def test_all_that_match_are_replayed_by_their_filter(staff: Client, missing: list[SyncLogEntry]) -> None:
    query = f"?cause__exact={MISSING}&kind__exact=contact&created_at__gte=2026-01-01+00%3A00%3A00%2B00%3A00&q=example"

    planned = choose(staff, "replay", missing[0], query=query, select_across="1")
    started = staff.post(replay_plan(), {"chosen": json.dumps(chosen_in(planned))})
    replay.advance(Replay.objects.get().pk, lambda: None)

    assert chosen_in(planned).keys() == {"cause", "kind", "since", "search", "up_to"}
    page = staff.get(started.headers["Location"]).content.decode()
    assert "3 of 3 entries looked at" in page
    assert "3 steps wait to be written." in page
    assert Job.objects.filter(kind="push").count() == 3


def test_picked_entries_that_fit_the_filter_no_more_do_not_become_every_entry(
    staff: Client, missing: list[SyncLogEntry]
) -> None:
    ALL.update(state="done")

    answer = choose(staff, "replay", missing[0], query="?state__exact=failed")

    assert "chosen" not in answer.headers["Location"]
    said = [str(message) for message in get_messages(answer.wsgi_request)]
    assert said == ["Choose log entries in the sync log first."]


@pytest.mark.parametrize(
    "chosen",
    ['{"ids":[null]}', '{"connection":null}', '{"ids":["99999999999999999999"]}', '{"person":1e400}', "[" * 100_000,
     '{"search":"\\u0000"}', '{"up_to":-1}', "7"],
)  # fmt: skip
def test_a_choice_that_can_not_be_is_refused(staff: Client, missing: list[SyncLogEntry], chosen: str) -> None:
    answer = staff.post(reverse("admin:calendly_connector_replay_plan"), {"chosen": chosen})

    assert answer.status_code == 400
    assert not Replay.objects.exists()


def test_a_filter_that_a_replay_does_not_know_is_named(staff: Client, missing: list[SyncLogEntry]) -> None:
    query = "?delivery__isnull=True"

    answer = choose(staff, "replay", missing[0], query=query, select_across="1")

    said = [str(message) for message in get_messages(answer.wsgi_request)]
    assert said == ["Entries can't be replayed by the filter “delivery__isnull”. Take it away."]


def test_a_plan_can_be_made_for_that_days_mapping_and_for_sending_again(staff: Client, connection: Connection) -> None:
    request = {"name": "welcome", "at": "2026-11-22T10:15:04+00:00", "properties": {}}
    make_step(make_booking_row(connection), state="done", happening="booked", request=request)

    plain = staff.get(replay_plan(states=["done"])).content.decode()
    again = staff.get(replay_plan(states=["done"]) + "&rules=then&again=1").content.decode()

    assert "The event was sent before" in plain
    assert 'value="Start the replay" disabled' in plain
    assert "1 event is sent a second time: welcome × 1" in again


def test_a_replays_cause_is_told_in_words(staff: Client, connection: Connection) -> None:
    row = Replay.objects.create(connection=connection, chosen={"cause": MISSING, "form": "x"}, asked_at=timezone.now())

    page = staff.get(parts.page_of(Replay, row.pk)).content.decode()

    assert MISSING not in page
    assert "is missing in Brevo" in page


def test_a_double_click_on_a_plan_starts_one_replay(staff: Client, connection: Connection) -> None:
    request = {"name": "welcome", "at": "2026-11-22T10:15:04+00:00", "properties": {}}
    make_step(make_booking_row(connection), state="done", happening="booked", request=request)
    chosen = staff.get(replay_plan(states=["done"]) + "&again=1").context["chosen"]

    for _ in range(2):
        Replay.objects.update(state="finished")
        answer = staff.post(replay_plan(), {"chosen": chosen, "rules": "today", "again": "1"})

    assert answer.headers["Location"] == parts.page_of(Replay, Replay.objects.get().pk)
    assert "This replay has been started already, so it isn't started a second time." in [
        str(message) for message in get_messages(answer.wsgi_request)
    ]


def test_an_empty_plan_starts_nothing(staff: Client, connection: Connection) -> None:
    answer = staff.post(replay_plan(), {"chosen": json.dumps({"states": ["failed"]})})

    assert [str(message) for message in get_messages(answer.wsgi_request)] == [
        "Nothing would be done, so nothing was started."
    ]
    assert not Replay.objects.exists()


@pytest.mark.parametrize("chosen", ["", "[]", '{"odd": 1}'])
def test_a_plan_of_nothing_in_particular_is_refused(chosen: str, staff: Client) -> None:
    assert staff.get(reverse("admin:calendly_connector_replay_plan"), {"chosen": chosen}).status_code == 400


def test_two_connections_get_a_replay_each(staff: Client, connection: Connection) -> None:
    for each in (connection, make_connection("Other", is_environment=False)):
        make_step(make_booking_row(each), "contact", state="failed")

    answer = staff.post(replay_plan(), {"chosen": json.dumps({"states": ["failed"]})})

    assert answer.headers["Location"] == parts.list_of(Replay)
    assert Replay.objects.count() == 2


@pytest.mark.parametrize(("method", "names"), [("get", ["view_synclogentry"]), ("post", ["view_synclogentry"])])
def test_who_may_only_look_plans_no_replay(
    method: str, names: list[str], log_in: Log, missing: list[SyncLogEntry]
) -> None:
    answer = getattr(log_in(*names), method)(replay_plan(), {"chosen": json.dumps({"cause": MISSING})})

    assert answer.status_code == 403
    assert not Replay.objects.exists()


@pytest.mark.parametrize("action", ["replay", "skip"])
def test_who_may_only_look_starts_no_action(action: str, log_in: Log, missing: list[SyncLogEntry]) -> None:
    answer = choose(log_in("view_synclogentry"), action, missing[0], **YES, why="I want to")

    assert "plan" not in answer.headers.get("Location", "")
    assert ALL.filter(cause=MISSING).count() == 3


def test_entries_are_left_out_from_the_list_with_a_reason(staff: Client, missing: list[SyncLogEntry]) -> None:
    asked = choose(staff, "skip", missing[0], missing[1])
    done = choose(staff, "skip", missing[0], missing[1], **YES, why="not needed")

    assert "2 entries no longer ask to be mended" in asked.content.decode()
    assert [str(message) for message in get_messages(done.wsgi_request)] == ["2 entries were left out: not needed"]
    assert ALL.filter(cause=MISSING).count() == 1
    assert "not needed" in LogEntry.objects.first().change_message  # type: ignore[union-attr]


# -- A replay's own page ------------------------------------------------------------------------------------------


@pytest.fixture
def running(connection: Connection, missing: list[SyncLogEntry]) -> Replay:
    """Return a replay under way."""
    now = "2026-11-22T12:00:00Z"
    return Replay.objects.create(connection=connection, chosen={"cause": MISSING}, total=3, done=1, asked_at=now)


def control(client: Client, action: str, row: Replay) -> Any:
    return client.post(parts.list_of(Replay), {"action": action, "_selected_action": [str(row.pk)], "from_row": "1"})


def test_a_running_replay_shows_its_progress_and_looks_again_by_itself(staff: Client, running: Replay) -> None:
    page = staff.get(parts.page_of(Replay, running.pk)).content.decode()

    assert "1 of 3 entries looked at" in page
    assert '<progress id="cc-progress" max="3" value="1">' in page
    assert '<meta http-equiv="refresh" content="3">' in page


def test_a_replay_is_paused_goes_on_and_is_canceled(staff: Client, running: Replay) -> None:
    states = []
    for action in ("pause", "go_on", "cancel"):
        answer = control(staff, action, running)
        assert answer.headers["Location"] == parts.page_of(Replay, running.pk)
        running.refresh_from_db()
        states.append(running.state)

    assert states == ["paused", "running", "canceled"]
    assert Job.objects.filter(kind="replay").count() == 1
    assert "http-equiv" not in staff.get(parts.page_of(Replay, running.pk)).content.decode()


@pytest.mark.parametrize("action", ["pause", "cancel"])
def test_who_may_only_look_stops_no_replay(action: str, log_in: Log, running: Replay) -> None:
    viewer = log_in("view_synclogentry")

    control(viewer, action, running)

    running.refresh_from_db()
    assert running.state == "running"
    assert viewer.get(parts.page_of(Replay, running.pk)).status_code == 200
