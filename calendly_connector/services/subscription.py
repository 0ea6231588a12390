"""Our webhook subscription at Calendly: made, adopted or replaced, never two for one connection."""

import hashlib
import json
import secrets
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.utils import timezone

from calendly_connector import conf
from calendly_connector.clients import callback, errors
from calendly_connector.clients.calendly import CalendlyClient
from calendly_connector.clients.calendly_values import Subscription
from calendly_connector.clients.callback import CallbackFailed, Problem
from calendly_connector.core import health, signature
from calendly_connector.core.trigger import INVITEE_WEBHOOKS
from calendly_connector.models import Connection, WebhookDelivery
from calendly_connector.services import connection as connections

PING = "connector.ping"
"""The name of the delivery that we send ourselves: unknown to `core.interpret`, so nothing would come of it."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What was done: `made`, `kept` or `replaced`, in words."""

    words: str
    uri: str


@dataclass(frozen=True, kw_only=True)
class LoopBack:
    """Whether a delivery posted to our own public address arrived, and what to do if not, in staff's words."""

    is_reached: bool
    words: str


def callback_url(connection: Connection) -> str:
    """Return the address that Calendly posts this connection's deliveries to: each connection has its own."""
    base = f"{conf.public_url()}/webhooks/calendly"
    return base if connection.is_environment else f"{base}/{connection.webhook_token}"


def posts_to_us(row: Subscription, connection: Connection) -> bool:
    """Return whether a subscription posts to this connection's address, with or without a closing slash."""
    return row.callback_url.rstrip("/") == callback_url(connection)


def subscribe(connection: Connection, *, is_dry_run: bool = False, is_forced: bool = False) -> Outcome:
    """Make sure exactly one active subscription with all invitee webhooks posts to this connection.

    A dead or incomplete one is deleted first: creating beside it answers 409 (calendly-api.md §5.2). `is_forced`
    replaces a good one too, which is how a changed signing key takes effect. Subscriptions that post elsewhere are
    never touched. Raises ApiError (`words_for` says it in staff's words), NotConfigured.
    """
    client = connections.calendly_client(connection)
    url, keys = callback_url(connection), connections.signing_keys(connection)
    if not keys:
        raise connections.NotConfigured("There is no signing key: set CALENDLY_WEBHOOK_SIGNING_KEY.")
    ours = _ours(client, connection)
    good = [row for row in ours if not is_forced and is_good(row, connection)]
    if good:
        _delete(client, [row for row in ours if row is not good[0]], is_dry_run)
        words = f"The subscription to {url} is active; nothing to do."
        return _remember(connection, good[0], words, is_dry_run)
    if is_dry_run:
        return Outcome(words=f"Would subscribe {url} ({connection.scope} scope), replacing {len(ours)}.", uri="")
    _delete(client, ours, is_dry_run)
    made, late = _create(client, connection, keys[0])
    replaced = len(ours) + late
    words = f"Subscribed {url} ({connection.scope} scope)" + (f", replacing {replaced}." if replaced else ".")
    return _remember(connection, made, words, is_dry_run)


def words_for(error: errors.ApiError) -> str:
    """Return what staff should do about a refusal or failure of Calendly's around the subscription."""
    if isinstance(error, errors.Unauthorized):
        return f"Calendly doesn't accept this connection any more: connect it again. {error}"
    if isinstance(error, errors.Forbidden) and error.required_scopes:
        lacking = ", ".join(error.required_scopes)
        return f"The Calendly token lacks the scope {lacking}. Connect again and grant it, or make a token that has it."
    if isinstance(error, errors.Forbidden) and "upgrade" in str(error).lower():
        return f"The Calendly account's plan doesn't include webhooks. Upgrade it in Calendly, then try again. {error}"
    if isinstance(error, errors.Forbidden):
        return (
            "The Calendly user's role doesn't allow this. For everybody's bookings they have to be owner or admin of "
            f"the organization; after a change of role, test the connection again. {error}"
        )
    if error.status == 409:
        return (
            "Somebody else's subscription, which this Calendly user may not see, already posts to our address. Ask the "
            f"organization's owner to delete it. {error}"
        )
    return f"Calendly can't be asked just now; it is tried again. {error}" if error.is_retryable else str(error)


def test_loop_back(connection: Connection) -> LoopBack:
    """Answer "can Calendly reach us?": post a signed, harmless delivery to our own public address, and look whether it
    was stored.

    Posts from this machine, which the public address must let in. Never call it inside a transaction: on SQLite, the
    web process could not store what we post.
    """
    url, keys = callback_url(connection), connections.signing_keys(connection)
    if not keys:
        return LoopBack(is_reached=False, words="There is no signing key, so every delivery would be refused.")
    parts = urlsplit(url)
    if parts.scheme != "https" and parts.hostname not in ("localhost", "127.0.0.1", "::1"):
        return LoopBack(is_reached=False, words=f"{url} isn't https. Calendly wants it: set PUBLIC_URL to https://….")
    body = json.dumps({"event": PING, "payload": {"id": secrets.token_urlsafe(16)}}).encode()
    stamp = str(int(timezone.now().timestamp()))
    header = f"t={stamp},v1={signature.sign(body, stamp=stamp, key=keys[0])}"
    try:
        callback.post(url, body=body, signature=header)
    except CallbackFailed as failed:
        return LoopBack(is_reached=False, words=words_for_problem(failed, url))
    return _arrived(connection, body, url)


