"""The page “history”: look first, bring in, watch, pause, cancel; and what the regular check found."""

import re
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.contrib.messages import get_messages
from django.db import connection as database
from django.http import HttpResponse
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from calendly_connector.admin import history_page, page, parts
from calendly_connector.clients import calendly
from calendly_connector.core import decide
from calendly_connector.models import (
    Booking,
    BrevoAccount,
    BulkImport,
    Connection,
    EventType,
    PendingMeeting,
    Reading,
    Schedule,
    SyncLogEntry,
)
from calendly_connector.services import backfill, reading, reconcile, roles, schedule
from sandbox import generate
from tests.admin.people import client_of
from tests.admin.rows import make_booking_row, make_some_of_everything, make_step
from tests.journeys.river import River

DAY = timedelta(days=1)
ACTIONS = sorted(history_page.ACTIONS)
Kind, State = Reading.Kind, Reading.State


def history_of(row: Connection, rest: str = "") -> str:
    return page.address_of(row, "history", rest)


def days(back: int = 90, ahead: int | None = None) -> dict[str, str]:
    """Return what the form posts for a stretch of days around today."""
    today = timezone.localdate()
    return {"begin": f"{today - back * DAY}", "end": f"{today + ahead * DAY}" if ahead is not None else ""}


def post(client: Client, row: Connection, rest: str, **values: Any) -> HttpResponse:
    return client.post(history_of(row, rest), values)  # type: ignore[return-value]


def press(client: Client, row: Connection, rest: str, **values: Any) -> str:
    """Press a button, expecting to be led back to the page; return what is said."""
    answer: Any = post(client, row, rest, **values)
    assert (answer.status_code, answer.headers["Location"]) == (302, history_of(row)), answer.content
    said = "\n".join(str(message) for message in get_messages(answer.wsgi_request))
    client.cookies.pop("messages", None)
    return said


def read(client: Client, row: Connection, query: str = "") -> str:
    answer = client.get(history_of(row) + query)
    assert answer.status_code == 200
    return answer.content.decode().replace("<wbr>", "")


def look(client: Client, row: Connection, **values: Any) -> str:
    answer = post(client, row, "look", **values)
    assert answer.status_code == 200
    return answer.content.decode().replace("<wbr>", "")


def old_booking(river: River, email: str, **fields: Any) -> str:
    """Make a booking whose webhook never came."""
    uri = river.calendly.book(email=email, **fields)
    for delivery in river.pending():
        river.calendly.deliveries.drop(delivery)
    return uri


def finish(river: River) -> None:
    """Do the work until Brevo has everything."""
    end = time.monotonic() + 20
    river.work()
    while not backfill.is_settled(Reading.objects.get()):
        assert time.monotonic() < end, "Brevo never got everything"
        time.sleep(0.05)
        river.hurry()
        river.work()


def make_past(river: River, meetings: int) -> None:
    """Fill Calendly with meetings of the last weeks, and some to come."""
    wish = {"events": meetings, "invitees": meetings, "days_back": 60, "days_ahead": 20}
    generate.generate(river.calendly, wish)


def make_reading(connection: Connection, kind: Reading.Kind = Kind.HISTORY, **fields: Any) -> Reading:
    now = timezone.now()
    return Reading.objects.create(
        connection=connection, **{"kind": kind, "since": now - 30 * DAY, "asked_at": now, **fields}
    )


def known(connection: Connection) -> Connection:
    """Return the connection, as if Calendly had told whose it is."""
    Connection.objects.filter(pk=connection.pk).update(organization="https://api.calendly.com/organizations/one")
    connection.refresh_from_db()
    return connection


# -- Looking --------------------------------------------------------------------------------------------------------
def test_a_look_counts_and_shows_a_sample_and_changes_nothing(staff: Client, river: River) -> None:
    old_booking(river, "ada@example.com", event_type="Demo")
    old_booking(river, "bob@example.com", event_type="Discovery call")

    text = look(staff, river.connection, **days())

    assert "There are 2 meetings in this stretch." in text
    assert "2 of them are to be read, in less than a minute" in text
    assert "A sample of 2 of them was read: 2 new bookings, 0 that change, 0 known as they are." in text
    assert re.search(r"<td>Demo</td><td>1</td>", text)
    assert "ada@example.com" in text
    assert "New: Booked" in text
    assert (Booking.objects.count(), Reading.objects.count(), river.calls("/contacts")) == (0, 0, [])


