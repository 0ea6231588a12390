"""Versions of all mappings in one list. A version is read, compared and rolled back to on its connection's pages."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from calendly_connector.admin import mapping_versions, parts
from calendly_connector.admin.desk_list import DeskListAdmin
from calendly_connector.models import MappingVersion
from calendly_connector.services import versions


@admin.register(MappingVersion)
class MappingVersionAdmin(DeskListAdmin[MappingVersion]):
    """One row per change of a mapping."""

    desk_page, desk_words = mapping_versions.NAME, _("Versions")
    list_display = ("number_link", "connection", "made", "who", "why", "change_list")
    list_display_links = None
    list_filter = ("connection",)
    search_fields = ("made_by_name", "reason")
    fields = ("number_link", "connection", "made", "who", "why", "change_list")

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

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """Find what all the versions of a page changed at once."""
        return WithChanges

    @admin.display(description=_("why"), ordering="reason")
    def why(self, row: MappingVersion) -> str:
        """Return what it was made for."""
        return parts.said(row.reason)

    @admin.display(description=_("changes"))
    def change_list(self, row: Any) -> SafeString:
        """Return what changed."""
        found = row.__dict__.get(CHANGES)
        return parts.long_text("; ".join(versions.changes_of([row])[row.pk] if found is None else found))


CHANGES = "words_of_changes"


class WithChanges(ChangeList):
    """Versions with what each changed, in the reader's language."""

    def get_results(self, request: HttpRequest) -> None:
        """Add each row's changes."""
        super().get_results(request)
        rows = list(self.result_list)
        changes = versions.changes_of(rows)
        for row in rows:
            row.__dict__[CHANGES] = changes[row.pk]
        self.result_list: Any = rows
