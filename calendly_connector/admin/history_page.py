"""The page “history” of a connection: bring in what was booked before, and see what the regular check found.

Looking asks Calendly and changes nothing. What is under way shows its progress, and may be paused and canceled.
"""

from collections.abc import Callable

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from calendly_connector.admin import history_look, page, parts, reading_words
from calendly_connector.admin.audit import note
from calendly_connector.admin.history_form import HistoryForm
from calendly_connector.admin.history_look import Look
from calendly_connector.admin.page import Page
from calendly_connector.admin.parts import Cell, Tone
from calendly_connector.admin.steps import CHANGE, EXPECTED
from calendly_connector.admin.sync_log import log_table
from calendly_connector.models import Connection, Reading, Schedule
from calendly_connector.services import backfill, foresight, reading, reconcile

NAME = "history"
Kind, State = Reading.Kind, Reading.State


def view(request: HttpRequest, connection: Connection, rest: str) -> HttpResponse:
    """Show the page, or do what one of its buttons says."""
    if not rest:
        return _show(request, connection, HistoryForm(connection))
    do = ACTIONS.get(rest)
    if do is None or request.method != "POST":
        raise Http404
    if not request.user.has_perm(CHANGE):
        raise PermissionDenied
    if not connection.organization:
        messages.error(request, _("It isn't known whose Calendly account this is. Connect it, or test it, first."))
        return _back(connection)
    return do(request, connection)


PAGE = Page(name=NAME, title=gettext_lazy("History"), view=view)


def _show(request: HttpRequest, connection: Connection, form: HistoryForm, look: Look | None = None) -> HttpResponse:
    history, check = _last(connection, Kind.HISTORY), _last(connection, Kind.CHECK)
    live = [reading_words.progress_of(row, request) for row in (history, check) if row and reading_words.is_live(row)]
    return page.render(
        request,
        connection,
        "history/page.html",
        title=_("A look at history") if look else PAGE.title,
        current=NAME,
        form=form,
        look=look,
        live=live,
        refresh=next((each.refresh for each in live if each.refresh), "") if look is None else "",
        refresh_seconds=reading_words.REFRESH_SECONDS,
        is_open=bool(history and history.finished_at is None),
        last=_told(history),
        check=_checked(connection),
        may_change=request.user.has_perm(CHANGE),
        action=page.address_of(connection, NAME),
        setup=page.address_of(connection, "setup"),
    )


def _last(connection: Connection, kind: Reading.Kind, **filters: object) -> Reading | None:
    row = Reading.objects.filter(connection=connection, kind=kind, **filters).order_by("-asked_at", "-pk").first()
    if row:
        row.connection = connection  # without its secrets, which a lost key would make unreadable
    return row


def _told(row: Reading | None) -> SafeString | str:
    """Return one line about the history that was brought in last; empty while none was, or it is under way."""
    if row is None or reading_words.is_live(row):
        return ""
    return format_html("{} {} {}", reading_words.badge(row), parts.moment(row.finished_at), parts.link_to(row))


def _checked(connection: Connection) -> dict[str, object]:
    """Return what is shown of the regular check."""
    facts: list[tuple[str, Cell]] = []
    held: SafeString | str = ""
    if row := _last(connection, Kind.CHECK, finished_at__isnull=False):
        result = reading_words.result_of(row)
        how = _("every meeting of the last 30 days") if row.is_thorough else _("what may have changed")
        last = format_html("{} {} {}", reading_words.badge(row), parts.moment(row.finished_at), parts.link_to(row))
        facts = [(_("Last check"), last), (_("Looked at"), how), *result.facts]
        held = log_table(reconcile.held_entries(row)) if row.held_back else ""
    else:
        facts = [(_("Last check"), _("None has ended yet."))]
    facts.append((_("Next regular check"), _next_check()))
    every = {"kind__exact": Kind.CHECK.value, "connection__id__exact": connection.pk}
    facts.append((_("Earlier"), parts.link_to_list(Reading, _("All checks"), **every)))
    return {"facts": facts, "held": held}


