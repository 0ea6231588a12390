"""Cancel a meeting from a booking's page: how many it hits, the reason, and what Calendly and Brevo do then."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from calendly_connector.admin import asking, audit, parts
from calendly_connector.admin.held_row import ACT
from calendly_connector.admin.held_words import NOTED, words_of
from calendly_connector.models import Booking
from calendly_connector.services import marking
from calendly_connector.services.marking import Hit

NAME = "calendly_connector_cancel"
PEOPLE, REASON = "people", "reason"
NAMED = 20


def urls(site: admin.AdminSite) -> list[URLPattern]:
    """Return the page, below the addresses of bookings."""
    return [path("<int:booking_id>/cancel/", site.admin_view(view), name=NAME)]


def address_for(request: HttpRequest, row: Booking) -> str:
    """Return where this member of staff may cancel a booking's meeting, "" where that can't be done."""
    is_ahead = row.start_at > timezone.now() and row.status in marking.HELD
    return reverse(f"admin:{NAME}", args=[row.pk]) if is_ahead and request.user.has_perm(ACT) else ""


def view(request: HttpRequest, booking_id: int) -> HttpResponse:
    """Ask for a reason, with how many it hits; cancel once that is said, and only while no more are hit."""
    if not request.user.has_perm(ACT):
        raise PermissionDenied
    row = get_object_or_404(Booking.objects.select_related("connection__brevo_account", "person"), pk=booking_id)
    if row.status not in marking.HELD:
        messages.error(request, _("This booking is “%(status)s” already.") % {"status": row.get_status_display()})
        return HttpResponseRedirect(parts.page_of(Booking, row.pk))
    hit = marking.hit_by_cancel(row)
    reason = request.POST.get(REASON, "").strip().replace("\r\n", "\n")
    problem = _problem(request, reason, hit) if asking.is_confirmed(request) else ""
    if not asking.is_confirmed(request) or problem:
        return _question(request, row, hit, reason=reason, problem=problem)
    outcome = marking.cancel(row, by=request.user.get_username(), reason=reason)
    said = words_of(outcome, row)
    if outcome.said in NOTED:
        audit.note(request, row, f"{NOTED[outcome.said]} {_people(hit)}")
    messages.add_message(request, messages.SUCCESS if outcome.is_done else messages.ERROR, said)
    return HttpResponseRedirect(parts.page_of(Booking, row.pk))


def _problem(request: HttpRequest, reason: str, hit: Hit) -> str:
    if not reason:
        return _("Please give a reason.")
    if len(reason) > marking.LONGEST_REASON:
        limit = {"count": len(reason), "limit": marking.LONGEST_REASON}
        return _("The reason has %(count)d characters; Calendly takes %(limit)d.") % limit
    agreed = request.POST.get(PEOPLE, "")
    if not agreed.isdecimal() or hit.people > int(agreed):
        return _("Meanwhile more people have booked this meeting. Please look again, nothing was canceled.")
    return ""


def _question(request: HttpRequest, row: Booking, hit: Hit, *, reason: str, problem: str) -> TemplateResponse:
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": _("Cancel this meeting?"),
        "opts": Booking._meta,
        "back": parts.page_of(Booking, row.pk),
        "booking_name": parts.name_of(row),
        "host": row.host,
        "people": _people(hit),
        "count": hit.people,
        "names": [name for name in hit.names if name][:NAMED],
        "is_sure": hit.is_sure,
        "is_past": row.start_at <= timezone.now(),
        "reason": reason,
        "problem": problem,
        "limit": marking.LONGEST_REASON,
        "confirmed_name": asking.CONFIRMED,
    }
    return TemplateResponse(request, "admin/calendly_connector/held/cancel.html", context)


def _people(hit: Hit) -> str:
    words = ngettext("It hits %(count)d person.", "It hits %(count)d people.", hit.people)
    return words % {"count": hit.people}
