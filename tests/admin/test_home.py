"""The start page: how each connection is, what needs somebody, what happened, for whoever may see it."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.contrib import admin
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from calendly_connector.admin import charts, home_banner, parts
from calendly_connector.core import cause
from calendly_connector.core.banner import Finding
from calendly_connector.models import (
    BrevoAccount,
    Connection,
    DailyFigure,
    EventType,
    FieldMapping,
    Notice,
    Schedule,
)
from calendly_connector.services import figures, home
from tests.admin.rows import make_booking_row, make_connection, make_delivery, make_some_of_everything, make_step

INDEX = reverse("admin:index")
EVERY_VIEW = (
    *("view_connection", "view_brevoaccount", "view_synclogentry", "view_webhookdelivery", "view_booking"),
    *("view_eventtype", "view_fieldmapping", "view_notice", "view_schedule"),
)
MOST_QUERIES = 25


def make_well(connection: Connection) -> Connection:
    """Let everything about a connection be as it should."""
    connection.state, connection.subscription, connection.subscription_state = "connected", "https://s/1", "active"
    connection.save()
    return connection


def make_type(connection: Connection, name: str, **fields: object) -> EventType:
    uri = f"https://api.calendly.com/event_types/{name.replace(' ', '-')}"
    return EventType.objects.create(connection=connection, uri=uri, name=name, read_at=timezone.now(), **fields)


def make_figure(connection: Connection, name: str, value: float, *, days_ago: int = 0, detail: str = "") -> None:
    day = figures.today() - timedelta(days=days_ago)
    DailyFigure.objects.create(connection=connection, date=day, name=name, detail=detail, value=value)


def text_of(client: Client) -> str:
    return " ".join(client.get(INDEX).content.decode().split())


def banner_of(client: Client) -> home_banner.Banner:
    found: list[home_banner.Banner] = client.get(INDEX).context["home"].banners
    return found[0]


def sentences_of(client: Client) -> list[str]:
    return [need.sentence for need in client.get(INDEX).context["home"].needs]


def test_all_is_well(staff: Client, connection: Connection) -> None:
    make_well(connection)

    page = text_of(staff)

    assert "All is well: bookings come in and are written to Brevo." in page
    assert "Nothing needs anybody." in page
    assert "cc-level-good" in page


def test_without_a_connection_there_is_one_thing_to_do(staff: Client) -> None:
    page = text_of(staff)

    assert "Set up the first connection" in page
    assert f'<a class="button" href="{reverse("admin:calendly_connector_connection_add")}">Set up</a>' in page
    assert "All pages" in page


def test_who_may_not_add_a_connection_is_told_who_may(log_in: Callable[..., Client]) -> None:
    page = text_of(log_in("view_connection"))

    assert "Somebody who may add connections has to do this." in page
    assert "connection/add/" not in page


@pytest.mark.parametrize(
    ("changes", "finding", "label"),
    [
        ({"state": "reconnect"}, Finding.RECONNECT, "Connect again"),
        ({"state": "new"}, Finding.NOT_CONNECTED, "Set up"),
        ({"subscription_state": "disabled"}, Finding.DISABLED, "Subscribe / repair"),
        ({"subscription": ""}, Finding.NOT_SUBSCRIBED, "Subscribe / repair"),
        ({"token_expires_at": timezone.now() - timedelta(hours=1)}, Finding.EXPIRED, "Test both accounts"),
        ({"retry_started_at": timezone.now()}, Finding.CANT_DELIVER, "Test: can Calendly reach us?"),
        ({"is_active": False}, Finding.SWITCHED_OFF, "Open the connection"),
        ({"is_silent": True}, Finding.SILENT, "See what came last"),
    ],
)
def test_each_trouble_has_its_sentence_and_its_button(
    changes: dict[str, object], finding: Finding, label: str, staff: Client, connection: Connection
) -> None:
    make_well(connection)
    Connection.objects.filter(pk=connection.pk).update(**changes)

    banner = banner_of(staff)

    assert banner.sentence == home_banner.SENTENCES[finding]
    assert banner.button.label == label
    assert banner.sentence in sentences_of(staff)


def test_paused_writing_is_resumed_from_here(staff: Client, connection: Connection) -> None:
    make_well(connection)
    BrevoAccount.objects.update(state="paused", pause_reason="The key is dead.")
    banner = banner_of(staff)
    page = text_of(staff)

    asked = staff.post(banner.button.address)
    staff.post(banner.button.address, {"confirmed": "yes"})

    assert "Writing to Brevo is paused" in banner.sentence
    assert "The key is dead." in page
    assert b"Resume writing?" in asked.content
    assert not BrevoAccount.objects.get().is_paused
    assert "All is well" in banner_of(staff).sentence


def test_who_may_not_resume_is_led_to_the_connection(log_in: Callable[..., Client], connection: Connection) -> None:
    make_well(connection)
    BrevoAccount.objects.update(state="paused")

    banner = banner_of(log_in("view_connection"))

    assert not banner.button.is_step
    assert banner.button.address == banner.address


def test_what_moved_last_and_what_stands_still(staff: Client, connection: Connection) -> None:
    make_well(connection)
    now = timezone.now()
    booking = make_booking_row(connection)
    make_delivery(connection, received_at=now - timedelta(hours=3))
    make_delivery(connection, received_at=now, webhook_name="connector.ping")  # our own test is no booking
    make_step(booking, state="done", sent_at=now - timedelta(hours=2))
    make_step(booking, state="waiting")
    make_step(booking, state="unknown")
    make_step(booking, state="failed", settled_at=now)
    make_step(booking, state="failed", settled_at=now - timedelta(days=2))

    facts = {name: str(value) for name, value in banner_of(staff).facts}

    assert "3 h ago" in facts["Last webhook received"]
    assert "2 h ago" in facts["Last write to Brevo"]
    assert ">2</a>" in facts["Waiting"]
    assert ">1</a>" in facts["Failed today"]


def test_what_is_long_ago_is_known_by_its_day(
    staff: Client, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(home, "NEWEST", 2)
    other = make_connection("Busy", is_environment=False)
    make_delivery(connection, received_at=timezone.now() - timedelta(days=5))
    make_figure(connection, figures.RECEIVED, 1, days_ago=5)
    for _ in range(5):
        make_delivery(other)

    facts = {name: str(value) for name, value in banner_of(staff).facts}

    assert "days ago" in facts["Last webhook received"]


def test_a_long_queue_is_counted_only_so_far(
    staff: Client, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(home, "CAP", 3)
    booking = make_booking_row(connection)
    for _ in range(5):
        make_step(booking, state="waiting")

    facts = {name: str(value) for name, value in banner_of(staff).facts}

    assert "3 or more" in facts["Waiting"]


def test_a_value_that_was_left_out_is_more_urgent_than_a_type_without_a_mapping(
    staff: Client, connection: Connection
) -> None:
    make_well(connection)
    make_type(connection, "Demo")
    make_step(make_booking_row(connection), "contact", state="done", cause=cause.of(cause.ATTRIBUTE_MISSING, "CITY"))

    banner = banner_of(staff)

    assert banner.sentence == "1 step was done, but a value was left out."
    assert banner.button.address == reverse("admin:calendly_connector_repair")


def test_failures_are_told_by_their_cause(staff: Client, connection: Connection) -> None:
    make_well(connection)
    booking = make_booking_row(connection)
    for _ in range(3):
        make_step(booking, state="done", cause=cause.of(cause.ATTRIBUTE_MISSING, "MEETING_DATE"))
    make_step(booking, state="failed", cause=cause.EVENT_REFUSED)
    make_step(booking, state="failed")

    needs = sentences_of(staff)

    assert needs == [
        "3 entries: The attribute MEETING_DATE is missing in Brevo.",
        "1 entry: Brevo refused the event.",
        "1 entry: Failed for another reason.",
    ]
    assert "2 steps failed" in banner_of(staff).sentence
    assert banner_of(staff).button.label == "Repair"


def test_event_types_that_nobody_mapped(staff: Client, connection: Connection) -> None:
    make_well(connection)
    for name in ("Demo", "Audit", "Call", "Workshop"):
        make_type(connection, name)
    make_type(connection, "Decided", decided_name="Decided")
    make_type(connection, "Gone", is_active=False)
    make_type(connection, "Ignored", is_ignored=True)

    banner = banner_of(staff)

    assert banner.sentence == "4 event types aren't mapped yet: the default row applies to them."
    assert banner.button.label == "Map them"
    assert sentences_of(staff) == ["4 event types aren't mapped yet: “Audit”, “Call”, “Demo” …"]


def test_who_may_only_look_is_asked_to_map_nothing(log_in: Callable[..., Client], connection: Connection) -> None:
    make_well(connection)
    make_type(connection, "Demo")
    viewer = log_in("view_connection", "view_triggermapping", "view_eventtype")

    page = viewer.get(reverse("admin:index")).content.decode()

    assert "See them" in page
    assert "Map them" not in page


def test_a_question_that_was_renamed(staff: Client, connection: Connection) -> None:
    make_well(connection)
    make_type(connection, "Demo", decided_name="Demo", questions=["Company name"])
    FieldMapping.objects.create(connection=connection, source="answer:Company", attribute="COMPANY")

    page = text_of(staff)

    assert "The question “Company” is asked no longer, so COMPANY isn&#x27;t filled." in page
    assert "Perhaps it is called “Company name” now." in page


def test_open_notices_are_told_once(staff: Client, connection: Connection) -> None:
    make_well(connection)
    now = timezone.now()
    Notice.objects.create(key="connection:1:silence", title="Main: unusually quiet", message="…", opened_at=now)
    Notice.objects.create(key="connection:1:reconnect", title="Said by its state", message="…", opened_at=now)
    Notice.objects.create(key="connection:2:silence", title="Over", message="…", opened_at=now, is_open=False)

    assert sentences_of(staff) == ["Main: unusually quiet."]


def test_what_is_urgent_comes_first(staff: Client, connection: Connection) -> None:
    make_type(make_well(connection), "Demo")
    second = make_well(make_connection("Second", is_environment=False))
    Connection.objects.filter(pk=second.pk).update(state="reconnect", state_reason="Press the button again.")

    page = staff.get(INDEX)

    assert [need.level for need in page.context["home"].needs] == ["bad", "warn"]
    assert b"Press the button again." in page.content


def test_charts_show_the_figures_and_say_them_in_a_table(staff: Client, connection: Connection) -> None:
    other = make_connection("Other", is_environment=False)
    make_figure(connection, figures.BOOKED, 7)
    make_figure(other, figures.BOOKED, 2)
    make_figure(connection, figures.BOOKED, 4, days_ago=29)
    make_figure(connection, figures.BOOKED, 100, days_ago=30)  # too long ago
    make_figure(connection, figures.BOOKED, 50, detail="host:Camille")  # of another kind
    make_figure(connection, figures.LAG_P50, 0.25)
    make_figure(other, figures.LAG_P50, 4)
    make_figure(connection, figures.FAILURES, 3)

    found = {chart.title: chart for chart in staff.get(INDEX).context["home"].charts}

    assert list(found) == ["Bookings", "Moves", "Cancellations", "No-shows", "Delivery lag", "Failed steps"]
    assert found["Bookings"].summary == "13 in 30 days, 9 today"
    assert "<td>9</td>" in found["Bookings"].table
    assert found["Bookings"].table.count("<tr>") == 31
    assert 'role="img"' in found["Bookings"].svg
    assert "within 4 s" in found["Delivery lag"].summary  # of the slowest connection
    assert found["Failed steps"].summary == "3 in 30 days, 3 today"


def test_meetings_by_type_and_host(staff: Client, connection: Connection) -> None:
    demo = make_type(connection, "Demo")
    for detail in (f"type:{demo.uri}", "host:Camille", "host:Jonas"):
        make_figure(connection, figures.BOOKED, 4, days_ago=3, detail=detail)
        make_figure(connection, figures.ATTENDED, 3, days_ago=5, detail=detail)
        make_figure(connection, figures.BOOKED, 9, days_ago=1, detail=detail)  # not known yet what becomes of them

    types, hosts = staff.get(INDEX).context["home"].outcomes

    assert "<td>Demo</td><td>4</td><td>3</td><td>75%</td>" in types.table
    assert "Camille" in hosts.table
    assert "Jonas" in hosts.table


def test_what_runs_next(staff: Client, connection: Connection) -> None:
    now = timezone.now()
    Schedule.objects.create(
        name="watch", every_seconds=60, next_run_at=now + timedelta(hours=2, seconds=9), last_result="Main: active."
    )
    Schedule.objects.create(name="prune", every_seconds=60, next_run_at=now, last_result="Failed: no disk")
    Schedule.objects.create(name="clock", every_seconds=60, next_run_at=now, is_enabled=False)

    page = text_of(staff)

    assert "in 2 h" in page
    assert "Main: active." in page
    assert "Failed: no disk</span>" in page
    assert "Off</span>" in page


@pytest.mark.parametrize(
    ("permission", "hidden"),
    [
        ("view_synclogentry", ["Waiting", "Failed today", "Last write", "Failed steps", "1 step failed", "1 entry:"]),
        ("view_webhookdelivery", ["Last webhook received", "Delivery lag"]),
        ("view_booking", ["No-shows", "Booked → attended"]),
        ("view_eventtype", ["isn&#x27;t mapped yet"]),
        ("view_fieldmapping", ["is asked no longer"]),
        ("view_notice", ["unusually quiet"]),
        ("view_schedule", ["What runs next"]),
        ("view_connection", ["How it is"]),
        ("view_brevoaccount", ["The key is dead."]),
    ],
)
def test_nobody_sees_numbers_of_what_they_may_not_view(
    permission: str, hidden: list[str], log_in: Callable[..., Client], staff: Client, connection: Connection
) -> None:
    make_well(connection)
    make_type(connection, "Demo", questions=["Role"])
    FieldMapping.objects.create(connection=connection, source="answer:Company", attribute="COMPANY")
    make_step(make_booking_row(connection), state="failed")
    Notice.objects.create(key="x:1:y", title="unusually quiet", message="…", opened_at=timezone.now())
    if permission == "view_brevoaccount":
        BrevoAccount.objects.update(state="paused", pause_reason="The key is dead.")

    page, whole = text_of(log_in(*set(EVERY_VIEW) - {permission})), text_of(staff)

    assert [words for words in hidden if words not in whole] == []
    assert [words for words in hidden if words in page] == []


def test_who_may_see_nothing_sees_nothing(log_in: Callable[..., Client], connection: Connection) -> None:
    page = log_in().get(INDEX)

    assert page.status_code == 200
    assert page.context["home"].needs == page.context["home"].banners == page.context["home"].charts == []
    assert connection.name not in page.content.decode()


def test_charts_say_when_they_were_counted(staff: Client, connection: Connection) -> None:
    at = timezone.now() - timedelta(minutes=3)
    Schedule.objects.create(name="figures", every_seconds=60, next_run_at=at, last_finished_at=at)

    assert f"As of {parts.exactly(at)}" in text_of(staff)


def test_that_no_meeting_is_over_is_said_once(staff: Client, connection: Connection) -> None:
    assert text_of(staff).count("No meeting has been over for two days yet.") == 1


def test_the_page_costs_a_fixed_number_of_queries(staff: Client) -> None:
    make_some_of_everything(3)
    staff.get(INDEX)  # what a process asks only once is asked now
    counts = []
    for rows in (5, 100):
        fill(rows)
        with CaptureQueriesContext(database) as queries:
            assert staff.get(INDEX).status_code == 200
        counts.append(len(queries))

    assert Connection.objects.count() == 3
    assert counts[0] == counts[1] <= MOST_QUERIES


def test_more_connections_cost_no_more_queries(staff: Client) -> None:
    make_some_of_everything(3)
    staff.get(INDEX)
    with CaptureQueriesContext(database) as few:
        staff.get(INDEX)
    make_some_of_everything(30)

    with CaptureQueriesContext(database) as many:
        staff.get(INDEX)

    assert len(many) == len(few)


def fill(rows: int) -> None:
    """Give each connection some of everything that the page tells of."""
    for connection in Connection.objects.all():
        booking = make_booking_row(connection, f"person{rows}")
        for number in range(rows):
            make_delivery(connection)
            state = ("failed", "done", "waiting")[number % 3]
            make_step(booking, state=state, sent_at=timezone.now(), cause=f"unfit:{number}" if number % 2 else "")
            make_type(connection, f"Type {rows} {number}")
            make_figure(connection, figures.BOOKED, 1, days_ago=3, detail=f"host:{rows} {number}")


@pytest.mark.parametrize(
    ("value", "top"), [(0, 1), (1, 1), (3, 5), (7, 10), (11, 20), (21, 50), (100, 100), (0.03, 0.05)]
)
def test_an_axis_ends_at_a_round_number(value: float, top: float) -> None:
    assert charts.ceiling(value) == pytest.approx(top)


@pytest.mark.parametrize(
    ("value", "words"), [(0.25, "250 ms"), (1.5, "1.5 s"), (90, "90 s"), (150, "2.5 min"), (9000, "2.5 h")]
)
def test_a_length_of_time_is_short(value: float, words: str) -> None:
    assert charts.seconds(value) == words


def test_every_finding_has_its_words() -> None:
    with_numbers = {
        *(Finding.FAILED, Finding.LEFT_OUT, Finding.UNKNOWN, Finding.UNASKED, Finding.UNDECIDED, Finding.RENAMED)
    }

    assert set(home_banner.SENTENCES) | with_numbers == set(Finding)


def test_the_list_of_pages_is_still_there(staff: Client, connection: Connection) -> None:
    page = text_of(staff)

    assert all(f'href="{reverse(f"admin:{name}_changelist")}"' in page for name in _changelists())


def _changelists() -> list[str]:
    return [f"{model._meta.app_label}_{model._meta.model_name}" for model in admin.site._registry]
