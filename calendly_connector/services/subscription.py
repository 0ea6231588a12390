"""Our webhook subscription at Calendly: made, adopted or replaced, never two for one connection."""

from dataclasses import dataclass

from calendly_connector import conf
from calendly_connector.clients.calendly import CalendlyClient, Subscription
from calendly_connector.core.trigger import INVITEE_WEBHOOKS
from calendly_connector.models import Connection
from calendly_connector.services import connection as connections


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What was done: `made`, `kept` or `replaced`, in words."""

    words: str
    uri: str


def callback_url(connection: Connection) -> str:
    """Return the address that Calendly posts this connection's deliveries to."""
    base = f"{conf.public_url()}/webhooks/calendly"
    return base if connection.is_environment else f"{base}/{connection.webhook_token}"


def subscribe(connection: Connection, *, is_dry_run: bool = False, is_forced: bool = False) -> Outcome:
    """Make sure exactly one active subscription with all invitee webhooks posts to this connection.

    A dead or incomplete one is deleted first: creating beside it answers 409 (calendly-api.md §5.2). `is_forced`
    replaces a good one too, which is how a changed signing key takes effect. Raises ApiError, NotConfigured.
    """
    client = connections.calendly_client(connection)
    url, keys = callback_url(connection), connections.signing_keys(connection)
    if not keys:
        raise connections.NotConfigured("There is no signing key: set CALENDLY_WEBHOOK_SIGNING_KEY.")
    ours = [row for row in _existing(client, connection) if row.callback_url.rstrip("/") == url]
    good = [row for row in ours if not is_forced and _is_good(row, connection)]
    if good:
        _delete(client, [row for row in ours if row is not good[0]], is_dry_run)
        return _remember(connection, good[0].uri, f"The subscription to {url} is active; nothing to do.", is_dry_run)
    if is_dry_run:
        return Outcome(words=f"Would subscribe {url} ({connection.scope} scope), replacing {len(ours)}.", uri="")
    _delete(client, ours, is_dry_run)
    made = client.create_subscription(
        url=url,
        webhooks=sorted(INVITEE_WEBHOOKS),
        organization=connection.organization,
        scope=connection.scope,
        user=connection.user,
        signing_key=keys[0],
    )
    words = f"Subscribed {url} ({connection.scope} scope)" + (f", replacing {len(ours)}." if ours else ".")
    return _remember(connection, made.uri, words, is_dry_run)


def _is_good(row: Subscription, connection: Connection) -> bool:
    return row.state == "active" and row.scope == connection.scope and set(row.events) >= INVITEE_WEBHOOKS


def _existing(client: CalendlyClient, connection: Connection) -> list[Subscription]:
    """Return the subscriptions we may see. A former scope's counts too: its address is taken (409)."""
    scopes = dict.fromkeys((connection.scope, Connection.Scope.USER.value))
    return [
        row
        for scope in scopes
        for row in client.list_subscriptions(organization=connection.organization, scope=scope, user=connection.user)
    ]


def _delete(client: CalendlyClient, rows: list[Subscription], is_dry_run: bool) -> None:
    for row in rows if not is_dry_run else []:
        client.delete_subscription(row.uri)


def _remember(connection: Connection, uri: str, words: str, is_dry_run: bool) -> Outcome:
    if not is_dry_run:
        connection.subscription = uri
        connection.save(update_fields=["subscription"])
    return Outcome(words=words, uri=uri)