def test_a_look_says_what_is_left_out_and_why(staff: Client, river: River) -> None:
    old_booking(river, "ada@example.com", event_type="Demo")
    old_booking(river, "bob@example.com", event_type="Discovery call")
    demo = EventType.objects.get(connection=river.connection, name="Demo")

    text = look(staff, river.connection, **days(), types=[str(demo.pk)])

    assert "1 of them is to be read" in text
    assert "<td>another event type</td><td>1</td>" in text
    assert re.search(rf'value="{demo.pk}"[^>]*checked', text)


def test_a_look_at_what_is_known_offers_nothing_to_bring_in(staff: Client, river: River) -> None:
    old_booking(river, "ada@example.com")
    press(staff, river.connection, "bring-in", **days())
    river.work()
    Reading.objects.update(asked_at=timezone.now() - 2 * DAY, finished_at=timezone.now() - 2 * DAY)

    text = look(staff, river.connection, **days())

    assert "None of them has to be read: what they hold is known." in text
    assert "bring-in/" not in text


def test_a_booking_that_changed_is_told_as_a_change(staff: Client, river: River) -> None:
    uri = river.calendly.book(email="ada@example.com")
    river.flow()
    river.calendly.cancel(uri)

    text = look(staff, river.connection, **days())

    assert "0 new bookings, 1 that change" in text
    assert "Booked → Canceled" in text


def test_a_long_stretch_is_counted_up_to_a_bound(staff: Client, river: River, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(calendly, "PER_PAGE", 2)
    make_past(river, 60)

    text = look(staff, river.connection, **days())

    assert re.search(r"There are more than \d\d meetings in this stretch. Only these were counted", text)
    assert "bring-in/" in text


def test_a_full_minute_is_not_waited_for_and_keeps_nobody_from_beginning(staff: Client, river: River) -> None:
    refusal = {"X-RateLimit-Reset": "50"}
    river.break_calendly("status", "/scheduled_events", status=429, headers=refusal, times=None)

    text = look(staff, river.connection, **days())

    assert "limit of calls a minute is used up" in text
    assert "bring-in/" in text


def test_a_minute_that_is_full_while_looking_shows_what_was_seen(
    staff: Client, river: River, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(calendly, "PER_PAGE", 2)
    make_past(river, 20)
    refusal = {"X-RateLimit-Reset": "50"}
    river.break_calendly("status", "/scheduled_events", status=429, headers=refusal, times=None, skip=3)

    text = look(staff, river.connection, **days())

    assert re.search(r"There are more than [4-6] meetings in this stretch", text)


def test_a_missing_scope_is_named(staff: Client, river: River) -> None:
    body = {"title": "Insufficient scope", "required_scopes": ["scheduled_events:read"]}
    river.break_calendly("status", "/scheduled_events", status=403, body=body, times=None)

    text = look(staff, river.connection, **days())

    assert "lacks the scope scheduled_events:read" in text
    assert "bring-in/" not in text


def test_a_connection_that_calendly_refuses_is_to_be_connected_again(staff: Client, river: River) -> None:
    Connection.objects.update(state="reconnect", state_reason="Press “Connect with Calendly” again.")

    text = look(staff, river.connection, **days())

    assert "Press “Connect with Calendly” again." in text
    assert "bring-in/" not in text


def test_an_outage_is_told_in_words(staff: Client, river: River) -> None:
    river.break_calendly("status", "/scheduled_events", status=503, times=None)

    assert "be asked just now. Look again in a while." in look(staff, river.connection, **days())


def test_sampled_people_are_masked_for_whoever_may_not_see_addresses(
    log_in: Callable[..., Client], river: River
) -> None:
    old_booking(river, "ada@example.com")

    text = look(log_in("view_connection", "change_connection"), river.connection, **days())

    assert "ada@example.com" not in text
    assert "a…@e….com" in text


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"begin": "yesterday"}, "Enter a valid date."),
        ({"begin": "2001-01-01"}, "Choose a day from 2013 on"),
        ({"end": "2126-01-01"}, "Choose a day from 2013 on"),
        ({"begin": "2026-03-02", "end": "2026-03-01"}, "This day is before the first one."),
        ({"begin": "2026-03-02", "types": ["987654"]}, "Select a valid choice."),
    ],
)
@pytest.mark.parametrize("rest", ["look", "bring-in"])
def test_what_makes_no_sense_is_refused_and_what_was_filled_in_stays(
    rest: str, values: dict[str, Any], words: str, staff: Client, river: River
) -> None:
    text = post(staff, river.connection, rest, sends_events="on", **values).content.decode()

    assert words in text
    assert "errorlist" in text
    given = [value for name, value in values.items() if name != "types"]
    assert all(f'value="{value}"' in text for value in given)
    assert re.search(r'name="sends_events"[^>]*checked', text)
    assert not Reading.objects.exists()