def _next_check() -> SafeString | str:
    row = Schedule.objects.filter(name="reconcile").first()
    if row is None:
        return _("The worker has not run yet.")
    when = parts.moment(row.next_run_at) if row.is_enabled else parts.badge(_("Off"), Tone.WARN)
    return format_html("{} · {}", when, parts.link_to(row, _("Schedule")))


def _look(request: HttpRequest, connection: Connection) -> HttpResponse:
    """Ask Calendly what there is, and keep nothing."""
    form = HistoryForm(connection, request.POST)
    if not form.is_valid():
        return _show(request, connection, form)
    wish, carried = form.to_wish(), list(form.carried())
    try:
        found = foresight.foresee(backfill.unsaved(connection, wish), bounds=foresight.QUICK)
    except EXPECTED as error:
        look = history_look.refused(error, carried=carried, sends_events=wish.sends_events)
    else:
        look = history_look.look_of(found, carried=carried, sends_events=wish.sends_events)
    return _show(request, connection, form, look)


def _bring_in(request: HttpRequest, connection: Connection) -> HttpResponse:
    form = HistoryForm(connection, request.POST)
    if not form.is_valid():
        return _show(request, connection, form)
    by, before = request.user.get_username(), reading.open_reading(connection, Kind.HISTORY)
    try:
        row = backfill.ask(connection, form.to_wish(), by=by, why=f"Asked for by {by}")
    except backfill.OtherUnderWay as other:
        messages.warning(request, other_under_way(other.row))
        return _back(connection)
    if before == row and before.state == State.RUNNING:
        messages.info(request, _("This history is being brought in already, so it isn't begun a second time."))
    elif before == row:
        messages.success(request, _("It goes on where it stood."))
    else:
        messages.success(request, _("Bookings are being brought in. You may leave this page: it goes on by itself."))
        note(request, connection, _("Asked for history: %(what)s") % {"what": form.words()})
    return _back(connection)


def other_under_way(row: Reading) -> SafeString:
    """Return that another history isn't over, leading to it."""
    words = _("Another history is being brought in ({}). Let it end, or cancel it; then ask again.")
    return format_html(words, parts.link_to(row))


def _check(request: HttpRequest, connection: Connection) -> HttpResponse:
    before = reading.open_reading(connection, Kind.CHECK)
    by = request.user.get_username()
    row = reconcile.ask(connection, is_thorough=True, by=by, why=f"Asked for by {by}")
    if before == row:
        words = _("A check is under way already.")
        if not row.is_thorough:
            words = f"{words} {_('It is a quick one: press again when it is over to read everything.')}"
        messages.info(request, words)
    else:
        messages.success(request, _("The last 30 days and everything to come are being compared with Calendly."))
        note(request, connection, _("Asked for a check"))
    return _back(connection)


def _act(name: str) -> Callable[[HttpRequest, Connection], HttpResponse]:
    verb, label, words = reading_words.ACTS[name]

    def act(request: HttpRequest, connection: Connection) -> HttpResponse:
        row = _chosen(request, connection)
        if name in reading_words.ways_out(row) and verb(row):
            messages.success(request, str(words))
            note(request, connection, f"{label}: {parts.name_of(row)}")
        else:
            messages.warning(request, _("It isn't in a state for that any more."))
        return _back(connection)

    return act


def _chosen(request: HttpRequest, connection: Connection) -> Reading:
    number = request.POST.get("reading", "")
    if not (number.isascii() and number.isdigit() and len(number) < 16):
        raise Http404
    return get_object_or_404(Reading, connection=connection, pk=number)


def _back(connection: Connection) -> HttpResponseRedirect:
    return HttpResponseRedirect(page.address_of(connection, NAME))


ACTIONS: dict[str, Callable[[HttpRequest, Connection], HttpResponse]] = {
    "look": _look,
    "bring-in": _bring_in,
    "check": _check,
    **{name: _act(name) for name in reading_words.ACTS},
}
"""The rest of the address → what is done there."""
