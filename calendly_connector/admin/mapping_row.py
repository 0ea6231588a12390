"""The form of one row of the mapping grid: shown, checked, saved as a version, and answered in words."""

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from calendly_connector.admin import audit, page
from calendly_connector.admin.mapping_row_form import RowForm
from calendly_connector.models import Connection, EventType
from calendly_connector.services import grid, mapping_check, samples
from calendly_connector.services.grid import Choice, Row, Show

NAME, DEFAULT = "mapping", "default"
CHANGE = "calendly_connector.change_triggermapping"
MOST_MODELS = 200  # rows that another may be copied from


def address_of(connection: Connection, event_type: EventType | None) -> str:
    """Return the address of a row's form."""
    return page.address_of(connection, NAME, grid.key_of(event_type) if event_type else DEFAULT)


def view(request: HttpRequest, connection: Connection, rest: str) -> HttpResponse:
    """Show the form of a row, or save it. `rest` is an event type's key or "default"; the caller sees who may save."""
    event_type, may_change = find_type(connection, rest), request.user.has_perm(CHANGE)
    [row] = grid.rows_of(connection, [event_type])
    source = request.GET.get("copy", "") if request.method == "GET" else ""
    form = RowForm(
        request.POST if request.method == "POST" else None,
        row=_copied(connection, row, source) if source else row,
        lists=list(connection.brevo_account.lists.order_by("name", "number")),
        samples=samples.answers_by_question(connection, event_type.uri if event_type else "") if may_change else {},
    )
    if request.method == "POST" and form.is_valid():
        return _save(request, connection, event_type, form)
    return page.render(
        request,
        connection,
        "mapping/row.html",
        title=_("Mapping of %(name)s") % {"name": event_type or _("Every other type")},
        current=NAME,
        form=form,
        row=row,
        event_type=event_type,
        may_change=may_change,
        copies=_copies(connection, event_type),
        copied=source,
        back=back_to(request, connection),
        listed=request.GET.get("list", ""),
    )


def find_type(connection: Connection, rest: str) -> EventType | None:
    """Return the event type that an address names, None for the default row. Raises Http404."""
    if rest == DEFAULT:
        return None
    if rest.startswith(grid.LOST):
        return _found(grid.find_lost(connection, rest))
    if not (rest.isascii() and rest.isdigit() and len(rest) < 19):
        raise Http404
    return get_object_or_404(EventType, connection=connection, pk=rest)


def _found(lost: EventType | None) -> EventType:
    if lost is None:
        raise Http404
    return lost


def back_to(request: HttpRequest, connection: Connection) -> str:
    """Return the address of the grid, as it was filtered when the form was opened."""
    listed = request.GET.get("list", "")
    return page.address_of(connection, NAME) + (f"?{listed}" if listed else "")


def _copied(connection: Connection, row: Row, source: str) -> Row:
    """Return the row as it would be with another row's cells and consent rule."""
    [other] = grid.rows_of(connection, [find_type(connection, source)])
    return Row(
        event_type=row.event_type,
        cells=other.cells,
        own_cells=frozenset(other.cells),
        consent=other.consent,
        has_own_consent=True,
    )


def _copies(connection: Connection, event_type: EventType | None) -> list[tuple[str, str]]:
    """Return the rows that this one may be copied from."""
    types = grid.types_of(connection, show=Show.OWN)
    types = types.exclude(pk=event_type.pk) if event_type else types
    rows = [(str(pk), name) for pk, name in types.values_list("pk", "name")[:MOST_MODELS]]
    return [(DEFAULT, _("Every other type")), *rows] if event_type else rows


def _save(request: HttpRequest, connection: Connection, event_type: EventType | None, form: RowForm) -> HttpResponse:
    cells, consent = form.rules()
    changes = grid.decide_row(connection, event_type, form.chosen, cells=cells, consent=consent, by=request.user)
    name = str(event_type or _("Every other type"))
    if changes:
        words = _("Mapping of “%(name)s”: %(changes)s") % {"name": name, "changes": "; ".join(changes)}
        audit.note(request, connection, words)
    messages.success(request, _told(name, len(changes)))
    numbers = [number for rule in cells.values() for number in (*rule.join_lists, *rule.leave_lists)]
    for warning in mapping_check.list_warnings(connection, numbers) if form.chosen is Choice.OWN else ():
        messages.warning(request, warning)
    return HttpResponseRedirect(back_to(request, connection))


def _told(name: str, count: int) -> str:
    if not count:
        return _("The mapping of “%(name)s” was saved already: nothing changed.") % {"name": name}
    words = ngettext(
        "The mapping of “%(name)s” was saved: %(count)d change, in force from now on.",
        "The mapping of “%(name)s” was saved: %(count)d changes, in force from now on.",
        count,
    )
    return words % {"name": name, "count": count}