# -- Bringing in ----------------------------------------------------------------------------------------------------
def test_what_was_looked_at_is_brought_in_quietly(staff: Client, river: River) -> None:
    number = river.brevo.add_list("Bookers")
    river.map_lists("booked", join=[number])
    old_booking(river, "ada@example.com")
    text = look(staff, river.connection, **days())
    hidden = dict(re.findall(r'<input type="hidden" name="(begin|end)" value="([^"]*)">', text))

    said = press(staff, river.connection, "bring-in", **hidden)
    finish(river)

    assert "goes on by itself" in said
    assert river.contact("ada@example.com")["listIds"] == [number]
    assert river.event_names("ada@example.com") == []
    assert Reading.objects.get().since.date() == timezone.localdate() - 90 * DAY


def test_automation_events_leave_when_that_was_ticked(staff: Client, river: River) -> None:
    old_booking(river, "ada@example.com")
    asked = look(staff, river.connection, **days(), sends_events="on")

    press(staff, river.connection, "bring-in", **days(), sends_events="on")
    finish(river)

    assert "Bring in, and send automation events" in asked
    assert river.event_names("ada@example.com") == ["booked"]


def test_days_are_whole_days_of_whoever_asks_and_both_count(staff: Client, river: River) -> None:
    press(staff, river.connection, "bring-in", begin="2026-01-01", end="2026-01-31")

    row = Reading.objects.get()
    assert timezone.localtime(row.since).isoformat()[:19] == "2026-01-01T00:00:00"
    assert row.until is not None
    assert timezone.localtime(row.until).isoformat()[:19] == "2026-02-01T00:00:00"


def test_empty_days_mean_everything(staff: Client, river: River) -> None:
    press(staff, river.connection, "bring-in", begin="", end="")

    row = Reading.objects.get()
    assert (row.since, row.until, row.event_types, row.events_since) == (backfill.BEGINNING, None, [], None)


def test_a_double_click_begins_it_once(staff: Client, river: River) -> None:
    kinds = [str(row.pk) for row in river.connection.event_types.order_by("name")]
    press(staff, river.connection, "bring-in", **days(), types=kinds)
    said = press(staff, river.connection, "bring-in", **days(), types=kinds[::-1])

    assert "already" in said
    assert Reading.objects.filter(kind=Kind.HISTORY).count() == 1
    assert LogEntry.objects.count() == 1


def test_another_history_is_refused_with_a_way_to_the_first(staff: Client, river: River) -> None:
    press(staff, river.connection, "bring-in", **days(90))

    said = press(staff, river.connection, "bring-in", **days(10))

    assert parts.page_of(Reading, Reading.objects.get().pk) in said
    assert "Let it end, or cancel it" in said


