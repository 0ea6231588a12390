"""Connections: are they well, and what is set. What connects them is in `connecting`, `panels` and `steps`."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, ClassVar

from django.contrib import admin
from django.contrib.admin.views.main import ChangeList
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from calendly_connector import conf
from calendly_connector.admin import home_banner, panels, parts
from calendly_connector.admin.brevo_account import account_badge, read, read_brevo
from calendly_connector.admin.connecting import ConnectingAdmin
from calendly_connector.admin.connection_form import ConnectionForm
from calendly_connector.admin.parts import Cell, Tone
from calendly_connector.models import (
    BrevoAccount,
    Connection,
    EventType,
    SyncLogEntry,
)
from calendly_connector.models.fields import hint
from calendly_connector.services import catalogue, crm_tasks, home
from calendly_connector.services.home import Pulse

LogState = SyncLogEntry.State
TASKS_EXPLAINED = _(
    "Each task needs the contact's number, one call more for each person. Brevo allows a hundred calls an hour for its "
    "CRM and for all the rest that isn't contacts or events: a task a minute is written, the newest booking first, and "
    "what is left serves looking up events. Meetings that are over get no task. Switched off, existing tasks stay."
)


@admin.register(Connection)
class ConnectionAdmin(ConnectingAdmin):
    """One row per Calendly account joined to a Brevo account."""

    form = ConnectionForm
    list_display = ("name", "receiving", "account_link", "last_heard", "waiting", "failed", "subscribed")
    list_select_related = ("brevo_account",)
    search_fields = ("name", "user_name", "organization")
    actions = ("refresh_event_types", "refresh_brevo")
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ("name", "is_active", "waiting", "failed", "event_types")}),
        (_("How bookings are read"), {"fields": ("timezone", "phone_region", "grace_hours", "guest_policy")}),
        (_("Brevo's CRM"), {"fields": ("makes_tasks", "tasks_state"), "description": TASKS_EXPLAINED}),
        (_("Secrets"), {"fields": ("secrets",), "classes": ("cc-whole",)}),
    )
    readonly_fields = ("waiting", "failed", "event_types", "secrets", "tasks_state")

    def get_queryset(self, request: HttpRequest) -> QuerySet[Connection]:
        """Read secrets when they are asked for."""
        return panels.readable(super().get_queryset(request))

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        """List connections with their pulses."""
        return PulsedList

    def get_object(self, request: HttpRequest, *args: Any, **kwargs: Any) -> Connection | None:
        """Return a connection with its pulse."""
        found = super().get_object(request, *args, **kwargs)
        return _with_pulse(found, home.pulses()) if found else None

    def save_model(self, request: HttpRequest, obj: Connection, form: Any, change: bool) -> None:
        """Write what staff changed and nothing else: a token may have been refreshed since the row was read."""
        obj.save(update_fields=form.changed_data if change else None)
        if "makes_tasks" in form.changed_data:
            crm_tasks.begin(obj) if obj.makes_tasks else crm_tasks.stop(obj)

    @admin.display(description=_("state"), ordering="is_active")
    def receiving(self, row: Connection) -> SafeString:
        """Return whether Calendly lets us in, and whether webhooks are taken."""
        badges = [parts.badge(*panels.STATES[Connection.State(row.state)])]
        badges += [] if row.is_active else [parts.badge(gettext("Off"), Tone.WARN)]
        badges += [parts.badge(gettext("Unusually quiet"), Tone.WARN)] if row.is_silent else []
        return format_html_join(" ", "{}", ((each,) for each in badges))

    @admin.display(description=_("Brevo account"), ordering="brevo_account__name")
    def account_link(self, row: Connection) -> SafeString:
        """Return a link to the Brevo account, with its state."""
        return format_html("{} {}", parts.link_to(row.brevo_account), account_badge(row.brevo_account))

    @admin.display(description=_("last webhook"))
    def last_heard(self, row: Any) -> SafeString:
        """Return when Calendly last posted something."""
        return parts.age(row.pulse.received_at)

    @admin.display(description=_("waiting steps"))
    def waiting(self, row: Any) -> SafeString:
        """Return the number of steps that are not settled."""
        states = ",".join((LogState.WAITING, LogState.SENDING, LogState.UNKNOWN))
        count = home_banner.counted(row.pulse.waiting)
        return parts.link_to_list(SyncLogEntry, count, connection__id__exact=row.pk, state__in=states)

    @admin.display(description=_("failed steps"))
    def failed(self, row: Any) -> SafeString:
        """Return the number of steps that staff should look at."""
        count = row.pulse.failed
        text = parts.badge(home_banner.counted(count), Tone.BAD) if count else "0"
        return parts.link_to_list(SyncLogEntry, text, connection__id__exact=row.pk, state__exact=LogState.FAILED)

    @admin.display(description=_("subscription"))
    def subscribed(self, row: Connection) -> SafeString:
        """Return whether Calendly was asked to post to us, and still does."""
        return panels.subscription_badge(row)

    @admin.display(description=_("CRM tasks"))
    def tasks_state(self, row: Connection) -> SafeString:
        """Return whether tasks are made, and why they can't be."""
        if not row.makes_tasks:
            return parts.badge(gettext("Off"), Tone.QUIET)
        trouble = crm_tasks.words_about(row)
        state = parts.badge(gettext("Can't be made"), Tone.BAD) if trouble else parts.badge(gettext("On"), Tone.GOOD)
        return format_html("{} {}", state, parts.said(trouble))

    @admin.display(description=_("secrets"))
    def secrets(self, row: Connection) -> SafeString:
        """Return which secrets are there, and where; never the secrets."""
        kept, is_environment = conf.environment_credentials(), row.is_environment
        account, environment = row.brevo_account, "CALENDLY_ACCESS_TOKEN"
        token, key = kept.calendly_access_token, kept.calendly_signing_key
        rows = [
            _secret(
                gettext("Calendly token"),
                panels.secret_hint(row, "access_token"),
                environment,
                is_environment and token,
            ),
            _secret(
                gettext("Calendly signing key"),
                panels.secret_hint(row, "signing_key"),
                "CALENDLY_WEBHOOK_SIGNING_KEY",
                is_environment and key,
            ),
            _secret(
                gettext("Brevo API key"), panels.secret_hint(account, "api_key"), "BREVO_API_KEY", kept.brevo_api_key
            ),
        ]
        return parts.table((gettext("Secret"), gettext("State"), gettext("Where")), rows, empty="")

    @admin.display(description=_("event types"))
    def event_types(self, row: Connection) -> SafeString:
        """Return a link to the event types."""
        count = row.event_types.count()
        return parts.link_to_list(EventType, _event_types(count), connection__id__exact=row.pk)

    def offers(self, row: Connection) -> Sequence[str]:
        """Offer both refreshes."""
        return ("refresh_event_types", "refresh_brevo")

    @admin.action(description=_("Refresh event types"), permissions=["act"])
    def refresh_event_types(self, request: HttpRequest, queryset: QuerySet[Connection]) -> None:
        """Read the event types from Calendly now."""
        for row in queryset:
            read(self, request, row, partial(read_calendly, row))

    @admin.action(description=_("Refresh lists and attributes"), permissions=["act"])
    def refresh_brevo(self, request: HttpRequest, queryset: QuerySet[Connection]) -> None:
        """Read the lists and attributes from Brevo now."""
        for account in BrevoAccount.objects.filter(connections__in=queryset).distinct():
            read(self, request, account, partial(read_brevo, account))


