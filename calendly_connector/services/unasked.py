"""Consent that nobody is asked for: lists wait for an answer to a question that the event type doesn't ask."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from calendly_connector.core import suggest
from calendly_connector.core.fields import normalise_question
from calendly_connector.core.rules import ConsentMode
from calendly_connector.models import BookingPage, EventType

Cells = Collection[Mapping[str, Any]]
"""What each cell of a grid says: `event_type`, `trigger`, `join_lists`."""


@dataclass(frozen=True, kw_only=True)
class Unasked:
    """One event type, or the default row, whose lists nobody joins because nobody is asked."""

    event_type: str  # its URI; empty: every type that follows the default row
    name: str  # empty for the default row
    question: str  # as the mapping has it
    replacement: str  # as it is most likely asked now; empty when nothing is like it


def of_page(page: BookingPage) -> list[Unasked]:
    """Return which event types of a booking page don't ask for the consent that their lists wait for. Three queries."""
    connection = page.connection
    types = connection.event_types.filter(uri__in=page.event_types).order_by("name")
    rules = connection.consent_rules.values_list("event_type", "mode", "question")
    cells = list(connection.trigger_mappings.values("event_type", "trigger", "join_lists"))
    found = find(list(types), questions_of(rules), cells, on_pages=page.event_types)
    return [each for each in found if each.event_type]


def questions_of(rules: Iterable[tuple[str, str, str]]) -> dict[str, str]:
    """Return event type → the question whose answer gives consent, "" where none does; of (type, mode, question)."""
    return {uri: question if mode == ConsentMode.ANSWER else "" for uri, mode, question in rules}


def find(
    types: Sequence[EventType], questions: Mapping[str, str], cells: Cells, *, on_pages: Collection[str]
) -> list[Unasked]:
    """Return what isn't asked, the default row first.

    A type that follows the default row may well ask nothing: it is named only if a booking page offers it. That row
    itself is named once none of its types asks.
    """
    grid = _by_row(cells)
    active = [row for row in types if row.is_active and not row.is_ignored and _joins(row.uri, grid)]
    watched = [row for row in active if questions.get(row.uri, questions.get("", ""))]
    silent = [row for row in watched if not _asks(row, questions.get(row.uri, questions.get("", "")))]
    following = [row for row in watched if row.uri not in questions]
    found = [_unasked(row, questions) for row in silent if row.uri in questions or row.uri in on_pages]
    if following and all(row in silent for row in following):
        asked = [text for row in following for text in row.questions]
        found.insert(0, _described("", "", questions[""], asked))
    return found


def _by_row(cells: Cells) -> dict[str, dict[str, Any]]:
    """Return row → trigger → lists to join."""
    grid: dict[str, dict[str, Any]] = defaultdict(dict)
    for cell in cells:
        grid[cell["event_type"]][cell["trigger"]] = cell["join_lists"]
    return grid


def _joins(uri: str, grid: Mapping[str, Mapping[str, Any]]) -> bool:
    """Return whether any trigger of an event type joins a list: by its own cell, else by the default row's."""
    return any({**grid.get("", {}), **grid.get(uri, {})}.values())


def _asks(row: EventType, question: str) -> bool:
    wanted = normalise_question(question)
    return any(normalise_question(text) == wanted for text in row.questions)


def _unasked(row: EventType, questions: Mapping[str, str]) -> Unasked:
    return _described(row.uri, row.name, questions.get(row.uri, questions.get("", "")), row.questions)


def _described(uri: str, name: str, question: str, asked: Iterable[str]) -> Unasked:
    free = list(dict.fromkeys(asked))
    return Unasked(event_type=uri, name=name, question=question, replacement=suggest.likeliest(question, free))