def test_what_was_asked_for_is_kept_for_the_audit(staff: Client, river: River) -> None:
    demo = EventType.objects.get(connection=river.connection, name="Demo")

    press(staff, river.connection, "bring-in", begin="2026-01-01", end="2026-01-31", types=[str(demo.pk)])
    press(staff, river.connection, "pause", reading=Reading.objects.get().pk)

    lines: Any = LogEntry.objects.order_by("pk").values_list("change_message", flat=True)
    asked = "Asked for history: from 2026-01-01, up to 2026-01-31, “Demo”, without automation events"
    assert list(lines) == [asked, f"Pause: {parts.name_of(Reading.objects.get())}"]


# -- Watching -------------------------------------------------------------------------------------------------------
def test_it_is_paused_goes_on_and_ends(staff: Client, river: River) -> None:
    old_booking(river, "ada@example.com")
    press(staff, river.connection, "bring-in", **days())
    row = Reading.objects.get()

    paused = press(staff, river.connection, "pause", reading=row.pk)
    river.work()
    shown = read(staff, river.connection)
    still = Booking.objects.count()
    gone_on = press(staff, river.connection, "go_on", reading=row.pk)
    river.work()

    assert "Paused. What it has taken in is written." in paused
    assert "It is paused. Nothing is lost" in shown
    assert "http-equiv" not in shown
    assert "It goes on where it stood." in gone_on
    assert (still, Booking.objects.count()) == (0, 1)
    assert Reading.objects.get().state == State.FINISHED


def test_it_is_canceled_for_good(staff: Client, river: River) -> None:
    old_booking(river, "ada@example.com")
    press(staff, river.connection, "bring-in", **days())
    row = Reading.objects.get()

    said = press(staff, river.connection, "cancel", reading=row.pk)
    twice = press(staff, river.connection, "cancel", reading=row.pk)
    river.work()

    assert "Canceled." in said
    assert "It isn't in a state for that any more." in twice
    assert (Reading.objects.get().state, Booking.objects.count()) == (State.CANCELED, 0)


def test_a_paused_history_goes_on_when_it_is_asked_for_again(staff: Client, river: River) -> None:
    press(staff, river.connection, "bring-in", **days())
    reading.pause(Reading.objects.get())

    said = press(staff, river.connection, "bring-in", **days())

    assert "It goes on where it stood." in said
    assert Reading.objects.get().state == State.RUNNING


def test_progress_is_counted_and_shown_again_by_itself(staff: Client, connection: Connection) -> None:
    row = make_reading(known(connection), meetings=40, meetings_read=10, invitees=12, news=9, added=8, is_listed=True)
    pending = [PendingMeeting(reading=row, uri=f"m{number}", row={}, listed_at=row.asked_at) for number in range(30)]
    PendingMeeting.objects.bulk_create(pending)

    text = read(staff, connection)

    assert "10 of 40 meetings read" in text
    assert 'max="40" value="10"' in text
    assert "12 read: 8 new, 1 changed, 3 known as they are" in text
    assert re.search(rf'<meta http-equiv="refresh" content="5; url={history_of(connection)}\?seen=\d+-10">', text)
    assert 'name="begin"' not in text


def test_rate_and_time_left_are_told_once_they_are_known(staff: Client, connection: Connection) -> None:
    row = make_reading(known(connection), meetings=40, meetings_read=20, is_listed=True)
    pending = [PendingMeeting(reading=row, uri=f"m{number}", row={}, listed_at=row.asked_at) for number in range(20)]
    PendingMeeting.objects.bulk_create(pending)
    minute_ago = int(timezone.now().timestamp()) - 60

    text = read(staff, connection, f"?seen={minute_ago}-10")

    assert re.search(r"(10|9) meetings a minute, about [12] min left", text)
    assert f"seen={minute_ago}-10" in text


@pytest.mark.parametrize("seen", ["", "x", "1-", "99999999999-1", "1-999999999", "9" * 40 + "-1"])
def test_whatever_the_address_says_the_page_opens(seen: str, staff: Client, connection: Connection) -> None:
    make_reading(known(connection), meetings=40, meetings_read=20, is_listed=True)

    assert "20 of 20 meetings read" in read(staff, connection, f"?seen={seen}")


