"""Jobs and schedules: what the worker is about to do. Of interest when something is stuck."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.utils import timezone
from django.utils.safestring import SafeString

from calendly_connector.admin import parts
from calendly_connector.admin.base import ConnectorAdmin, HistoryAdmin, NoAddOrDelete, plural
from calendly_connector.admin.parts import Tone
from calendly_connector.models import (
    Booking,
    BrevoAccount,
    BulkImport,
    Connection,
    Job,
    Notice,
    Person,
    Replay,
    Schedule,
    WebhookDelivery,
)
from calendly_connector.services import bulk, clock, ledger, notices, receive, replay, reread, retry, rotation, settle

KINDS: Mapping[str, tuple[str, type[Model] | None]] = {
    receive.TAKE_IN: ("Take in a delivery", WebhookDelivery),
    ledger.PUSH: ("Write a person to Brevo", Person),
    ledger.MISSING_HALF: ("Fetch the new half of a move", Booking),
    bulk.GATHER: ("Prepare an import of many people", BrevoAccount),
    bulk.ADVANCE: ("Import many people", BulkImport),
    ledger.GREET_GUESTS: ("Make contacts of a booking's guests", Booking),
    settle.SETTLE: ("Look up events of unknown outcome", BrevoAccount),
    clock.TURN: ("See what time changes for a person", Person),
    reread.HISTORY: ("Bring in bookings made before", Connection),
    reread.REREAD: ("Read bookings again", Connection),
    replay.REPLAY: ("Do log entries once more", Replay),
    notices.TELL: ("Tell staff of a trouble", Notice),
    "refresh_tokens": ("Refresh Calendly's tokens before they expire", None),
    "watch": ("See whether Calendly still delivers", None),
    "notices": ("Remind staff of what lasts", None),
    "catalogues": ("Refresh event types, lists and attributes", None),
    "sweep": ("Look for work that nobody asked for", None),
    "clock": ("Look for people whose time has come", None),
    "figures": ("Count today and yesterday for the overview", None),
    "past_figures": ("Count the days before for the overview", None),
    "keep_alive": ("Use each Brevo key once a day, and see whether it is accepted", None),
    rotation.FORGET_KEY: ("Stop accepting a former signing key", Connection),
    "prune": ("Delete what is kept only for a while", None),
}
"""Kind of job → in staff's words, and what its subject is."""

SHORTEST = 5  # seconds between two runs


