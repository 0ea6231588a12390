"""The cells of all mapping grids in one list, to be searched and filtered. They are edited in the grid."""

from typing import Any

from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from calendly_connector.admin import mapping_row, page, parts
from calendly_connector.admin.desk_list import DeskListAdmin
from calendly_connector.admin.filters import titled
from calendly_connector.admin.list_names import ListNamesAdmin
from calendly_connector.admin.parts import Tone
from calendly_connector.core.decide import EVENT_PREFIX
from calendly_connector.models import EventType, TriggerMapping

TRIGGER_TONES = {
    TriggerMapping.Trigger.BOOKED: Tone.GOOD,
    TriggerMapping.Trigger.RESCHEDULED: Tone.WAIT,
    TriggerMapping.Trigger.CANCELED: Tone.BAD,
    TriggerMapping.Trigger.NO_SHOW: Tone.WARN,
    TriggerMapping.Trigger.NO_SHOW_UNDONE: Tone.QUIET,
    TriggerMapping.Trigger.ATTENDED: Tone.GOOD,
}


def with_types(rows: QuerySet[Any]) -> QuerySet[Any]:
    """Find the key and name of the event type that each row of a mapping is for, along the way."""
    types = EventType.objects.filter(connection=OuterRef("connection"), uri=OuterRef("event_type"))
    found: QuerySet[Any] = rows.annotate(
        found_type=Subquery(types.values("pk")[:1]), found_name=Subquery(types.values("name")[:1])
    )
    return found


def row_link(row: Any) -> SafeString | str:
    """Return the name of the event type that a row `with_types` is for, as a link to its line of the grid."""
    if row.event_type and not row.found_type:
        return str(row.event_type)  # deleted in Calendly before we ever read it
    rest = str(row.found_type) if row.event_type else mapping_row.DEFAULT
    address = page.address_of(row.connection, mapping_row.NAME, rest)
    return format_html('<a href="{}">{}</a>', address, row.found_name or _("Every other type"))


@admin.register(TriggerMapping)
class TriggerMappingAdmin(ListNamesAdmin[TriggerMapping], DeskListAdmin[TriggerMapping]):
    """One row per cell of a grid."""

    desk_words = gettext_lazy("Edit the mapping")
    list_display = ("type_link", "trigger_badge", "joins", "leaves", "sends", "connection")
    list_display_links = None
    list_select_related = ("connection",)
    list_filter = (
        "trigger",
        ("sends_event", titled(gettext_lazy("sends an event"), admin.BooleanFieldListFilter)),
        "connection",
    )
    search_fields = ("event_type", "event_name")
    ordering = ("event_type", "trigger")
    fields = ("type_link", "trigger_badge", "joins", "leaves", "sends", "connection")

    def get_queryset(self, request: HttpRequest) -> QuerySet[TriggerMapping]:
        """Find each event type's name along the way."""
        return with_types(super().get_queryset(request).select_related("connection"))

    @admin.display(description=gettext_lazy("event type"), ordering="event_type")
    def type_link(self, row: Any) -> SafeString | str:
        """Return the event type's name, as a link to its row of the grid."""
        return row_link(row)

    @admin.display(description=gettext_lazy("trigger"), ordering="trigger")
    def trigger_badge(self, row: TriggerMapping) -> SafeString:
        """Return the trigger."""
        return parts.badge(row.get_trigger_display(), TRIGGER_TONES[TriggerMapping.Trigger(row.trigger)])

    @admin.display(description=gettext_lazy("joins"))
    def joins(self, row: TriggerMapping) -> str:
        """Return the lists to join."""
        return self.named(row, row.join_lists)

    @admin.display(description=gettext_lazy("leaves"))
    def leaves(self, row: TriggerMapping) -> str:
        """Return the lists to leave."""
        return self.named(row, row.leave_lists)

    @admin.display(description=gettext_lazy("event"), ordering="event_name")
    def sends(self, row: TriggerMapping) -> SafeString:
        """Return the automation event's name."""
        return parts.code((row.event_name or EVENT_PREFIX + row.trigger) if row.sends_event else "")