def test_a_page_may_be_kept_from_refreshing(staff: Client, connection: Connection) -> None:
    make_reading(known(connection), meetings=40)

    text = read(staff, connection, "?still=1")

    assert "http-equiv" not in text
    assert "Refresh this page by itself" in text


def test_while_it_is_listed_nobody_knows_how_much_there_is(staff: Client, connection: Connection) -> None:
    row = make_reading(known(connection), meetings=400)

    text = read(staff, connection)

    assert "The meetings are being listed: 400 so far, 0 read" in text
    assert f'<progress id="cc-progress-{row.pk}"></progress>' in text


def test_why_it_stands_still_is_told(staff: Client, connection: Connection) -> None:
    row = make_reading(known(connection), words="Waiting for Calendly's rate limit.")
    waiting = read(staff, connection)
    Reading.objects.filter(pk=row.pk).update(words="")
    BrevoAccount.objects.update(state="paused", pause_reason="The key is dead.")

    assert "Waiting for Calendly&#x27;s rate limit." in waiting
    assert "Writing to Brevo is paused: The key is dead." in read(staff, connection)


def test_brevos_side_is_shown_until_it_has_everything(staff: Client, connection: Connection) -> None:
    now = timezone.now()
    row = make_reading(known(connection), state=State.FINISHED, is_listed=True, meetings_read=2, finished_at=now)
    bulk = BulkImport.objects.create(
        account=connection.brevo_account, reading=row, state="imported", refused={"invalid_emails": 2}
    )
    make_step(make_booking_row(connection, "zoe"), "contact", state="done")
    make_step(make_booking_row(connection, "tom"), "contact", state="waiting")
    make_step(make_booking_row(connection, "ida"), "contact", state="failed", cause="attribute_missing:COMPANY")
    shown = read(staff, connection)
    SyncLogEntry.objects.filter(state="waiting").update(state="done")
    BulkImport.objects.filter(pk=bulk.pk).update(state="done")

    over = read(staff, connection)

    assert "1 contact written, 1 person waits, 3 refused" in shown
    assert "<td>invalid emails</td><td>2</td>" in shown
    assert "http-equiv" in shown
    assert "http-equiv" not in over
    assert "Brought in last:" in over


def test_a_new_connection_is_to_be_connected_first(staff: Client, connection: Connection) -> None:
    text = read(staff, connection)
    said = press(staff, connection, "bring-in", **days())

    assert "Connect Calendly first." in text
    assert "It isn't known whose Calendly account this is" in said.replace("&#x27;", "'")
    assert not Reading.objects.exists()


# -- The check ------------------------------------------------------------------------------------------------------
def test_a_check_is_asked_for_and_what_it_found_is_shown(staff: Client, river: River) -> None:
    uri = old_booking(river, "ada@example.com")
    two_days_ago = f"{timezone.now() - 2 * DAY:%Y-%m-%dT%H:%M:%S.000000Z}"
    changed = {"created_at": two_days_ago, "updated_at": two_days_ago}
    river.calendly.state.invitees[uri] = {**river.calendly.state.invitees[uri], **changed}

    said = press(staff, river.connection, "check")
    joined = press(staff, river.connection, "check")
    river.work()
    text = read(staff, river.connection)

    row = Reading.objects.get(kind=Kind.CHECK)
    assert "are being compared with Calendly" in said
    assert joined == "A check is under way already."
    assert (row.is_thorough, row.asked_by, row.held_back) == (True, "anna", 1)
    assert "1 read: 1 new, 0 changed, 0 known as they are" in text
    assert "1 event</a>" in text
    assert "Held back: it was found long after it happened" in text
    assert LogEntry.objects.filter(change_message="Asked for a check").count() == 1


