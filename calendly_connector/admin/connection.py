"""Connections and Brevo accounts: are they well, what is set, and the buttons to refresh, pause and resume."""

from collections.abc import Sequence
from functools import partial
from typing import Any, ClassVar
from zoneinfo import available_timezones

from django import forms
from django.contrib import admin
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString

from calendly_connector import conf
from calendly_connector.admin import parts
from calendly_connector.admin.base import ConnectorAdmin, NoAddOrDelete, plural
from calendly_connector.admin.brevo_account import account_badge, read, read_brevo
from calendly_connector.admin.parts import Tone
from calendly_connector.models import (
    BrevoAccount,
    Connection,
    EventType,
    SyncLogEntry,
    WebhookDelivery,
)
from calendly_connector.services import catalogue, normalise, subscription

LogState = SyncLogEntry.State
TONES = {
    Connection.State.NEW: Tone.QUIET,
    Connection.State.CONNECTED: Tone.GOOD,
    Connection.State.RECONNECT: Tone.BAD,
}


class ConnectionForm(forms.ModelForm):  # type: ignore[type-arg]
    """What staff may say about a connection."""

    def clean_timezone(self) -> str:
        """Refuse a zone that doesn't exist."""
        name = str(self.cleaned_data["timezone"])
        if name not in available_timezones():
            raise forms.ValidationError(f"“{name}” is no time zone. Write it as Europe/Paris.")
        return name

    def clean_phone_region(self) -> str:
        """Refuse a country that has no phone numbers."""
        region = str(self.cleaned_data["phone_region"]).upper()
        if region and not normalise.is_region(region):
            raise forms.ValidationError(f"“{region}” is no country. Write two letters, such as DK.")
        return region


