"""The page “file” of a connection: its configuration to download, and a file to read, look through and apply."""

import hashlib
import json
from dataclasses import dataclass

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.text import slugify
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from calendly_connector.admin import audit, page
from calendly_connector.admin.page import Page
from calendly_connector.models import Connection
from calendly_connector.services import config_file
from calendly_connector.services.config_file import Plan
from calendly_connector.services.yaml_text import LARGEST, Line

NAME, EXPORT = "file", "export"
CHANGE = (
    "calendly_connector.change_connection",
    "calendly_connector.change_triggermapping",
    "calendly_connector.change_fieldmapping",
)
"""A file says all of it."""
LONGEST_EXCERPT, LONGEST_NOTE = 120, 2000


@dataclass(frozen=True, kw_only=True)
class Told:
    """Words about a line of the file, and how the line begins."""

    number: int
    words: str
    excerpt: str


def show(request: HttpRequest, connection: Connection, rest: str) -> HttpResponse:
    """Answer for the page and what is below it."""
    if rest == EXPORT:
        return download(connection)
    if rest:
        raise Http404
    if request.method != "POST":
        return _page(request, connection)
    if not request.user.has_perms(CHANGE):
        raise PermissionDenied
    return read(request, connection)


def download(connection: Connection) -> HttpResponse:
    """Return the configuration as a file to keep."""
    name = f"{slugify(connection.name) or 'connection'}-{connection.pk}.yaml"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return HttpResponse(config_file.export(connection), content_type="application/yaml; charset=utf-8", headers=headers)


def read(request: HttpRequest, connection: Connection) -> HttpResponse:
    """Show what a file would change; apply it when exactly that was shown before and is wanted now."""
    content = _posted(request)
    text = content.decode("utf-8", "replace")
    plan = config_file.plan(connection, content, may_fill_in=False)
    if "apply" in request.POST:
        if not plan.errors and request.POST.get("seen") == _mark(text, plan):
            plan = config_file.apply(connection, content, by=request.user, may_fill_in=False)
            if not plan.errors:
                return _applied(request, connection, plan)
        messages.warning(request, _("Nothing was changed yet: this is not what was shown before. Please look again."))
    return _page(request, connection, text=text, plan=plan)


def _posted(request: HttpRequest) -> bytes:
    """Return the uploaded file, else what was pasted: a browser posts its line ends as on Windows."""
    upload = request.FILES.get("upload")
    content = upload.read(LARGEST + 1) if upload else request.POST.get("text", "").encode()
    return content.replace(b"\r\n", b"\n")


def _mark(text: str, plan: Plan) -> str:
    """Return a digest of a file and of what it was said to change."""
    return hashlib.sha256(json.dumps([text, plan.changes]).encode()).hexdigest()


def _applied(request: HttpRequest, connection: Connection, plan: Plan) -> HttpResponse:
    words = "; ".join(plan.changes)[:LONGEST_NOTE]
    audit.note(request, connection, _("Configured by a file: %(what)s") % {"what": words})
    count = len(plan.changes)
    done = ngettext("The file was applied: %(count)s change.", "The file was applied: %(count)s changes.", count)
    messages.success(request, done % {"count": count})
    return HttpResponseRedirect(page.address_of(connection, NAME))


def _page(request: HttpRequest, connection: Connection, *, text: str = "", plan: Plan | None = None) -> HttpResponse:
    return page.render(
        request,
        connection,
        "file.html",
        title=_("Configuration as a file"),
        current=NAME,
        export=page.address_of(connection, NAME, EXPORT),
        may_change=request.user.has_perms(CHANGE),
        text=text,
        plan=plan,
        errors=_told(text, plan.errors) if plan else [],
        notes=_told(text, plan.warnings) if plan else [],
        seen=_mark(text, plan) if plan else "",
    )


def _told(text: str, lines: list[Line]) -> list[Told]:
    rows = text.split("\n")
    return [
        Told(
            number=line.number,
            words=line.words,
            excerpt=rows[line.number - 1].strip()[:LONGEST_EXCERPT] if 0 < line.number <= len(rows) else "",
        )
        for line in lines
    ]


PAGE = Page(name=NAME, title=gettext_lazy("File"), view=show)
