"""The mapping: which trigger feeds which list and event, and which value which attribute."""

from typing import Any, ClassVar

from django.contrib import admin, messages
from django.contrib.admin.views.main import ChangeList
from django.contrib.admin.widgets import RelatedFieldWidgetWrapper
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest
from django.utils.safestring import SafeString

from calendly_connector.admin import parts
from calendly_connector.admin.base import ConnectorAdmin, Row
from calendly_connector.admin.mapping_form import EVERY_OTHER_TYPE, TriggerMappingForm
from calendly_connector.admin.parts import Tone
from calendly_connector.core.decide import EVENT_PREFIX
from calendly_connector.models import BrevoList, EventType, TriggerMapping
from calendly_connector.services import mapping_check

TRIGGER_TONES = {
    TriggerMapping.Trigger.BOOKED: Tone.GOOD,
    TriggerMapping.Trigger.RESCHEDULED: Tone.WAIT,
    TriggerMapping.Trigger.CANCELED: Tone.BAD,
    TriggerMapping.Trigger.NO_SHOW: Tone.WARN,
    TriggerMapping.Trigger.NO_SHOW_UNDONE: Tone.QUIET,
    TriggerMapping.Trigger.ATTENDED: Tone.GOOD,
}


class MappingAdmin(ConnectorAdmin[Row]):
    """Rows that staff write."""

    def formfield_for_dbfield(self, db_field: Any, request: HttpRequest, **options: Any) -> Any:
        """Pick a connection without the buttons to make or change one."""
        field = super().formfield_for_dbfield(db_field, request, **options)
        if field and isinstance(field.widget, RelatedFieldWidgetWrapper):
            field.widget = field.widget.widget
        return field


@admin.register(TriggerMapping)
class TriggerMappingAdmin(MappingAdmin[TriggerMapping]):
    """One row per cell of the grid."""

    form = TriggerMappingForm
    list_display = ("type_name", "trigger_badge", "joins", "leaves", "sends", "connection")
    list_select_related = ("connection",)
    list_filter = ("trigger", "sends_event", "connection")
    search_fields = ("event_type", "event_name")
    ordering = ("event_type", "trigger")
    fieldsets: ClassVar[Any] = (
        ("When", {"fields": ("connection", "event_type", "trigger")}),
        ("Lists in Brevo", {"fields": ("join_lists", "leave_lists")}),
        ("Automation event", {"fields": ("sends_event", "event_name")}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[TriggerMapping]:
        """Find each event type's name along the way."""
        types = EventType.objects.filter(connection=OuterRef("connection"), uri=OuterRef("event_type"))
        return super().get_queryset(request).annotate(found_name=Subquery(types.values("name")[:1]))

    def get_changelist_instance(self, request: HttpRequest) -> ChangeList:
        """Tell each row the names of all lists: one query for the page."""
        page = super().get_changelist_instance(request)
        names = {
            (account, number): name
            for account, number, name in BrevoList.objects.values_list("account", "number", "name")
        }
        rows: list[Any] = list(page.result_list)
        for row in rows:
            row.found_lists = names
        page.result_list = rows
        return page

    @admin.display(description="event type", ordering="event_type")
    def type_name(self, row: Any) -> str:
        """Return the event type's name."""
        return row.found_name or row.event_type or EVERY_OTHER_TYPE

    @admin.display(description="trigger", ordering="trigger")
    def trigger_badge(self, row: TriggerMapping) -> SafeString:
        """Return the trigger."""
        return parts.badge(row.get_trigger_display(), TRIGGER_TONES[TriggerMapping.Trigger(row.trigger)])

    @admin.display(description="joins")
    def joins(self, row: TriggerMapping) -> str:
        """Return the lists to join."""
        return _lists(row, row.join_lists)

    @admin.display(description="leaves")
    def leaves(self, row: TriggerMapping) -> str:
        """Return the lists to leave."""
        return _lists(row, row.leave_lists)

    @admin.display(description="event", ordering="event_name")
    def sends(self, row: TriggerMapping) -> SafeString:
        """Return the automation event's name."""
        return parts.code((row.event_name or EVENT_PREFIX + row.trigger) if row.sends_event else "")

    def save_model(self, request: HttpRequest, obj: TriggerMapping, form: Any, change: bool) -> None:
        """Save, and say what looks wrong."""
        super().save_model(request, obj, form, change)
        for warning in mapping_check.list_warnings(obj.connection, [*obj.join_lists, *obj.leave_lists]):
            self.message_user(request, warning, messages.WARNING)


def _lists(row: Any, numbers: list[int]) -> str:
    names = [row.found_lists.get((row.connection.brevo_account_id, number), "not in Brevo?") for number in numbers]
    return ", ".join(f"#{number} {name}" for number, name in zip(numbers, names, strict=True)) or "–"
