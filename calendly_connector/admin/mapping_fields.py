"""The page of the field mapping: all lines in one form, what is said about them, and what could be added."""

from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse, QueryDict
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from calendly_connector.admin import audit, fields_create, page, parts
from calendly_connector.admin.brevo_account import read_brevo
from calendly_connector.admin.fields_form import PREFIX, Lines, in_words, lines_of
from calendly_connector.admin.page import Page
from calendly_connector.clients.errors import ApiError
from calendly_connector.core.rules import FieldRule, Overwrite
from calendly_connector.models import Connection
from calendly_connector.services import connection as connections
from calendly_connector.services import field_check, field_lines, field_words, new_attributes, suggest
from calendly_connector.services.field_check import Known

NAME = "fields"
CHANGE_FIELDS, SEE_FIELDS = "calendly_connector.change_fieldmapping", "calendly_connector.view_fieldmapping"
MOST_NAMED = 3  # questions on a button
USE, ADD = "use-", "add"
"""Buttons of the form: put another source into a line; add a line. Both save everything else too."""


def show(request: HttpRequest, connection: Connection, rest: str) -> HttpResponse:
    """Answer for the page and what is below it."""
    view = {"": edit, "check": check, "refresh": refresh, "create": fields_create.show}.get(rest)
    if view is None:
        raise Http404
    return view(request, connection)


def edit(request: HttpRequest, connection: Connection) -> HttpResponse:
    """Show the lines, or save them."""
    known, rows = field_check.known_of(connection), field_lines.rows_of(connection)
    if request.method != "POST":
        return _page(request, connection, known, lines_of(known, rows))
    if not request.user.has_perm(CHANGE_FIELDS):
        raise PermissionDenied
    lines = lines_of(known, rows, edited(request.POST))
    if lines.is_valid():
        try:
            return _saved(request, connection, known, lines.rules())
        except field_lines.ChangedMeanwhile:
            messages.error(request, _changed_words(connection))
    else:
        messages.error(request, _("Nothing was saved yet: please correct the lines that are marked."))
    return _page(request, connection, known, lines)


def edited(data: QueryDict) -> QueryDict:
    """Return what was sent, with what its button asks for done to it."""
    changed = data.copy()
    for name in data:
        if name.startswith(USE) and data[name]:
            changed[f"{name.removeprefix(USE)}-source"] = str(data[name])
    if ADD in data:
        total = data.get(f"{PREFIX}-TOTAL_FORMS", "")
        count = int(total) if total.isdecimal() and len(total) < 5 else 0
        attribute, _bar, source = str(data[ADD]).partition("|")
        line = {"source": source, "attribute": attribute, "overwrite": Overwrite.ALWAYS.value}
        changed.update({f"{PREFIX}-{count}-{part}": value for part, value in line.items()})
        changed[f"{PREFIX}-TOTAL_FORMS"] = str(count + 1)
    return changed


def check(request: HttpRequest, connection: Connection) -> JsonResponse:
    """Return what saving would say about one line."""
    found = field_check.check(
        field_check.known_of(connection), request.GET.get("source", ""), request.GET.get("attribute", "").upper()
    )
    use = _("Use “%(question)s” instead") % {"question": field_words.question_of(found.replacement)}
    return JsonResponse(
        {
            "warnings": in_words([*found.errors, *found.warnings]),
            "conversion": found.conversion,
            "answers": found.answers,
            "replacement": {"source": found.replacement, "words": use} if found.replacement else None,
            "proposed_name": found.proposed_name,
        }
    )


def refresh(request: HttpRequest, connection: Connection) -> HttpResponse:
    """Read Brevo's attributes and lists again."""
    if not _may_change(request):
        raise PermissionDenied
    if request.method == "POST":
        try:
            messages.success(request, _("Read from Brevo: %(what)s.") % {"what": read_brevo(connection.brevo_account)})
        except (ApiError, connections.NotConfigured) as error:
            messages.error(request, _("Brevo can't be read: %(error)s") % {"error": error})
    return _back(connection)


def _saved(request: HttpRequest, connection: Connection, known: Known, rules: list[FieldRule]) -> HttpResponse:
    mark = request.POST.get("mark", "")
    if field_lines.save(connection, rules, by=request.user, mark=mark):
        words = ngettext("%(count)s line is saved.", "%(count)s lines are saved.", len(rules)) % {"count": len(rules)}
        audit.note(request, connection, _("Fields edited: %(what)s") % {"what": words})
        messages.success(request, words)
    else:
        messages.info(request, _("Nothing was changed."))
    for warning in _warnings(known, rules):
        messages.warning(request, warning)
    return _back(connection)


def _warnings(known: Known, rules: list[FieldRule]) -> list[str]:
    """Return what looks wrong about lines that are switched on, each once."""
    on = (rule for rule in rules if rule.overwrite is not Overwrite.NEVER)
    found = (words for rule in on for words in field_check.check(known, rule.source, rule.attribute).warnings)
    return in_words(dict.fromkeys(found))


def _changed_words(connection: Connection) -> str:
    lines = "; ".join(
        f"{field_words.label_of(source)} → {name}" for source, name, _when in field_lines.rows_of(connection)
    )
    words = _(
        "Nothing was saved yet: somebody else changed the fields meanwhile. Theirs are now: %(lines)s. "
        "Yours are below: save again to put them in place of theirs."
    )
    return words % {"lines": lines}


def _page(request: HttpRequest, connection: Connection, known: Known, lines: Lines) -> HttpResponse:
    rows = field_lines.rows_of(connection)
    wanted = new_attributes.wanted(connection, known)
    proposed = [each for each in wanted if not each.is_mapped]
    return page.render(
        request,
        connection,
        "fields/page.html",
        title=_("Fields"),
        current=NAME,
        lines=lines,
        mark=field_lines.mark_of(rows),
        may_change=request.user.has_perm(CHANGE_FIELDS),
        may_create=_may_change(request),
        suggestions=suggest.suggestions(known, rows),
        missing=[each for each in wanted if each.is_mapped],
        proposed=proposed,
        proposed_names=_named(proposed),
        has_read=known.catalogue is not None,
        read=parts.age(connection.brevo_account.attributes_read_at),
        addresses={name: page.address_of(connection, NAME, name) for name in ("check", "refresh", "create")},
    )


def _named(proposed: list[new_attributes.Wanted]) -> str:
    """Return the first questions for which an attribute could be made."""
    names = [f"“{field_words.question_of(each.source)}”" for each in proposed[:MOST_NAMED]]
    return ", ".join(names) + (" …" if len(proposed) > MOST_NAMED else "")


def _may_change(request: Any) -> bool:
    return any(request.user.has_perm(each) for each in fields_create.MAY_CREATE)


def _back(connection: Connection) -> HttpResponseRedirect:
    return HttpResponseRedirect(page.address_of(connection, NAME))


PAGE = Page(name=NAME, title=gettext_lazy("Fields"), view=show, permission=SEE_FIELDS)
