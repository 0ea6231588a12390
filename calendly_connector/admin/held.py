"""The page of meetings that are over: staff say who came, by a click or by a key, without leaving it."""

import hashlib
from collections.abc import Callable
from itertools import groupby
from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from calendly_connector.admin import audit, held_row
from calendly_connector.admin.base import CappedPaginator
from calendly_connector.admin.held_row import ACT, ATTENDED, MARK, NO_SHOW, UNDO
from calendly_connector.admin.held_words import NOTED, words_of
from calendly_connector.models import Booking
from calendly_connector.services import marking, meetings_held, recovery
from calendly_connector.services.marking import Outcome
from calendly_connector.services.meetings_held import Show

NAME = "calendly_connector_held"
SEE = "calendly_connector.view_booking"
PER_PAGE = 50
IN_PLACE = "X-In-Place"  # asks for the row alone

ACTS: dict[str, Callable[..., Outcome]] = {
    ATTENDED: marking.mark_attended,
    NO_SHOW: marking.mark_no_show,
    UNDO: marking.undo_no_show,
}
SHOWS: dict[Show, Promise] = {
    Show.DESK: gettext_lazy("Today, and older without a mark"),
    Show.WAITING: gettext_lazy("Nobody has said yet who came"),
    Show.NO_SHOWS: gettext_lazy("No-shows"),
    Show.ALL: gettext_lazy("All of the last 30 days"),
}


def urls(site: admin.AdminSite) -> list[URLPattern]:
    """Return the page and what marks its rows, below the addresses of bookings."""
    return [
        path("held/", site.admin_view(show), name=NAME),
        path("<int:booking_id>/mark/", site.admin_view(mark), name=MARK),
    ]


def address(show: Show = Show.DESK) -> str:
    """Return the page's address."""
    return reverse(f"admin:{NAME}") + (f"?show={show}" if show else "")


def show(request: HttpRequest) -> HttpResponse:
    """Answer with one page of meetings, by day. The number of queries is the same however many there are."""
    if not request.user.has_perm(SEE):
        raise PermissionDenied
    hosts = {_key_of(host): host for host in meetings_held.hosts()}
    asked = _asked(request)
    wanted = {**asked, "host": hosts.get(asked["host"], asked["host"])}
    page = CappedPaginator(meetings_held.find(**wanted), PER_PAGE).get_page(request.GET.get("page"))
    found = list(page.object_list)
    ways = recovery.known([row for row in found if row.status == Booking.Status.NO_SHOW])
    days = [
        (day, [held_row.line_of(request, row, way=ways.get(row.pk)) for row in rows])
        for day, rows in groupby(found, key=held_row.day_of)
    ]
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": _("Who came?"),
        "opts": Booking._meta,
        "days": days,
        "page": page,
        "shows": SHOWS,
        "asked": asked,
        "is_narrowed": any(asked.values()),
        "hosts": hosts,
        "event_types": meetings_held.event_types(),
        "may_mark": request.user.has_perm(ACT),
    }
    return TemplateResponse(request, "admin/calendly_connector/held/page.html", context)


def mark(request: HttpRequest, booking_id: int) -> HttpResponse:
    """Do what was pressed; answer with the row alone where only that was asked for, else return to the page."""
    if not request.user.has_perm(ACT):
        raise PermissionDenied
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    act = request.POST.get("act", "")
    if act not in ACTS:
        raise Http404
    row = booking(booking_id)
    try:
        outcome = ACTS[act](row, by=request.user.get_username())
    except Booking.DoesNotExist as error:  # its person was erased just now
        raise Http404 from error
    said = words_of(outcome, row)
    if outcome.said in NOTED:
        audit.note(request, row, str(NOTED[outcome.said]))
    if IN_PLACE in request.headers:
        way = recovery.known([row]).get(row.pk)
        return row_alone(request, row, way=way, said=said, is_well=outcome.is_done)
    messages.add_message(request, messages.SUCCESS if outcome.is_done else messages.ERROR, said)
    query = request.GET.urlencode()
    return HttpResponseRedirect(f"{reverse(f'admin:{NAME}')}{f'?{query}' if query else ''}#booking-{row.pk}")


def row_alone(request: HttpRequest, row: Any, **said: Any) -> HttpResponse:
    """Answer with one row, to be put in the place of the one that was pressed (`held_row.line_of`)."""
    row.has_consented = row.person.consents.exists()
    return HttpResponse(held_row.render(request, held_row.line_of(request, row, **said)))


def _asked(request: HttpRequest) -> dict[str, Any]:
    """Return what the page is narrowed to."""
    given = {name: request.GET.get(name, "").replace("\x00", "").strip() for name in ("host", "type", "q", "show")}
    wanted = given["show"] if given["show"] in set(Show) else ""
    return {"show": Show(wanted), "host": given["host"], "event_type": given["type"], "search": given["q"]}


def _key_of(host: str) -> str:
    """Return what stands for a host in an address: theirs is masked for some, and stays out of logs for all."""
    return hashlib.sha256(host.encode()).hexdigest()[:12]


def booking(key: int) -> Booking:
    """Return a booking with what its row shows; raise Http404."""
    return get_object_or_404(Booking.objects.select_related("connection__brevo_account", "person__mirror"), pk=key)
