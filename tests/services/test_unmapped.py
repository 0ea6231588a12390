"""What staff should decide: questions that nobody asks now, and event types that are new or renamed."""

from typing import Any

import pytest
from django.utils import timezone

from calendly_connector.models import Connection, EventType, FieldMapping
from calendly_connector.services import unmapped
from tests.admin.rows import make_connection

pytestmark = pytest.mark.django_db


@pytest.fixture
def connection() -> Connection:
    return make_connection()


def make_type(connection: Connection, name: str, *questions: str, **fields: Any) -> EventType:
    uri = f"https://api.calendly.com/event_types/{name}"
    values = {"uri": uri, "name": name, "questions": list(questions), "read_at": timezone.now(), **fields}
    return EventType.objects.create(connection=connection, **values)


def map_answer(connection: Connection, question: str, attribute: str = "COMPANY", **fields: Any) -> None:
    FieldMapping.objects.create(connection=connection, source=f"answer:{question}", attribute=attribute, **fields)


def test_a_renamed_question_is_found_with_its_likeliest_new_text(connection: Connection) -> None:
    make_type(connection, "Demo", "Company name", "Which topics?")
    map_answer(connection, "company")

    (found,) = unmapped.renamed_questions(connection)

    assert (found.attribute, found.question, found.replacement) == ("COMPANY", "company", "Company name")
    assert (found.source, found.new_source) == ("answer:company", "answer:Company name")


def test_a_question_without_a_likely_successor_is_found_too(connection: Connection) -> None:
    make_type(connection, "Demo", "Which topics?")
    map_answer(connection, "Shoe size")

    (found,) = unmapped.renamed_questions(connection)

    assert (found.replacement, found.new_source) == ("", "")


def test_a_question_that_is_mapped_already_is_nobodys_successor(connection: Connection) -> None:
    make_type(connection, "Demo", "Company name")
    map_answer(connection, "Company name", "COMPANY_NAME")
    map_answer(connection, "Company")

    assert [(each.question, each.replacement) for each in unmapped.renamed_questions(connection)] == [("Company", "")]


def test_a_question_of_another_spelling_is_asked_still(connection: Connection) -> None:
    make_type(connection, "Demo", "  Your  Company? ")
    map_answer(connection, "your company")

    assert unmapped.renamed_questions(connection) == []


def test_only_active_types_ask(connection: Connection) -> None:
    make_type(connection, "Old", "Company", is_active=False)
    make_type(connection, "New", "Firma")
    map_answer(connection, "Company")

    assert [each.replacement for each in unmapped.renamed_questions(connection)] == ["Firma"]


def test_nothing_is_said_of_lines_that_are_off_of_fields_or_before_types_are_read(connection: Connection) -> None:
    map_answer(connection, "Company")
    assert unmapped.renamed_questions(connection) == []

    make_type(connection, "Demo")
    FieldMapping.objects.update(overwrite="never")
    FieldMapping.objects.create(connection=connection, source="moves", attribute="MOVES")
    assert unmapped.renamed_questions(connection) == []


def test_another_connections_types_and_lines_are_its_own(connection: Connection) -> None:
    other = make_connection("Other", is_environment=False)
    make_type(other, "Demo", "Company")
    make_type(connection, "Demo", "Which topics?")
    map_answer(connection, "Company")

    assert len(unmapped.renamed_questions(connection)) == 1
    assert unmapped.renamed_questions(other) == []


def test_types_that_are_new_or_renamed_are_undecided(connection: Connection) -> None:
    make_type(connection, "New")
    make_type(connection, "Renamed", decided_name="Its old name")
    make_type(connection, "Decided", decided_name="Decided")
    make_type(connection, "Ignored", is_ignored=True)
    make_type(connection, "Switched off", is_active=False)

    assert [row.name for row in unmapped.undecided_types(connection)] == ["New", "Renamed"]
