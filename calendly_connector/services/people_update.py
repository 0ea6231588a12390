"""Writes attributes that somebody gives to one person's contact. Lists and opt-outs are never touched by it."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import transaction

from calendly_connector.clients import errors
from calendly_connector.core import attributes
from calendly_connector.core.attributes import Attribute
from calendly_connector.core.decide import PHONE_ATTRIBUTES
from calendly_connector.core.steps import Value
from calendly_connector.models import BrevoAccount, BrevoAttribute, Person, SyncLogEntry
from calendly_connector.models.fields import SecretUnreadableError
from calendly_connector.services import accounts, catalogue, journal, ledger, normalise, queue
from calendly_connector.services import connection as connections

IDENTIFIERS = ("EMAIL", "EXT_ID")
MOST = 100  # attributes at once
LARGEST = 2**53  # numbers beyond it change on their way through JSON
NAMED = 200  # characters of names in the log


class Unfit(Exception):
    """Nothing was written: `problems` says of each attribute what is wrong, with "" for what concerns all of them."""

    def __init__(self, problems: Mapping[str, str]) -> None:
        super().__init__(" ".join(f"{name}: {words}" if name else words for name, words in problems.items()))
        self.problems = dict(problems)


class Unreadable(Unfit):
    """Nothing was written, for nobody could say what fits: Brevo's attributes can't be read. Worth another try."""

    def __init__(self, words: str) -> None:
        super().__init__({"": words})


def update(people_: Sequence[Person], given: Mapping[str, Any], *, by: str, is_dry_run: bool = False) -> dict[str, Any]:
    """Put a write of the given attributes into the outbox of each of these people; return the values as Brevo takes
    them. Raises Unfit, and then nothing is written for anybody."""
    wanted = {name.strip().upper(): value for name, value in given.items()}
    _need_sense(wanted)
    values = {person.pk: _fitted(person, wanted) for person in people_}
    if not is_dry_run:
        with transaction.atomic():
            for person in people_:
                _ask(person, values[person.pk], by=by)
    return journal.plain(values[people_[0].pk])


def _need_sense(wanted: Mapping[str, Any]) -> None:
    """Raise Unfit for what needs no look at Brevo."""
    if not wanted or len(wanted) > MOST:
        raise Unfit({"": f"Give between 1 and {MOST} attributes."})
    problems = {name: words for name, value in wanted.items() if (words := _nonsense(name, value))}
    if problems:
        raise Unfit(problems)


def _nonsense(name: str, value: Any) -> str:
    if name in IDENTIFIERS:
        return "It says who the contact is, and can't be changed here."
    if isinstance(value, int | float) and not -LARGEST <= value <= LARGEST:
        return "The number is larger than Brevo can keep."
    texts = value if isinstance(value, list) else [value]
    if not all(isinstance(each, str | int | float) for each in texts):
        return "Give a text, a number, true or false, or a list of texts."
    if not all(_is_storable(str(each)) for each in (name, *texts)):
        return "It holds a character that can't be stored."
    return ""


def _is_storable(text: str) -> bool:
    return "\0" not in text and text.encode("utf-8", "replace").decode() == text


def _fitted(person: Person, wanted: Mapping[str, Any]) -> dict[str, Value]:
    known = _attributes(person.connection.brevo_account, wanted)
    to_e164 = normalise.e164_for(person.connection.phone_region)
    values: dict[str, Value] = {}
    problems: dict[str, str] = {}
    for name, value in wanted.items():
        try:
            values[name] = _fit(name, value, known, to_e164)
        except attributes.Unfit as unfit:
            problems[name] = f"{unfit}."
    if problems:
        raise Unfit(problems)
    return values


def _fit(name: str, value: Any, known: Mapping[str, Attribute], to_e164: Callable[[str], str]) -> Value:
    value = tuple(map(str, value)) if isinstance(value, list) else value
    if name in PHONE_ATTRIBUTES:
        number = to_e164(str(value))
        if not number:
            raise attributes.Unfit("the phone number can't be understood")
        return number
    if name not in known:
        raise attributes.Unfit(f"Brevo has no attribute {name}; create it there first")
    return attributes.convert(value, known[name])


def _attributes(account: BrevoAccount, wanted: Iterable[str]) -> dict[str, Attribute]:
    """Return Brevo's attributes, read again where that was long ago or one isn't among them; raise Unfit."""
    found = _mirrored(account)
    if catalogue.is_stale(account) or not set(wanted) - PHONE_ATTRIBUTES <= found.keys():
        try:
            client = connections.brevo_client(account)
            work = partial(catalogue.refresh_attributes, account, client)
            accounts.call(account, "contacts", work, renew=lambda: None)
        except (queue.Later, errors.ApiError, SecretUnreadableError, ImproperlyConfigured) as error:
            raise Unreadable(f"Brevo's attributes can't be read, so nothing was written. {error}") from error
        except connections.NotConfigured as error:
            raise Unreadable(str(error)) from error
        found = _mirrored(account)
    return found


def _mirrored(account: BrevoAccount) -> dict[str, Attribute]:
    return {row.name: row.to_value() for row in BrevoAttribute.objects.filter(account=account)}


def _ask(person: Person, values: Mapping[str, Value], *, by: str) -> None:
    names = ", ".join(sorted(values))
    shown = names if len(names) <= NAMED else f"{names[:NAMED]}…"
    SyncLogEntry.objects.create(
        connection_id=person.connection_id,
        person=person,
        kind=SyncLogEntry.Kind.CONTACT,
        summary=f"Set {shown}: asked for by {by}"[:300],
        request={journal.SET: journal.plain(values)},
    )
    ledger.ask_for_push(person)
