"""A page beside a connection's form: mapping, preview, set-up… Each module makes one `Page`; `connection_pages`
lists them, `connecting` serves them, and the tabs above each of them lead to the others."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.functional import Promise

from calendly_connector.admin import parts
from calendly_connector.models import Connection

PAGE = "calendly_connector_connection_page"
Text = str | Promise
View = Callable[[HttpRequest, Connection, str], HttpResponse]
"""Takes the request, the connection, and the rest of the address after the page's own ("" for the page itself)."""


@dataclass(frozen=True, kw_only=True)
class Page:
    """One page. `view` is asked only when the user has `permission`; what it changes it guards itself."""

    name: str  # in the address
    title: Text
    view: View
    permission: str = "calendly_connector.view_connection"


def address_of(connection: Connection, page: str, rest: str = "") -> str:
    """Return the address of a connection's page, or of something below it."""
    return reverse(f"admin:{PAGE}", args=[connection.pk, page, rest] if rest else [connection.pk, page])


def render(
    request: HttpRequest, connection: Connection, template: str, *, title: Text, current: str, **context: Any
) -> TemplateResponse:
    """Return a page in the common frame: templates/admin/calendly_connector/page.html, which `template` extends.

    `current` is the name of the page whose tab is lit.
    """
    tabs = request.__dict__.get("connection_tabs", ())
    known = {
        **admin.site.each_context(request),
        "title": title,
        "connection": connection,
        "opts": Connection._meta,
        "connection_page": parts.page_of(Connection, connection.pk),
        "current": current,
        "tabs": tabs,
        "parent": _parent(request, tabs, current),
    }
    return TemplateResponse(request, f"admin/calendly_connector/{template}", {**known, **context})


def _parent(request: HttpRequest, tabs: Iterable[tuple[str, Text, str]], current: str) -> tuple[Text, str] | None:
    """Return title and address of the tab that a page is below; None on the tab's own page."""
    is_below = request.GET.get("booking")  # a preview has the address of its tab
    return next(((title, at) for name, title, at in tabs if name == current and (is_below or request.path != at)), None)
