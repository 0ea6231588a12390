"""Sends a preview to a test address for real: contact, lists, mails that ask, events. Nothing goes into the ledger."""

import time
from dataclasses import dataclass, replace
from functools import partial

from django.core.exceptions import ImproperlyConfigured
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from calendly_connector.clients import errors
from calendly_connector.clients.brevo import BrevoClient
from calendly_connector.clients.rehearsal import PlannedCall
from calendly_connector.core import decide, explain
from calendly_connector.core.decide import PHONE_ATTRIBUTES
from calendly_connector.core.merge import Entry
from calendly_connector.core.rules import RuleSet
from calendly_connector.models import BrevoAccount, Person
from calendly_connector.models.fields import SecretUnreadableError
from calendly_connector.services import accounts, brevo_now, preview, queue
from calendly_connector.services.preview import Act, Preview
from calendly_connector.services.preview_subject import Subject

SUFFIX = "#test"
"""Ends the booking ids of a test: else the search for a real event whose answer was lost might find the test's."""

REAL = gettext_noop(
    "The phone number and the links to cancel and to move the meeting are left out, for they are the real person's."
)
PATIENCE = 5.0  # seconds for all calls of a test to wait for their turn


class Refused(Exception):
    """This address may not be used; the text says why, for staff."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one call. `words` is Brevo's answer, or why the call wasn't made."""

    call: PlannedCall
    words: str
    is_done: bool = False


def plan(subject: Subject, address: str) -> Preview:
    """Return what would be sent to a test address: all that the booking's state asks for, as if it were the first time.

    Raises Refused for an address of somebody who booked.
    """
    address = address.strip().lower()
    if Person.objects.filter(email=address).exists():
        raise Refused(
            _("%(address)s belongs to somebody who booked. Choose an address of your own that never booked.")
            % {"address": address}
        )
    account = subject.connection.brevo_account
    disguised = preview.with_live_attributes(_disguised(subject, address), account)
    before = brevo_now.look_up(account, address)
    decision = None if disguised.is_ignored else disguised.decide()
    asks, unasked = preview.asks_of(decision, (), before, email=address)
    events = [explain.event_of(disguised.last_happening(), rules=disguised.rules)]
    acts = preview.acts_of(decision, before, asks=asks, events=events)
    notes = [*unasked, *([_(REAL)] if subject.row else [])]
    return preview.explained(disguised, decision, before, acts=acts, events=events, notes=notes)


def send(plan: Preview) -> list[Outcome]:
    """Make the calls of a plan, in their order and within the account's pace. After one that fails, none is made."""
    account = plan.subject.connection.brevo_account
    ends_at, outcomes, is_stopped = time.monotonic() + PATIENCE, list[Outcome](), False
    for act, call in zip(plan.acts, plan.calls, strict=True):
        words = _("Not sent, since the call before it failed.") if is_stopped else _sent(account, act, ends_at)
        is_stopped = is_stopped or bool(words)
        outcomes.append(Outcome(call=call, words=words or _("Brevo took it."), is_done=not words))
    return outcomes


def _disguised(subject: Subject, address: str) -> Subject:
    """Return the subject as if all its bookings were the test address's, and nothing had been written for it yet."""
    happening, is_real = subject.last_happening(), subject.row is not None
    disguise = partial(_of_another, address=address, is_real=is_real)
    return replace(
        subject,
        rules=_without_phones(subject.rules) if is_real else subject.rules,
        email=address,
        entry=disguise(subject.entry),
        entries=tuple(map(disguise, subject.entries)),
        happenings=(replace(happening, entry=disguise(happening.entry)),),
        applied={},
        standing=decide.NO_NEWS,
        person=None,
        row=None,
    )


def _without_phones(rules: RuleSet) -> RuleSet:
    """Leave out a real person's numbers: each identifies their own contact."""
    return replace(rules, fields=tuple(rule for rule in rules.fields if rule.attribute not in PHONE_ATTRIBUTES))


def _of_another(entry: Entry, *, address: str, is_real: bool) -> Entry:
    """Return a booking as the test address's. Who tests shall not cancel or move a real meeting by a click."""
    invitee = entry.booking.invitee
    changed = replace(
        invitee,
        email=address,
        uri=invitee.uri + SUFFIX,
        old_invitee=invitee.old_invitee and invitee.old_invitee + SUFFIX,
        cancel_url="" if is_real else invitee.cancel_url,
        reschedule_url="" if is_real else invitee.reschedule_url,
    )
    successor = entry.successor and entry.successor + SUFFIX
    return replace(entry, booking=replace(entry.booking, invitee=changed), successor=successor)


def _sent(account: BrevoAccount, act: Act, ends_at: float) -> str:
    """Make one call; return "" or, in words, what went wrong."""
    if account.is_paused:
        return _("Writing to Brevo is paused: %(reason)s") % {"reason": account.pause_reason}
    try:
        client = accounts.client_of(account)
        accounts.wait_for(account, act.bucket, patience=ends_at - time.monotonic())
        _make(account, act, client)
    except queue.Later as later:
        if accounts.is_outcome_unknown(later):
            return _("No answer came, so it may have been done or not. %(error)s") % {"error": later}
        return _("Not now: %(error)s") % {"error": later}
    except errors.Refused as refused:
        return _("Brevo refused it: %(error)s") % {"error": refused}
    except (SecretUnreadableError, ImproperlyConfigured) as error:
        return str(error)
    return ""


def _make(account: BrevoAccount, act: Act, client: BrevoClient) -> None:
    accounts.call(account, act.bucket, lambda: act.make(client), renew=lambda: None, is_paced=False)
