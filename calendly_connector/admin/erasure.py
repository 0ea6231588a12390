"""Erasures: that somebody was erased on request, when, by whom and what came of it; never who it was."""

from typing import Any, ClassVar

from django.contrib import admin
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from calendly_connector.admin import parts
from calendly_connector.admin.base import HistoryAdmin
from calendly_connector.models import Erasure


@admin.register(Erasure)
class ErasureAdmin(HistoryAdmin[Erasure]):
    """One row per person who asked to be forgotten."""

    list_display = ("when", "asked_by", "outcome")
    search_fields = ("asked_by",)
    ordering = ("-erased_at",)
    fieldsets: ClassVar[Any] = ((None, {"fields": ("erased", "asked_by", "report")}),)

    @admin.display(description=_("erased"), ordering="erased_at")
    def when(self, row: Erasure) -> SafeString:
        """Return how long ago it was."""
        return parts.age(row.erased_at)

    @admin.display(description=_("erased"))
    def erased(self, row: Erasure) -> SafeString:
        """Return when it was."""
        return parts.moment(row.erased_at)

    @admin.display(description=_("what was deleted"))
    def outcome(self, row: Erasure) -> SafeString:
        """Return the counts."""
        return parts.long_text(parts.said(row.words.partition("\n")[0]))

    @admin.display(description=_("what was deleted, and what wasn't"))
    def report(self, row: Erasure) -> SafeString:
        """Return the counts, and what remains elsewhere."""
        lines = ((parts.said(line),) for line in row.words.splitlines())
        return format_html("<ul>{}</ul>", format_html_join("", "<li>{}</li>", lines))
