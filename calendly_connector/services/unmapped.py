"""What staff have not decided yet, or must decide again: new event types, and questions that are asked no longer."""

from collections.abc import Iterable
from dataclasses import dataclass

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


def undecided_types(connection: Connection) -> QuerySet[EventType]:
    """Return the active event types that staff have not mapped or ignored under their present name."""
    types = connection.event_types.filter(is_active=True, is_ignored=False)
    return types.exclude(decided_name=F("name")).order_by("name")
