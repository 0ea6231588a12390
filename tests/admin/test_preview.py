"""Staff see what a booking would send, and why, and send it to a test address. Looking changes nothing."""

import re
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
from django.contrib.admin.models import LogEntry
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings

from calendly_connector.admin import page
from calendly_connector.core.trigger import Trigger
from calendly_connector.models import Booking, Connection, ConsentRule, EventType, Person, TriggerMapping
from calendly_connector.services import catalogue
from calendly_connector.services import connection as connections
from tests.admin.mapped import add_type
from tests.admin.rows import make_booking_row, make_connection
from tests.factories import DEMO
from tests.journeys.river import River

EMAIL, TEST = "tom@example.com", "anna@company.example"
SEE = ("view_connection", "view_triggermapping", "view_person")


def address(connection: Connection, rest: str = "") -> str:
    return page.address_of(connection, "preview", rest)


def text_of(response: Any, status: int = 200) -> str:
    """Return what a page says, without its tags."""
    assert response.status_code == status
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", response.content.decode())).split())


@pytest.fixture
def booked(river: River) -> River:
    """Let Tom book a discovery call that has been written to Brevo."""
    number = river.brevo.add_list("Discovery calls")
    river.map_lists("booked", join=[number])
    river.map_lists("canceled", leave=[number], event_type=EventType.objects.get(name="Discovery call").uri)
    catalogue.refresh_lists(river.account, connections.brevo_client(river.account))
    river.calendly.book(
        event_type="Discovery call",
        email=EMAIL,
        name="Tom Berg",
        answers={"Company": "Berg", "Mobile number": "+33 6 12 34 56 78"},
    )
    river.flow()
    river.sandbox.world.journal.clear()
    return river


def made_up(kind: str = "no_show", **changes: str) -> dict[str, str]:
    event_type = EventType.objects.get(name="Discovery call")
    values = {
        "type": str(event_type.pk),
        "kind": kind,
        "name": "Anna Test",
        "email": "Test.Person@Example.com ",
        "start_at": "2026-11-02T10:00",
        "timezone": "Europe/Paris",
        "answer_0": "Acme",
        "utm_source": "news",
    }
    return {**values, **changes}


# -- Choosing ----------------------------------------------------------------------------------------------------------


def test_the_newest_twenty_bookings_are_offered(connection: Connection, staff: Client) -> None:
    for number in range(25):
        make_booking_row(connection, f"person{number:02}")

    found = staff.get(address(connection)).content.decode()

    assert found.count("?booking=") == 20
    assert "person24@" in unescape(found).replace("<wbr>", "")


@pytest.mark.parametrize("query", ["nadia@EXAMPLE", "Nadia Ben", "nadia", "{uri}"])
def test_a_booking_is_found(connection: Connection, staff: Client, query: str) -> None:
    wanted = make_booking_row(connection, "nadia")
    Booking.objects.filter(pk=make_booking_row(connection, "tom").pk).update(name="Tom Berg")
    make_booking_row(make_connection("Other", is_environment=False), "nadia")

    found = staff.get(address(connection), {"q": query.format(uri=wanted.uri)}).content.decode()

    assert re.findall(r"\?booking=(\d+)", found) == [str(wanted.pk)]


def test_nothing_found_says_so(connection: Connection, staff: Client) -> None:
    assert "No booking fits “nobody”." in text_of(staff.get(address(connection), {"q": "nobody"}))
    assert "Nobody booked yet." in text_of(staff.get(address(connection)))


def test_choosing_costs_as_many_queries_for_twenty_as_for_one(connection: Connection, staff: Client) -> None:
    def queries() -> int:
        with CaptureQueriesContext(database) as found:
            assert staff.get(address(connection)).status_code == 200
        return len(found)

    make_booking_row(connection, "nadia")
    queries()  # the first page reads more: the member of staff's preferences
    few = queries()
    for number in range(20):
        make_booking_row(connection, f"person{number}")

    assert queries() == few


# -- A real booking ----------------------------------------------------------------------------------------------------


