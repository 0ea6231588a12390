"""The field mapping in words: what a source is called, and what becomes of its values on the way to Brevo."""

from django.utils.translation import gettext as _

from calendly_connector.core.attributes import CONVERTERS, Attribute
from calendly_connector.core.decide import PHONE_ATTRIBUTES
from calendly_connector.core.fields import ANSWER_PREFIX, FIELDS
from calendly_connector.services.mapping_check import Catalogue

OPTIONS_SHOWN = 12


def label_of(source: str) -> str:
    """Return a source as staff know it."""
    if source in FIELDS:
        return _(FIELDS[source].label)
    return _("Answer: %(question)s") % {"question": question_of(source)}


def question_of(source: str) -> str:
    """Return the question of a source that is an answer."""
    return source.removeprefix(ANSWER_PREFIX)


def kind_word(kind: str) -> str:
    """Return a type of Brevo's in words that stand beside an attribute's name."""
    return {
        "text": _("text"),
        "float": _("number"),
        "date": _("date"),
        "boolean": _("yes or no"),
        "category": _("category"),
        "multiple-choice": _("multiple choice"),
        "user": _("user of Brevo"),
    }.get(kind, kind)


def conversion_words(source: str, name: str, catalogue: Catalogue) -> str:
    """Return what becomes of a source's values in an attribute; empty when nothing can be said yet."""
    if name in PHONE_ATTRIBUTES:
        return _("text → phone number with its country, such as +33612345678")
    attribute = (catalogue or {}).get(name)
    if not source or attribute is None or attribute.kind not in CONVERTERS:
        return ""
    own = FIELDS[source].kind if source in FIELDS else "text"
    return _MADE[attribute.kind](own, attribute)


def _text(own: str, attribute: Attribute) -> str:
    return {
        "date": _("date → text: YYYY-MM-DD in the invitee's zone"),
        "float": _("number → text"),
    }.get(own, _("text, as it is"))


def _date(own: str, attribute: Attribute) -> str:
    if own == "date":
        return _("date → YYYY-MM-DD in the invitee's zone")
    return _("text → date; only if it is written YYYY-MM-DD")


def _float(own: str, attribute: Attribute) -> str:
    return _("number, as it is") if own == "float" else _("text → number; “1,5” is 1.5")


def _boolean(own: str, attribute: Attribute) -> str:
    return _("text → yes or no; understood are yes, ja, oui, true, 1 and no, nej, nein, non, false, 0")


def _category(own: str, attribute: Attribute) -> str:
    return _("text → one of the category's options: %(options)s") % {"options": _options(attribute)}


def _choices(own: str, attribute: Attribute) -> str:
    return _("text, a choice on each line → any of the options: %(options)s") % {"options": _options(attribute)}


def _user(own: str, attribute: Attribute) -> str:
    return _("e-mail address → the user of Brevo who has it")


_MADE = {
    "text": _text, "date": _date, "float": _float, "boolean": _boolean, "category": _category,
    "multiple-choice": _choices, "user": _user,
}  # fmt: skip


def _options(attribute: Attribute) -> str:
    labels = [label for _value, label in attribute.options]
    shown = ", ".join(labels[:OPTIONS_SHOWN])
    return f"{shown} …" if len(labels) > OPTIONS_SHOWN else shown or _("none yet")
