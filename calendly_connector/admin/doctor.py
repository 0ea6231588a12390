"""The doctor's page: the checks of `calendly_doctor`, run when asked, each remedy with the page it begins on.

In the web process and not as a job: a worker that stands still is one of the things to be found.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import groupby

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from calendly_connector.admin import mapping_fields, mapping_row, page, parts, repair
from calendly_connector.admin.parts import Cell, Tone
from calendly_connector.core.diagnosis import Level, Page, Place
from calendly_connector.models import BrevoAccount, Connection, Job, Schedule, WebhookDelivery
from calendly_connector.services import doctor
from calendly_connector.services.doctor import Group, Line, Report

NAME = "calendly_connector_doctor"
SEE = "calendly_connector.change_job"
"""Those who repair: what it tells of the installation is nobody else's affair."""

MANUAL = "docs/repair.md"
GROUPS: dict[Group, Promise] = {
    Group.INSTALLATION: gettext_lazy("This installation"),
    Group.CALENDLY: gettext_lazy("Calendly"),
    Group.BREVO: gettext_lazy("Brevo"),
    Group.MAPPING: gettext_lazy("Mapping"),
    Group.FLOW: gettext_lazy("What flows"),
}
LEVELS: dict[Level, tuple[Promise, Tone]] = {
    Level.BAD: (gettext_lazy("Broken"), Tone.BAD),
    Level.WARN: (gettext_lazy("To mend"), Tone.WARN),
    Level.NOTE: (gettext_lazy("To know"), Tone.QUIET),
    Level.UNKNOWN: (gettext_lazy("Not looked at"), Tone.WAIT),
    Level.GOOD: (gettext_lazy("Well"), Tone.GOOD),
}
ADDRESSES: dict[Page, Callable[[Place], str]] = {
    Page.CONNECTION: lambda place: parts.page_of(Connection, place.key),
    Page.ACCOUNT: lambda place: parts.page_of(BrevoAccount, place.key),
    Page.MAPPING: lambda place: page.address_of(Connection(pk=place.key), mapping_row.NAME),
    Page.FIELDS: lambda place: page.address_of(Connection(pk=place.key), mapping_fields.NAME),
    Page.JOBS: lambda place: parts.list_of(Job),
    Page.SCHEDULES: lambda place: parts.list_of(Schedule),
    Page.DELIVERIES: lambda place: parts.list_of(WebhookDelivery, state__exact="stored"),
    Page.REPAIR: lambda place: reverse(f"admin:{repair.NAME}"),
}


@dataclass(frozen=True, kw_only=True)
class Row:
    """One finding as the page shows it."""

    badge: Cell
    words: str
    remedy: str
    address: str
    manual: str


@dataclass(frozen=True, kw_only=True)
class Section:
    """The findings of one group, of one connection or account. `well` are those that need nobody."""

    title: str
    rows: list[Row]
    well: list[Row]


def show(request: HttpRequest) -> HttpResponse:
    """Answer with the page; when the button was pressed, with what was found just now."""
    if not request.user.has_perm(SEE):
        raise PermissionDenied
    if request.method not in ("GET", "HEAD", "POST"):
        return HttpResponseNotAllowed(["GET", "POST"])
    report = doctor.examine(seconds=doctor.QUICK) if request.method == "POST" else None
    context = {
        **admin.site.each_context(request),
        "title": _("Doctor"),
        "opts": Job._meta,
        "is_asked": report is not None,
        "summary": _summary(report) if report else "",
        "sections": _sections(report.lines) if report else [],
    }
    return TemplateResponse(request, "admin/calendly_connector/doctor.html", context)


def _summary(report: Report) -> Cell:
    count = len(report.wrong)
    if not count:
        return parts.badge(_("All is well"), Tone.GOOD)
    words = ngettext("%(count)d thing to mend", "%(count)d things to mend", count) % {"count": count}
    return parts.badge(words, LEVELS[report.worst][1])


def _sections(lines: Iterable[Line]) -> list[Section]:
    """Return the groups in their order; within each, what is wrong stands before what is well."""
    order, levels = list(Group), list(Level)
    ordered = sorted(lines, key=lambda line: (order.index(line.group), line.subject, levels.index(line.finding.level)))
    found = []
    for (group, subject), each in groupby(ordered, key=lambda line: (line.group, line.subject)):
        rows = [(line.finding.level, _row(line)) for line in each]
        found.append(
            Section(
                title=f"{GROUPS[group]}: {subject}" if subject else str(GROUPS[group]),
                rows=[row for level, row in rows if level is not Level.GOOD],
                well=[row for level, row in rows if level is Level.GOOD],
            )
        )
    return found


def _row(line: Line) -> Row:
    found = line.finding
    text, tone = LEVELS[found.level]
    return Row(
        badge=parts.badge(text, tone),
        words=parts.said(found.words),
        remedy=parts.said(found.remedy),
        address=ADDRESSES[found.place.page](found.place) if found.place else "",
        manual=f"{MANUAL}#{found.symptom}" if found.symptom else "",
    )
