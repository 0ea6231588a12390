"""Connections and Brevo accounts: are they well, what is set, and the buttons to refresh, pause and resume."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, ClassVar
from zoneinfo import available_timezones

from django import forms
from django.contrib import admin, messages
from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce
from django.http import HttpRequest, HttpResponseBase
from django.utils.html import format_html
from django.utils.safestring import SafeString

from calendly_connector import conf
from calendly_connector.admin import parts
from calendly_connector.admin.base import ConnectorAdmin, HistoryAdmin, NoAddOrDelete, plural
from calendly_connector.admin.parts import Tone
from calendly_connector.clients.errors import ApiError
from calendly_connector.models import (
    BrevoAccount,
    BrevoAttribute,
    BrevoList,
    Connection,
    EventType,
    SyncLogEntry,
    WebhookDelivery,
)
from calendly_connector.services import accounts, catalogue, normalise, subscription
from calendly_connector.services import connection as connections

LogState = SyncLogEntry.State


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
        (None, {"fields": ("name", "is_active", "account_link", "last_heard", "waiting", "failed")}),
        ("Webhook address", {"fields": ("address", "subscribed", "subscription")}),
        ("Secrets", {"fields": ("secrets",), "classes": ("cc-whole",)}),
        ("How bookings are read", {"fields": ("timezone", "phone_region", "grace_hours", "guest_policy")}),
        ("Calendly account", {"fields": ("user_name", "role", "scope", "organization", "user", "event_types")}),
    )
    readonly_fields = (
        *("account_link", "last_heard", "waiting", "failed", "address", "subscribed", "subscription", "secrets"),
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

    @admin.display(description="state", ordering="is_active")
    def receiving(self, row: Connection) -> SafeString:
        """Return whether webhooks are taken."""
        return parts.badge("Receiving", Tone.GOOD) if row.is_active else parts.badge("Off", Tone.WARN)

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
        """Return whether Calendly was asked to post to us."""
        return parts.badge("Made", Tone.GOOD) if row.subscription else parts.badge("Missing", Tone.BAD)

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


@admin.register(BrevoAccount)
class BrevoAccountAdmin(HistoryAdmin[BrevoAccount]):
    """One row per Brevo account."""

    list_display = ("name", "state_display", "paused", "pause_reason", "attributes_read")
    actions = ("resume", "pause", "refresh_brevo")
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ("name", "state_display", "pause_reason", "paused", "organization_id")}),
        ("What it offers", {"fields": ("list_link", "attribute_link", "attributes_read")}),
    )

    @admin.display(description="state", ordering="state")
    def state_display(self, row: BrevoAccount) -> SafeString:
        """Return whether we write."""
        return account_badge(row)

    @admin.display(description="paused", ordering="paused_at")
    def paused(self, row: BrevoAccount) -> SafeString:
        """Return since when writing waits."""
        return parts.age(row.paused_at)

    @admin.display(description="attributes read", ordering="attributes_read_at")
    def attributes_read(self, row: BrevoAccount) -> SafeString:
        """Return how old the mirror of the attributes is."""
        return parts.age(row.attributes_read_at)

    @admin.display(description="lists")
    def list_link(self, row: BrevoAccount) -> SafeString:
        """Return a link to the lists."""
        return parts.link_to_list(BrevoList, plural(row.lists.count(), "list"), account__id__exact=row.pk)

    @admin.display(description="attributes")
    def attribute_link(self, row: BrevoAccount) -> SafeString:
        """Return a link to the attributes."""
        count = row.attributes.count()
        return parts.link_to_list(BrevoAttribute, plural(count, "attribute"), account__id__exact=row.pk)

    def offers(self, row: BrevoAccount) -> Sequence[str]:
        """Offer the way out of the present state."""
        return ("resume" if row.is_paused else "pause", "refresh_brevo")

    @admin.action(description="Resume writing", permissions=["act"])
    def resume(self, request: HttpRequest, queryset: QuerySet[BrevoAccount]) -> HttpResponseBase | None:
        """Go on writing; what waited is written now."""
        paused = queryset.filter(state=BrevoAccount.State.PAUSED)
        page = self.confirm(
            request,
            queryset,
            question="Resume writing?",
            consequence="Everything that waited is sent to Brevo now. Is the cause of the pause mended?",
            button="Yes, resume",
        )
        if page:
            return page
        chosen = list(paused)
        for account in chosen:
            accounts.resume(account)
        self.message_user(request, f"Writing goes on for {plural(len(chosen), 'account')}.")
        return None

    @admin.action(description="Pause writing", permissions=["act"])
    def pause(self, request: HttpRequest, queryset: QuerySet[BrevoAccount]) -> HttpResponseBase | None:
        """Stop writing until somebody resumes it."""
        page = self.confirm(
            request,
            queryset,
            question="Pause writing?",
            consequence="Nothing is sent to Brevo until writing is resumed. Bookings are still taken in; "
            "what they call for waits.",
            button="Yes, pause",
        )
        if page:
            return page
        chosen = list(queryset.filter(state=BrevoAccount.State.ACTIVE))
        for account in chosen:
            accounts.pause(account, f"Paused by {request.user.get_username()}. Resume when you are ready.")
        self.message_user(request, f"Writing is paused for {plural(len(chosen), 'account')}.")
        return None

    @admin.action(description="Refresh lists and attributes", permissions=["act"])
    def refresh_brevo(self, request: HttpRequest, queryset: QuerySet[BrevoAccount]) -> None:
        """Read the lists and attributes from Brevo now."""
        for account in queryset:
            read(self, request, account, partial(read_brevo, account))


def account_badge(account: BrevoAccount) -> SafeString:
    """Return whether an account is written to."""
    return parts.badge(account.get_state_display(), Tone.WARN if account.is_paused else Tone.GOOD)


def read_calendly(connection: Connection) -> str:
    """Refresh the mirror of event types and return what was read. Raises ApiError, NotConfigured."""
    return plural(catalogue.refresh_event_types(connection), "event type")


def read_brevo(account: BrevoAccount) -> str:
    """Refresh both mirrors of a Brevo account and return what was read. Raises ApiError, NotConfigured."""
    client = connections.brevo_client(account)
    catalogue.refresh_attributes(account, client)
    catalogue.refresh_lists(account, client)
    return f"{plural(account.lists.count(), 'list')} and {plural(account.attributes.count(), 'attribute')}"


def read(admin_page: Any, request: HttpRequest, row: object, work: Callable[[], str]) -> None:
    """Do a refresh and tell how it went."""
    try:
        admin_page.message_user(request, f"{row}: {work()} read.")
    except (ApiError, connections.NotConfigured) as error:
        admin_page.message_user(request, f"{row} can't be read: {error}", messages.ERROR)


def _steps(*states: SyncLogEntry.State) -> Any:
    """Return the number of a connection's steps in these states, for a query of connections."""
    found = SyncLogEntry.objects.filter(connection=OuterRef("pk"), state__in=states).order_by().values("connection")
    return Coalesce(Subquery(found.annotate(count=Count("pk")).values("count")), 0)