def _arrived(connection: Connection, body: bytes, url: str) -> LoopBack:
    stored = WebhookDelivery.objects.filter(connection=connection, digest=hashlib.sha256(body).digest())
    if not stored.delete()[0]:  # it has served its purpose, and is nothing of Calendly's
        words = f"Somebody answers at {url}, but the delivery didn't arrive here: is it another installation?"
        return LoopBack(is_reached=False, words=words)
    return LoopBack(is_reached=True, words=f"A signed delivery to {url} arrived. Calendly can reach us.")


def words_for_problem(failed: CallbackFailed, url: str) -> str:
    """Return why an address of ours can't be posted to or read, in staff's words."""
    if failed.problem is Problem.STATUS and failed.detail == "403":
        return (
            f"{url} answered 403. Either something in front of it (a firewall, a log-in page) refuses strangers, or "
            "another installation with another signing key answers there, or this machine's clock is wrong."
        )
    words = {
        Problem.REDIRECT: f"redirects to {failed.detail or 'nowhere'}, and Calendly follows no redirect. Set "
        "PUBLIC_URL to the address it leads to, or stop the redirect for /webhooks/.",
        Problem.STATUS: f"answered {failed.detail}. Look at the log of the web server.",
        Problem.TIMEOUT: "doesn't answer within Calendly's 15 seconds. Is the port open from the outside?",
        Problem.CERTIFICATE: "has a certificate that isn't valid for it (expired, self-signed, another name, or an "
        "incomplete chain).",
        Problem.NAME: "has a host name that can't be found. Check PUBLIC_URL and the DNS.",
        Problem.REFUSED: "can't be connected to. Is the web process running, and the port open? Some networks don't "
        "let a machine call its own public address: then only a real booking shows whether Calendly gets through.",
    }
    return f"{url} {words[failed.problem]}"


def is_good(row: Subscription, connection: Connection) -> bool:
    """Return whether a subscription is active, of the connection's scope, and of all webhooks that we take."""
    return row.state == "active" and row.scope == connection.scope and set(row.events) >= INVITEE_WEBHOOKS


def _create(client: CalendlyClient, connection: Connection, key: str) -> tuple[Subscription, int]:
    """Create the subscription and return it with how many stood in its way: one that appeared since we looked (another
    worker, another scope) is replaced, once."""
    try:
        return _post(client, connection, key), 0
    except errors.Refused as refused:
        if refused.status != 409 or not (rivals := _ours(client, connection)):
            raise
    _delete(client, rivals, is_dry_run=False)
    return _post(client, connection, key), len(rivals)


def _post(client: CalendlyClient, connection: Connection, key: str) -> Subscription:
    return client.create_subscription(
        url=callback_url(connection),
        webhooks=sorted(INVITEE_WEBHOOKS),
        organization=connection.organization,
        scope=connection.scope,
        user=connection.user,
        signing_key=key,
    )


def _ours(client: CalendlyClient, connection: Connection) -> list[Subscription]:
    """Return the subscriptions that post to us. A former scope's count too: their address is taken (409)."""
    return [row for row in all_of(client, connection) if posts_to_us(row, connection)]


def all_of(client: CalendlyClient, connection: Connection) -> list[Subscription]:
    """Return the subscriptions that our token may see, whoever made them. Raises ApiError."""
    found = {row.uri: row for row in _listed(client, connection, connection.scope)}
    other = ({*Connection.Scope} - {Connection.Scope(connection.scope)}).pop()
    with suppress(errors.Forbidden):  # a plain member may not look at the organization's, and can't delete them either
        found |= {row.uri: row for row in _listed(client, connection, other)}
    return list(found.values())


def _listed(client: CalendlyClient, connection: Connection, scope: str) -> list[Subscription]:
    if scope == Connection.Scope.USER and not connection.user:
        return []
    return list(client.list_subscriptions(organization=connection.organization, scope=scope, user=connection.user))


def _delete(client: CalendlyClient, rows: list[Subscription], is_dry_run: bool) -> None:
    for row in rows if not is_dry_run else []:
        client.delete_subscription(row.uri)


def _remember(connection: Connection, row: Subscription, words: str, is_dry_run: bool) -> Outcome:
    if not is_dry_run:
        connection.subscription, connection.subscription_state = row.uri, row.state
        connection.retry_started_at = health.parse_moment(row.retry_started_at)
        connection.save(update_fields=["subscription", "subscription_state", "retry_started_at"])
    return Outcome(words=words, uri=row.uri)