def test_a_booking_shows_before_and_after_with_the_rule_behind_each_line(booked: River, staff: Client) -> None:
    row = Booking.objects.get()

    response = staff.get(f"{address(booked.connection)}?booking={row.pk}&kind=canceled")

    found = text_of(response)
    assert "3 calls would be sent." in found
    assert '<option value="canceled" selected>' in response.content.decode()
    assert "BOOKING_STATUS booked cancelled ✓ Written field mapping: Booking status → BOOKING_STATUS, always" in found
    assert "– Unchanged field mapping: Answer “company” → COMPANY, always" in found
    assert "on it ! Left grid: Discovery call × Canceled, own row" in found
    assert "calendly_meeting_canceled ✓ Sent grid: Discovery call × Canceled, own row" in found
    assert "PUT /v3/contacts/tom%40example.com?identifierType=email_id" in found
    assert '"unlinkListIds"' in found


def test_a_booking_as_it_is_says_that_its_event_was_sent(booked: River, staff: Client) -> None:
    found = text_of(staff.get(address(booked.connection), {"booking": Booking.objects.get().pk}))

    assert "1 call would be sent." in found
    assert "No event calendly_meeting_booked: It was sent once already" in found
    assert "joined once before, and not joined again" in found


def test_looking_writes_nothing(booked: River, staff: Client) -> None:
    before = (LogEntry.objects.count(), Person.objects.values_list("list_operations", "pushed_at").get())

    for kind in ("", *Trigger):
        staff.get(f"{address(booked.connection)}?booking={Booking.objects.get().pk}&kind={kind}")
        if kind:
            staff.post(address(booked.connection, "made-up"), made_up(kind))

    assert booked.calls("", "POST") == booked.calls("", "PUT") == []
    assert (LogEntry.objects.count(), Person.objects.values_list("list_operations", "pushed_at").get()) == before


def test_what_is_left_out_is_named(booked: River, staff: Client) -> None:
    booked.map_field("name", "NOT_THERE")
    ConsentRule.objects.create(connection=booked.connection, mode="answer", question="Newsletter?", answer="Yes")

    found = text_of(staff.get(f"{address(booked.connection)}?booking={Booking.objects.get().pk}&kind=booked"))

    assert "NOT_THERE was left out: Brevo has no attribute NOT_THERE" in found
    assert "consent: only with answer “Yes” to “Newsletter?”" in found


def test_a_blocked_contact_is_shown_as_such(booked: River, staff: Client) -> None:
    booked.brevo.block(EMAIL)

    found = text_of(staff.get(address(booked.connection), {"booking": Booking.objects.get().pk}))

    assert "This contact is on Brevo's blocklist." in found


def test_without_brevo_the_calls_are_shown_and_the_before_is_unknown(booked: River, staff: Client) -> None:
    booked.break_brevo("reset", method="GET", times=None)

    found = text_of(staff.get(address(booked.connection), {"booking": Booking.objects.get().pk}))

    assert "What Brevo has now isn't known" in found
    assert "FIRSTNAME not known Tom" in found
    assert "POST /v3/contacts" in found


@pytest.mark.parametrize(
    "query", [{"booking": "0"}, {"booking": "x"}, {"booking": "9" * 30}, {"booking": "{pk}", "kind": "eaten"}]
)
def test_a_booking_that_is_not_there_is_not_found(connection: Connection, staff: Client, query: dict[str, str]) -> None:
    row = make_booking_row(connection)
    values = {name: value.format(pk=row.pk) for name, value in query.items()}

    assert staff.get(address(connection), values).status_code == 404


def test_a_booking_of_another_connection_is_not_found(connection: Connection, staff: Client) -> None:
    row = make_booking_row(make_connection("Other", is_environment=False))

    assert staff.get(address(connection), {"booking": row.pk}).status_code == 404


def test_an_unknown_page_is_not_found(connection: Connection, staff: Client) -> None:
    assert staff.get(address(connection, "elsewhere")).status_code == 404


