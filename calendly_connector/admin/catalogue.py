"""Mirrors of what the two services offer. The services own them; how a type is mapped is said in the grid."""

from django.contrib import admin
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from calendly_connector.admin import mapping_row, parts
from calendly_connector.admin.base import HistoryAdmin
from calendly_connector.admin.filters import titled
from calendly_connector.admin.parts import Tone
from calendly_connector.core.attributes import CONVERTERS
from calendly_connector.models import Booking, BrevoAttribute, BrevoList, EventType, FieldMapping
from calendly_connector.services import field_words


@admin.register(EventType)
class EventTypeAdmin(HistoryAdmin[EventType]):
    """One row per kind of meeting."""

    list_display = ("name", "offered", "taken", "owner", "connection", "bookings", "read")
    list_select_related = ("connection",)
    list_filter = (
        ("is_active", titled(_("active in Calendly"), admin.BooleanFieldListFilter)),
        ("is_ignored", titled(_("ignored"), admin.BooleanFieldListFilter)),
        "connection",
    )
    search_fields = ("name", "uri", "owner")
    ordering = ("name",)
    fields = (
        *("name", "taken", "offered", "kind", "owner", "is_team", "question_list"),
        *("bookings", "mapping", "uri", "read"),
    )

    @admin.display(description=_("in Calendly"), ordering="is_active")
    def offered(self, row: EventType) -> SafeString:
        """Return whether it can be booked."""
        return (
            parts.badge(gettext("Active"), Tone.GOOD)
            if row.is_active
            else parts.badge(gettext("Switched off"), Tone.QUIET)
        )

    @admin.display(description=_("its bookings"), ordering="is_ignored")
    def taken(self, row: EventType) -> SafeString:
        """Return whether its bookings are written to Brevo."""
        return (
            parts.badge(gettext("Ignored"), Tone.WARN)
            if row.is_ignored
            else parts.badge(gettext("Go to Brevo"), Tone.GOOD)
        )

    @admin.display(description=_("bookings"))
    def bookings(self, row: EventType) -> SafeString:
        """Return a link to the bookings of this type."""
        return parts.link_to_list(Booking, gettext("Show bookings"), type=row.uri)

    @admin.display(description=_("mapping"))
    def mapping(self, row: EventType) -> SafeString:
        """Return a link to its row of the grid."""
        return format_html(
            '<a href="{}">{}</a>', mapping_row.address_of(row.connection, row), gettext("Show its mapping")
        )

    @admin.display(description=_("questions"))
    def question_list(self, row: EventType) -> str:
        """Return what its form asks."""
        return " · ".join(row.questions) or "–"

    @admin.display(description=_("read"), ordering="read_at")
    def read(self, row: EventType) -> SafeString:
        """Return how old the mirror is."""
        return parts.age(row.read_at)


@admin.register(BrevoList)
class BrevoListAdmin(HistoryAdmin[BrevoList]):
    """One row per list."""

    list_display = ("name", "folder", "number", "size", "account", "read")
    list_select_related = ("account",)
    list_filter = ("account",)
    search_fields = ("name", "folder", "=number")
    ordering = ("name",)
    fields = ("name", "folder", "number", "size", "account", "read")

    @admin.display(description=_("read"), ordering="read_at")
    def read(self, row: BrevoList) -> SafeString:
        """Return how old the mirror is."""
        return parts.age(row.read_at)


@admin.register(BrevoAttribute)
class BrevoAttributeAdmin(HistoryAdmin[BrevoAttribute]):
    """One row per contact attribute."""

    list_display = ("name", "type_badge", "option_list", "account", "mapping", "read")
    list_select_related = ("account",)
    list_filter = ("kind", "account")
    search_fields = ("name",)
    ordering = ("name",)
    fields = ("name", "type_badge", "option_list", "account", "mapping", "read")

    @admin.display(description=_("type"), ordering="kind")
    def type_badge(self, row: BrevoAttribute) -> SafeString:
        """Return its type, and whether it may be written."""
        if row.kind in CONVERTERS:
            return format_html("{}", field_words.kind_word(row.kind))
        return parts.badge(
            gettext("%(kind)s: computed by Brevo") % {"kind": field_words.kind_word(row.kind)}, Tone.QUIET
        )

    @admin.display(description=_("options"))
    def option_list(self, row: BrevoAttribute) -> SafeString:
        """Return what may be chosen."""
        return parts.long_text(", ".join(label for _, label in row.options))

    @admin.display(description=_("mapping"))
    def mapping(self, row: BrevoAttribute) -> SafeString:
        """Return a link to what is written to it."""
        return parts.link_to_list(FieldMapping, gettext("Show its field mappings"), attribute=row.name)

    @admin.display(description=_("read"), ordering="read_at")
    def read(self, row: BrevoAttribute) -> SafeString:
        """Return how old the mirror is."""
        return parts.age(row.read_at)
