"""Replays: the page of the plan, the list of those that were started, and each one's progress."""

import json
import re
import secrets
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar
from urllib.parse import urlencode

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseBadRequest, HttpResponseRedirect, QueryDict
from django.template.response import TemplateResponse
from django.urls import path, reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from calendly_connector.admin import audit, parts
from calendly_connector.admin.base import HistoryAdmin
from calendly_connector.admin.filters import titled
from calendly_connector.admin.parts import Tone
from calendly_connector.core import cause, remedy
from calendly_connector.core.replay import Wish
from calendly_connector.models import Replay, SyncLogEntry
from calendly_connector.services import chosen as choosing
from calendly_connector.services import journal, replay
from calendly_connector.services.chosen import Chosen
from calendly_connector.services.happenings import MARK

PLAN = "calendly_connector_replay_plan"
SEE, DO = "calendly_connector.view_synclogentry", "calendly_connector.change_synclogentry"
FILTERS = {
    "ids": gettext_lazy("Entries"),
    "cause": gettext_lazy("Cause"),
    "states": gettext_lazy("State"),
    "kind": gettext_lazy("Kind"),
    "trigger": gettext_lazy("Trigger"),
    "since": gettext_lazy("Since"),
    "until": gettext_lazy("Before"),
    "email": gettext_lazy("E-mail"),
    "person": gettext_lazy("Person"),
    "search": gettext_lazy("Search"),
}
MARKED = re.compile(rf"(?:^|:){MARK}(\d+)$")  # in what a log entry tells of
MANY = 10_000  # waiting steps that are counted
State = Replay.State


def plan_address(chosen: Chosen) -> str:
    """Return the page that plans a replay of these entries."""
    return f"{reverse(f'admin:{PLAN}')}?{urlencode({'chosen': json.dumps(chosen.to_json())})}"


def plan_view(request: HttpRequest) -> HttpResponse:
    """Show what a replay would do; by POST, start it."""
    if not request.user.has_perm(DO):
        raise PermissionDenied
    asked = request.POST if request.method == "POST" else request.GET
    try:
        chosen = Chosen.from_json(json.loads(asked.get("chosen", "")))
    except (ValueError, RecursionError):
        return HttpResponseBadRequest(_("Choose log entries in the sync log first."))
    wish = _wish(asked)
    if not chosen.up_to:
        chosen = Chosen.from_json({**chosen.to_json(), "up_to": choosing.newest()})
    if request.method == "POST":
        return _start(request, chosen, wish)
    return _show(request, chosen, wish)


def _wish(asked: QueryDict) -> Wish:
    return replay.wish_of(asked.get("rules", Replay.Rules.TODAY), sends_again="again" in asked)


def _show(request: HttpRequest, chosen: Chosen, wish: Wish) -> TemplateResponse:
    plans = replay.plan_all(chosen, wish)
    form = {**chosen.to_json(), "form": secrets.token_urlsafe(12)}  # so that a double click starts one replay
    context = {
        **admin.site.each_context(request),
        "title": _("Replay"),
        "opts": Replay._meta,
        "chosen": json.dumps(form),
        "rules": Replay.Rules.TODAY if wish.is_today else Replay.Rules.THEN,
        "is_today": wish.is_today,
        "sends_again": wish.sends_again,
        "plans": plans,
        "gone": parts.said(replay.gone(chosen)),
        "may_start": any(not plan.is_empty for _connection, plan in plans),
    }
    return TemplateResponse(request, "admin/calendly_connector/replay/plan.html", context)


def _start(request: HttpRequest, chosen: Chosen, wish: Wish) -> HttpResponseRedirect:
    started = start_all(request, chosen, wish)
    if not started:
        messages.warning(request, _("Nothing would be done, so nothing was started."))
        return HttpResponseRedirect(plan_address(chosen))
    return HttpResponseRedirect(parts.page_of(Replay, started[0].pk) if len(started) == 1 else parts.list_of(Replay))


def start_all(request: HttpRequest, chosen: Chosen, wish: Wish, *, why: str = "") -> list[Replay]:
    """Start a replay for each connection of which something would be done, and tell so; one that was started before is
    named in its place."""
    by, started = request.user.get_username(), list[Replay]()
    for connection, plan in replay.plan_all(chosen, wish):
        if plan.is_empty:
            continue
        try:
            row = replay.start(connection, chosen, plan, wish, by=by, why=why)
        except replay.AlreadyStarted as found:
            messages.warning(request, _("This replay has been started already, so it isn't started a second time."))
            started.append(found.row)
            continue
        started.append(row)
        audit.note(request, row, _("Started: %(plan)s") % {"plan": "; ".join(_planned(row))})
        words = ngettext(
            "The replay of %(count)s entry has begun.", "The replay of %(count)s entries has begun.", row.total
        )
        messages.success(request, words % {"count": row.total})
    return started


def title_of(code: str) -> str:
    """Return a cause of the log in staff's words."""
    return _(remedy.remedy_for(code).title) % {"about": cause.split(code)[1]}


def link_of(happening: str) -> SafeString | str:
    """Return a link to the replay that asked for a step, by what the log keeps of it; empty without one."""
    found = MARKED.search(happening)
    return parts.link(Replay, found[1], _("Replayed (replay %(number)s)") % {"number": found[1]}) if found else ""


