"""Filters whose choices are known beforehand: none of them reads a whole table to find out."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from django.contrib import admin
from django.db.models import Q, QuerySet
from django.http import HttpRequest
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from calendly_connector.core import decide
from calendly_connector.core.trigger import INVITEE_WEBHOOKS
from calendly_connector.models import EventType, TriggerMapping

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin

OTHERS = "others"


def titled(
    title: str | Promise, kind: type[admin.FieldListFilter] = admin.DateFieldListFilter
) -> type[admin.FieldListFilter]:
    """Return a filter of Django's under a name that staff know from the list, not the column's."""

    class Titled(kind):  # type: ignore[valid-type, misc]
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            self.title = title

    return Titled


class WebhookNameFilter(admin.SimpleListFilter):
    """What Calendly told us."""

    title = _("webhook")
    parameter_name = "webhook"

    def lookups(self, request: HttpRequest, model_admin: "ModelAdmin[Any]") -> Sequence[tuple[str, str]]:
        """Return the names that we act upon, and all others together."""
        return [*((name, name) for name in sorted(INVITEE_WEBHOOKS)), (OTHERS, gettext("any other"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep deliveries of that name."""
        name = self.value()
        if name == OTHERS:
            return queryset.exclude(webhook_name__in=INVITEE_WEBHOOKS)
        return queryset.filter(webhook_name=name) if name else queryset


class HappeningFilter(admin.SimpleListFilter):
    """The trigger of an automation event."""

    title = _("trigger")
    parameter_name = "trigger"

    def lookups(self, request: HttpRequest, model_admin: "ModelAdmin[Any]") -> Sequence[tuple[str, str]]:
        """Return every trigger."""
        return [(value, str(label)) for value, label in TriggerMapping.Trigger.choices]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the events of that trigger; a booking's second no-show has its own ending."""
        name = self.value()
        return queryset.filter(Q(happening=name) | Q(happening__startswith=f"{name}:")) if name else queryset


class HeldFilter(admin.SimpleListFilter):
    """Automation events that did not leave because a reading found what they tell of."""

    title = _("held back")
    parameter_name = "held"
    reasons: Mapping[str, tuple[str, ...]] = {
        "any": decide.HELD,
        "history": (decide.HELD_BACK,),
        "late": (decide.HELD_LATE,),
    }

    def lookups(self, request: HttpRequest, model_admin: "ModelAdmin[Any]") -> Sequence[tuple[str, str]]:
        """Return why events are held back."""
        return [("any", gettext("For any reason")), ("history", gettext("As history")), ("late", gettext("Found late"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the events that were held back for that reason."""
        found = self.reasons.get(self.value() or "")
        return queryset.filter(kind="event", state="skipped", reason__in=found) if found else queryset


class EventTypeFilter(admin.SimpleListFilter):
    """The event type that was booked."""

    title = _("event type")
    parameter_name = "type"

    def lookups(self, request: HttpRequest, model_admin: "ModelAdmin[Any]") -> Sequence[tuple[str, str]]:
        """Return every event type that we have read."""
        return list(EventType.objects.order_by("name").values_list("uri", "name"))

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep bookings of that type."""
        return queryset.filter(event_type=self.value()) if self.value() else queryset


class ToldByBrevoFilter(admin.SimpleListFilter):
    """What Brevo told of somebody's contact."""

    title = _("told by Brevo")
    parameter_name = "brevo"
    KEPT: ClassVar[Mapping[str, Q]] = {
        "opted-out": Q(mirror__isnull=False) & ~Q(mirror__opt_out=""),
        "deleted": Q(mirror__deleted_at__isnull=False),
    }

    def lookups(self, request: HttpRequest, model_admin: "ModelAdmin[Any]") -> Sequence[tuple[str, str]]:
        """Return both things that bind us."""
        return [("opted-out", gettext("opted out in Brevo")), ("deleted", gettext("deleted in Brevo"))]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the people of whom that was told."""
        kept = self.KEPT.get(self.value() or "")
        return queryset.filter(kept) if kept else queryset
