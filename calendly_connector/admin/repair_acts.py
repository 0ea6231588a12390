"""What the buttons of the repair page do: each asks first, needs a permission, and answers in words."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.shortcuts import get_object_or_404
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from calendly_connector.admin import asking, audit, brevo_account, parts
from calendly_connector.admin.repair import MAY_CREATE, NAME, TAKE_IN
from calendly_connector.admin.replay import DO, start_all
from calendly_connector.admin.steps import PAUSE_BREVO, PAUSING
from calendly_connector.clients.errors import ApiError
from calendly_connector.core.cause import ATTRIBUTE_MISSING, split
from calendly_connector.core.replay import Wish
from calendly_connector.models import BrevoAccount, Connection, Replay
from calendly_connector.services import (
    accounts,
    chosen,
    field_check,
    field_words,
    new_attributes,
    repair,
    replay,
    retry,
)
from calendly_connector.services import connection as connections

Act = Callable[[HttpRequest], HttpResponse]


@dataclass(frozen=True, kw_only=True)
class Guarded:
    """Something to do, with every permission that it needs; of `any_of`, one will do."""

    do: Act
    needs: str
    any_of: tuple[str, ...] = ()


def act(request: HttpRequest, name: str) -> HttpResponse:
    """Do, or ask about, what a button says."""
    found = ACTS.get(name)
    if found is None:
        raise Http404
    may = request.user.has_perm
    if not may(found.needs) or not (not found.any_of or any(may(each) for each in found.any_of)):
        raise PermissionDenied
    return found.do(request) if request.method == "POST" else HttpResponseNotAllowed(["POST"])


def create(request: HttpRequest) -> HttpResponse:
    """Create a missing attribute in Brevo, then replay what was written without it."""
    connection, cause = _group(request)
    code, name = split(cause)
    if code != ATTRIBUTE_MISSING or not name:
        raise Http404
    kinds = {each.name: each.kind for each in new_attributes.wanted(connection, field_check.known_of(connection))}
    kind = kinds.get(name, "text")
    choice = repair.choice(connection.pk, cause)
    if not asking.is_confirmed(request):
        return _ask(
            request,
            title=_("Create %(name)s and replay?") % {"name": name},
            lines=[
                _("Brevo gets an attribute %(name)s of the type “%(kind)s”.")
                % {"name": name, "kind": field_words.kind_word(kind)}
            ],
            button=_("Yes, create and replay"),
            plans=replay.plan_all(choice, Wish()),
        )
    (outcome,) = new_attributes.create_each(connection, [(name, kind)])
    if outcome.refusal:
        messages.error(request, outcome.refusal)
        return _back()
    words = _("Brevo has an attribute %(name)s now.") % {"name": name}
    audit.note(request, connection, words)
    messages.success(request, words)
    choice = chosen.Chosen.from_json({**choice.to_json(), "up_to": chosen.newest()})
    why = _("%(name)s was created") % {"name": name}
    started = start_all(request, choice, Wish(), why=why)
    return HttpResponseRedirect(parts.page_of(Replay, started[0].pk)) if started else _back()


def read_lists(request: HttpRequest) -> HttpResponse:
    """Read the lists and attributes of a connection's Brevo account again."""
    connection, _cause = _group(request)
    try:
        read = brevo_account.read_brevo(connection.brevo_account)
    except (ApiError, connections.NotConfigured) as error:
        messages.error(request, _("Brevo can't be read: %(error)s") % {"error": error})
    else:
        messages.success(request, _("Read again: %(what)s.") % {"what": read})
    return _back()


def skip(request: HttpRequest) -> HttpResponse:
    """Leave a group out, with a reason."""
    connection, cause = _group(request)
    rows = repair.choice(connection.pk, cause).rows()
    why = asking.reason_in(request)
    if not why:
        return _ask(
            request,
            title=_("Leave these entries out?"),
            lines=[skip_words(rows.count())],
            button=_("Yes, leave them out"),
            reason_label=_("Why?"),
        )
    count = repair.skip(rows, by=request.user.get_username(), why=why)
    audit.note(request, connection, _("Left out %(count)s entries: %(why)s") % {"count": count, "why": why})
    messages.success(request, skipped_words(count, why))
    return _back()


