"""Proposes fields that could be mapped: by name, by type, and by what people really answered. Never applies them."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from django.utils.translation import gettext as _

from calendly_connector.core import attributes, suggest
from calendly_connector.core.attributes import CONVERTERS, Attribute
from calendly_connector.core.decide import PHONE_ATTRIBUTES
from calendly_connector.core.fields import ANSWER_PREFIX, FIELDS, asks_for_phone, normalise_question
from calendly_connector.services import field_words, mapping_check
from calendly_connector.services.field_check import ONE_VALUE, Known
from calendly_connector.services.field_lines import Row


@dataclass(frozen=True, kw_only=True)
class Suggestion:
    """A line that staff may add with one click."""

    source: str
    attribute: str
    label: str  # of the source
    kind: str  # of the attribute, in words


def suggestions(known: Known, rows: Collection[Row]) -> list[Suggestion]:
    """Return lines for sources that aren't mapped and attributes that nothing is written to, the likeliest first."""
    catalogue = known.catalogue or {}
    sources = {source for source, _attribute, _overwrite in rows}
    taken = {attribute for _source, attribute, _overwrite in rows}
    free = [name for name in _writable(catalogue) if name not in taken]
    found = suggest.suggest(_unmapped(known, catalogue, sources), free)
    return [
        Suggestion(
            source=each.source,
            attribute=each.attribute,
            label=field_words.label_of(each.source),
            kind=_kind(each.attribute, catalogue),
        )
        for each in found
    ]


def unmapped_questions(known: Known, sources: Collection[str]) -> list[str]:
    """Return the questions that are asked now and that nothing is made of yet."""
    answers = (source.removeprefix(ANSWER_PREFIX) for source in sources if source.startswith(ANSWER_PREFIX))
    mapped = {normalise_question(question) for question in answers}
    questions = (question for question in known.asked or () if normalise_question(question) not in mapped)
    return [question for question in questions if "phone" not in sources or not asks_for_phone(question)]


def _unmapped(known: Known, catalogue: Mapping[str, Attribute], sources: Collection[str]) -> Iterator[suggest.Source]:
    for name, field in FIELDS.items():
        if name not in sources:
            fits = partial(_suits, name, catalogue)
            yield suggest.Source(source=name, names=(name, field.label), fits=fits)
    for question in unmapped_questions(known, sources):
        fits = partial(_takes, known.answers_to(ANSWER_PREFIX + question), catalogue)
        yield suggest.Source(source=ANSWER_PREFIX + question, names=(question,), fits=fits)


def _suits(source: str, catalogue: Mapping[str, Attribute], name: str) -> bool:
    if name in PHONE_ATTRIBUTES:
        return source == "phone"
    return mapping_check.can_hold(catalogue[name], source)


def _takes(answers: Collection[str], catalogue: Mapping[str, Attribute], name: str) -> bool:
    """Return whether an attribute can hold these answers, as far as one can tell."""
    if name in PHONE_ATTRIBUTES or catalogue[name].kind not in ONE_VALUE:
        return True
    return bool(answers) and all(_converts(answer, catalogue[name]) for answer in answers)


def _converts(answer: str, attribute: Attribute) -> bool:
    try:
        attributes.convert(answer, attribute)
    except attributes.Unfit:
        return False
    return True


def _writable(catalogue: Mapping[str, Attribute]) -> list[str]:
    """Return the attributes that may be written to, Brevo's phone number among them."""
    own = [name for name, attribute in catalogue.items() if attribute.kind in CONVERTERS and name != "EMAIL"]
    return [*own, *(["SMS"] if catalogue and "SMS" not in own else [])]


def _kind(name: str, catalogue: Mapping[str, Attribute]) -> str:
    return _("phone number") if name in PHONE_ATTRIBUTES else field_words.kind_word(catalogue[name].kind)
