"""What an erasure means beyond our own tables: the contact in Brevo, and what Calendly keeps. In words for staff."""

import time
from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeVar

from django.db.models import Count
from django.utils import timezone

from calendly_connector.clients import errors
from calendly_connector.core import capabilities
from calendly_connector.models import Booking, BrevoAccount, Connection, CrmTask, Person
from calendly_connector.models.fields import SecretUnreadableError
from calendly_connector.services import accounts, people, queue
from calendly_connector.services import connection as connections

PATIENCE = 15.0  # seconds that Brevo's pace may cost
SCOPE, PLAN = "data_compliance:write", "enterprise"
T = TypeVar("T")

IN_BREVO = "{}: the contact was deleted, and with it that it had opted out: imported again, it would get mail."
NOT_IN_BREVO = "{}: there is no such contact."
TASKS_STAY = "{}: {} in its CRM stay there, for the connector deletes no tasks: delete what you don't need by hand."
STAYS_IN_BREVO = "{}: nobody asked for the contact to be deleted, so it stays there."
BY_HAND = (
    "Calendly keeps its record of the meetings, and the connector can't remove it: delete the person there by hand "
    "(Contacts), or ask Calendly's support to delete the invitee's data."
)


class NotErased(Exception):
    """Nothing here was deleted; the text says why and what to do."""


def brevo_accounts(known: Sequence[Person]) -> list[BrevoAccount]:
    """Return the accounts that hold the person; all of them when we don't know the person."""
    if known:
        return people.accounts_of(known)
    return list(BrevoAccount.objects.filter(connections__isnull=False).distinct().order_by("pk"))


def left_in_brevo(known: Sequence[Person]) -> list[str]:
    """Return words for each account that nobody asked to delete the contact in."""
    return [STAYS_IN_BREVO.format(account) for account in brevo_accounts(known)]


def in_brevo(address: str, known: Sequence[Person]) -> list[str]:
    """Delete the contact in every account that may hold it; return words for each. Raises NotErased at a failure."""
    done: list[str] = []
    for account in brevo_accounts(known):
        try:
            was_there = _patiently(partial(_delete_contact, account, address))
        except (queue.Later, errors.ApiError, connections.NotConfigured, SecretUnreadableError) as error:
            before = f" Done before: {' '.join(done)}" if done else ""
            raise NotErased(f"{_refused(account, error)} Nothing here was deleted.{before}") from error
        done.append((IN_BREVO if was_there else NOT_IN_BREVO).format(account))
    return done


def tasks_in_brevo(known: Sequence[Person]) -> list[str]:
    """Return words for each account in whose CRM tasks of this person's meetings remain."""
    mine = CrmTask.objects.exclude(number="").filter(booking__person__in=known).order_by()
    name = "booking__connection__brevo_account__name"
    found = mine.values_list("booking__connection__brevo_account", name).annotate(Count("pk"))
    return [TASKS_STAY.format(account, _tasks(count)) for _key, account, count in sorted(found)]


def _tasks(count: int) -> str:
    return "1 task" if count == 1 else f"{count} tasks"


def _delete_contact(account: BrevoAccount, address: str) -> bool:
    if account.is_paused:
        raise queue.Later(f"Writing to Brevo is paused: {account.pause_reason}", is_failure=False)
    client = connections.brevo_client(account)
    return accounts.call(account, "contacts", lambda: client.delete_contact(address), renew=lambda: None)


def _refused(account: BrevoAccount, error: Exception) -> str:
    if isinstance(error, errors.ApiError) and error.status == 405:
        return (
            f"{account}: Brevo deletes no contact with the account's own registered address. Change that address in "
            "Brevo, or erase without Brevo."
        )
    return f"{account}: the contact couldn't be deleted. {error} Try again, or erase without Brevo."


def _patiently(work: Callable[[], T]) -> T:
    """Return what a call returns, waiting for the account's pace for a while; raise queue.Later after that."""
    until = time.monotonic() + PATIENCE
    while True:
        try:
            return work()
        except queue.Later as later:
            if later.is_failure or later.seconds is None or time.monotonic() + later.seconds > until:
                raise
            time.sleep(later.seconds)


# -- Calendly -------------------------------------------------------------------------------------------------------


def _connections(known: Sequence[Person]) -> list[Connection]:
    """Return the connections that know the person; all of them when none does."""
    if known:
        return [person.connection for person in known]
    return list(Connection.objects.defer(*people.SECRETS).order_by("pk"))


def to_come(known: Sequence[Person]) -> list[str]:
    """Return words for the meetings that Calendly will hold all the same."""
    count = Booking.objects.filter(person__in=known, status=Booking.Status.BOOKED, end_at__gt=timezone.now()).count()
    words = "meeting of this person is" if count == 1 else "meetings of this person are"
    return [f"{count} {words} still to come: cancel in Calendly what shall not take place."] if count else []


def at_calendly(address: str, known: Sequence[Person], *, is_wanted: bool) -> list[str]:
    """Ask Calendly to delete the person's data where that is wanted and possible; return words for each connection."""
    if not is_wanted:
        return [_why_by_hand(each) for each in _connections(known)]
    return [_asked(each, address) for each in _connections(known)]


def _can_ask(connection: Connection) -> bool:
    granted = connection.scopes
    has_scope = granted is None or not capabilities.missing_scopes([SCOPE], granted)
    return connection.plan == PLAN and has_scope


def _why_by_hand(connection: Connection) -> str:
    """Return what remains at Calendly, why, and what to do."""
    if connection.plan != PLAN:
        plan = f"this account's plan is “{connection.plan}”" if connection.plan else "this account's plan isn't known"
        why = f"Calendly takes such requests on its Enterprise plan only, and {plan}."
    elif not _can_ask(connection):
        why = f"The token lacks the scope {SCOPE}."
    else:
        why = "It wasn't asked to delete it, though its plan allows that (--calendly)."
    return f"{connection}: {BY_HAND} {why}"


def _asked(connection: Connection, address: str) -> str:
    """Return what came of asking Calendly. A refusal stops nothing: it is said, and done by hand."""
    if not _can_ask(connection):
        return _why_by_hand(connection)
    try:
        connections.calendly_client(connection).delete_invitee_data([address])
    except (errors.ApiError, connections.NotConfigured, SecretUnreadableError) as error:
        return f"{connection}: {BY_HAND} It was asked, and said no. {error}"
    return f"{connection}: Calendly was asked to delete the person's data, which takes up to seven days."
