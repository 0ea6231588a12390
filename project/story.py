"""Plays the sandbox's story on the first `make run`, and shows as a table what Brevo holds."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from project import ports
from project.supervisor import Supervisor

STATE = "/sandbox/brevo/state"
STORY = "/sandbox/story"
SECONDS = 90  # for the whole story to arrive in Brevo
QUIET = 1.5  # seconds without a change in Brevo, after which the story is over
PEOPLE = 4  # who book in the story; one moves, one cancels, one does not turn up
STATUSES = {"booked", "cancelled", "no_show"}
EVENT_PREFIX = "calendly_meeting_"  # of the default names: said in the heading, so not in every row
HEADINGS = ("Person", "E-mail", "Status", "Meeting", "Event type", "Lists", "Automation events")


class StoryError(Exception):
    """The sandbox did not play along; the text holds its answer."""


@dataclass(frozen=True, kw_only=True)
class Person:
    """One Brevo contact, as a row of the table."""

    name: str
    email: str
    status: str
    meeting_date: str
    event_type: str
    lists: Sequence[str]
    events: Sequence[str]


def play(supervisor: Supervisor, port: int) -> bool:
    """Let people book in the sandbox; return whether all of it reached Brevo in time. Raise StoryError."""
    status, answer = ports.ask(port, "POST", STORY, seconds=SECONDS)
    if not 200 <= status < 300:
        raise StoryError(f"The sandbox did not play its story: {status or 'no answer'} {answer or ''}".rstrip())
    return supervisor.tend_until(_watch(port), seconds=SECONDS, step=0.3)


def _watch(port: int) -> Callable[[], bool]:
    """Return a question for a loop: is the whole story in Brevo, and has it been quiet there since?"""
    seen: list[Person] = []
    changed_at = time.monotonic()

    def is_over() -> bool:
        nonlocal seen, changed_at
        if (now := read_people(port)) != seen:
            seen, changed_at = now, time.monotonic()
        return is_complete(seen) and time.monotonic() - changed_at >= QUIET

    return is_over


def is_complete(people: Sequence[Person]) -> bool:
    """Answer whether everybody of the story is in Brevo as it left them, each with an event at least.

    Not with a number of events: a booking that is first seen when it has been moved or cancelled was never "booked".
    """
    statuses = {person.status for person in people}
    return len(people) >= PEOPLE and statuses >= STATUSES and all(person.events for person in people)


def read_people(port: int) -> list[Person]:
    """Return what the sandbox's Brevo holds; nothing when it doesn't answer."""
    status, state = ports.ask(port, "GET", STATE)
    return people_of(state) if status == 200 and state else []


def people_of(state: dict[str, Any]) -> list[Person]:
    """Turn the sandbox's state into rows, in the order in which the contacts were made."""
    lists = {each["id"]: each["name"] for each in state["lists"]}
    return [_person(contact, lists, state["events"]) for contact in state["contacts"]]


def _person(contact: dict[str, Any], lists: dict[int, str], events: Sequence[dict[str, Any]]) -> Person:
    attributes = contact["attributes"]
    names = (attributes.get("FIRSTNAME"), attributes.get("LASTNAME"))
    return Person(
        name=" ".join(str(name) for name in names if name),
        email=contact.get("email", ""),
        status=attributes.get("BOOKING_STATUS", ""),
        meeting_date=attributes.get("MEETING_DATE", ""),
        event_type=attributes.get("CALENDLY_EVENT_TYPE", ""),
        lists=[lists.get(number, f"#{number}") for number in contact["listIds"]],
        events=[each["event_name"] for each in events if each["contact_id"] == contact["id"]],
    )


def render_table(people: Sequence[Person]) -> str:
    """Return the people as a table for the terminal."""
    if not people:
        return "  Nobody yet."
    rows = [HEADINGS, *(_cells(person) for person in people)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(HEADINGS))]
    rows.insert(1, tuple("─" * width for width in widths))
    return "\n".join(
        "  " + "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def _cells(person: Person) -> tuple[str, ...]:
    events = ", ".join(event.removeprefix(EVENT_PREFIX) for event in person.events)
    return (
        person.name,
        person.email,
        person.status,
        person.meeting_date,
        person.event_type,
        ", ".join(person.lists),
        events,
    )
