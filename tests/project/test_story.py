"""The table that `make run` ends with."""

from dataclasses import replace

import pytest

from project import story

STATE = {
    "lists": [{"id": 3, "name": "Demo"}],
    "contacts": [
        {
            "id": 1,
            "email": "anna@example.com",
            "listIds": [3, 9],
            "attributes": {
                "FIRSTNAME": "Anna",
                "LASTNAME": "Holm",
                "BOOKING_STATUS": "booked",
                "MEETING_DATE": "2026-12-01",
                "CALENDLY_EVENT_TYPE": "Demo",
            },
        },
        {"id": 2, "email": "bo@example.com", "listIds": [], "attributes": {}},
    ],
    "events": [
        {"contact_id": 1, "event_name": "calendly_meeting_booked"},
        {"contact_id": 1, "event_name": "our_own_name"},
        {"contact_id": None, "event_name": "calendly_meeting_booked"},
    ],
}


def test_a_contact_becomes_a_row_with_names_instead_of_numbers() -> None:
    anna, bo = story.people_of(STATE)

    assert anna == story.Person(
        name="Anna Holm",
        email="anna@example.com",
        status="booked",
        meeting_date="2026-12-01",
        event_type="Demo",
        lists=["Demo", "#9"],
        events=["calendly_meeting_booked", "our_own_name"],
    )
    assert bo.name == bo.status == ""


def test_the_table_is_aligned() -> None:
    heading, line, anna, bo = story.render_table(story.people_of(STATE)).splitlines()

    assert heading.index("E-mail") == anna.index("anna@") == bo.index("bo@")
    assert anna.endswith("booked, our_own_name")
    assert set(line) == {" ", "─"}


def test_an_empty_brevo_is_said_so() -> None:
    assert story.render_table([]) == "  Nobody yet."


def test_half_a_story_is_not_complete() -> None:
    assert not story.is_complete(story.people_of(STATE))


@pytest.mark.parametrize(("statuses", "complete"), [(story.STATUSES | {""}, True), ({"booked"}, False)])
def test_the_story_is_complete_when_everybody_is_where_it_left_them(statuses: set[str], complete: bool) -> None:
    anna, _ = story.people_of(STATE)
    people = [replace(anna, status=status) for status in [*sorted(statuses), *["booked"] * 4][:4]]

    assert story.is_complete(people) is complete
