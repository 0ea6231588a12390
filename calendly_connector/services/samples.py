"""What people really answered: shown beside a question wherever staff pick one."""

from collections.abc import Iterator

from calendly_connector.core.fields import normalise_question
from calendly_connector.models import Booking, Connection, EventType

NEWEST = 200
"""Bookings that are looked through, however many there are."""
SHOWN = 3
LONGEST = 80


def answers_by_question(connection: Connection, event_type: str = "") -> dict[str, list[str]]:
    """Return each question as it is asked, with its newest answers: three at most, each once, cut where they are long.

    `event_type` is an address; empty: questions of all types. Questions that nobody answered lately have no answers.
    Two texts that the mapping takes for one question are one here.
    """
    found: dict[str, tuple[str, list[str]]] = {}
    for question in _asked(connection, event_type):
        found.setdefault(normalise_question(question), (question, []))
    for question, answer in _answered(connection, event_type):
        _, answers = found.setdefault(normalise_question(question), (question, []))
        if answer not in answers and len(answers) < SHOWN:
            answers.append(answer)
    return {question: answers for key, (question, answers) in found.items() if key}


def _asked(connection: Connection, event_type: str) -> Iterator[str]:
    types = EventType.objects.filter(connection=connection).order_by("name", "pk")
    for questions in (types.filter(uri=event_type) if event_type else types).values_list("questions", flat=True):
        yield from questions


def _answered(connection: Connection, event_type: str) -> Iterator[tuple[str, str]]:
    newest = Booking.objects.filter(connection=connection).order_by("-pk")
    for of_type, answers in newest.values_list("event_type", "data__invitee__answers")[:NEWEST]:
        if event_type in ("", of_type):
            for answer in answers or []:
                if text := " ".join(str(answer["answer"]).split()):
                    yield str(answer["question"]), _cut(text)


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1].rstrip()}…"