def test_the_link_to_held_back_events_finds_them(staff: Client, connection: Connection) -> None:
    make_step(make_booking_row(connection, "old"), state="skipped", reason=decide.HELD_LATE)
    SyncLogEntry.objects.update(created_at=timezone.now() - DAY)
    row = make_reading(known(connection), Kind.CHECK, held_back=1, asked_at=timezone.now() - timedelta(minutes=5))
    for name, reason in (("zoe", decide.HELD_LATE), ("tom", "Not wanted.")):
        make_step(make_booking_row(connection, name), state="skipped", reason=reason)
    Reading.objects.filter(pk=row.pk).update(state=State.FINISHED, finished_at=timezone.now())

    address = re.findall(r'href="([^"]*held=any[^"]*)"', read(staff, connection))[0]
    found = staff.get(address.replace("&amp;", "&"))

    assert [entry.person.email for entry in found.context["cl"].result_list] == ["zoe@example.com"]


def test_the_next_check_is_told_or_that_it_is_off(staff: Client, connection: Connection) -> None:
    never = read(staff, known(connection))
    schedule.install({"reconcile": 3600})
    Schedule.objects.update(next_run_at=timezone.now() + timedelta(minutes=31))
    soon = read(staff, connection)
    Schedule.objects.update(is_enabled=False)

    assert "The worker has not run yet." in never
    assert "in 30 min" in soon
    assert "Off" in read(staff, connection)


def test_a_quick_check_under_way_is_told_so(staff: Client, river: River) -> None:
    reconcile.ask(river.connection, is_thorough=False)

    assert "It is a quick one" in press(staff, river.connection, "check")


# -- Who may, and how -----------------------------------------------------------------------------------------------
@pytest.mark.parametrize("rest", ACTIONS)
def test_who_may_only_look_is_offered_and_does_nothing(
    rest: str, log_in: Callable[..., Client], connection: Connection
) -> None:
    row = make_reading(known(connection))
    client = log_in("view_connection")

    text = read(client, connection)
    refused = post(client, connection, rest, **days(), reading=row.pk)

    assert refused.status_code == 403
    assert f"history/{rest}/" not in text
    assert list(Reading.objects.values_list("state", flat=True)) == ["running"]


@pytest.mark.parametrize("role", [roles.VIEWER, roles.OPERATOR])
def test_only_managers_bring_in(role: str, connection: Connection) -> None:
    assert post(client_of(role), known(connection), "bring-in", **days()).status_code == 403


@pytest.mark.parametrize("rest", ACTIONS)
def test_buttons_are_pressed_by_post_alone(rest: str, staff: Client, connection: Connection) -> None:
    assert staff.get(history_of(known(connection), rest)).status_code == 404


@pytest.mark.parametrize("rest", ["pause", "go_on", "cancel"])
@pytest.mark.parametrize("number", ["", "x", "9" * 30, "-1"])
def test_a_reading_that_is_none_is_not_found(rest: str, number: str, staff: Client, connection: Connection) -> None:
    assert post(staff, known(connection), rest, reading=number).status_code == 404


def test_another_connections_reading_is_left_alone(staff: Client, connection: Connection) -> None:
    make_some_of_everything(2)
    other = make_reading(known(Connection.objects.exclude(pk=connection.pk).latest("pk")))

    assert post(staff, known(connection), "cancel", reading=other.pk).status_code == 404


def test_every_form_carries_the_token(connection: Connection, staff: Client) -> None:
    user_client = Client(enforce_csrf_checks=True)
    user_client.cookies = staff.cookies

    assert user_client.post(history_of(known(connection), "bring-in"), days()).status_code == 403


def test_the_page_costs_as_many_queries_for_many_rows_as_for_few(staff: Client, connection: Connection) -> None:
    def make_rows(count: int) -> None:
        for number in range(count):
            name = f"{timezone.now().timestamp()}-{number}"
            EventType.objects.create(connection=connection, uri=name, name=name, read_at=timezone.now())
            make_step(make_booking_row(connection, f"z{number}-{name}"), state="skipped", reason=decide.HELD_LATE)
            make_reading(connection, Kind.CHECK, state=State.FINISHED, finished_at=timezone.now(), held_back=count)

    def queries() -> int:
        read(staff, connection)
        with CaptureQueriesContext(database) as asked:
            read(staff, connection)
        return len(asked)

    make_reading(known(connection), meetings=3)
    make_rows(2)
    few = queries()

    make_rows(30)

    assert queries() == few <= 40
