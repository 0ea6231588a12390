"""What staff may do on a connection's page: each step needs a permission, may ask first, and answers in words."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from django.contrib import messages
from django.core.exceptions import ImproperlyConfigured
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from calendly_connector.admin import asking
from calendly_connector.clients import errors
from calendly_connector.models import BrevoAccount, Connection
from calendly_connector.models.fields import SecretUnreadableError
from calendly_connector.services import (
    accounts,
    brevo_listen,
    debug,
    drift_run,
    oauth,
    reread,
    rotation,
    setup,
    subscription,
    wizard,
)
from calendly_connector.services import connection as connections

Text = str | Promise
Told = tuple[int, str]
"""A level of `django.contrib.messages` and words."""

Do = Callable[[HttpRequest, Connection], list[Told]]

CHANGE, CHANGE_BREVO = "calendly_connector.change_connection", "calendly_connector.change_brevoaccount"
MEND = "calendly_connector.change_drift"
PAUSE_BREVO = "calendly_connector.pause_brevoaccount"
PAUSING = _(
    "Nothing is sent to Brevo until writing is resumed. Bookings are still received and taken in; what they call for "
    "waits."
)

EXPECTED = (
    errors.ApiError, connections.NotConfigured, setup.OtherAccount, oauth.NotConnected, ImproperlyConfigured,
    SecretUnreadableError,
)  # fmt: skip
"""What may go wrong and has words for staff. Anything else is a fault of ours."""


@dataclass(frozen=True, kw_only=True)
class Step:
    """One thing to do. With a question, it is asked before anything happens."""

    label: Text
    do: Do
    permission: str = CHANGE
    question: Text = ""
    consequence: Text = ""
    reason_label: Text = ""  # with it, a reason has to be given


def told_of(step: Step, request: HttpRequest, connection: Connection) -> list[Told]:
    """Do a step and return what came of it, whatever that is."""
    try:
        return step.do(request, connection)
    except EXPECTED as error:
        return [(messages.ERROR, words_for(error))]


def words_for(error: Exception) -> str:
    """Return what staff should know of something that went wrong."""
    return subscription.words_for(error) if isinstance(error, errors.ApiError) else str(error)


def save_token(request: HttpRequest, connection: Connection) -> list[Told]:
    """Test and keep a personal access token; a refusal changes nothing."""
    token = request.POST.get("secret", "").strip()
    if not token:
        return [(messages.ERROR, gettext("There was no token in the field, so nothing was changed."))]
    try:
        report = setup.save_calendly_token(connection, token)
    except errors.Unauthorized as error:
        words = gettext("Calendly doesn't accept this token. Was it copied whole, and is it still listed in Calendly?")
        return [
            (messages.ERROR, gettext("%(words)s Nothing was changed. %(error)s") % {"words": words, "error": error})
        ]
    except EXPECTED as error:
        return [(messages.ERROR, gettext("%(error)s Nothing was changed.") % {"error": words_for(error)})]
    return [
        (messages.SUCCESS, gettext("“%(connection)s” is connected.") % {"connection": connection}),
        *_infos(report.lines),
    ]


def save_key(request: HttpRequest, connection: Connection) -> list[Told]:
    """Test and keep a Brevo key; a refusal changes nothing."""
    key, account = request.POST.get("secret", "").strip(), connection.brevo_account
    if not key:
        return [(messages.ERROR, gettext("There was no key in the field, so nothing was changed."))]
    try:
        found = setup.save_brevo_key(account, key)
    except EXPECTED as error:
        is_kept = _is_stored(account, key)
        fate = (
            gettext("The key was saved, but not everything could be read.")
            if is_kept
            else gettext("The key was not saved.")
        )
        return [(messages.ERROR, f"{fate} {words_for_key(error)}")]
    automation = gettext("on") if found.has_automation else gettext("off: events are kept, but start no automation")
    words = gettext("The key belongs to %(name)s and was saved. Marketing automation is %(automation)s.") % {
        "name": account.name,
        "automation": automation,
    }
    return [(messages.SUCCESS, words)]


def words_for_key(error: Exception) -> str:
    """Return what staff should do about a Brevo key that could not be tested, or was refused."""
    if isinstance(error, errors.UnknownAddress):
        return accounts.words_for(error)
    if isinstance(error, errors.Unauthorized):
        return gettext(
            "Brevo doesn't accept it. Was it copied whole, and is it an API key, not an SMTP key? %(error)s"
        ) % {"error": error}
    if isinstance(error, errors.Refused):
        return accounts.words_for(error)
    return (
        gettext("Brevo can't be asked just now; try again. %(error)s") % {"error": error}
        if isinstance(error, errors.ApiError)
        else str(error)
    )


def _is_stored(account: BrevoAccount, key: str) -> bool:
    try:
        return BrevoAccount.objects.get(pk=account.pk).api_key == key
    except (SecretUnreadableError, ImproperlyConfigured):
        return False


def test(request: HttpRequest, connection: Connection) -> list[Told]:
    """Ask both services who we are, and read what they offer."""
    report = wizard.ask_both(connection)
    missing = ", ".join(name for name, _ in report.missing_attributes)
    lacking = (
        [
            (
                messages.WARNING,
                gettext("The mapping names attributes that Brevo lacks: %(missing)s.") % {"missing": missing},
            )
        ]
        if missing
        else []
    )
    return [(messages.SUCCESS, gettext("Both accounts answer.")), *_infos(report.lines), *lacking]


def disconnect(request: HttpRequest, connection: Connection) -> list[Told]:
    """Delete the subscription, revoke the tokens, forget them."""
    done = oauth.disconnect(connection)
    return [
        (messages.SUCCESS, gettext("“%(connection)s” is disconnected.") % {"connection": connection}),
        *_infos(done),
    ]


def subscribe(request: HttpRequest, connection: Connection) -> list[Told]:
    """Make sure that one good subscription posts to us, and that Brevo tells us what happens there."""
    if not connection.organization:
        return [
            (messages.ERROR, gettext("It isn't known whose Calendly account this is. Connect it, or test it, first."))
        ]
    done = subscription.subscribe(connection).words
    heard = brevo_listen.listen(connection.brevo_account)
    return [(messages.SUCCESS, done), (messages.INFO if heard.is_listening else messages.WARNING, heard.words)]


def reach(request: HttpRequest, connection: Connection) -> list[Told]:
    """Post to our own public address."""
    found = wizard.reach(connection)
    return [(messages.SUCCESS if found.is_reached else messages.ERROR, found.words)]


def rotate(request: HttpRequest, connection: Connection) -> list[Told]:
    """Change the signing key, with overlap."""
    return [(messages.SUCCESS, rotation.rotate(connection))]


def read_again(request: HttpRequest, connection: Connection) -> list[Told]:
    """Have everything that changed within a day read again."""
    since = timezone.now() - timedelta(days=1)
    reread.reread(connection, since, why=f"Asked for by {request.user.get_username()}")
    return [
        (
            messages.SUCCESS,
            gettext("The last day is being read again. What was missed is taken in; nothing is doubled."),
        )
    ]


def switch_debug_on(request: HttpRequest, connection: Connection) -> list[Told]:
    """Keep what is said between Calendly, us and Brevo, for a day."""
    debug.switch(connection, is_on=True)
    return [(messages.SUCCESS, gettext("Debug mode is on. It ends by itself tomorrow at this time."))]


def switch_debug_off(request: HttpRequest, connection: Connection) -> list[Told]:
    """Keep nothing more."""
    debug.switch(connection, is_on=False)
    return [(messages.SUCCESS, gettext("Debug mode is off. What was kept goes after a week."))]


def pause(request: HttpRequest, connection: Connection) -> list[Told]:
    """Stop writing to Brevo until staff resume it."""
    account, why = connection.brevo_account, asking.reason_in(request)
    accounts.pause_for_staff(account, by=request.user.get_username(), why=why)
    return [(messages.SUCCESS, gettext("Writing to %(account)s is paused: %(why)s") % {"account": account, "why": why})]


def resume(request: HttpRequest, connection: Connection) -> list[Told]:
    """Go on writing to Brevo."""
    accounts.resume(connection.brevo_account)
    return [
        (
            messages.SUCCESS,
            gettext("Writing to %(brevo_account)s goes on.") % {"brevo_account": connection.brevo_account},
        )
    ]


def compare(request: HttpRequest, connection: Connection) -> list[Told]:
    """Have everybody compared in both services."""
    drift_run.compare_all(connection, by=request.user.get_username())
    words = gettext("Everybody of “%(connection)s” is being compared. What differs is listed under Differences.")
    return [(messages.SUCCESS, words % {"connection": connection})]


def _infos(lines: list[str]) -> list[Told]:
    return [(messages.INFO, line) for line in lines]


STEPS = {
    "token": Step(label=_("Test and save"), do=save_token),
    "key": Step(label=_("Test and save"), do=save_key, permission=CHANGE_BREVO),
    "test": Step(label=_("Test both accounts"), do=test),
    "disconnect": Step(
        label=_("Disconnect"),
        do=disconnect,
        question=_("Disconnect from Calendly?"),
        consequence=_(
            "The webhook subscription is deleted, so that no booking comes in any more. Then the access is "
            "given back to Calendly and forgotten here. Bookings and contacts stay as they are, and the connection "
            "may be connected again."
        ),
    ),
    "subscribe": Step(label=_("Subscribe / repair"), do=subscribe),
    "reach": Step(label=_("Test: can Calendly reach us?"), do=reach),
    "rotate": Step(
        label=_("Change the signing key"),
        do=rotate,
        question=_("Change the signing key?"),
        consequence=_(
            "A new key is made, and Calendly is told by a new subscription. Deliveries signed with the old key "
            "are taken for another day, so that none is lost."
        ),
    ),
    "reread": Step(label=_("Read again the last day"), do=read_again),
    "compare": Step(label=_("Compare now"), do=compare, permission=MEND),
    "debug_on": Step(
        label=_("Switch debug mode on"),
        do=switch_debug_on,
        question=_("Switch debug mode on for a day?"),
        consequence=_(
            "Until this time tomorrow, the headers and bodies of Calendly's deliveries and of our calls to "
            "Calendly and Brevo are kept, for whoever has to find out why something doesn't work. Secrets, names, "
            "e-mail addresses, phone numbers and answers are masked before anything is stored. Records go after a week."
        ),
    ),
    "debug_off": Step(label=_("Switch debug mode off"), do=switch_debug_off),
    "pause": Step(
        label=_("Pause writing"),
        do=pause,
        permission=PAUSE_BREVO,
        question=_("Pause writing?"),
        consequence=PAUSING,
        reason_label=_("Why?"),
    ),
    "resume": Step(
        label=_("Resume writing"),
        do=resume,
        permission=PAUSE_BREVO,
        question=_("Resume writing?"),
        consequence=_("Everything that waited is sent to Brevo now. Is the cause of the pause mended?"),
    ),
}
"""The last part of the address → what happens there."""
