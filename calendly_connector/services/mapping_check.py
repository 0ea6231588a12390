"""Is a mapping right? Errors for what can't work, warnings for what looks wrong by the mirrors we hold."""

import re
from collections.abc import Iterable, Mapping

from django.utils.translation import gettext as _

from calendly_connector.core import attributes, fields
from calendly_connector.core.decide import PHONE_ATTRIBUTES
from calendly_connector.models import BrevoAttribute, Connection

EVENT_NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")  # brevo-api.md §5.1
ATTRIBUTE_NAME = re.compile(r"[A-Z0-9_]{1,200}")
IDENTIFIERS = frozenset({"SMS", "WHATSAPP", "LANDLINE_NUMBER", "EXT_ID"})
"""Fields that every Brevo contact has, whether or not the catalogue names them (brevo-api.md §2.4)."""

Catalogue = Mapping[str, attributes.Attribute] | None
"""Brevo's attributes by name; None: not read yet."""

FITS = {
    "text": {"text", "category", "multiple-choice", "user"},
    "float": {"float", "text"},
    "date": {"date", "text"},
}
"""Kind of a source → kinds of attribute that can hold it. Answers may be anything, so any attribute may hold them."""


def event_name_error(name: str) -> str:
    """Return why Brevo would refuse an event's name, else an empty text. Empty means the default name."""
    if not name or EVENT_NAME.fullmatch(name):
        return ""
    return "Brevo takes only letters A–Z, digits, “_” and “-” in an event's name, at most 255 of them."


def source_error(source: str) -> str:
    """Return why a source can't be read, else an empty text."""
    if source in fields.FIELDS:
        return ""
    if not source.startswith(fields.ANSWER_PREFIX):
        words = _("There is no field “%(source)s”. Pick one of the list, or write “answer:” and the question's text.")
        return words % {"source": source}
    question = source.removeprefix(fields.ANSWER_PREFIX)
    return "" if fields.normalise_question(question) else _("Write the text of the question.")


def attribute_error(name: str) -> str:
    """Return why an attribute can't be mapped, else an empty text."""
    if name == "EMAIL":
        return _("The e-mail address says whose contact it is: it is always sent and never changed.")
    if not ATTRIBUTE_NAME.fullmatch(name):
        return _("An attribute's name in Brevo has only capitals A–Z, digits and “_”.")
    return ""


def list_warnings(connection: Connection, numbers: Iterable[int]) -> list[str]:
    """Return a warning for every list that the mirror doesn't know."""
    known = set(connection.brevo_account.lists.values_list("number", flat=True))
    return [
        f"List #{number} is not among the lists that we read from Brevo. Is the id right? If it is new, refresh them."
        for number in dict.fromkeys(numbers)
        if number not in known
    ]


def catalogue_of(connection: Connection) -> Catalogue:
    """Return the mirror of Brevo's attributes by name; None when they have not been read."""
    if connection.brevo_account.attributes_read_at is None:
        return None
    rows = BrevoAttribute.objects.filter(account_id=connection.brevo_account_id).order_by("name")
    return {row.name: row.to_value() for row in rows}


def warnings_by(catalogue: Catalogue, source: str, name: str) -> list[str]:
    """Return what speaks against writing a source to an attribute of this catalogue."""
    if name in PHONE_ATTRIBUTES:
        return []
    if name in IDENTIFIERS:
        return [_("%(name)s is no attribute but a key of Brevo's own: it is left out.") % {"name": name}]
    if catalogue is None:
        return [_("Brevo's attributes have not been read yet, so the name and type could not be checked.")]
    attribute = catalogue.get(name)
    if attribute is None:
        words = _(
            "Brevo has no attribute %(name)s: it is left out until it is created there. Then refresh the attributes."
        )
        return [words % {"name": name}]
    if attribute.kind not in attributes.CONVERTERS:
        return [_("Brevo computes %(name)s itself, so nothing can be written to it.") % {"name": name}]
    return [] if can_hold(attribute, source) else [_kind_warning(source, attribute)]


def can_hold(attribute: attributes.Attribute, source: str) -> bool:
    """Return whether the type of an attribute suits a source. Answers may be anything, so any attribute may do."""
    field = fields.FIELDS.get(source)
    return field is None or attribute.kind in FITS[field.kind]


def _kind_warning(source: str, attribute: attributes.Attribute) -> str:
    field = fields.FIELDS[source]
    words = _(
        "%(name)s is of the type “%(kind)s”, but “%(label)s” is a “%(own)s”: "
        "values that don't fit are left out, with a warning in the sync log."
    )
    return words % {"name": attribute.name, "kind": attribute.kind, "label": _(field.label), "own": field.kind}
