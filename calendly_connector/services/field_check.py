"""What is said about a line of the field mapping: while it is edited, when it is saved, and when it is looked at."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from django.utils.translation import gettext as _

from calendly_connector.core import attributes, suggest
from calendly_connector.core.decide import PHONE_ATTRIBUTES
from calendly_connector.core.fields import ANSWER_PREFIX, normalise_question
from calendly_connector.models import Connection
from calendly_connector.services import field_words, mapping_check, samples, unmapped
from calendly_connector.services.mapping_check import Catalogue

ONE_VALUE = frozenset({"date", "float", "boolean", "category", "user"})
"""Types that hold one value. Several choices stand on lines of their own, which a shown answer doesn't keep."""


@dataclass(frozen=True, kw_only=True)
class Known:
    """What we know of both services, read once for all lines. Questions are compared as the mapping does."""

    catalogue: Catalogue
    answers: dict[str, list[str]]  # question as it is asked → its newest answers
    asked: list[str] | None  # by active event types; None: not read yet
    mapped: frozenset[str] = frozenset()  # sources of all lines, as they are saved

    def answers_to(self, source: str) -> list[str]:
        """Return the newest answers to a source that is a question."""
        if not source.startswith(ANSWER_PREFIX):
            return []
        wanted = normalise_question(source.removeprefix(ANSWER_PREFIX))
        return next((found for text, found in self.answers.items() if normalise_question(text) == wanted), [])


@dataclass(frozen=True, kw_only=True)
class Said:
    """What there is to say about one line, in words for staff."""

    errors: list[str] = field(default_factory=list)  # keep it from being saved
    warnings: list[str] = field(default_factory=list)
    conversion: str = ""
    answers: list[str] = field(default_factory=list)
    replacement: str = ""  # the source to use instead of a question that nobody asks now
    proposed_name: str = ""  # for a new attribute


def known_of(connection: Connection) -> Known:
    """Read what the lines of a connection are checked against: a fixed number of queries."""
    return Known(
        catalogue=mapping_check.catalogue_of(connection),
        answers=samples.answers_by_question(connection),
        asked=unmapped.asked_questions(connection),
        mapped=frozenset(connection.field_mappings.values_list("source", flat=True)),
    )


def check(known: Known, source: str, attribute: str) -> Said:
    """Return what there is to say about writing a source to an attribute; either may still be empty."""
    errors = [
        error
        for error in (
            mapping_check.source_error(source) if source else "",
            mapping_check.attribute_error(attribute) if attribute else "",
        )
        if error
    ]
    if errors:
        return Said(errors=errors, answers=known.answers_to(source))
    gone = unmapped.find_renamed(known.asked, known.mapped, source=source, attribute=attribute)
    return Said(
        warnings=list(_warnings(known, source, attribute, gone)) if source and attribute else [],
        conversion=field_words.conversion_words(source, attribute, known.catalogue),
        answers=known.answers_to(source),
        replacement=gone.new_source if gone else "",
        proposed_name=suggest.attribute_name(source.removeprefix(ANSWER_PREFIX)) if source else "",
    )


def _warnings(known: Known, source: str, attribute: str, gone: unmapped.RenamedQuestion | None) -> Iterator[str]:
    if gone:
        yield _gone_words(gone)
    found = mapping_check.warnings_by(known.catalogue, source, attribute)
    yield from found
    target = (known.catalogue or {}).get(attribute)
    if not found and target and attribute not in PHONE_ATTRIBUTES:
        yield from _unfit(known.answers_to(source), target)


def _gone_words(gone: unmapped.RenamedQuestion) -> str:
    if not gone.replacement:
        return _("No active event type asks “%(question)s” now.") % {"question": gone.question}
    words = _("No active event type asks “%(question)s” now; “%(replacement)s” is most like it.")
    return words % {"question": gone.question, "replacement": gone.replacement}


def _unfit(answers: list[str], attribute: attributes.Attribute) -> Iterator[str]:
    """Yield a warning for the first real answer that the attribute can't hold."""
    if attribute.kind not in ONE_VALUE:
        return
    for answer in answers:
        try:
            attributes.convert(answer, attribute)
        except attributes.Unfit as unfit:
            words = _("%(name)s is of the type “%(kind)s”, and a real answer doesn't fit: %(why)s. It is left out.")
            yield words % {"name": attribute.name, "kind": attribute.kind, "why": unfit}
            return
