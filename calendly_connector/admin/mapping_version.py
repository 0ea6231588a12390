"""Versions of all mappings in one list. A version is read, compared and rolled back to on its connection's pages."""

from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from calendly_connector.admin import mapping_versions, parts
from calendly_connector.admin.desk_list import DeskListAdmin
from calendly_connector.models import MappingVersion


@admin.register(MappingVersion)
class MappingVersionAdmin(DeskListAdmin[MappingVersion]):
    """One row per change of a mapping."""

    desk_page, desk_words = mapping_versions.NAME, _("Versions")
    list_display = ("number_link", "connection", "made", "who", "reason", "change_list")
    list_display_links = None
    list_filter = ("connection",)
    search_fields = ("made_by_name", "reason")
    fields = ("number_link", "connection", "made", "who", "reason", "change_list")

    def get_queryset(self, request: HttpRequest) -> QuerySet[MappingVersion]:
        """Leave the content where it is: it may be long."""
        return super().get_queryset(request).select_related("connection").defer("content")

    @admin.display(description=_("version"), ordering="number")
    def number_link(self, row: MappingVersion) -> SafeString:
        """Return a link to the version."""
        return format_html('<a href="{}">{}</a>', mapping_versions.address_of(row), row)

    @admin.display(description=_("made"), ordering="made_at")
    def made(self, row: MappingVersion) -> SafeString:
        """Return since when it was in force."""
        return parts.age(row.made_at)

    @admin.display(description=_("who"), ordering="made_by_name")
    def who(self, row: MappingVersion) -> str:
        """Return who made it."""
        return mapping_versions.who(row)

    @admin.display(description=_("changes"))
    def change_list(self, row: Any) -> SafeString:
        """Return what changed."""
        return parts.long_text("; ".join(row.changes))
