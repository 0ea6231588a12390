"""Jobs and schedules: what the worker is about to do. Of interest when something is stuck."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, ClassVar

from django import forms
from django.contrib import admin
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponseBase
from django.urls import path
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from calendly_connector.admin import doctor, parts
from calendly_connector.admin.base import ConnectorAdmin, HistoryAdmin, NoAddOrDelete
from calendly_connector.admin.parts import Tone
from calendly_connector.models import (
    Booking,
    BookingRequest,
    BrevoAccount,
    BulkImport,
    Connection,
    Drift,
    Job,
    LinkRun,
    Notice,
    Person,
    Reading,
    Replay,
    Schedule,
    WebhookDelivery,
)
from calendly_connector.models.job import REPEATING
from calendly_connector.services import (
    booking_limits,
    bulk,
    clock,
    crm_tasks,
    drift_fix,
    drift_run,
    ledger,
    links,
    marking,
    notices,
    prune,
    reading,
    receive,
    replay,
    retention,
    retry,
    rotation,
    settle,
)

KINDS: Mapping[str, tuple[Promise, type[Model] | None]] = {
    receive.TAKE_IN: (_("Take in a delivery"), WebhookDelivery),
    receive.TAKE_IN_NEWS: (_("Take in what Brevo told"), BrevoAccount),
    ledger.PUSH: (_("Write a person to Brevo"), Person),
    ledger.MISSING_HALF: (_("Fetch the new half of a move"), Booking),
    marking.CATCH_UP: (_("Read a booking that staff marked or canceled"), Booking),
    bulk.GATHER: (_("Prepare an import of many people"), BrevoAccount),
    bulk.ADVANCE: (_("Import many people"), BulkImport),
    ledger.GREET_GUESTS: (_("Make contacts of a booking's guests"), Booking),
    crm_tasks.WRITE: (_("Write a meeting's CRM task"), Booking),
    settle.SETTLE: (_("Look up events of unknown outcome"), BrevoAccount),
    clock.TURN: (_("See what time changes for a person"), Person),
    bulk.CLOSE: (_("Put gathered people into imports"), BulkImport),
    reading.READ: (_("Read bookings from Calendly"), Reading),
    replay.REPLAY: (_("Do log entries once more"), Replay),
    drift_run.RUN: (_("Compare everybody"), None),
    drift_fix.FIX: (_("Mend differences"), Connection),
    drift_fix.LOOK: (_("Compare one person again"), Drift),
    drift_fix.AFTER: (_("Compare again what was mended"), Connection),
    notices.TELL: (_("Tell staff of a trouble"), Notice),
    **{name: (words, None) for name, words in REPEATING.items()},
    links.RUN: (_("Make single-use links"), LinkRun),
    booking_limits.SETTLE: (_("Find out whether a time was booked"), BookingRequest),
    rotation.FORGET_KEY: (_("Stop accepting a former signing key"), Connection),
}
"""Kind of job → in staff's words, and what its subject is."""

SHORTEST = 5  # seconds between two runs


class KindFilter(admin.SimpleListFilter):
    """The kind of work, in words."""

    title = _("work")
    parameter_name = "work"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        """Return every kind."""
        return [(kind, str(words)) for kind, (words, _model) in KINDS.items()]

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
        (None, {"fields": ("state_badge", "work", "subject_link", "why")}),
        (_("When"), {"fields": ("due", "asked", "failures", "attempts")}),
        (_("Technical"), {"fields": ("kind", "dedupe_key", "lane", "worker", "lease_until", "is_wanted_again")}),
    )

    def get_urls(self) -> list[Any]:
        """Add the doctor's page."""
        return [path("doctor/", self.admin_site.admin_view(doctor.show), name=doctor.NAME), *super().get_urls()]

    @admin.display(description=_("work"), ordering="kind")
    def work(self, row: Job) -> str:
        """Return the kind in words."""
        return words_for(row.kind)

    @admin.display(description=_("concerns"))
    def subject_link(self, row: Job) -> SafeString:
        """Return a link to the row it looks at."""
        model = KINDS[row.kind][1] if row.kind in KINDS else None
        return parts.link(model, row.subject, f"{model._meta.verbose_name} #{row.subject}") if model else parts.NOTHING

    @admin.display(description=_("due"), ordering="run_after")
    def due(self, row: Job) -> SafeString:
        """Return when it is started."""
        return parts.age(row.run_after)

    @admin.display(description=_("asked for"), ordering="created_at")
    def asked(self, row: Job) -> SafeString:
        """Return how old it is."""
        return parts.age(row.created_at)

    @admin.display(description=_("last reason to wait"))
    def why(self, row: Job) -> SafeString:
        """Return why it was put back, cut to a line."""
        return parts.long_text(parts.said(row.last_error))

    def offers(self, row: Job) -> Sequence[str]:
        """Offer another try for what was given up."""
        return ("retry",) if row.state == Job.State.FAILED else ()

    @admin.action(description=_("Try again"), permissions=["act"])
    def retry(self, request: HttpRequest, queryset: QuerySet[Job]) -> HttpResponseBase | None:
        """Start jobs again that were given up."""
        page = self.confirm(
            request,
            queryset,
            question=gettext("Try again?"),
            consequence=gettext(
                "Jobs that were given up start again, and what they write is sent to Brevo. The others are left alone."
            ),
            button=gettext("Yes, try again"),
        )
        if page:
            return page
        count = retry.retry_jobs(queryset)
        self.message_user(
            request,
            ngettext("%(count)d job will be tried again.", "%(count)d jobs will be tried again.", count)
            % {"count": count},
        )
        return None


