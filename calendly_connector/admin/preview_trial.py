"""Sending a preview to a test address for real: asks first, then shows Brevo's answer to each call."""

from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed
from django.utils.html import format_html
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from calendly_connector.admin import audit, page, parts, preview_asked, preview_rules, preview_words
from calendly_connector.admin.parts import Cell, Tone
from calendly_connector.admin.preview_asked import Asked
from calendly_connector.admin.preview_form import AddressForm
from calendly_connector.models import Connection
from calendly_connector.services import trial
from calendly_connector.services.preview import Preview
from calendly_connector.services.trial import Outcome

PREVIEW, TEST = "preview", "test"
SEND = "calendly_connector.change_connection"


def form_for(request: HttpRequest) -> AddressForm | None:
    """Return the form that begins a test, None for staff who may not send."""
    if not request.user.has_perm(SEND):
        return None
    return AddressForm(initial={"address": getattr(request.user, "email", "")})


def view(request: HttpRequest, connection: Connection) -> HttpResponse:
    """Ask whether to send to a test address, then send. Whatever can't be sent is said in words."""
    if not request.user.has_perm(SEND):
        raise PermissionDenied
    if request.method != "POST":
        return HttpResponseNotAllowed(["POST"])
    asked, form = preview_asked.of_post(connection, request.POST), AddressForm(request.POST)
    plan = _planned(asked, form)
    if plan is None or "confirmed" not in request.POST:
        return _confirm(request, connection, asked, form, plan)
    outcomes = trial.send(plan)
    audit.note(request, connection, _audited(asked, plan, outcomes))
    return _sent(request, connection, asked, plan, outcomes)


def _planned(asked: Asked, form: AddressForm) -> Preview | None:
    """Return what would be sent to the form's address, None with words at the form when nothing may."""
    if not form.is_valid():
        return None
    try:
        return trial.plan(asked.subject, form.cleaned_data["address"])
    except trial.Refused as refused:
        form.add_error("address", str(refused))
        return None


def _confirm(
    request: HttpRequest, connection: Connection, asked: Asked, form: AddressForm, plan: Preview | None
) -> HttpResponse:
    return page.render(
        request,
        connection,
        "preview/confirm.html",
        title=_("Send to a test address for real?"),
        current=PREVIEW,
        subject=asked.title,
        plan=preview_words.words_of(plan, preview_rules.names_of(connection)) if plan else None,
        to=plan.subject.email if plan else "",
        form=form,
        carried=asked.carried,
        test_address=page.address_of(connection, PREVIEW, TEST),
        back=page.address_of(connection, PREVIEW),
    )


def _sent(
    request: HttpRequest, connection: Connection, asked: Asked, plan: Preview, outcomes: list[Outcome]
) -> HttpResponse:
    done = sum(each.is_done for each in outcomes)
    heads = (_("Call"), _("Outcome"), _("Brevo's answer"))
    return page.render(
        request,
        connection,
        "preview/sent.html",
        title=_("Sent to a test address") if done else _("Nothing was sent"),
        current=PREVIEW,
        subject=asked.title,
        to=plan.subject.email,
        table=parts.table(heads, map(_outcome, outcomes), empty=_("There was nothing to send.")),
        is_whole=done == len(outcomes),
        done=ngettext("%(number)s call was made.", "%(number)s calls were made.", done) % {"number": done},
        back=page.address_of(connection, PREVIEW),
    )


def _outcome(outcome: Outcome) -> list[Cell]:
    (words,) = preview_words.calls_of([outcome.call])
    badge = parts.badge(_("Done"), Tone.GOOD) if outcome.is_done else parts.badge(_("Not done"), Tone.BAD)
    call = format_html('{}<span class="cc-why">{} {}</span>', words.title, words.method, words.path)
    return [call, badge, outcome.words]


def _audited(asked: Asked, plan: Preview, outcomes: list[Outcome]) -> str:
    return _("Sent a preview to the test address %(address)s: %(subject)s. %(done)s of %(all)s calls were made.") % {
        "address": plan.subject.email,
        "subject": asked.title,
        "done": sum(each.is_done for each in outcomes),
        "all": len(outcomes),
    }
