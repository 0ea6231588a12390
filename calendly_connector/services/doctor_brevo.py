"""The doctor looks at a Brevo account: key, address, pause, automation, credits, pace, and whether it tells us news."""

import time
from collections.abc import Iterator
from functools import partial

from django.utils.translation import gettext as _

from calendly_connector.clients import errors
from calendly_connector.core.diagnosis import Finding, Page, Place, Symptom, bad, good, note, warn
from calendly_connector.models import RateLimit
from calendly_connector.models.fields import SecretUnreadableError
from calendly_connector.services import accounts, brevo_listen, limits, setup
from calendly_connector.services import connection as connections
from calendly_connector.services.doctor_check import BrevoLook, Check

LONG_WAIT = 60.0  # seconds


def key(look: BrevoLook) -> Iterator[Finding]:
    """Brevo has to accept the key and this machine's address, and it has to be the same account's as before."""
    refuse = partial(bad, symptom=Symptom.BREVO_REFUSES, place=_page(look))
    new_key = _("Make a key in Brevo (Settings → SMTP & API → API keys) and put it in on the account's page.")
    try:
        setup.refuse_other_account(look.account, look.greeting())
    except (connections.NotConfigured, SecretUnreadableError, setup.OtherAccount) as error:
        yield refuse(str(error), new_key)
    except errors.UnknownAddress as error:
        remedy = _("In Brevo, open Security → Authorised IPs, add this machine's address, then press “Resume writing”.")
        yield refuse(accounts.words_for(error), remedy)
    except errors.Unauthorized as error:
        yield refuse(accounts.words_for(error), new_key)
    except (errors.PaymentRequired, errors.Forbidden) as error:
        yield refuse(accounts.words_for(error), _("Look at Plan and billing in Brevo, then press “Resume writing”."))
    except errors.RateLimited as error:
        yield _wait(look, str(error))
    except errors.ApiError as error:
        words = _("If it lasts, see whether this machine may open https connections, and look at Brevo's status page.")
        yield bad(str(error), words, Symptom.NOTHING_WRITTEN, place=_page(look))
    else:
        yield good(_("Brevo accepts the key and this machine's address."))


def paused(look: BrevoLook) -> Iterator[Finding]:
    """While an account is paused everything waits."""
    if look.account.is_paused:
        words = _("Writing to Brevo is paused.")
        remedy = _("Mend what the reason names, then press “Resume writing” on the page Repair.")
        said = f"{words} {look.account.pause_reason}"
        yield bad(said, remedy, Symptom.BREVO_REFUSES, place=Place(page=Page.REPAIR))
    else:
        yield good(_("Writing to Brevo isn't paused."))


def automation(look: BrevoLook) -> Iterator[Finding]:
    """Without automation the events are kept, and start nothing."""
    if look.greeting().has_automation:
        yield good(_("Marketing automation is on."))
    else:
        words = _("Marketing automation is off in Brevo: events are kept, but start nothing.")
        yield warn(words, _("Switch Automations on in Brevo (Apps, or its plan)."), Symptom.NO_MAIL, place=_page(look))


def credit(look: BrevoLook) -> Iterator[Finding]:
    """Contacts and events cost nothing; the mails that automations send do."""
    left = look.greeting().mails_left
    if left is None:
        yield good(_("Brevo counts no e-mail credits for this plan."))
    elif left <= 0:
        words = _("No e-mail credits are left in Brevo: contacts are written, but automations send nothing.")
        yield warn(words, _("Buy credits in Brevo, or wait for the next period."), Symptom.NO_MAIL, place=_page(look))
    else:
        yield good(_("E-mail credits left in Brevo: %(count)s.") % {"count": left})


def pace(look: BrevoLook) -> Iterator[Finding]:
    """Brevo's 429 makes all workers wait; long waits tell of somebody else who uses the same limit."""
    keys = [limits.key_of(look.account.pk, bucket) for bucket in limits.INTERVALS]
    until = RateLimit.objects.filter(pk__in=keys, blocked_until__lt=limits.PAUSED).values_list(
        "blocked_until", flat=True
    )
    seconds = max([0.0, *until]) - time.time()
    if seconds > LONG_WAIT:
        words = _("Brevo asked us to wait for %(minutes)s minutes more (429).") % {"minutes": round(seconds / 60)}
        yield _wait(look, words)
    else:
        yield good(_("Brevo doesn't hold our calls back."))


def _wait(look: BrevoLook, words: str) -> Finding:
    remedy = _("Nothing is lost: it goes on by itself. If it comes often, see what else uses the same Brevo account.")
    return warn(words, remedy, Symptom.TOO_MANY, place=_page(look))


def news(look: BrevoLook) -> Iterator[Finding]:
    """Whoever unsubscribes in Brevo should not be written to a list again."""
    account = look.account
    remedy = _("Run `manage.py calendly_subscribe`, or press “Listen to Brevo” on the account's page.")
    if account.webhook_id is not None:
        yield good(_("Brevo tells us of unsubscriptions."))
    elif brevo_listen.is_wanted(account):
        words = _("Brevo should tell us of unsubscriptions, but its webhook is gone.")
        yield warn(words, remedy, Symptom.BREVO_REFUSES, place=_page(look))
    else:
        yield note(_("Brevo doesn't tell us of unsubscriptions."), remedy, place=_page(look))


def _page(look: BrevoLook) -> Place:
    return Place(page=Page.ACCOUNT, key=look.account.pk)


CHECKS = (
    Check(name="key", run=key, is_online=True),
    Check(name="paused", run=paused),
    Check(name="automation", run=automation, is_online=True),
    Check(name="credit", run=credit, is_online=True),
    Check(name="pace", run=pace),
    Check(name="news", run=news),
)
