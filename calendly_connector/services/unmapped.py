"""What staff have not decided yet, or must decide again: new event types, questions that are asked no longer, and
what is mapped though neither service has it."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from django.db.models import F, QuerySet

from calendly_connector.core import suggest
from calendly_connector.core.fields import ANSWER_PREFIX, normalise_question
from calendly_connector.models import Connection, EventType, FieldMapping


@dataclass(frozen=True, kw_only=True)
class RenamedQuestion:
    """A mapped question that no active event type asks now, and the one that most likely took its place."""

    attribute: str  # the Brevo attribute that its answers are written to
    question: str  # as it is mapped
    replacement: str  # as it is asked now; empty when none is like it

    @property
    def source(self) -> str:
        """Return the source as it is mapped."""
        return ANSWER_PREFIX + self.question

    @property
    def new_source(self) -> str:
        """Return the source to map instead; empty without a replacement."""
        return ANSWER_PREFIX + self.replacement if self.replacement else ""


def renamed_questions(connection: Connection) -> list[RenamedQuestion]:
    """Return the mapped questions that nobody asks now; none while the event types have not been read.

    Lines that are switched off are nobody's concern. Two queries.
    """
    asked = asked_questions(connection)
    on = connection.field_mappings.exclude(overwrite=FieldMapping.Overwrite.NEVER).order_by("pk")
    lines = list(on.values_list("source", "attribute"))
    sources = [source for source, _attribute in lines]
    found = (find_renamed(asked, sources, source=source, attribute=attribute) for source, attribute in lines)
    return [each for each in found if each]


def find_renamed(
    asked: list[str] | None, sources: Iterable[str], *, source: str, attribute: str
) -> RenamedQuestion | None:
    """Return what to say about one line if its source is a question that isn't asked now, else None.

    `sources` are those of all lines: a question that is mapped already took nobody's place.
    """
    if asked is None or not source.startswith(ANSWER_PREFIX):
        return None
    question = source.removeprefix(ANSWER_PREFIX)
    known = {normalise_question(text): text for text in asked}
    if normalise_question(question) in known:
        return None
    taken = {
        normalise_question(other.removeprefix(ANSWER_PREFIX)) for other in sources if other.startswith(ANSWER_PREFIX)
    }
    free = [text for key, text in known.items() if key not in taken]
    return RenamedQuestion(attribute=attribute, question=question, replacement=suggest.likeliest(question, free))


def asked_questions(connection: Connection) -> list[str] | None:
    """Return every question of the active event types, each once; None while no event type has been read."""
    types = list(connection.event_types.order_by("name", "pk").values_list("is_active", "questions"))
    if not types:
        return None
    asked = (question for is_active, questions in types if is_active for question in questions)
    return list({normalise_question(question): question for question in asked}.values())


@dataclass(frozen=True, kw_only=True)
class UnknownTargets:
    """What the mapping names and our mirrors don't know."""

    types: tuple[str, ...] = ()  # addresses of event types
    lists: tuple[int, ...] = ()  # ids of Brevo lists

    @property
    def count(self) -> int:
        """Return how many there are."""
        return len(self.types) + len(self.lists)


CELL = ("event_type", "join_lists", "leave_lists")
"""What of a cell names a target."""


def unknown_targets(connection: Connection) -> UnknownTargets:
    """Return the mapped event types and lists that the mirrors don't know, in four queries, however many rows."""
    types = connection.event_types.values_list("uri", "is_ignored")
    account = connection.brevo_account
    lists = set(account.lists.values_list("number", flat=True))
    return find_unknown(
        list(connection.trigger_mappings.values(*CELL)),
        connection.consent_rules.values_list("event_type", flat=True),
        types=dict(types),
        lists=lists if lists or account.attributes_read_at else None,
    )


def find_unknown(
    cells: Collection[Mapping[str, Any]],
    consents: Iterable[str],
    *,
    types: Mapping[str, bool],
    lists: Collection[int] | None,
) -> UnknownTargets:
    """Return what of some cells, and of the rows with a consent rule, isn't known.

    `types` are those that Calendly listed, with whether they are ignored: the lists of ignored ones don't matter.
    `lists` are Brevo's, None before they were read: then none is unknown.
    """
    rows = {cell["event_type"] for cell in cells} | set(consents)
    named = {
        number
        for cell in cells
        if not types.get(cell["event_type"], False)
        for number in (*cell["join_lists"], *cell["leave_lists"])
    }
    return UnknownTargets(
        types=tuple(sorted(rows - types.keys() - {""})),
        lists=() if lists is None else tuple(sorted(named.difference(lists))),
    )


def undecided_types(connection: Connection) -> QuerySet[EventType]:
    """Return the active event types that staff have not mapped or ignored under their present name."""
    types = connection.event_types.filter(is_active=True, is_ignored=False)
    return types.exclude(decided_name=F("name")).order_by("name")
