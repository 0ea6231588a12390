"""Every page of a connection, in the order of its tabs."""

from collections.abc import Sequence
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404
from django.utils.functional import Promise

from calendly_connector.admin import (
    config_page,
    history_page,
    links_page,
    mapping_fields,
    mapping_grid,
    mapping_versions,
    page,
    panels,
    preview,
    setup_page,
)
from calendly_connector.admin.page import Page
from calendly_connector.models import Connection

PAGES: tuple[Page, ...] = (
    setup_page.PAGE,
    mapping_grid.PAGE,
    mapping_fields.PAGE,
    preview.PAGE,
    history_page.PAGE,
    mapping_versions.PAGE,
    config_page.PAGE,
    links_page.PAGE,
)


def serve(request: HttpRequest, key: int, name: str, rest: str = "") -> HttpResponse:
    """Answer with the page of this name, if this member of staff may see it."""
    found = next((each for each in PAGES if each.name == name), None)
    if found is None:
        raise Http404
    if not request.user.has_perm(found.permission):
        raise PermissionDenied
    connection = get_object_or_404(panels.readable(Connection.objects.all()), pk=key)
    request.__dict__["connection_tabs"] = tabs_of(connection, request.user)
    return found.view(request, connection, rest)


def tabs_of(connection: Connection, user: Any) -> Sequence[tuple[str, str | Promise, str]]:
    """Return name, title and address of each page that a user may see."""
    return [
        (each.name, each.title, page.address_of(connection, each.name))
        for each in PAGES
        if user.has_perm(each.permission)
    ]
