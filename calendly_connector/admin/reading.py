"""Readings: stretches of time whose bookings are read again from Calendly."""

from typing import Any, ClassVar

from django.contrib import admin
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from calendly_connector.admin import parts
from calendly_connector.admin.base import HistoryAdmin
from calendly_connector.admin.filters import titled
from calendly_connector.admin.parts import Tone
from calendly_connector.models import Reading


@admin.register(Reading)
class ReadingAdmin(HistoryAdmin[Reading]):
    """One row per reading."""

    list_display = ("when", "open_badge", "what", "meetings", "invitees", "news", "connection")
    list_display_links = None
    list_select_related = ("connection",)
    list_filter = (("asked_at", titled(_("asked for"))), "connection")
    search_fields = ("why", "words")
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ("open_badge", "asked_why", "result", "connection_link")}),
        (_("What is read"), {"fields": ("from_here", "to_here", "reached", "meetings", "invitees", "news")}),
        (_("When"), {"fields": ("asked", "finished")}),
    )

    @admin.display(description=_("age"), ordering="asked_at")
    def when(self, row: Reading) -> SafeString:
        """Return how long ago it was asked for."""
        return parts.age(row.asked_at)

    @admin.display(description=_("state"), ordering="finished_at")
    def open_badge(self, row: Reading) -> SafeString:
        """Return whether there is more to read."""
        return (
            parts.badge(gettext("Done"), Tone.GOOD) if row.finished_at else parts.badge(gettext("Reading"), Tone.WAIT)
        )

    @admin.display(description=_("reading"))
    def what(self, row: Reading) -> SafeString:
        """Return what is read, and why it doesn't go on or what came of it."""
        return parts.with_reason(parts.page_of(Reading, row.pk), parts.name_of(row), row.words or row.why)

    @admin.display(description=_("why"))
    def asked_why(self, row: Reading) -> str:
        """Return why it was asked for."""
        return parts.said(row.why) or "–"

    @admin.display(description=_("words"))
    def result(self, row: Reading) -> str:
        """Return what came of it, or why it doesn't go on."""
        return parts.said(row.words) or "–"

    @admin.display(description=_("connection"))
    def connection_link(self, row: Reading) -> SafeString:
        """Return a link to the connection."""
        return parts.link_to(row.connection)

    @admin.display(description=_("changes since"))
    def from_here(self, row: Reading) -> SafeString:
        """Return from when on changes are looked for."""
        return parts.moment(row.since)

    @admin.display(description=_("meetings before"))
    def to_here(self, row: Reading) -> SafeString:
        """Return which meetings are left out."""
        return parts.moment(row.until)

    @admin.display(description=_("read up to"))
    def reached(self, row: Reading) -> SafeString:
        """Return how far it has come."""
        return parts.moment(row.listed_to)

    @admin.display(description=_("asked for"))
    def asked(self, row: Reading) -> SafeString:
        """Return when it was asked for."""
        return parts.moment(row.asked_at)

    @admin.display(description=_("finished"))
    def finished(self, row: Reading) -> SafeString:
        """Return when it was over."""
        return parts.moment(row.finished_at)
