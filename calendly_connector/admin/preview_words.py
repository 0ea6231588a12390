"""A preview in words: what would be sent, before and after, and the rule behind each line."""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from calendly_connector.admin import parts, preview_rules
from calendly_connector.admin.parts import Cell, Tone
from calendly_connector.admin.preview_rules import Names
from calendly_connector.clients.rehearsal import PlannedCall
from calendly_connector.core import lists
from calendly_connector.core.explain import EMPTY, AttributeFate, AttributeLine, EventLine, ListFate, ListLine
from calendly_connector.core.rules import Overwrite
from calendly_connector.core.steps import Skip
from calendly_connector.services.preview import Preview

ATTRIBUTES: Mapping[AttributeFate, tuple[Promise, Tone]] = {
    AttributeFate.WRITTEN: (gettext_lazy("Written"), Tone.GOOD),
    AttributeFate.UNCHANGED: (gettext_lazy("Unchanged"), Tone.QUIET),
    AttributeFate.KEPT: (gettext_lazy("Left alone"), Tone.QUIET),
    AttributeFate.UNFIT: (gettext_lazy("Left out"), Tone.WARN),
    AttributeFate.UNKNOWN: (gettext_lazy("Nothing known"), Tone.QUIET),
    AttributeFate.OFF: (gettext_lazy("Switched off"), Tone.QUIET),
}
LISTS: Mapping[ListFate, tuple[Promise, Tone]] = {
    ListFate.JOINED: (gettext_lazy("Joined"), Tone.GOOD),
    ListFate.LEFT: (gettext_lazy("Left"), Tone.WARN),
    ListFate.ASKED: (gettext_lazy("Asked by mail"), Tone.WAIT),
    ListFate.STAYS: (gettext_lazy("Stays as it is"), Tone.QUIET),
    ListFate.WITHHELD: (gettext_lazy("Not joined"), Tone.WARN),
}
STAYS: Mapping[str, Promise] = {
    lists.JOIN: gettext_lazy("joined once before, and not joined again"),
    lists.LEAVE: gettext_lazy("left once before, and not left again"),
    lists.ASK: gettext_lazy("asked once before, and not asked again"),
}
COUNTED: Mapping[str, Promise] = {
    lists.JOIN: gettext_lazy("counted as joined at booking"),
    lists.LEAVE: gettext_lazy("counted as left before"),
    lists.ASK: gettext_lazy("counted as asked at booking"),
}
"""Of a made-up booking, whose earlier life counts as written."""

CALLS: Mapping[str, Promise] = {
    "/contacts": gettext_lazy("Write the contact"),
    "/contacts/doubleOptinConfirmation": gettext_lazy("Ask by mail (double opt-in)"),
    "/events": gettext_lazy("Send the event"),
}


@dataclass(frozen=True, kw_only=True)
class CallWords:
    """One call as staff read it."""

    title: str
    method: str
    path: str
    body: str


@dataclass(frozen=True, kw_only=True)
class PreviewWords:
    """One preview as the page shows it."""

    summary: str
    calls: Sequence[CallWords]
    attributes: SafeString
    lists: SafeString
    events: SafeString
    left_out: Sequence[str]
    notes: Sequence[str]
    before: str = ""  # why Brevo couldn't be asked
    is_new: bool = False
    is_blocked: bool = False


def words_of(found: Preview, names: Names) -> PreviewWords:
    """Return a preview in words."""
    calls = calls_of(found.calls)
    return PreviewWords(
        summary=_summary(found),
        calls=calls,
        attributes=_attributes(found),
        lists=_lists(found, names),
        events=_events(found.events, names),
        left_out=list(_left_out(found, names)),
        notes=found.notes,
        before=found.before.why_unknown,
        is_new=found.before.is_known and found.before.contact is None,
        is_blocked=found.before.is_blocked,
    )


def calls_of(calls: Iterable[PlannedCall]) -> list[CallWords]:
    """Return calls with their bodies as JSON to read."""
    return [
        CallWords(
            title=str(CALLS.get(call.path, _("Leave lists"))),
            method=call.method,
            path=f"/v3{call.path}",
            body=json.dumps(call.body, indent=2, ensure_ascii=False),
        )
        for call in calls
    ]


