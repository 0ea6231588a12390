"""The page “versions” of a connection: who changed the mapping, when, what; compare two, and roll back to one."""

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from calendly_connector.admin import audit, page
from calendly_connector.admin.page import Page
from calendly_connector.models import Connection, MappingVersion
from calendly_connector.services import snapshot, versions

NAME, PER_PAGE = "versions", 25
ROLL_BACK = (
    "calendly_connector.change_connection",
    "calendly_connector.change_triggermapping",
    "calendly_connector.change_fieldmapping",
)
"""A version holds the grid and the fields, and going back changes the connection."""
NOW = "now"
MOST_OFFERED = 200  # versions to compare with


def address_of(version: MappingVersion) -> str:
    """Return the address of a version."""
    return page.address_of(version.connection, NAME, str(version.number))


def roll_back_address(version: MappingVersion) -> str:
    """Return where the button that rolls back to a version is posted."""
    return page.address_of(version.connection, NAME, f"{version.number}/roll-back")


def who(version: MappingVersion) -> str:
    """Return who made a version."""
    return version.made_by_name or _("the connector")


def view(request: HttpRequest, connection: Connection, rest: str) -> HttpResponse:
    """Show the list, or one version; roll back to one."""
    if not rest:
        return show_all(request, connection)
    number, _slash, what = rest.partition("/")
    version = find(connection, number)
    if what == "roll-back":
        return roll_back(request, version)
    if what:
        raise Http404
    return show(request, version)


def find(connection: Connection, number: str) -> MappingVersion:
    """Return a version by its number. Raises Http404."""
    if not (number.isascii() and number.isdigit() and len(number) < 10):
        raise Http404
    return get_object_or_404(MappingVersion.objects.select_related("connection"), connection=connection, number=number)


def show_all(request: HttpRequest, connection: Connection) -> HttpResponse:
    """Answer with one page of versions, newest first."""
    kept = MappingVersion.objects.filter(connection=connection).defer("content").select_related("connection")
    rows = Paginator(kept, PER_PAGE).get_page(request.GET.get("page"))
    changes = versions.changes_of(rows)
    lines = [
        (version, who(version), address_of(version), changes[version.pk], roll_back_address(version))
        for version in rows
    ]
    newest = kept.first()
    return page.render(
        request,
        connection,
        "versions/list.html",
        title=_("Versions of the mapping"),
        current=NAME,
        lines=lines,
        rows=rows,
        newest=newest,
        may_roll_back=request.user.has_perms(ROLL_BACK),
    )


def show(request: HttpRequest, version: MappingVersion) -> HttpResponse:
    """Answer with a whole version, compared with another or with the mapping of today."""
    connection = version.connection
    other = request.GET.get("with", NOW)
    others = MappingVersion.objects.filter(connection=connection).exclude(pk=version.pk)
    return page.render(
        request,
        connection,
        "versions/show.html",
        title=_("Version %(number)d of the mapping") % {"number": version.number},
        current=NAME,
        version=version,
        who=who(version),
        changes=versions.changes_of([version])[version.pk],
        sections=sections_of(version),
        other=other,
        others=others.values_list("number", "made_at")[:MOST_OFFERED],
        differences=versions.differences(connection, version.content, _content_of(connection, other)),
        may_roll_back=request.user.has_perms(ROLL_BACK),
        roll_back_address=roll_back_address(version),
    )


def sections_of(version: MappingVersion) -> list[tuple[str, list[str]]]:
    """Return a version whole, in lines of words under headings."""
    headings = {
        "grid": _("Lists and events"),
        "consent": _("Consent"),
        "field": _("Fields"),
        "type": _("Event types that were decided"),
    }
    found: dict[str, list[str]] = {kind: [] for kind in headings}
    for kind, words in versions.lines_of(version.connection, version.content):
        found[kind].append(words)
    return [(headings[kind], lines) for kind, lines in found.items()]


def roll_back(request: HttpRequest, version: MappingVersion) -> HttpResponse:
    """Ask whether to make a version the mapping again, then do it."""
    if not request.user.has_perms(ROLL_BACK):
        raise PermissionDenied
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    connection = version.connection
    changes = versions.differences(connection, snapshot.take(connection), version.content)
    if "confirmed" in request.POST:
        return _rolled_back(request, version)
    title = _("Roll back to version %(number)d?") % {"number": version.number}
    context = {"version": version, "changes": changes, "back": address_of(version)}
    return page.render(request, connection, "versions/roll_back.html", title=title, current=NAME, **context)


def _rolled_back(request: HttpRequest, version: MappingVersion) -> HttpResponse:
    connection = version.connection
    kept = MappingVersion.objects.filter(connection=connection).defer("content")
    before = kept.first()
    versions.roll_back(version, by=request.user)
    made = kept.first()
    if made and made != before:
        words = _("The mapping is that of version %(old)d again, kept as version %(new)d.")
        words %= {"old": version.number, "new": made.number}
        audit.note(request, connection, words)
        messages.success(request, words)
    else:
        messages.info(request, _("The mapping was that of version %(number)d already.") % {"number": version.number})
    return HttpResponseRedirect(page.address_of(connection, NAME))


def _content_of(connection: Connection, other: str) -> snapshot.Content:
    return snapshot.take(connection) if other == NOW else find(connection, other).content


PAGE = Page(name=NAME, title=gettext_lazy("Versions"), view=view, permission="calendly_connector.view_triggermapping")
