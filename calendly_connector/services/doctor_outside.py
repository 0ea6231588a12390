"""The doctor looks from outside: does our public address answer, and do the clocks agree?"""

from collections.abc import Iterator

from django.utils.translation import gettext as _

from calendly_connector import conf
from calendly_connector.clients import broker, callback
from calendly_connector.clients.callback import CallbackFailed, Problem
from calendly_connector.core.diagnosis import Finding, Symptom, bad, good, unknown, warn
from calendly_connector.services import subscription
from calendly_connector.services.doctor_check import Check, Visit

FAST_CLOCK, WRONG_CLOCK = 20.0, 120.0  # seconds; a delivery that is 180 s off is refused
ALIVE = {"status": "ok"}


def public_address(visit: Visit) -> Iterator[Finding]:
    """Ask /health/live at PUBLIC_URL, from here. What that proves, and what it doesn't, is in the words."""
    url = f"{conf.public_url()}/health/live"
    remedy = _("Mend it, then run `calendly_subscribe --test`, which posts a signed delivery to the same address.")
    try:
        answer = callback.get(url, timeout=visit.patience())
    except CallbackFailed as failed:
        words = subscription.words_for_problem(failed, url)
        if failed.problem is Problem.TIMEOUT:  # we waited less than Calendly would
            words = _("%(url)s doesn't answer in time. Is the port open from the outside?") % {"url": url}
        yield bad(words, remedy, Symptom.NOTHING_ARRIVES)
        return
    if answer != ALIVE:
        words = _("Something answers at %(url)s, but it isn't this software.") % {"url": url}
        yield bad(words, remedy, Symptom.NOTHING_ARRIVES)
        return
    yield good(
        _("%(url)s answers, asked from this machine. That Calendly gets through too, only its deliveries show.")
        % {"url": url}
    )


def word_of_work(visit: Visit) -> Iterator[Finding]:
    """With a broker, Celery's workers hear of work through it alone."""
    if not (url := conf.task_queue_url()):
        return
    try:
        broker.reach(url, seconds=visit.patience()[0])
    except OSError as error:
        yield bad(
            _("The broker that TASK_QUEUE_URL names can't be connected to (%(error)s): Celery's workers stand still.")
            % {"error": error.strerror or type(error).__name__},
            _("See that it runs and that TASK_QUEUE_URL is right; meanwhile `manage.py calendly_worker` needs none."),
            Symptom.NO_WORK,
        )
    else:
        yield good(_("The broker that TASK_QUEUE_URL names can be connected to."))


def clock(visit: Visit) -> Iterator[Finding]:
    """Compare our clock with the Date of what the services answered."""
    for service, ahead in sorted(visit.skews.items()):
        said = {"seconds": abs(round(ahead)), "service": service}
        words = _("This machine's clock is %(seconds)s s ahead of %(service)s's.") % said
        if ahead < 0:
            words = _("This machine's clock is %(seconds)s s behind %(service)s's.") % said
        if abs(ahead) >= FAST_CLOCK:
            make = bad if abs(ahead) >= WRONG_CLOCK else warn
            remedy = _("Switch time synchronisation on (`timedatectl set-ntp true`): deliveries 180 s off are refused.")
            yield make(words, remedy, Symptom.NOTHING_ARRIVES)
        else:
            yield good(_("This machine's clock agrees with %(service)s's.") % said)
    if not visit.skews:
        yield unknown(_("The clocks couldn't be compared: neither service answered."))


ADDRESS = Check(name="public_address", run=public_address, is_online=True)
BROKER = Check(name="broker", run=word_of_work, is_online=True)
CLOCK = Check(name="clock", run=clock, is_online=True)
"""Comes last: it goes by what the services answered to the other checks."""
