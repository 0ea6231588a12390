"""Questions are shown with what people really answered, newest first, from a bounded look at the ledger."""

import pytest
from django.utils import timezone

from calendly_connector.core.booking import Answer
from calendly_connector.models import Connection, EventType
from calendly_connector.services import samples
from tests.admin.rows import make_booking_row, make_connection
from tests.factories import DEMO, DISCOVERY_CALL, make_meeting


def book(connection: Connection, name: str, event_type: str = DISCOVERY_CALL, **answers: str) -> None:
    given = tuple(Answer(question=question, answer=answer) for question, answer in answers.items())
    make_booking_row(connection, name, meeting=make_meeting(event_type=event_type), answers=given)


def add_type(connection: Connection, uri: str, *questions: str) -> None:
    EventType.objects.create(
        connection=connection, uri=uri, name=uri.rsplit("/", 1)[-1], questions=list(questions), read_at=timezone.now()
    )


def test_a_question_is_shown_with_its_three_newest_answers_each_once(connection: Connection) -> None:
    add_type(connection, DISCOVERY_CALL, "Company")
    for number, company in enumerate(("Oldest", "Acme", "Borg", "Acme", "Cyberdyne", "  ")):
        book(connection, f"nadia-{number}", Company=company)

    assert samples.answers_by_question(connection) == {"Company": ["Cyberdyne", "Acme", "Borg"]}


def test_an_unanswered_question_is_there_and_spellings_of_one_question_are_one(connection: Connection) -> None:
    add_type(connection, DISCOVERY_CALL, "Your role?", "Company *")
    book(connection, "nadia", company="Acme", Old="Kept")

    assert samples.answers_by_question(connection) == {"Your role?": [], "Company *": ["Acme"], "Old": ["Kept"]}


def test_only_the_chosen_type_and_connection_are_looked_at(connection: Connection) -> None:
    add_type(connection, DISCOVERY_CALL, "Company")
    add_type(connection, DEMO, "Budget")
    book(connection, "nadia", DEMO, Budget="10")
    book(connection, "tom", Company="Acme")
    book(make_connection("Other", is_environment=False), "zoe", DEMO, Budget="99")

    assert samples.answers_by_question(connection, DEMO) == {"Budget": ["10"]}


def test_only_the_newest_bookings_are_read_and_long_answers_are_cut(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(samples, "NEWEST", 1)
    book(connection, "nadia", Company="Old")
    book(connection, "tom", Company="x" * 200)

    assert samples.answers_by_question(connection) == {"Company": ["x" * 79 + "…"]}
