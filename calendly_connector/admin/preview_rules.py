"""The rule behind each line of a preview, in words: a line of the field mapping, a cell of the grid, a consent."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from calendly_connector.admin import parts
from calendly_connector.admin.preview_form import TRIGGERS
from calendly_connector.core.explain import EventLine, ListLine, Row
from calendly_connector.core.fields import ANSWER_PREFIX, FIELDS
from calendly_connector.core.rules import ConsentMode, ConsentRule, FieldRule, Overwrite
from calendly_connector.models import BrevoList, Connection, EventType

OVERWRITES: Mapping[Overwrite, Promise] = {
    Overwrite.ALWAYS: gettext_lazy("always"),
    Overwrite.IF_EMPTY: gettext_lazy("only if empty in Brevo"),
    Overwrite.NEVER: gettext_lazy("never"),
}


@dataclass(frozen=True, kw_only=True)
class Names:
    """What staff call lists and event types."""

    lists: Mapping[int, str] = field(default_factory=dict)
    types: Mapping[str, str] = field(default_factory=dict)

    def of_list(self, number: int) -> str:
        """Return a list's name and number."""
        name = self.lists.get(number)
        return f"{name} (#{number})" if name else f"#{number}"

    def of_type(self, uri: str) -> str:
        """Return an event type's name."""
        return self.types.get(uri) or uri.rsplit("/", 1)[-1] or _("no event type")


def names_of(connection: Connection) -> Names:
    """Return the names of everything that a preview may mention, in two queries."""
    account = connection.brevo_account_id
    return Names(
        lists=dict(BrevoList.objects.filter(account=account).values_list("number", "name")),
        types=dict(EventType.objects.filter(connection=connection).values_list("uri", "name")),
    )


def field_rule(rule: FieldRule) -> str:
    """Return a line of the field mapping in words."""
    return _("field mapping: %(source)s → %(attribute)s, %(when)s") % {
        "source": _source(rule.source),
        "attribute": rule.attribute,
        "when": OVERWRITES[rule.overwrite],
    }


def _source(source: str) -> str:
    """Return a source as staff know it."""
    if source.startswith(ANSWER_PREFIX):
        return _("Answer “%(question)s”") % {"question": source.removeprefix(ANSWER_PREFIX)}
    return str(_(FIELDS[source].label)) if source in FIELDS else source


def grid_rule(line: ListLine | EventLine, names: Names) -> str:
    """Return the cell of the grid behind a line."""
    if line.trigger is None:
        return _("withdrawn: what had let this person join is no longer so")
    row = {
        Row.OWN: _("own row"),
        Row.DEFAULT: _("the row for every other type"),
        Row.NONE: _("no row has this, so by default"),
    }[line.row]
    return _("grid: %(type)s × %(trigger)s, %(row)s") % {
        "type": names.of_type(line.event_type),
        "trigger": TRIGGERS[line.trigger],
        "row": row,
    }


def consent_rule(rule: ConsentRule, why_not: str) -> str:
    """Return what a row needs before people join its lists; `why_not` is empty when it was given."""
    if rule.mode is ConsentMode.ALWAYS:
        return _("consent: not asked for")
    if rule.mode is ConsentMode.DOUBLE_OPT_IN:
        return _("consent: by a click in the mail of template %(number)s") % {"number": rule.template}
    if rule.mode is ConsentMode.NEVER:
        return _("consent: never, event and attributes only")
    words = _("consent: only with answer “%(answer)s” to “%(question)s”: ") % {
        "answer": rule.answer,
        "question": rule.question,
    }
    return words + (parts.said(why_not) or _("given"))