def _summary(found: Preview) -> str:
    number = len(found.acts)
    if not number:
        return _("Nothing would be sent.")
    return ngettext("%(number)s call would be sent.", "%(number)s calls would be sent.", number) % {"number": number}


def _attributes(found: Preview) -> SafeString:
    heads = (_("Attribute"), _("Brevo has now"), _("Would be written"), _("What happens"), _("Rule"))
    rows = [_attribute(line, is_known=found.before.is_known) for line in found.attributes]
    return parts.table(heads, rows, empty=_("The contact is left alone."))


def _attribute(line: AttributeLine, *, is_known: bool) -> list[Cell]:
    is_sent = line.fate in (AttributeFate.WRITTEN, AttributeFate.UNCHANGED)
    is_open = line.rule.overwrite is Overwrite.IF_EMPTY and not is_known
    more = _("Whether it is empty isn't known.") if is_open and is_sent else parts.said(line.reason)
    return [
        line.rule.attribute,
        _value(line.before) if is_known else _("not known"),
        _value(line.value) if is_sent else parts.NOTHING,
        parts.badge(*ATTRIBUTES[line.fate]),
        _with_more(preview_rules.field_rule(line.rule), more),
    ]


def _value(value: Any) -> Cell:
    if value in EMPTY:
        return parts.NOTHING
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return parts.told(", ".join(map(str, value)) if isinstance(value, list | tuple) else value)


def _with_more(rule: str, more: str) -> SafeString:
    return format_html('{}<span class="cc-why">{}</span>', rule, more) if more else format_html("{}", rule)


def _lists(found: Preview, names: Names) -> SafeString:
    heads = (_("List"), _("In Brevo now"), _("What happens"), _("Rule"))
    rows = [_list(line, found, names) for line in found.lists]
    return parts.table(heads, rows, empty=_("The mapping names no list for this."))


def _list(line: ListLine, found: Preview, names: Names) -> list[Cell]:
    now = (_("on it") if line.number in found.before.lists else _("not on it")) if found.before.is_known else ""
    more = [preview_rules.consent_rule(line.consent, line.reason)] if line.what != lists.LEAVE and line.trigger else []
    if line.fate is ListFate.STAYS:
        is_counted = line.number in found.subject.supposed
        more.append(str((COUNTED if is_counted else STAYS)[line.what]))
    return [
        names.of_list(line.number),
        now or _("not known"),
        parts.badge(*LISTS[line.fate]),
        _with_more(preview_rules.grid_rule(line, names), "; ".join(more)),
    ]


def _events(lines: Iterable[EventLine], names: Names) -> SafeString:
    heads = (_("Event"), _("What happens"), _("Rule"))
    rows: list[list[Cell]] = [_event(line, names) for line in lines]
    return parts.table(heads, rows, empty=_("No event."))


def _event(line: EventLine, names: Names) -> list[Cell]:
    if isinstance(line.decision, Skip):
        badge, name = parts.badge(_("Not sent"), Tone.QUIET), line.decision.what.removeprefix("No event ")
        return [name, badge, _with_more(preview_rules.grid_rule(line, names), parts.said(line.decision.reason))]
    return [line.decision.name, parts.badge(_("Sent"), Tone.GOOD), _with_more(preview_rules.grid_rule(line, names), "")]


def _left_out(found: Preview, names: Names) -> Iterable[str]:
    """Return everything that could have been sent and isn't, with the reason."""
    for attribute in found.attributes:
        if attribute.fate is AttributeFate.UNFIT:
            yield parts.said(attribute.reason)
    for line in found.lists:
        if line.fate is ListFate.WITHHELD:
            yield _("List %(name)s isn't joined: %(reason)s.") % {
                "name": names.of_list(line.number),
                "reason": parts.said(line.reason),
            }
    for event in found.events:
        if isinstance(event.decision, Skip):
            name = event.decision.what.removeprefix("No event ")
            yield _("No event %(name)s: %(reason)s") % {"name": name, "reason": parts.said(event.decision.reason)}