class ScheduleForm(forms.ModelForm):  # type: ignore[type-arg]
    """The two things that staff may change."""

    def clean_every_seconds(self) -> int:
        """Refuse a pace that would keep the worker busy with nothing."""
        seconds = int(self.cleaned_data["every_seconds"])
        if seconds < SHORTEST:
            raise forms.ValidationError(gettext("At least %(count)s seconds.") % {"count": SHORTEST})
        return seconds


@admin.register(Schedule)
class ScheduleAdmin(NoAddOrDelete, ConnectorAdmin[Schedule]):
    """One row per repeating piece of work."""

    form = ScheduleForm
    list_display = ("work", "enabled", "pace", "next_run", "started", "finished", "result")
    ordering = ("name",)
    fields = ("work", "is_enabled", "every_seconds", "next_run", "started", "finished", "result")
    readonly_fields = ("work", "next_run", "started", "finished", "result", "kept")

    def get_fields(self, request: HttpRequest, obj: Schedule | None = None) -> list[Any]:
        """Show what is kept how long beside the work that deletes what is old."""
        fields = super().get_fields(request, obj)
        return [*fields, "kept"] if obj and obj.name == prune.NAME else list(fields)

    @admin.display(description=_("work"), ordering="name")
    def work(self, row: Schedule) -> str:
        """Return the name in words."""
        return words_for(row.name)

    @admin.display(description=_("state"), ordering="is_enabled")
    def enabled(self, row: Schedule) -> SafeString:
        """Return whether it runs."""
        return parts.badge(gettext("On"), Tone.GOOD) if row.is_enabled else parts.badge(gettext("Off"), Tone.WARN)

    @admin.display(description=_("every"), ordering="every_seconds")
    def pace(self, row: Schedule) -> str:
        """Return the time between two runs."""
        return parts.span(row.every_seconds)

    @admin.display(description=_("next run"), ordering="next_run_at")
    def next_run(self, row: Schedule) -> SafeString:
        """Return when it runs next."""
        return parts.age(row.next_run_at) if row.is_enabled else parts.NOTHING

    @admin.display(description=_("last started"), ordering="last_started_at")
    def started(self, row: Schedule) -> SafeString:
        """Return when it last began."""
        return parts.age(row.last_started_at)

    @admin.display(description=_("last finished"), ordering="last_finished_at")
    def finished(self, row: Schedule) -> SafeString:
        """Return when it last ended."""
        return parts.age(row.last_finished_at)

    @admin.display(description=_("last result"), ordering="last_result")
    def result(self, row: Schedule) -> str:
        """Return what the last run said."""
        return parts.said(row.last_result) or "–"

    @admin.display(description=_("what is kept how long"))
    def kept(self, row: Schedule) -> SafeString:
        """Return a line for each kind of thing that is kept for a while only."""
        heads = (gettext("What"), gettext("Kept"), gettext("Goes if from before"), gettext("Setting"))
        return parts.table(heads, [_kept(rule) for rule in retention.RULES], empty="")

    def save_model(self, request: HttpRequest, obj: Schedule, form: Any, change: bool) -> None:
        """Let a shorter interval count from now on, not only after the next run."""
        obj.next_run_at = min(obj.next_run_at, timezone.now() + timedelta(seconds=obj.every_seconds))
        super().save_model(request, obj, form, change)


def _kept(rule: retention.Rule) -> tuple[SafeString | str, ...]:
    before = rule.before(timezone.now())
    if before is None:
        return str(rule.title), gettext("For ever"), parts.NOTHING, rule.setting
    days = ngettext("%(count)d day", "%(count)d days", rule.days) % {"count": rule.days}
    return str(rule.title), days, parts.moment(before), rule.setting


def words_for(kind: str) -> str:
    """Return a kind of job in staff's words."""
    return str(KINDS[kind][0]) if kind in KINDS else kind