@admin.register(Connection)
class ConnectionAdmin(NoAddOrDelete, ConnectorAdmin[Connection]):
    """One row per Calendly account joined to a Brevo account."""

    form = ConnectionForm
    list_display = ("name", "receiving", "account_link", "last_heard", "waiting", "failed", "subscribed")
    list_select_related = ("brevo_account",)
    search_fields = ("name", "user_name", "organization")
    actions = ("refresh_event_types", "refresh_brevo")
    fieldsets: ClassVar[Any] = (
        (
            None,
            {
                "fields": (
                    "name",
                    "receiving",
                    "state_reason",
                    "is_active",
                    "account_link",
                    "last_heard",
                    "waiting",
                    "failed",
                )
            },
        ),
        ("Webhook address", {"fields": ("address", "subscribed", "subscription")}),
        ("Secrets", {"fields": ("secrets",), "classes": ("cc-whole",)}),
        ("How bookings are read", {"fields": ("timezone", "phone_region", "grace_hours", "guest_policy")}),
        ("Calendly account", {"fields": ("user_name", "role", "scope", "organization", "user", "event_types")}),
    )
    readonly_fields = (
        *(
            "receiving",
            "state_reason",
            "account_link",
            "last_heard",
            "waiting",
            "failed",
            "address",
            "subscribed",
            "subscription",
            "secrets",
        ),
        *("user_name", "role", "scope", "organization", "user", "event_types"),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[Connection]:
        """Find each connection's newest delivery and count its open steps along the way."""
        deliveries = WebhookDelivery.objects.filter(connection=OuterRef("pk")).order_by("-received_at")
        return (
            super()
            .get_queryset(request)
            .annotate(
                found_heard=Subquery(deliveries.values("received_at")[:1]),
                found_waiting=_steps(LogState.WAITING, LogState.SENDING, LogState.UNKNOWN),
                found_failed=_steps(LogState.FAILED),
            )
        )

    def save_model(self, request: HttpRequest, obj: Connection, form: Any, change: bool) -> None:
        """Write what staff changed and nothing else: a token may have been refreshed since the row was read."""
        obj.save(update_fields=form.changed_data if change else None)

    @admin.display(description="state", ordering="is_active")
    def receiving(self, row: Connection) -> SafeString:
        """Return whether Calendly lets us in, and whether webhooks are taken."""
        found = parts.badge(row.get_state_display(), TONES[Connection.State(row.state)])
        return found if row.is_active else format_html("{} {}", found, parts.badge("Off", Tone.WARN))

    @admin.display(description="Brevo account", ordering="brevo_account__name")
    def account_link(self, row: Connection) -> SafeString:
        """Return a link to the Brevo account, with its state."""
        return format_html("{} {}", parts.link_to(row.brevo_account), account_badge(row.brevo_account))

    @admin.display(description="last webhook")
    def last_heard(self, row: Any) -> SafeString:
        """Return when Calendly last posted something."""
        return parts.age(row.found_heard)

    @admin.display(description="waiting steps")
    def waiting(self, row: Any) -> SafeString:
        """Return the number of steps that are not settled."""
        states = ",".join((LogState.WAITING, LogState.SENDING, LogState.UNKNOWN))
        return parts.link_to_list(SyncLogEntry, row.found_waiting, connection__id__exact=row.pk, state__in=states)

    @admin.display(description="failed steps")
    def failed(self, row: Any) -> SafeString:
        """Return the number of steps that staff should look at."""
        count = row.found_failed
        text = parts.badge(count, Tone.BAD) if count else "0"
        return parts.link_to_list(SyncLogEntry, text, connection__id__exact=row.pk, state__exact=LogState.FAILED)

    @admin.display(description="subscription")
    def subscribed(self, row: Connection) -> SafeString:
        """Return whether Calendly was asked to post to us, and still does."""
        if not row.subscription:
            return parts.badge("Missing", Tone.BAD)
        if row.subscription_state == "disabled":
            return parts.badge("Disabled by Calendly", Tone.BAD)
        return parts.badge("Can't deliver", Tone.WARN) if row.retry_started_at else parts.badge("Made", Tone.GOOD)

    @admin.display(description="address for Calendly")
    def address(self, row: Connection) -> SafeString:
        """Return the address that Calendly posts to, to be copied."""
        return parts.code(subscription.callback_url(row))

    @admin.display(description="secrets")
    def secrets(self, row: Connection) -> SafeString:
        """Return which secrets are there, and where; never the secrets."""
        kept, account = conf.environment_credentials(), row.brevo_account
        token, key = kept.calendly_access_token, kept.calendly_signing_key
        known = (
            ("Calendly token", row.access_token, "CALENDLY_ACCESS_TOKEN", row.is_environment and token),
            ("Calendly signing key", row.signing_key, "CALENDLY_WEBHOOK_SIGNING_KEY", row.is_environment and key),
            ("Brevo API key", account.api_key, "BREVO_API_KEY", kept.brevo_api_key),
        )
        rows = [
            (
                name,
                parts.badge("Set", Tone.GOOD) if stored or variable else parts.badge("Not set", Tone.BAD),
                "Stored here, encrypted" if stored else parts.code(variable_name),
            )
            for name, stored, variable_name, variable in known
        ]
        return parts.table(("Secret", "State", "Where"), rows, empty="")

    @admin.display(description="event types")
    def event_types(self, row: Connection) -> SafeString:
        """Return a link to the event types."""
        count = row.event_types.count()
        return parts.link_to_list(EventType, plural(count, "event type"), connection__id__exact=row.pk)

    def offers(self, row: Connection) -> Sequence[str]:
        """Offer both refreshes."""
        return ("refresh_event_types", "refresh_brevo")

    @admin.action(description="Refresh event types", permissions=["act"])
    def refresh_event_types(self, request: HttpRequest, queryset: QuerySet[Connection]) -> None:
        """Read the event types from Calendly now."""
        for row in queryset:
            read(self, request, row, partial(read_calendly, row))

    @admin.action(description="Refresh lists and attributes", permissions=["act"])
    def refresh_brevo(self, request: HttpRequest, queryset: QuerySet[Connection]) -> None:
        """Read the lists and attributes from Brevo now."""
        for account in BrevoAccount.objects.filter(connections__in=queryset).distinct():
            read(self, request, account, partial(read_brevo, account))


def read_calendly(connection: Connection) -> str:
    """Refresh the mirror of event types and return what was read. Raises ApiError, NotConfigured."""
    return plural(catalogue.refresh_event_types(connection), "event type")


def _steps(*states: SyncLogEntry.State) -> Any:
    """Return the number of a connection's steps in these states, for a query of connections."""
    found = SyncLogEntry.objects.filter(connection=OuterRef("pk"), state__in=states).order_by().values("connection")
    return Coalesce(Subquery(found.annotate(count=Count("pk")).values("count")), 0)
