"""What a person's page leads to: a file of everything that is held about them, and erasing all of it."""

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.template.response import TemplateResponse
from django.urls import URLPattern, path, reverse
from django.utils.translation import gettext as _

from calendly_connector.admin import asking, audit, parts
from calendly_connector.admin.mask import PERMISSION as SEES_ADDRESSES
from calendly_connector.models import Person
from calendly_connector.services import erase, holding, people, people_export
from calendly_connector.services.erase import Report

EXPORT, ERASE = "calendly_connector_person_export", "calendly_connector_person_erase"
VIEWS, DELETES = "calendly_connector.view_person", "calendly_connector.delete_person"


def urls(site: admin.AdminSite) -> list[URLPattern]:
    """Return both addresses, below those of people."""
    return [
        path("<int:person_id>/export/", site.admin_view(export), name=EXPORT),
        path("<int:person_id>/erase/", site.admin_view(erase_page), name=ERASE),
    ]


def ways(request: HttpRequest, person: Person) -> dict[str, str]:
    """Return the addresses that this member of staff may use, for the page's buttons."""
    found = {}
    if may_export(request):
        found["export_address"] = reverse(f"admin:{EXPORT}", args=[person.pk])
    if may_erase(request):
        found["erase_address"] = reverse(f"admin:{ERASE}", args=[person.pk])
    return found


def may_export(request: HttpRequest) -> bool:
    """Return whether the user may have the file: it is full of addresses."""
    return request.user.has_perm(VIEWS) and request.user.has_perm(SEES_ADDRESSES)


def may_erase(request: HttpRequest) -> bool:
    """Return whether the user may erase. No role of ours may: a superuser does, or gives somebody the permission."""
    return may_export(request) and request.user.has_perm(DELETES)


def export(request: HttpRequest, person_id: int) -> HttpResponse:
    """Return everything that is held about a person's address as a file."""
    if not may_export(request):
        raise PermissionDenied
    person = get_object_or_404(Person, pk=person_id)
    answer = HttpResponse(
        people_export.as_text(people_export.export(person.email)), content_type="application/json; charset=utf-8"
    )
    answer["Content-Disposition"] = f'attachment; filename="person-{person.pk}.json"'
    answer["Cache-Control"] = "no-store"
    return answer


def erase_page(request: HttpRequest, person_id: int) -> HttpResponse:
    """Ask first, with what would be deleted; then erase, and say what was and what wasn't."""
    if not may_erase(request):
        raise PermissionDenied
    person = get_object_or_404(people.rows(), pk=person_id)
    if request.method != "POST" or not asking.is_confirmed(request):
        return _question(request, person)
    try:
        report = erase.erase(
            person.email,
            by=request.user.get_username(),
            in_brevo="brevo" in request.POST,
            at_calendly="calendly" in request.POST,
        )
    except (erase.NotErased, holding.Busy) as error:
        messages.error(request, parts.said(str(error)))
        return HttpResponseRedirect(parts.page_of(Person, person.pk))
    _tell(request, report)
    return HttpResponseRedirect(parts.list_of(Person))


def _tell(request: HttpRequest, report: Report) -> None:
    """Say what came of it, without saying who it was: messages and the audit stay."""
    messages.success(request, _("The person was erased."))
    for words in (*report.brevo, *report.calendly):
        messages.warning(request, parts.said(words))
    if report.erasure:
        audit.note(request, report.erasure, "Erased a person on request")


def _question(request: HttpRequest, person: Person) -> TemplateResponse:
    report = erase.foresee(person.email)
    context: dict[str, Any] = {
        **admin.site.each_context(request),
        "title": _("Erase this person for good?"),
        "opts": Person._meta,
        "person": person,
        "counts": [(_name(name), count) for name, count in report.counts.items()],
        "calendly": [parts.said(words) for words in report.calendly],
        "confirmed_name": asking.CONFIRMED,
        "back": parts.page_of(Person, person.pk),
        "people": parts.list_of(Person),
    }
    return TemplateResponse(request, "admin/calendly_connector/person_erase.html", context)


def _name(kind: str) -> str:
    """Return what is deleted in staff's words."""
    names = {
        "people": _("People (one for each connection)"),
        "bookings": _("Bookings"),
        "log_entries": _("Log entries"),
        "consents": _("Consents"),
        "webhook_deliveries": _("Webhook deliveries"),
        "brevo_deliveries": _("Deliveries from Brevo"),
        "debug_records": _("Debug records"),
        "differences": _("Differences"),
        "notices": _("Notices"),
        "audit_lines": _("Lines of the audit"),
        "mentions": _("Mentions in what is about others (the address is taken out)"),
    }
    return names.get(kind, kind)
