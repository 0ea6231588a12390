"""One person in both systems: what we want of the contact beside what Brevo has. Writes nothing."""

from calendly_connector.clients import errors
from calendly_connector.clients.brevo import BrevoClient
from calendly_connector.clients.brevo_contacts import Contact
from calendly_connector.core import difference
from calendly_connector.core.difference import Comparison
from calendly_connector.models import BrevoAccount, Person
from calendly_connector.services import accounts, mapping, push, queue
from calendly_connector.services import connection as connections

PAUSED = "Writing to Brevo is paused, and so is asking it. {}"


def compare(person: Person, *, renew: accounts.Renew = lambda: None) -> Comparison:
    """Ask Brevo for a person's contact, by one call, and compare it with what the ledger says it should be.

    Raises what `accounts.call` raises: queue.Later with words for staff while Brevo can't be asked (also while the
    account is paused), errors.Refused when Brevo refuses the question.
    """
    account = person.connection.brevo_account
    if account.is_paused:
        raise queue.Later(PAUSED.format(account.pause_reason), is_failure=False)
    client = _client(account)
    contact = accounts.call(account, "contacts", lambda: _contact(client, person.email), renew=renew)
    rules = mapping.rules_of(person.connection)
    decision, _ = push.decide_now(person, rules)
    return difference.difference(
        decision,
        contact,
        applied={int(number): what for number, what in person.list_operations.items()},
        attributes=rules.attributes or {},
    )


def _client(account: BrevoAccount) -> BrevoClient:
    """Return the account's client. Without a key nothing is paused: nobody wanted to write."""
    try:
        return connections.brevo_client(account)
    except connections.NotConfigured as error:
        raise queue.Later(str(error), is_failure=False) from error


def _contact(client: BrevoClient, email: str) -> Contact | None:
    try:
        return client.get_contact(email)
    except errors.NotFound:
        return None