def skip_words(count: int) -> str:
    """Return what leaving out means."""
    words = ngettext(
        "%(count)s entry no longer asks to be mended. What failed isn't sent; what Brevo has stays as it is.",
        "%(count)s entries no longer ask to be mended. What failed isn't sent; what Brevo has stays as it is.",
        count,
    )
    return words % {"count": count}


def skipped_words(count: int, why: str) -> str:
    """Return how many were left out, and why."""
    words = ngettext("%(count)s entry was left out: %(why)s", "%(count)s entries were left out: %(why)s", count)
    return words % {"count": count, "why": why}


def take_in(request: HttpRequest) -> HttpResponse:
    """Take in deliveries again that were left behind for one reason."""
    connection, state, reason = _connection(request), request.POST.get("state", ""), request.POST.get("reason", "")
    rows = repair.deliveries_like(connection.pk, state, reason)
    if not asking.is_confirmed(request):
        return _ask(
            request,
            title=_("Take in again?"),
            lines=[_("They are interpreted again. What they bring anew is written to Brevo.")],
            button=_("Yes, take in again"),
        )
    count = retry.retry_deliveries(rows)
    audit.note(request, connection, _("Took in %(count)s deliveries again") % {"count": count})
    words = ngettext(
        "%(count)s delivery will be taken in again.", "%(count)s deliveries will be taken in again.", count
    )
    messages.success(request, words % {"count": count})
    return _back()


def pause(request: HttpRequest) -> HttpResponse:
    """Stop writing to a Brevo account; bookings are received all the same."""
    account, why = _account(request), asking.reason_in(request)
    if not why:
        return _ask(
            request, title=_("Pause writing?"), lines=[str(PAUSING)], button=_("Yes, pause"), reason_label=_("Why?")
        )
    accounts.pause_for_staff(account, by=request.user.get_username(), why=why)
    audit.note(request, account, _("Paused writing: %(why)s") % {"why": why})
    messages.success(request, _("Writing to %(account)s is paused.") % {"account": account})
    return _back()


def resume(request: HttpRequest) -> HttpResponse:
    """Go on writing to a Brevo account."""
    account = _account(request)
    if not asking.is_confirmed(request):
        lines = [account.pause_reason, _("Everything that waited is sent to Brevo now. Is the cause mended?")]
        return _ask(request, title=_("Resume writing?"), lines=lines, button=_("Yes, resume"))
    accounts.resume(account)
    audit.note(request, account, _("Resumed writing"))
    messages.success(request, _("Writing to %(account)s goes on.") % {"account": account})
    return _back()


ACTS: Mapping[str, Guarded] = {
    "create": Guarded(do=create, needs=DO, any_of=MAY_CREATE),
    "lists": Guarded(do=read_lists, needs=DO),
    "skip": Guarded(do=skip, needs=DO),
    "deliveries": Guarded(do=take_in, needs=TAKE_IN),
    "pause": Guarded(do=pause, needs=PAUSE_BREVO),
    "resume": Guarded(do=resume, needs=PAUSE_BREVO),
}
"""The last part of the address → what happens there."""

CARRIED = ("connection", "cause", "state", "reason", "account")


def _ask(request: HttpRequest, **words: object) -> HttpResponse:
    hidden = [(name, request.POST[name]) for name in CARRIED if name in request.POST]
    return asking.ask(request, hidden=hidden, back=reverse(f"admin:{NAME}"), **words)  # type: ignore[arg-type]


def _back() -> HttpResponseRedirect:
    return HttpResponseRedirect(reverse(f"admin:{NAME}"))


def _group(request: HttpRequest) -> tuple[Connection, str]:
    return _connection(request), request.POST.get("cause", "")


def _connection(request: HttpRequest) -> Connection:
    found = Connection.objects.select_related("brevo_account").defer(*replay.SECRETS)
    return get_object_or_404(found, pk=_number(request, "connection"))


def _account(request: HttpRequest) -> BrevoAccount:
    return get_object_or_404(BrevoAccount.objects.defer("api_key"), pk=_number(request, "account"))


def _number(request: HttpRequest, name: str) -> int:
    text = request.POST.get(name, "")
    return int(text) if text.isdecimal() and len(text) < 19 else 0