class KindFilter(admin.SimpleListFilter):
    """The kind of work, in words."""

    title = "work"
    parameter_name = "work"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return every kind."""
        return [(kind, words) for kind, (words, _) in KINDS.items()]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Job]) -> QuerySet[Job]:
        """Keep jobs of that kind."""
        return queryset.filter(kind=self.value()) if self.value() else queryset


@admin.register(Job)
class JobAdmin(HistoryAdmin[Job]):
    """One row per piece of work."""

    tones: ClassVar[Mapping[Any, Tone]] = {
        Job.State.READY: Tone.WAIT,
        Job.State.RUNNING: Tone.WAIT,
        Job.State.FAILED: Tone.BAD,
    }
    list_display = ("work", "state_badge", "subject_link", "due", "failures", "why", "asked")
    list_filter = ("state", KindFilter)
    search_fields = ("kind", "=subject", "last_error")
    actions = ("retry",)
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ("state_badge", "work", "subject_link", "last_error")}),
        ("When", {"fields": ("due", "asked", "failures", "attempts")}),
        ("Technical", {"fields": ("kind", "dedupe_key", "lane", "worker", "lease_until", "is_wanted_again")}),
    )

    @admin.display(description="work", ordering="kind")
    def work(self, row: Job) -> str:
        """Return the kind in words."""
        return words_for(row.kind)

    @admin.display(description="concerns")
    def subject_link(self, row: Job) -> SafeString:
        """Return a link to the row it looks at."""
        model = KINDS[row.kind][1] if row.kind in KINDS else None
        return parts.link(model, row.subject, f"{model._meta.verbose_name} #{row.subject}") if model else parts.NOTHING

    @admin.display(description="due", ordering="run_after")
    def due(self, row: Job) -> SafeString:
        """Return when it is started."""
        return parts.age(row.run_after)

    @admin.display(description="asked for", ordering="created_at")
    def asked(self, row: Job) -> SafeString:
        """Return how old it is."""
        return parts.age(row.created_at)

    @admin.display(description="last reason to wait")
    def why(self, row: Job) -> SafeString:
        """Return why it was put back, cut to a line."""
        return parts.long_text(parts.said(row.last_error))

    def offers(self, row: Job) -> Sequence[str]:
        """Offer another try for what was given up."""
        return ("retry",) if row.state == Job.State.FAILED else ()

    @admin.action(description="Try again", permissions=["act"])
    def retry(self, request: HttpRequest, queryset: QuerySet[Job]) -> HttpResponseBase | None:
        """Start jobs again that were given up."""
        page = self.confirm(
            request,
            queryset,
            question="Try again?",
            consequence="Jobs that were given up start again, and what they write is sent to Brevo. "
            "The others are left alone.",
            button="Yes, try again",
        )
        if page:
            return page
        self.message_user(request, f"{plural(retry.retry_jobs(queryset), 'job')} will be tried again.")
        return None


class ScheduleForm(forms.ModelForm):  # type: ignore[type-arg]
    """The two things that staff may change."""

    def clean_every_seconds(self) -> int:
        """Refuse a pace that would keep the worker busy with nothing."""
        seconds = int(self.cleaned_data["every_seconds"])
        if seconds < SHORTEST:
            raise forms.ValidationError(f"At least {SHORTEST} seconds.")
        return seconds


@admin.register(Schedule)
class ScheduleAdmin(NoAddOrDelete, ConnectorAdmin[Schedule]):
    """One row per repeating piece of work."""

    form = ScheduleForm
    list_display = ("work", "enabled", "pace", "next_run", "started", "finished", "last_result")
    ordering = ("name",)
    fields = ("work", "is_enabled", "every_seconds", "next_run", "started", "finished", "last_result")
    readonly_fields = ("work", "next_run", "started", "finished", "last_result")

    @admin.display(description="work", ordering="name")
    def work(self, row: Schedule) -> str:
        """Return the name in words."""
        return words_for(row.name)

    @admin.display(description="state", ordering="is_enabled")
    def enabled(self, row: Schedule) -> SafeString:
        """Return whether it runs."""
        return parts.badge("On", Tone.GOOD) if row.is_enabled else parts.badge("Off", Tone.WARN)

    @admin.display(description="every", ordering="every_seconds")
    def pace(self, row: Schedule) -> str:
        """Return the time between two runs."""
        return parts.span(row.every_seconds)

    @admin.display(description="next run", ordering="next_run_at")
    def next_run(self, row: Schedule) -> SafeString:
        """Return when it runs next."""
        return parts.age(row.next_run_at) if row.is_enabled else parts.NOTHING

    @admin.display(description="last started", ordering="last_started_at")
    def started(self, row: Schedule) -> SafeString:
        """Return when it last began."""
        return parts.age(row.last_started_at)

    @admin.display(description="last finished", ordering="last_finished_at")
    def finished(self, row: Schedule) -> SafeString:
        """Return when it last ended."""
        return parts.age(row.last_finished_at)

    def save_model(self, request: HttpRequest, obj: Schedule, form: Any, change: bool) -> None:
        """Let a shorter interval count from now on, not only after the next run."""
        obj.next_run_at = min(obj.next_run_at, timezone.now() + timedelta(seconds=obj.every_seconds))
        super().save_model(request, obj, form, change)


def words_for(kind: str) -> str:
    """Return a kind of job in staff's words."""
    return KINDS[kind][0] if kind in KINDS else kind
