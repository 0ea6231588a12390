"""Bulk imports: many people written to Brevo at once."""

from collections.abc import Mapping
from typing import Any, ClassVar

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext_lazy as _

from calendly_connector.admin import parts
from calendly_connector.admin.base import HistoryAdmin
from calendly_connector.admin.filters import titled
from calendly_connector.admin.parts import Tone
from calendly_connector.admin.sync_log import list_names
from calendly_connector.models import BulkImport


@admin.register(BulkImport)
class BulkImportAdmin(HistoryAdmin[BulkImport]):
    """One row per import."""

    tones: ClassVar[Mapping[Any, Tone]] = {
        BulkImport.State.GATHERING: Tone.WAIT,
        BulkImport.State.CLOSED: Tone.WAIT,
        BulkImport.State.PREPARED: Tone.WAIT,
        BulkImport.State.RUNNING: Tone.WAIT,
        BulkImport.State.IMPORTED: Tone.WAIT,
        BulkImport.State.DONE: Tone.GOOD,
        BulkImport.State.FAILED: Tone.BAD,
    }
    list_display = ("when", "state_badge", "people_count", "refused_count", "account", "why")
    list_select_related = ("account",)
    list_filter = ("state", ("created_at", titled(_("prepared"))), "account")
    search_fields = ("reason", "=process")
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ("state_badge", "why", "people_count", "refused_count", "joined", "account")}),
        (_("When"), {"fields": ("created", "finished", "process", "polls")}),
    )

    @admin.display(description=_("age"), ordering="created_at")
    def when(self, row: BulkImport) -> SafeString:
        """Return how old it is."""
        return parts.age(row.created_at)

    @admin.display(description=_("reason"), ordering="reason")
    def why(self, row: BulkImport) -> str:
        """Return what went wrong, or what is waited for."""
        return parts.said(row.reason) or "–"

    @admin.display(description=_("lists joined"))
    def joined(self, row: BulkImport) -> str:
        """Return the lists that its people join."""
        return ", ".join(list_names(row.account, row.lists)) or "–"

    @admin.display(description=_("prepared"))
    def created(self, row: BulkImport) -> SafeString:
        """Return when it was prepared."""
        return parts.moment(row.created_at)

    @admin.display(description=_("over"))
    def finished(self, row: BulkImport) -> SafeString:
        """Return when it was over."""
        return parts.moment(row.finished_at)
