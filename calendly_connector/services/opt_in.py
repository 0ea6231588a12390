"""Double opt-in: lets Brevo send the mail that asks. Never to somebody who opted out, never twice by accident."""

from functools import partial

from django.db import transaction

from calendly_connector.clients import errors
from calendly_connector.clients.brevo import BrevoClient
from calendly_connector.core import cause
from calendly_connector.core.lists import ASK
from calendly_connector.models import Person, SyncLogEntry
from calendly_connector.services import accounts, journal, queue

LOST = "The answer was lost, so the mail may have been sent or not. Replay this to send it (again)."
OPTED_OUT = "This person opted out of mail in Brevo, so nobody asks them again."


def ask(client: BrevoClient, step: SyncLogEntry, renew: accounts.Renew) -> None:
    """Ask for one consent, if it still makes sense. Raises queue.Later when it has to wait."""
    account, request = step.connection.brevo_account, step.request
    lists = journal.lists_to_ask_about(step)
    if not lists:
        journal.skipped([step], journal.LEFT_SINCE)
        return
    try:
        contact = accounts.call(account, "contacts", lambda: client.get_contact(step.person.email), renew=renew)
    except errors.NotFound:
        contact = None  # Brevo makes it with the click
    if contact and contact.is_blocked:
        with transaction.atomic():
            journal.skipped([step], OPTED_OUT)
            _note(step, is_asked=False)
        return
    lists = [number for number in lists if contact is None or number not in contact.lists]
    if not lists:
        journal.done([step], "Already on the list, so there was nothing to ask.")
        return
    accounts.wait_for(account, "contacts", patience=accounts.TURN)
    renew()
    journal.sending(step)
    work = partial(
        client.ask_double_opt_in,
        step.person.email,
        lists=lists,
        template=request["template"],
        redirect_url=request["redirect_url"],
    )
    _send(step, partial(accounts.call, account, "contacts", work, renew=renew, is_paced=False))


def _send(step: SyncLogEntry, call: partial[None]) -> None:
    try:
        call()
    except queue.Later as later:
        if accounts.is_outcome_unknown(later):
            journal.failed([step], f"{LOST} {later}", cause=cause.OPT_IN_UNKNOWN)
            return
        journal.waiting(step, str(later))
        raise
    except errors.Refused as refused:
        words = f"Brevo refused to ask. {refused} Is the template active, tagged “optin”, with the link in it?"
        with transaction.atomic():
            journal.failed([step], words, cause=cause.OPT_IN_REFUSED)
            _note(step, is_asked=False)
    else:
        with transaction.atomic():
            journal.done([step], "Brevo sends the mail. The lists are joined when the person clicks.")
            _note(step, is_asked=True)


def _note(step: SyncLogEntry, *, is_asked: bool) -> None:
    """Keep whether a person was asked about a step's lists: who wasn't is asked with their next booking."""
    person = Person.objects.select_for_update().get(pk=step.person_id)
    mine = {str(number) for number in step.request["lists"]}
    others = {number: what for number, what in person.list_operations.items() if number not in mine or what != ASK}
    asked = {number: ASK for number in mine if is_asked and number not in others}
    Person.objects.filter(pk=person.pk).update(list_operations={**others, **asked})
