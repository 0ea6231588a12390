"""Notices: what staff were told about, and whether it is over."""

from typing import Any, ClassVar

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from calendly_connector.admin import parts
from calendly_connector.admin.base import HistoryAdmin
from calendly_connector.admin.filters import titled
from calendly_connector.admin.parts import Tone
from calendly_connector.models import Notice


@admin.register(Notice)
class NoticeAdmin(HistoryAdmin[Notice]):
    """One row per trouble."""

    list_display = ("when", "open_badge", "what")
    list_display_links = None
    list_filter = (("is_open", titled(_("open"), admin.BooleanFieldListFilter)), ("opened_at", titled(_("began"))))
    search_fields = ("title", "message", "key")
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ("open_badge", "words", "advice")}),
        (_("When"), {"fields": ("opened", "closed", "sent", "times_sent")}),
    )

    @admin.display(description=_("age"), ordering="opened_at")
    def when(self, row: Notice) -> SafeString:
        """Return how long ago it began."""
        return parts.age(row.opened_at)

    @admin.display(description=_("state"), ordering="is_open")
    def open_badge(self, row: Notice) -> SafeString:
        """Return whether the trouble lasts."""
        return parts.badge(gettext("Open"), Tone.WARN) if row.is_open else parts.badge(gettext("Over"), Tone.GOOD)

    @admin.display(description=_("notice"), ordering="title")
    def what(self, row: Notice) -> SafeString:
        """Return what happened and what to do."""
        return parts.with_reason(parts.page_of(Notice, row.pk), row.title, row.message)

    @admin.display(description=_("title"))
    def words(self, row: Notice) -> str:
        """Return what happened."""
        return parts.said(row.title)

    @admin.display(description=_("message"))
    def advice(self, row: Notice) -> str:
        """Return what to do."""
        return parts.said(row.message)

    @admin.display(description=_("began"))
    def opened(self, row: Notice) -> SafeString:
        """Return when it began."""
        return parts.moment(row.opened_at)

    @admin.display(description=_("over"))
    def closed(self, row: Notice) -> SafeString:
        """Return when it was over."""
        return parts.moment(row.closed_at)

    @admin.display(description=_("last told"))
    def sent(self, row: Notice) -> SafeString:
        """Return when staff were last told."""
        return parts.moment(row.last_sent_at)
