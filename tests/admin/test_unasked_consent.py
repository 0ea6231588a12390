"""Lists that wait for an answer to a question which nobody is asked: the overview and the booking page say so."""

from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from calendly_connector.models import BookingPage, Connection, ConsentRule, EventType
from calendly_connector.services import catalogue
from tests.admin.rows import make_connection
from tests.journeys.conftest import river
from tests.journeys.river import River
from tests.web.booking_pages import CONSENT, DEMO, DISCOVERY, ask_more, make_page, question

__all__ = ["river"]

INDEX = reverse("admin:index")
NOT_ASKED = f"“Demo” doesn&#x27;t ask “{CONSENT}”, so nobody gives the consent that its lists need."
NOWHERE = f"No event type asks “{CONSENT}”, so nobody gives the consent that “every other type” needs."


@pytest.fixture
def connection(db: None) -> Connection:
    return make_connection()


def text_of(client: Client, address: str = INDEX) -> str:
    return " ".join(client.get(address).content.decode().split())


def of_page(page: BookingPage) -> str:
    return reverse("admin:calendly_connector_bookingpage_change", args=[page.pk])


def make_type(connection: Connection, name: str, **fields: Any) -> EventType:
    values = {"decided_name": name, "read_at": timezone.now(), **fields}
    return EventType.objects.create(connection=connection, uri=f"https://types/{name}", name=name, **values)


def join(connection: Connection, *, event_type: str = "", mode: str = "answer", question: str = CONSENT) -> None:
    """Let a row join a list, and say what has to be given before."""
    connection.trigger_mappings.create(event_type=event_type, trigger="booked", join_lists=[1])
    ConsentRule.objects.create(connection=connection, event_type=event_type, mode=mode, question=question, answer="Yes")


def test_a_question_that_vanishes_at_calendly_is_told_until_it_is_back(river: River, admin_client: Client) -> None:
    river.map_lists("booked", join=[int(river.brevo.add_list("Newsletter"))])
    ConsentRule.objects.create(connection=river.connection, mode="answer", question=CONSENT, answer="Yes")
    ask_more(river, DEMO, asked := question(CONSENT, "single_select", 0, choices=("Yes", "No")))
    ask_more(river, DISCOVERY, asked)
    page = make_page(river, DEMO)
    before = text_of(admin_client), text_of(admin_client, of_page(page))

    ask_more(river, DEMO, question("May we write to you", "string", 0), question("Company", "string", 1))
    catalogue.refresh_event_types(river.connection)
    same = text_of(admin_client)
    ask_more(river, DEMO, question("May we also write to you?", "string", 0), question("Company", "string", 1))
    catalogue.refresh_event_types(river.connection)

    assert NOT_ASKED not in before[0] + before[1] + same
    for address in (INDEX, of_page(page)):
        assert NOT_ASKED in text_of(admin_client, address)
        assert "Perhaps it is called “May we also write to you?” now." in text_of(admin_client, address)
    assert "The page shows no box for it" in text_of(admin_client, of_page(page))


def test_the_warning_names_each_type_that_joins_lists(admin_client: Client, connection: Connection) -> None:
    make_type(connection, "Demo", questions=["Company"])
    make_type(connection, "Talk", questions=[CONSENT])
    join(connection, event_type="https://types/Demo")

    assert NOT_ASKED in text_of(admin_client)


def test_a_default_row_that_no_type_answers_is_told_once(admin_client: Client, connection: Connection) -> None:
    make_type(connection, "Demo")
    make_type(connection, "Talk")
    join(connection)

    found = text_of(admin_client)

    assert found.count(NOWHERE) == 1 and NOT_ASKED not in found


QUIET: dict[str, dict[str, Any]] = {
    "asked in another spelling": {"questions": ["may we WRITE to you"]},
    "not bookable": {"is_active": False},
    "ignored": {"is_ignored": True},
}


@pytest.mark.parametrize("case", QUIET)
def test_nothing_is_said_of_what_is_asked_or_does_not_matter(
    case: str, admin_client: Client, connection: Connection
) -> None:
    make_type(connection, "Demo", **QUIET[case])
    join(connection, event_type="https://types/Demo")

    assert NOT_ASKED not in text_of(admin_client)


@pytest.mark.parametrize("mode", ["always", "never", "double_opt_in"])
def test_nothing_is_said_of_other_ways_of_consent(mode: str, admin_client: Client, connection: Connection) -> None:
    make_type(connection, "Demo")
    join(connection, event_type="https://types/Demo", mode=mode, question="")

    assert "nobody gives the consent" not in text_of(admin_client)


def test_nothing_is_said_of_a_row_that_joins_no_list(admin_client: Client, connection: Connection) -> None:
    make_type(connection, "Demo")
    ConsentRule.objects.create(connection=connection, mode="answer", question=CONSENT, answer="Yes")

    assert "nobody gives the consent" not in text_of(admin_client)


def test_who_may_not_see_event_types_is_not_told(log_in: Any, admin_client: Client, connection: Connection) -> None:
    make_type(connection, "Demo")
    join(connection, event_type="https://types/Demo")

    assert NOT_ASKED in text_of(admin_client)
    assert NOT_ASKED not in text_of(log_in("view_connection"))
