"""The set-up: Calendly → Brevo → mapping → test → history. Each step shows how it stands and what to press."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from django import forms
from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from calendly_connector.admin import history_page, page, panels, parts
from calendly_connector.admin.audit import note
from calendly_connector.admin.page import Page
from calendly_connector.admin.parts import Tone
from calendly_connector.admin.steps import CHANGE, EXPECTED, words_for
from calendly_connector.models import Connection, Reading
from calendly_connector.services import backfill, wizard
from calendly_connector.services.wizard import State

NAME = "setup"
BADGES: dict[State, tuple[str | Promise, Tone]] = {
    State.DONE: (gettext_lazy("Done"), Tone.GOOD),
    State.RUNNING: (gettext_lazy("Running"), Tone.WAIT),
    State.SKIPPED: (gettext_lazy("Left out"), Tone.QUIET),
    State.OPEN: (gettext_lazy("To do"), Tone.WARN),
}
TITLES = {
    "calendly": gettext_lazy("Connect Calendly"),
    "brevo": gettext_lazy("Connect Brevo"),
    "mapping": gettext_lazy("Say what goes where"),
    "test": gettext_lazy("Test it"),
    "history": gettext_lazy("Bring in history"),
}
LONGEST_HISTORY = timedelta(days=3650)


class HistoryForm(forms.Form):
    """From when on meetings are brought in."""

    since = forms.DateField(
        label=gettext_lazy("Meetings since"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )

    def clean_since(self) -> date:
        """Refuse the future, and what is before Calendly's time."""
        since: date = self.cleaned_data["since"]
        today = timezone.localdate()
        if not today - LONGEST_HISTORY <= since <= today:
            raise forms.ValidationError(_("Choose a day of the last ten years."))
        return since


@dataclass(frozen=True, kw_only=True)
class Shown:
    """One step as the template shows it."""

    number: int
    name: str
    title: str | Promise
    badge: str
    words: str
    is_open: bool  # the first one that is left to do
    panels: list[panels.Panel]


def view(request: HttpRequest, connection: Connection, rest: str) -> HttpResponse:
    """Show the steps, or take one of the wizard's own."""
    if not rest:
        return _show(request, connection, HistoryForm(initial={"since": timezone.localdate() - timedelta(days=365)}))
    do = ACTIONS.get(rest)
    if do is None or request.method != "POST":
        raise Http404
    if not request.user.has_perm(CHANGE):
        raise PermissionDenied
    return do(request, connection)


PAGE = Page(name=NAME, title=gettext_lazy("Set-up"), view=view)


def _show(request: HttpRequest, connection: Connection, form: HistoryForm) -> HttpResponse:
    looks = wizard.look(connection)
    first = next((step.name for step in looks if not step.is_over), "")
    boxes = {panel.name: panel for panel in panels.panels_of(connection, request.user)}
    steps = [_shown(number, step, first, boxes) for number, step in enumerate(looks, start=1)]
    return page.render(
        request,
        connection,
        "setup.html",
        title=PAGE.title,
        current=NAME,
        steps=steps,
        is_complete=not first,
        form=form,
        may_change=request.user.has_perm(CHANGE),
        back=NAME,
        history=Reading.objects.filter(connection=connection, kind=Reading.Kind.HISTORY).order_by("-asked_at").first(),
        addresses={name: page.address_of(connection, name) for name in ("mapping", "fields", "preview", "history")},
        action=page.address_of(connection, NAME),
    )


def _shown(number: int, step: wizard.Look, first: str, boxes: dict[str, panels.Panel]) -> Shown:
    return Shown(
        number=number,
        name=step.name,
        title=TITLES[step.name],
        badge=parts.badge(*BADGES[step.state]),
        words=step.words,
        is_open=step.name == first,
        panels=[boxes[name] for name in PANELS.get(step.name, ())],
    )


PANELS = {"calendly": ("calendly", "webhooks"), "brevo": ("brevo",)}
"""Step → the boxes of the connection's page that take it."""


def _test(request: HttpRequest, connection: Connection) -> HttpResponse:
    try:
        found = wizard.test(connection)
    except EXPECTED as error:
        found = [(False, words_for(error))]
    for is_well, words in found:
        messages.add_message(request, messages.SUCCESS if is_well else messages.ERROR, words)
    note(request, connection, _("Tested the set-up"))
    return _back(connection)


def _follow_default(request: HttpRequest, connection: Connection) -> HttpResponse:
    count = wizard.follow_default(connection, by=request.user)
    words = ngettext(
        "%(count)d event type follows the default row.", "%(count)d event types follow the default row.", count
    )
    messages.success(request, words % {"count": count})
    note(request, connection, words % {"count": count})
    return _back(connection)


def _bring_in(request: HttpRequest, connection: Connection) -> HttpResponse:
    form = HistoryForm(request.POST)
    if not form.is_valid():
        return _show(request, connection, form)
    since = timezone.make_aware(datetime.combine(form.cleaned_data["since"], time.min))
    try:
        wizard.bring_in_history(connection, since, by=request.user.get_username())
    except backfill.OtherUnderWay as other:
        messages.warning(request, history_page.other_under_way(other.row))
        return _back(connection)
    messages.success(request, _("Bookings are being brought in. You may leave this page: it goes on by itself."))
    note(request, connection, _("Asked for history since %(day)s") % {"day": f"{since:%Y-%m-%d}"})
    return _back(connection)


def _skip_history(request: HttpRequest, connection: Connection) -> HttpResponse:
    wizard.skip_history(connection)
    note(request, connection, _("Left history out"))
    return _back(connection)


def _back(connection: Connection) -> HttpResponseRedirect:
    return HttpResponseRedirect(page.address_of(connection, NAME))


ACTIONS: dict[str, Callable[[HttpRequest, Connection], HttpResponse]] = {
    "test": _test,
    "default": _follow_default,
    "history": _bring_in,
    "no-history": _skip_history,
}
"""The rest of the address → what is done there."""