def read_calendly(connection: Connection) -> str:
    """Refresh the mirror of event types and return what was read. Raises ApiError, NotConfigured."""
    return _event_types(catalogue.refresh_event_types(connection))


class PulsedList(ChangeList):
    """Finds what moved last in each connection at once, with counts that end somewhere."""

    def get_results(self, request: HttpRequest) -> None:
        """Add each row's pulse."""
        super().get_results(request)
        pulses = home.pulses()
        self.result_list: Any = [_with_pulse(row, pulses) for row in self.result_list]


def _with_pulse(row: Connection, pulses: Mapping[int, Pulse]) -> Connection:
    row.__dict__["pulse"] = pulses.get(row.pk, Pulse())
    return row


def _secret(name: str, stored: str, variable: str, from_environment: object) -> tuple[str, SafeString, Cell]:
    """Return a row of the table of secrets; `stored` is a hint, or why there is none."""
    if stored == hint(""):
        state = (
            parts.badge(gettext("Set"), Tone.GOOD) if from_environment else parts.badge(gettext("Not set"), Tone.BAD)
        )
        return name, state, parts.code(variable)
    if not stored.startswith("set"):
        return name, parts.badge(gettext("Unreadable"), Tone.BAD), parts.said(stored)
    return (
        name,
        parts.badge(gettext("Set"), Tone.GOOD),
        gettext("Stored here, encrypted: %(stored)s") % {"stored": panels.hint_words(stored)},
    )


def _event_types(count: int) -> str:
    return ngettext("%(count)d event type", "%(count)d event types", count) % {"count": count}