@admin.register(Replay)
class ReplayAdmin(HistoryAdmin[Replay]):
    """One row per replay."""

    change_form_template = "admin/calendly_connector/replay/change_form.html"
    tones: ClassVar[Mapping[Any, Tone]] = {
        State.RUNNING: Tone.WAIT,
        State.PAUSED: Tone.WARN,
        State.CANCELED: Tone.QUIET,
        State.FINISHED: Tone.GOOD,
    }
    list_display = ("when", "state_badge", "what", "asked_by", "total", "done", "left_out", "connection")
    list_display_links = None
    list_select_related = ("connection",)
    list_filter = ("state", ("asked_at", titled(gettext_lazy("asked for"))), "connection")
    search_fields = ("why", "asked_by")
    actions = ("pause", "go_on", "cancel")
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ("state_badge", "planned", "done", "left_out", "total", "rules", "sends_again")}),
        (gettext_lazy("Which entries"), {"fields": ("choice", "why", "connection_link")}),
        (gettext_lazy("When"), {"fields": ("asked_by", "asked", "finished")}),
    )

    def get_urls(self) -> list[Any]:
        """Add the page of the plan."""
        return [path("plan/", self.admin_site.admin_view(plan_view), name=PLAN), *super().get_urls()]

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        """Whoever sees the log sees what is done with it."""
        may = request.user.has_perm
        return may(SEE) or may(DO) or super().has_view_permission(request, obj)

    def may_change(self, request: HttpRequest) -> bool:
        """Whoever may replay may stop one."""
        return request.user.has_perm(DO)

    has_act_permission = may_change

    @admin.display(description=gettext_lazy("age"), ordering="asked_at")
    def when(self, row: Replay) -> SafeString:
        """Return how long ago it was asked for."""
        return parts.age(row.asked_at)

    @admin.display(description=gettext_lazy("replay"))
    def what(self, row: Replay) -> SafeString:
        """Return what is replayed, and what was planned."""
        return parts.with_reason(parts.page_of(Replay, row.pk), str(row), "; ".join(_planned(row)))

    @admin.display(description=gettext_lazy("plan"))
    def planned(self, row: Replay) -> SafeString:
        """Return what was planned, a line for each effect."""
        return parts.table((_("Planned"),), [(line,) for line in _planned(row)], empty=_("Nothing."))

    @admin.display(description=gettext_lazy("chosen by"))
    def choice(self, row: Replay) -> SafeString:
        """Return the filter."""
        code = str(row.chosen.get("cause", ""))
        words = {**row.chosen, **({"cause": title_of(code)} if code else {})}
        rows = [(str(FILTERS[name]), value) for name, value in parts.pairs(words) if name in FILTERS]
        return parts.table((_("Filter"), _("Value")), rows, empty=_("Every entry."))

    @admin.display(description=gettext_lazy("what was sent before"))
    def sends_again(self, row: Replay) -> str:
        """Return whether events go a second time."""
        return _("Is sent again") if row.sends_events_again else _("Isn't sent again")

    @admin.display(description=gettext_lazy("connection"))
    def connection_link(self, row: Replay) -> SafeString:
        """Return a link to the connection."""
        return parts.link_to(row.connection)

    @admin.display(description=gettext_lazy("asked for"))
    def asked(self, row: Replay) -> SafeString:
        """Return when it was asked for."""
        return parts.moment(row.asked_at)

    @admin.display(description=gettext_lazy("finished"))
    def finished(self, row: Replay) -> SafeString:
        """Return when it was over."""
        return parts.moment(row.finished_at)

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kw: Any) -> HttpResponse:
        """Add how far it is."""
        if context.get("original"):
            context["progress"] = _progress(context["original"])
        return super().render_change_form(request, context, *args, **kw)

    def offers(self, row: Replay) -> Sequence[str]:
        """Offer the ways out of the present state."""
        return {State.RUNNING: ("pause", "cancel"), State.PAUSED: ("go_on", "cancel")}.get(State(row.state), ())

    @admin.action(description=gettext_lazy("Pause the replay"), permissions=["act"])
    def pause(self, request: HttpRequest, queryset: QuerySet[Replay]) -> None:
        """Stop for now."""
        self._do(request, queryset, replay.pause, _("Paused. What it has asked for already goes on."))

    @admin.action(description=gettext_lazy("Go on"), permissions=["act"])
    def go_on(self, request: HttpRequest, queryset: QuerySet[Replay]) -> None:
        """Go on where it stood."""
        self._do(request, queryset, replay.go_on, _("It goes on where it stood."))

    @admin.action(description=gettext_lazy("Cancel the replay"), permissions=["act"])
    def cancel(self, request: HttpRequest, queryset: QuerySet[Replay]) -> None:
        """End it for good."""
        self._do(request, queryset, replay.cancel, _("Canceled. What it has asked for already goes on."))

    def _do(self, request: HttpRequest, rows: QuerySet[Replay], verb: Callable[[Replay], bool], words: str) -> None:
        done = [row for row in rows if verb(row)]
        self.message_user(request, words if done else _("It isn't in a state for that any more."))


def _planned(row: Replay) -> list[str]:
    """Return what was planned, a line for each effect, in the reader's language."""
    return [parts.said(line) for line in row.words.splitlines()]


def _progress(row: Replay) -> dict[str, Any]:
    """Return how far a replay is, and how much of what it asked for still waits."""
    reached = row.done + row.left_out
    waiting = SyncLogEntry.objects.filter(connection=row.connection_id, state__in=journal.OPEN)
    count = len(waiting.values_list("pk")[:MANY])
    words = ngettext("%(count)s step waits to be written.", "%(count)s steps wait to be written.", count)
    counts = {"reached": reached, "total": row.total}
    return {
        "total": max(row.total, 1),
        "reached": min(reached, row.total) if row.total else int(row.state == State.FINISHED),
        "words": _("%(reached)s of %(total)s entries looked at") % counts,
        "waiting": words % {"count": count},
    }
