"""Hands out ready clients and signing keys, and makes connections."""

import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from django.db import transaction

from calendly_connector import conf
from calendly_connector.clients.brevo import BrevoClient
from calendly_connector.clients.calendly import CalendlyClient
from calendly_connector.models import BrevoAccount, Connection, DebugRecord
from calendly_connector.models.fields import SecretUnreadableError
from calendly_connector.services import debug, limits, mapping, tokens

Client = TypeVar("Client", BrevoClient, CalendlyClient)
Key = tuple[str, str, str, str]  # service (of which account), secret, base address, whose debug mode is on

NotConfigured = tokens.NotConfigured
ReconnectNeeded = tokens.ReconnectNeeded

MOST_CLIENTS = 32  # per thread; tokens change every two hours, and whose turn is long over is let go
SECRETS = ("access_token", "refresh_token", "signing_key", "previous_signing_key")
"""What pages defer: a secret that can't be read shall not keep them from opening."""

SIGNING = ("token_kind", "signing_key", "previous_signing_key")

_ready = threading.local()  # clients hold sockets, so each thread has its own


def environment_connection() -> Connection:
    """Return the connection configured by environment variables, made with the default mapping on first use."""
    found = Connection.objects.filter(is_environment=True).first()
    if found:
        return found
    account = BrevoAccount.objects.order_by("pk").first() or BrevoAccount.objects.create(name="Brevo")
    made, is_new = Connection.objects.get_or_create(
        is_environment=True, defaults={"name": "Calendly → Brevo", "brevo_account": account}
    )
    if is_new:
        limits.open_buckets(account.pk)
        mapping.create_defaults(made)
    return made


def make_connection(name: str, brevo_account: BrevoAccount) -> Connection:
    """Return a new connection with the default mapping and a signing key of its own; not yet let in by Calendly.

    Raises NotConfigured when secrets can't be stored.
    """
    tokens.need_keyring()
    with transaction.atomic():
        made = Connection.objects.create(name=name, brevo_account=brevo_account, signing_key=new_signing_key())
        limits.open_buckets(brevo_account.pk)
        mapping.create_defaults(made)
    return made


def find(text: str) -> Connection:
    """Return the connection with this id or name; raise NotConfigured with the names that there are."""
    rows = Connection.objects.select_related("brevo_account")
    found = list(rows.filter(name=text)) or list(rows.filter(pk=int(text)) if text.isdecimal() else ())
    if len(found) == 1:
        return found[0]
    known = ", ".join(f"{pk} ({name})" for pk, name in rows.order_by("pk").values_list("pk", "name"))
    problem = f"Several connections are called {text!r}: name one by its id" if found else f"No connection {text!r}"
    raise NotConfigured(f"{problem}. There are: {known or 'none'}.")


def new_signing_key() -> str:
    """Return a key that nobody guesses."""
    return secrets.token_urlsafe(32)


def signing_keys(connection: Connection) -> list[str]:
    """Return the keys that a delivery to this connection may be signed with; the first is for new subscriptions.

    Whatever key we send, Calendly signs the subscriptions of an OAuth application with the application's own
    (calendly-api.md §5.5), which is CALENDLY_WEBHOOK_SIGNING_KEY then.
    """
    from_environment = conf.environment_credentials().calendly_signing_key
    if connection.is_environment and from_environment:
        return [from_environment]
    if connection.get_deferred_fields() & set(SIGNING):
        connection.refresh_from_db(fields=SIGNING)
    is_app = connection.token_kind == Connection.TokenKind.OAUTH
    keys = (from_environment if is_app else "", connection.signing_key, connection.previous_signing_key)
    return [key for key in keys if key]


def rotate_signing_key(connection: Connection) -> None:
    """Give a connection a new signing key; the present one stays accepted until `forget_previous_key`.

    Takes effect with a new subscription: `rotation.rotate` sees to both. While a change is under way, nothing happens.
    """
    if connection.is_environment:
        raise NotConfigured(
            "This connection's key is CALENDLY_WEBHOOK_SIGNING_KEY: change it there and subscribe anew."
        )
    if not _legible(connection, "previous_signing_key"):
        connection.previous_signing_key = _legible(connection, "signing_key")
        connection.signing_key = new_signing_key()
        connection.save(update_fields=["previous_signing_key", "signing_key"])


def _legible(connection: Connection, name: str) -> str:
    """Return a stored secret, empty when no key fits it any more: it can only be replaced then."""
    try:
        return str(getattr(connection, name))
    except SecretUnreadableError:
        return ""


def forget_previous_key(connection_id: int) -> None:
    """Stop accepting the key before the present one."""
    Connection.objects.filter(pk=connection_id).update(previous_signing_key="")


def calendly_client(connection: Connection) -> CalendlyClient:
    """Return a client for the connection's Calendly account, whose token is current at every call.

    Raises NotConfigured without a token, ReconnectNeeded when it isn't accepted any more, ApiError when it is over
    and can't be refreshed now. The client's methods may raise the same.
    """
    token = tokens.access_token(connection)
    ask, renew = partial(tokens.access_token, connection), partial(_renew, connection)
    watched = debug.watched_by(connection)
    witness = debug.witness_for(watched, DebugRecord.Direction.TO_CALENDLY)
    observe = partial(limits.follow_calendly, connection.pk)
    return _cached(
        (f"calendly:{connection.pk}", token, conf.calendly_api_url(), debug.mark_of(watched)),
        partial(CalendlyClient, token=ask, renew=renew, observe=observe, witness=witness),
    )


def brevo_key(account: BrevoAccount) -> str:
    """Return a Brevo account's own key, else BREVO_API_KEY; raise NotConfigured without either."""
    key = account.api_key or conf.environment_credentials().brevo_api_key
    if not key:
        raise NotConfigured("There is no Brevo key: put one in, or set BREVO_API_KEY.")
    return str(key)


def brevo_client(account: BrevoAccount) -> BrevoClient:
    """Return a client for a Brevo account, by its own key or BREVO_API_KEY; raise NotConfigured without either."""
    key = brevo_key(account)
    observe, watched = partial(limits.follow, account.pk), debug.watched_of(account.pk)
    witness = debug.witness_for(watched, DebugRecord.Direction.TO_BREVO)
    return _cached(
        (f"brevo:{account.pk}", key, conf.brevo_api_url(), debug.mark_of(watched)),
        partial(BrevoClient, api_key=key, observe=observe, witness=witness),
    )


def _renew(connection: Connection, rejected: str) -> str:
    return tokens.refresh_now(connection, rejected=rejected)


def _cached(key: Key, make: Callable[..., Client]) -> Client:
    clients: OrderedDict[Key, Client] = _ready.__dict__.setdefault("clients", OrderedDict())
    if key not in clients:
        clients[key] = make(base_url=key[2])
    clients.move_to_end(key)
    while len(clients) > MOST_CLIENTS:
        clients.popitem(last=False)
    return clients[key]
