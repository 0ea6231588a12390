"""Removing a row of the grid that Calendly doesn't list: its cells and its consent rule go, as a version."""

from urllib.parse import urlencode

from django.contrib import messages
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _

from calendly_connector.admin import audit, mapping_row, page
from calendly_connector.core.rules import ConsentRule
from calendly_connector.models import Connection, EventType
from calendly_connector.services import grid
from calendly_connector.services.grid import Choice

NAME = "remove"


def address_of(connection: Connection, event_type: EventType | None) -> str:
    """Return where the button of a row is posted; empty for rows that can't be removed."""
    if event_type is None or not grid.is_lost(event_type):
        return ""
    return f"{page.address_of(connection, mapping_row.NAME, NAME)}?{urlencode({'row': grid.key_of(event_type)})}"


def view(request: HttpRequest, connection: Connection) -> HttpResponse:
    """Ask whether to remove a row, then do it. The caller saw to permission, and that it was posted."""
    lost = grid.find_lost(connection, request.GET.get("row", ""))
    if lost is None:
        raise Http404
    back = page.address_of(connection, mapping_row.NAME)
    if "confirmed" not in request.POST:
        title = _("Remove the row “%(name)s”?") % {"name": lost}
        context = {"event_type": lost, "back": back}
        return page.render(request, connection, "mapping/remove.html", title=title, current=mapping_row.NAME, **context)
    changes = grid.decide_row(connection, lost, Choice.DEFAULT, cells={}, consent=ConsentRule(), by=request.user)
    audit.note(request, connection, "; ".join(changes))
    messages.success(request, _("The row “%(name)s” was removed.") % {"name": lost})
    return HttpResponseRedirect(back)
