"""Who did what, to which row, when: everything that staff changed in the admin, in words."""

from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.http import HttpRequest, HttpResponse
from django.urls import NoReverseMatch
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.text import capfirst
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from calendly_connector.admin import parts
from calendly_connector.admin.base import HistoryAdmin


@admin.register(LogEntry)
class AuditAdmin(HistoryAdmin[LogEntry]):
    """One row per act of a member of staff."""

    list_display = ("when", "user", "what", "row_link")
    list_display_links = None
    list_select_related = ("user", "content_type")
    list_filter = ("action_time", "action_flag")
    search_fields = ("user__username", "user__first_name", "user__last_name", "object_repr", "change_message")
    search_help_text = _("User, row, or what was done")
    fieldsets: ClassVar[Any] = ((None, {"fields": ("exact_time", "user", "what", "row_link")}),)

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Call the page by what staff look for."""
        return super().changelist_view(request, {"title": gettext("Audit"), **(extra_context or {})})

    @admin.display(description=_("age"), ordering="action_time")
    def when(self, row: LogEntry) -> SafeString:
        """Return how long ago it was, as a link to the whole of it."""
        return format_html('<a href="{}">{}</a>', parts.page_of(LogEntry, row.pk), parts.age(row.action_time))

    @admin.display(description=_("when"))
    def exact_time(self, row: LogEntry) -> SafeString:
        """Return when it was."""
        return parts.moment(row.action_time)

    @admin.display(description=_("what was done"))
    def what(self, row: LogEntry) -> str:
        """Return the act in words."""
        return parts.said(row.get_change_message()) or str(row.get_action_flag_display())

    @admin.display(description=_("row"), ordering="object_repr")
    def row_link(self, row: LogEntry) -> SafeString:
        """Return what kind of row it was, and a link to it unless it was deleted."""
        kind = capfirst(str(row.content_type)) if row.content_type else ""
        address = None if row.is_deletion() else _address_of(row)
        name = format_html('<a href="{}">{}</a>', address, row.object_repr) if address else row.object_repr
        return format_html("{}: {}", kind, name)


def _address_of(row: LogEntry) -> str | None:
    """Return the address of the row's page; None for a row without one."""
    try:
        return row.get_admin_url()
    except NoReverseMatch:
        return None
