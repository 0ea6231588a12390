"""The way back of a no-show, made ready to be copied: in its row on the page “Who came?”, or on a page of its own."""

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import URLPattern, path
from django.utils.translation import gettext as _

from calendly_connector.admin import audit, held, held_row, parts
from calendly_connector.admin.held_row import ACT, RECOVERY
from calendly_connector.admin.mask import PERMISSION as SEES_ADDRESSES
from calendly_connector.models import Booking
from calendly_connector.services import recovery
from calendly_connector.services.recovery import WayBack


def urls(site: admin.AdminSite) -> list[URLPattern]:
    """Return the page of one way back, below the addresses of bookings."""
    return [path("<int:booking_id>/recovery/", site.admin_view(view), name=RECOVERY)]


def view(request: HttpRequest, booking_id: int) -> HttpResponse:
    """Show the way back that is known; by POST, make one at Calendly. To look makes none."""
    user: Any = request.user
    is_asked = request.method == "POST"
    if not (user.has_perm(held.SEE) and user.has_perm(SEES_ADDRESSES)) or (is_asked and not user.has_perm(ACT)):
        raise PermissionDenied
    row = held.booking(booking_id)
    way, trouble = _make(request, row) if is_asked else (recovery.known([row]).get(row.pk), "")
    if held.IN_PLACE in request.headers:
        said = trouble or (_("The link is ready to be copied.") if way else "")
        return held.row_alone(request, row, way=way, said=said, is_well=not trouble)
    context = {
        **admin.site.each_context(request),
        "title": _("Book again: %(who)s") % {"who": row.name or row.person.email},
        "opts": Booking._meta,
        "recovery": held_row.recovery_of(request, row, way),
        "key": row.pk,
        "trouble": trouble,
        "held": held.address(),
        "booking_page": parts.page_of(Booking, row.pk),
        "booking_name": parts.name_of(row),
    }
    return TemplateResponse(request, "admin/calendly_connector/held/recovery.html", context)


def _make(request: HttpRequest, row: Booking) -> tuple[WayBack | None, str]:
    """Return the way back, or why there is none."""
    if row.status != Booking.Status.NO_SHOW:
        return None, _("%(who)s isn’t marked as a no-show any more.") % {"who": row.name or row.person.email}
    try:
        way = recovery.make(row)
    except recovery.NoPage:
        return None, _("This kind of meeting can't be booked any more. Switch it on in Calendly, or send another link.")
    except recovery.EXPECTED as error:
        return None, parts.said(str(error))
    if way.refusal is None:
        audit.note(request, row, _("Had a link to book again made."))
    return way, ""