# -- A made-up booking -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", Trigger)
def test_a_made_up_booking_of_each_kind_is_shown(booked: River, staff: Client, kind: Trigger) -> None:
    chosen = {name: value for name, value in made_up(kind).items() if name in ("type", "kind")}
    form = staff.get(address(booked.connection, "made-up"), chosen)
    assert "People answered: “Berg”." in text_of(form)

    found = text_of(staff.post(address(booked.connection, "made-up"), made_up(kind)))

    assert f"calendly_meeting_{kind}" in found
    assert "For test.person@example.com" in found
    assert "Brevo has no contact with this e-mail yet" in found
    assert "Acme" in found
    assert '"utm_source": "news"' in found


def test_a_made_up_start_is_read_on_the_invitees_clock(booked: River, staff: Client) -> None:
    found = text_of(staff.post(address(booked.connection, "made-up"), made_up(timezone="Asia/Tokyo")))

    assert "2026-11-02T01:00" in found  # ten o'clock in Tokyo
    assert "30 minutes long" in found


def test_what_a_made_up_no_show_was_put_on_before_is_said_to_be_counted(booked: River, staff: Client) -> None:
    found = text_of(staff.post(address(booked.connection, "made-up"), made_up()))

    assert "counted as joined at booking" in found
    assert "joined once before" not in found


@pytest.mark.parametrize("wrong", [{"email": "nobody"}, {"timezone": "Mars/Base"}, {"start_at": "soon"}, {"name": ""}])
def test_what_is_filled_in_wrongly_is_marked(booked: River, staff: Client, wrong: dict[str, str]) -> None:
    found = text_of(staff.post(address(booked.connection, "made-up"), made_up(**wrong)))

    assert "Please correct what is marked below." in found
    assert "The calls, in their order" not in found


@pytest.mark.parametrize("wrong", [{"type": "0"}, {"kind": "eaten"}, {"type": "x"}])
def test_an_unknown_type_or_kind_is_not_found(booked: River, staff: Client, wrong: dict[str, str]) -> None:
    assert staff.post(address(booked.connection, "made-up"), made_up(**wrong)).status_code == 404


def test_who_may_read_no_address_can_make_up_a_booking_all_the_same(
    booked: River, log_in: Callable[..., Client]
) -> None:
    client, chosen = log_in(*SEE), made_up()
    form = client.get(address(booked.connection, "made-up"), {name: chosen[name] for name in ("type", "kind")})
    filled = dict(re.findall(r'name="(name|email|start_at|timezone)" value="([^"]*)"', form.content.decode()))

    found = client.post(address(booked.connection, "made-up"), {**filled, "type": chosen["type"], "kind": "booked"})

    assert "The calls, in their order" in text_of(found)
    assert "test.person@example.com" not in text_of(found)


def test_without_event_types_there_is_nothing_to_make_up(connection: Connection, staff: Client) -> None:
    assert "No event type has been read from Calendly yet." in text_of(staff.get(address(connection)))


# -- Sending to a test address -----------------------------------------------------------------------------------------


def test_a_test_asks_first_and_shows_exactly_what_is_sent(booked: River, staff: Client) -> None:
    found = text_of(staff.post(address(booked.connection, "test"), made_up(address=TEST)))

    assert "Send to a test address for real?" in found
    assert f'"email": "{TEST}"' in found
    assert '"calendly_meeting_no_show"' in found
    assert booked.calls() == []


def test_a_confirmed_test_is_sent_and_audited(booked: River, staff: Client) -> None:
    before = list(Booking.objects.values()), list(Person.objects.values())

    found = text_of(staff.post(address(booked.connection, "test"), made_up(address=TEST, confirmed="yes")))

    assert "2 calls were made." in found
    assert "Brevo took it." in found
    assert booked.event_names(TEST) == ["no_show"]
    assert booked.contact(TEST)["attributes"]["COMPANY"] == "Acme"
    assert (list(Booking.objects.values()), list(Person.objects.values())) == before
    entry = LogEntry.objects.get()
    assert TEST in entry.change_message
    assert "2 of 2 calls" in entry.change_message


def test_a_real_booking_may_be_sent_to_a_test_address(booked: River, staff: Client) -> None:
    values = {"booking": Booking.objects.get().pk, "kind": "canceled", "address": TEST, "confirmed": "yes"}

    staff.post(address(booked.connection, "test"), values)

    assert booked.event_names(TEST) == ["canceled"]
    assert booked.event_names(EMAIL) == ["booked"]


