"""Hands out ready clients, and keeps the connection that lives in the environment."""

import threading
from collections.abc import Callable
from functools import partial
from typing import TypeVar

from calendly_connector import conf
from calendly_connector.clients.brevo import BrevoClient
from calendly_connector.clients.calendly import CalendlyClient
from calendly_connector.models import BrevoAccount, Connection
from calendly_connector.services import limits, mapping

Client = TypeVar("Client", BrevoClient, CalendlyClient)
Key = tuple[str, str, str]  # service (of which account), secret, base address

_ready = threading.local()  # clients hold sockets, so each thread has its own


class NotConfigured(Exception):
    """A credential is missing; the text says which, and where to put it."""


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


def signing_keys(connection: Connection) -> list[str]:
    """Return the keys that a delivery to this connection may be signed with."""
    key = conf.environment_credentials().calendly_signing_key
    return [key] if connection.is_environment and key else []


def calendly_client(connection: Connection) -> CalendlyClient:
    """Return a client for the connection's Calendly account; raise NotConfigured without a token."""
    token = conf.environment_credentials().calendly_access_token if connection.is_environment else ""
    if not token:
        raise NotConfigured("There is no Calendly token: set CALENDLY_ACCESS_TOKEN.")
    return _cached(("calendly", token, conf.calendly_api_url()), partial(CalendlyClient, token=token))


def brevo_client(account: BrevoAccount) -> BrevoClient:
    """Return a client for a Brevo account; raise NotConfigured without a key."""
    key = conf.environment_credentials().brevo_api_key
    if not key:
        raise NotConfigured("There is no Brevo key: set BREVO_API_KEY.")
    observe = partial(limits.follow, account.pk)
    return _cached(
        (f"brevo:{account.pk}", key, conf.brevo_api_url()), partial(BrevoClient, api_key=key, observe=observe)
    )


def _cached(key: Key, make: Callable[..., Client]) -> Client:
    clients: dict[Key, Client] = _ready.__dict__.setdefault("clients", {})
    if key not in clients:
        clients[key] = make(base_url=key[2])
    return clients[key]
