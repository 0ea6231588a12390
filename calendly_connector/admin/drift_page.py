"""Above the list of differences: how the last comparison of each connection went, and the buttons for everybody."""

from dataclasses import dataclass
from typing import Any

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.db.models import Max
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from calendly_connector.admin import asking, audit, drift_words, parts
from calendly_connector.admin.parts import Tone
from calendly_connector.models import Connection, Drift, DriftRun
from calendly_connector.services import connection as connections
from calendly_connector.services import drift_fix, drift_run

COMPARE, FIX_ALL = "calendly_connector_drift_compare", "calendly_connector_drift_fix_all"
MAY = "calendly_connector.change_drift"
MOST = 20  # connections with a box of their own


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """The last comparison of one connection. `total` is 0 while it isn't known how much there is to do."""

    connection: Connection
    badge: SafeString
    age: SafeString
    words: str
    found: list[str]
    is_running: bool = False
    reached: int = 0
    total: int = 0
    may_act: bool = False


def comparisons(user: Any) -> list[Comparison]:
    """Return each connection with its last comparison. Two queries."""
    rows = Connection.objects.order_by("pk").only("pk", "name")[:MOST]
    newest = DriftRun.objects.order_by().values("connection").annotate(last=Max("pk")).values("last")
    runs = {run.connection_id: run for run in DriftRun.objects.filter(pk__in=newest)}
    return [_comparison(row, runs.get(row.pk), may_act=user.has_perm(MAY)) for row in rows]


def _comparison(connection: Connection, run: DriftRun | None, *, may_act: bool) -> Comparison:
    if run is None:
        badge = parts.badge(_("Never compared"), Tone.QUIET)
        return Comparison(connection=connection, badge=badge, age=SafeString(""), words="", found=[], may_act=may_act)
    is_running = run.finished_at is None
    is_listing = run.stage == DriftRun.Stage.LISTING
    return Comparison(
        connection=connection,
        badge=_badge(run),
        age=parts.age(run.finished_at or run.asked_at),
        words=parts.said(run.words) or _("%(count)d people compared so far.") % {"count": run.people},
        found=[] if is_running else _found(run),
        is_running=is_running,
        reached=min(run.offset, run.total) if is_listing else 0,
        total=run.total if is_listing else 0,
        may_act=may_act,
    )


def _badge(run: DriftRun) -> SafeString:
    if run.finished_at is None:
        return parts.badge(run.get_stage_display(), Tone.WAIT)
    if run.stage != DriftRun.Stage.FINISHED:
        return parts.badge(_("Ended early"), Tone.WARN)
    return parts.badge(_("Compared"), Tone.GOOD)


def _found(run: DriftRun) -> list[str]:
    """Return what a comparison found by kind, of what can be fixed and of what is respected."""
    return [
        *drift_words.kinds_in_words(run.counts.get("different", {})),
        *drift_words.kinds_in_words(run.counts.get("respected", {})),
    ]


def compare(request: HttpRequest) -> HttpResponse:
    """Ask for everybody of a connection to be compared now."""
    connection = _posted(request)
    if isinstance(connection, HttpResponse):
        return connection
    drift_run.compare_all(connection, by=request.user.get_username())
    words = _("Everybody of “%(connection)s” is being compared.") % {"connection": connection}
    audit.note(request, connection, words)
    messages.success(request, words)
    return HttpResponseRedirect(parts.list_of(Drift))


def fix_all(request: HttpRequest) -> HttpResponse:
    """Mend whatever can be mended of a connection, after asking."""
    connection = _posted(request)
    if isinstance(connection, HttpResponse):
        return connection
    plan = drift_fix.plan(connection)
    if not plan.fixable:
        words = _("Nothing of “%(connection)s” can be fixed.") % {"connection": connection}
        messages.info(request, " ".join([words, *([_left_words(plan.left)] if plan.left else [])]))
        return HttpResponseRedirect(parts.list_of(Drift))
    if not asking.is_confirmed(request):
        return asking.ask(
            request,
            title=_("Fix all differences?"),
            lines=[str(connection), *_plan_lines(plan)],
            button=_("Yes, fix all"),
            back=parts.list_of(Drift),
            hidden=[("connection", str(connection.pk))],
        )
    count = drift_fix.fix_all(connection, by=request.user.get_username())
    words = fixed_words(count, plan.left)
    audit.note(request, connection, words)
    messages.success(request, words)
    return HttpResponseRedirect(parts.list_of(Drift))


def _plan_lines(plan: drift_fix.Plan) -> list[str]:
    lines = [fix_words(plan.fixable, plan.left), *drift_words.kinds_in_words(plan.why_left)]
    if plan.ignored:
        words = ngettext(
            "%(count)d person's differences are ignored, and stay as they are.",
            "%(count)d people's differences are ignored, and stay as they are.",
            plan.ignored,
        )
        lines.append(words % {"count": plan.ignored})
    return lines


def fix_words(count: int, left: int) -> str:
    """Return what a fix would do."""
    words = ngettext(
        "%(count)d person's differences are mended: bookings are read from Calendly again, the contact is written to "
        "Brevo. Automation events are sent only for what happened within the last 24 hours and was missed.",
        "%(count)d people's differences are mended: bookings are read from Calendly again, contacts are written to "
        "Brevo. Automation events are sent only for what happened within the last 24 hours and was missed.",
        count,
    )
    return " ".join([words % {"count": count}, *([_left_words(left)] if left else [])])


def fixed_words(count: int, left: int) -> str:
    """Return what a fix has begun."""
    words = ngettext(
        "%(count)d person's differences are being fixed.", "%(count)d people's differences are being fixed.", count
    )
    return " ".join([words % {"count": count}, *([_left_words(left)] if left else [])])


def _left_words(count: int) -> str:
    words = ngettext(
        "%(count)d person is left alone, because what was done in Brevo is respected.",
        "%(count)d people are left alone, because what was done in Brevo is respected.",
        count,
    )
    return words % {"count": count}


def _posted(request: HttpRequest) -> Connection | HttpResponse:
    """Return the connection that a button was pressed for; an answer when it may not be."""
    if not request.user.has_perm(MAY):
        raise PermissionDenied
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    text = request.POST.get("connection", "")
    number = int(text) if text.isdecimal() and len(text) < 19 else 0
    found = Connection.objects.select_related("brevo_account")
    return get_object_or_404(found.defer(*connections.SECRETS, "brevo_account__api_key"), pk=number)
