"""Readings: stretches of time whose bookings are read from Calendly, history, checks and what follows a gap."""

from collections.abc import Sequence
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from calendly_connector.admin import parts, reading_words
from calendly_connector.admin.base import HistoryAdmin
from calendly_connector.admin.filters import titled
from calendly_connector.admin.parts import Tone
from calendly_connector.admin.steps import CHANGE
from calendly_connector.models import EventType, Reading

Kind = Reading.Kind


@admin.register(Reading)
class ReadingAdmin(HistoryAdmin[Reading]):
    """One row per reading."""

    change_form_template = "admin/calendly_connector/reading/change_form.html"
    tones = reading_words.TONES
    list_display = ("when", "state_badge", "kind_badge", "what", "invitees", "news", "held", "connection")
    list_display_links = None
    list_select_related = ("connection",)
    list_filter = ("kind", "state", ("asked_at", titled(_("asked for"))), "connection")
    search_fields = ("why", "words", "asked_by")
    actions = ("pause", "go_on", "cancel")
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ("kind_badge", "asked_why", "result", "connection_link")}),
        (_("What is read"), {"fields": ("from_here", "to_here", "types", "thorough", "told", "reached")}),
        (_("When"), {"fields": ("asked_by", "asked", "finished")}),
    )

    def may_change(self, request: HttpRequest) -> bool:
        """Whoever may ask for a reading may stop one."""
        return request.user.has_perm(CHANGE)

    has_act_permission = may_change

    @admin.display(description=_("age"), ordering="asked_at")
    def when(self, row: Reading) -> SafeString:
        """Return how long ago it was asked for."""
        return parts.age(row.asked_at)

    @admin.display(description=_("kind"), ordering="kind")
    def kind_badge(self, row: Reading) -> SafeString:
        """Return what it is for."""
        return parts.badge(row.get_kind_display(), Tone.QUIET)

    @admin.display(description=_("reading"))
    def what(self, row: Reading) -> SafeString:
        """Return what is read, and why it doesn't go on or what came of it."""
        return parts.with_reason(parts.page_of(Reading, row.pk), parts.name_of(row), row.words or row.why)

    @admin.display(description=_("held back"), ordering="held_back")
    def held(self, row: Reading) -> SafeString | str:
        """Return how many automation events did not leave because of it."""
        return reading_words.held_link(row)

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

    @admin.display(description=_("from"))
    def from_here(self, row: Reading) -> SafeString:
        """Return where it begins: after a gap, with changes since then; else, with meetings that begin then."""
        words = gettext("changes since {}") if row.kind == Kind.GAP else gettext("meetings that begin from {} on")
        return format_html(words, parts.moment(row.since))

    @admin.display(description=_("meetings before"))
    def to_here(self, row: Reading) -> SafeString | str:
        """Return which meetings are left out."""
        return parts.moment(row.until) if row.until else gettext("everything to come")

    @admin.display(description=_("event types"))
    def types(self, row: Reading) -> str:
        """Return which event types are read."""
        found = EventType.objects.filter(connection=row.connection_id, uri__in=row.event_types)
        names = dict(found.values_list("uri", "name"))
        return ", ".join(names.get(uri, uri) for uri in row.event_types) or gettext("all")

    @admin.display(description=_("reads again"))
    def thorough(self, row: Reading) -> str:
        """Return which meetings are read though they were read before."""
        return gettext("every meeting") if row.is_thorough else gettext("what may have changed")

    @admin.display(description=_("automation events"))
    def told(self, row: Reading) -> SafeString | str:
        """Return for what automation events leave."""
        if row.events_since is None:
            return gettext("none")
        if row.kind == Kind.HISTORY:
            return gettext("for every booking that is brought in")
        return format_html(gettext("for what happened from {} on"), parts.moment(row.events_since))

    @admin.display(description=_("read up to"))
    def reached(self, row: Reading) -> SafeString | str:
        """Return how far it has come."""
        return gettext("the end") if row.is_listed else parts.moment(row.listed_to)

    @admin.display(description=_("asked for"))
    def asked(self, row: Reading) -> SafeString:
        """Return when it was asked for."""
        return parts.moment(row.asked_at)

    @admin.display(description=_("finished"))
    def finished(self, row: Reading) -> SafeString:
        """Return when it was over."""
        return parts.moment(row.finished_at)

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kw: Any) -> HttpResponse:
        """Add how far it is."""
        if row := context.get("original"):
            context["progress"] = reading_words.progress_of(row, request)
            context["refresh_seconds"] = reading_words.REFRESH_SECONDS
        return super().render_change_form(request, context, *args, **kw)

    def offers(self, row: Reading) -> Sequence[str]:
        """Offer the ways out of the present state."""
        return reading_words.ways_out(row)

    @admin.action(description=_("Pause the reading"), permissions=["act"])
    def pause(self, request: HttpRequest, queryset: QuerySet[Reading]) -> None:
        """Stop for now."""
        self._do(request, queryset, "pause")

    @admin.action(description=_("Go on"), permissions=["act"])
    def go_on(self, request: HttpRequest, queryset: QuerySet[Reading]) -> None:
        """Go on where it stood."""
        self._do(request, queryset, "go_on")

    @admin.action(description=_("Cancel the reading"), permissions=["act"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Reading]) -> None:
        """End it for good."""
        self._do(request, queryset, "cancel")

    def _do(self, request: HttpRequest, rows: QuerySet[Reading], name: str) -> None:
        verb, _label, words = reading_words.ACTS[name]
        done = [row for row in rows if name in reading_words.ways_out(row) and verb(row)]
        self.message_user(request, words if done else gettext("It isn't in a state for that any more."))