@pytest.mark.parametrize("confirmed", [{}, {"confirmed": "yes"}])
def test_the_address_of_somebody_who_booked_is_refused(booked: River, staff: Client, confirmed: dict[str, str]) -> None:
    found = text_of(staff.post(address(booked.connection, "test"), made_up(address=EMAIL, **confirmed)))

    assert "belongs to somebody who booked" in found
    assert "Nothing was sent." in found
    assert booked.calls() == []
    assert not LogEntry.objects.exists()


def test_what_is_no_address_is_refused(booked: River, staff: Client) -> None:
    found = text_of(staff.post(address(booked.connection, "test"), made_up(address="anna", confirmed="yes")))

    assert "Enter a valid email address." in found
    assert booked.calls() == []


def test_what_brevo_refuses_is_said(booked: River, staff: Client) -> None:
    booked.break_brevo("status", "/contacts", status=400, body={"code": "invalid_parameter", "message": "Bad address"})

    found = text_of(staff.post(address(booked.connection, "test"), made_up(address=TEST, confirmed="yes")))

    assert "Nothing was sent" in found
    assert "Bad address" in found
    assert "Not sent, since the call before it failed." in found


def test_a_paused_account_is_said(booked: River, staff: Client, settings: Settings) -> None:
    booked.connection.brevo_account.__class__.objects.update(state="paused", pause_reason="Paused by Anna.")

    found = text_of(staff.post(address(booked.connection, "test"), made_up(address=TEST, confirmed="yes")))

    assert "Paused by Anna." in found
    assert booked.calls() == []


def test_a_test_is_not_sent_by_a_link(booked: River, staff: Client) -> None:
    assert staff.get(address(booked.connection, "test"), made_up(address=TEST, confirmed="yes")).status_code == 405


# -- Permissions -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("missing", ["view_triggermapping", "view_person"])
def test_a_preview_needs_both_permissions(connection: Connection, log_in: Callable[..., Client], missing: str) -> None:
    row = make_booking_row(connection)
    client = log_in(*(each for each in SEE if each != missing))

    assert client.get(address(connection)).status_code == 403
    assert client.get(address(connection), {"booking": row.pk}).status_code == 403
    assert client.post(address(connection, "made-up")).status_code == 403


def test_who_may_only_look_can_not_send(booked: River, log_in: Callable[..., Client]) -> None:
    client = log_in(*SEE)

    found = text_of(client.get(address(booked.connection), {"booking": Booking.objects.get().pk}))
    refused = client.post(address(booked.connection, "test"), made_up(address=TEST, confirmed="yes"))

    assert "Send to a test address" not in found
    assert refused.status_code == 403
    assert booked.calls() == []


def test_who_may_change_the_connection_can_send(booked: River, log_in: Callable[..., Client]) -> None:
    client = log_in(*SEE, "change_connection")

    client.post(address(booked.connection, "test"), made_up(address=TEST, confirmed="yes"))

    assert booked.event_names(TEST) == ["no_show"]


def test_every_trigger_is_named_as_in_the_mapping() -> None:
    assert set(TriggerMapping.Trigger.values) == {str(each) for each in Trigger}


def test_what_no_database_takes_is_left_out_of_the_search(staff: Client, connection: Connection) -> None:
    for name in ("preview", "mapping"):
        answer = staff.get(page.address_of(connection, name), {"q": "a\x00b"})

        assert answer.status_code == 200
        assert 'name="q" value="ab"' in answer.content.decode()


def test_pages_below_the_preview_lead_back_to_it(staff: Client, connection: Connection) -> None:
    kind = {"type": str(add_type(connection, DEMO, "Demo").pk), "kind": "booked"}

    shown = staff.get(page.address_of(connection, "preview", "made-up"), kind).content.decode()

    crumbs = shown[shown.index('class="breadcrumbs"') : shown.index("</nav>")]
    assert f'<a href="{page.address_of(connection, "preview")}">Preview</a>' in crumbs
    assert ">Overview</a>" in crumbs
    assert "Cancel" in shown
    assert "No, go back" not in shown
