"""The page of single-use links: says what would be done, starts it, and leads to what was made."""

import hashlib
import json
from dataclasses import asdict

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from calendly_connector.admin import audit, links_words, page, parts
from calendly_connector.admin.links_form import LinksForm
from calendly_connector.clients import errors
from calendly_connector.models import Connection, LinkRun, SchedulingLink
from calendly_connector.services import links, links_look, queue
from calendly_connector.services.links import Wish
from calendly_connector.services.links_look import Look

NAME = "links"
MAY_START = "calendly_connector.add_linkrun"
PAGES = 20  # of the list, that are looked at: more would keep staff waiting
RUNS = 5
LOOKED = "looked"


def view(request: HttpRequest, connection: Connection, rest: str) -> HttpResponse:
    """Show the form; by POST, what it would do, or do it."""
    if request.method != "POST":
        return _show(request, connection, LinksForm(connection=connection))
    if not request.user.has_perm(MAY_START):
        raise PermissionDenied
    form = LinksForm(request.POST, connection=connection)
    if not form.is_valid():
        return _show(request, connection, form)
    wish = form.wish()
    try:
        found = links_look.look(connection, wish, most_pages=PAGES)
        if "start" in request.POST and request.POST.get(LOOKED) == _mark_of(wish):
            return HttpResponseRedirect(parts.page_of(LinkRun, _start(request, connection, wish, found).pk))
    except (links_look.Unfit, links.OtherUnderWay, errors.ApiError, queue.Later) as error:
        form.add_error(None, parts.said(str(error)))
        return _show(request, connection, form)
    if "start" in request.POST:
        messages.warning(request, _("You changed what is asked for. See below what would be done now."))
    return _show(request, connection, form, found)


def _mark_of(wish: Wish) -> str:
    """Return what stands for a wish in the form, so that nothing is started that nobody has looked at."""
    return hashlib.sha256(json.dumps(asdict(wish), sort_keys=True).encode()).hexdigest()[:16]


def _start(request: HttpRequest, connection: Connection, wish: Wish, found: Look) -> LinkRun:
    if found.is_attribute_missing:
        links_look.make_attribute(connection, wish.attribute)
    by = request.user.get_username()
    row = links.start(connection, wish, by=by, fallback=found.scheduling_url)
    audit.note(request, row, _("Started: %(count)s links") % {"count": found.calls})
    messages.success(request, _("The links are being made. You may leave this page."))
    return row


def _show(request: HttpRequest, connection: Connection, form: LinksForm, found: Look | None = None) -> HttpResponse:
    runs = LinkRun.objects.filter(connection=connection)[:RUNS]
    context = {
        "form": form,
        "may_change": request.user.has_perm(MAY_START),
        "lines": links_words.look_lines(found) if found else [],
        "left_out": parts.table(
            (_("Who gets none"), _("Contacts")), links_words.left_out(found.left_out if found else {}), empty=""
        ),
        "looked": _mark_of(form.wish()) if found else "",
        "runs": parts.table(
            (_("Links"), _("State"), _("Made"), _("Written")),
            [
                (parts.link_to(row), row.get_state_display(), str(row.made), f"{row.written} / {row.total}")
                for row in runs
            ],
            empty=_("None yet."),
        ),
        "all_links": parts.list_of(SchedulingLink, connection__id__exact=connection.pk),
    }
    return page.render(request, connection, "links.html", title=_("Links"), current=NAME, **context)


PAGE = page.Page(name=NAME, title=gettext_lazy("Links"), view=view)
