"""Has Brevo tell us of unsubscriptions, bounces and deletions: one webhook of ours, made, repaired, or deleted.

Whatever goes wrong comes back as words: everything else works without it, so nothing is paused for its sake.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TypeVar
from urllib.parse import urlsplit

from django.db import transaction
from django.utils import timezone

from calendly_connector import conf
from calendly_connector.clients import errors
from calendly_connector.clients.brevo import BrevoClient
from calendly_connector.clients.brevo_webhooks import Webhook
from calendly_connector.models import BrevoAccount
from calendly_connector.models.fields import SecretUnreadableError
from calendly_connector.services import accounts, queue, tokens
from calendly_connector.services import connection as connections

EVENTS = frozenset({"unsubscribed", "hardBounce", "spam", "contactDeleted", "contactUpdated"})
"""What Brevo is asked to tell, by the words of `POST /webhooks`."""

LOOPBACK = ("localhost", "127.0.0.1", "::1")
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Whether Brevo tells us now, as far as we know, and what was done or is to be done, in staff's words."""

    is_listening: bool
    words: str


def address_of(account: BrevoAccount) -> str:
    """Return the address that Brevo posts an account's news to."""
    return f"{conf.public_url()}/webhooks/brevo/{account.webhook_token}"


def is_wanted(account: BrevoAccount) -> bool:
    """Return whether somebody wanted Brevo to tell us, and nobody has stopped it since."""
    try:
        return bool(account.webhook_secret)
    except SecretUnreadableError:
        return True


def listen(account: BrevoAccount, *, is_dry_run: bool = False, renew: accounts.Renew = lambda: None) -> Outcome:
    """Make sure that exactly one good webhook of Brevo's posts to us. May be repeated at will; raises nothing."""
    return _in_words(account, partial(_listen, account, is_dry_run=is_dry_run, renew=renew))


def stop(account: BrevoAccount) -> Outcome:
    """Delete our webhook, and believe nobody who still posts. Raises nothing."""
    return _in_words(account, partial(_stop, account))


def _listen(account: BrevoAccount, *, is_dry_run: bool, renew: accounts.Renew) -> Outcome:
    url = address_of(account)
    if why := _why_unreachable(url):
        return Outcome(is_listening=False, words=why)
    client = connections.brevo_client(account)
    if is_dry_run:
        found = _ours(account, client, renew)
        words = "has a webhook for it; it would be checked" if found else "would be asked to"
        return Outcome(is_listening=bool(found), words=f"Brevo tells us of unsubscriptions: it {words}.")
    secret = _secret_of(account)  # kept before Brevo knows it, so that its first word is believed
    ours = _ours(account, client, renew)
    if not ours:
        _remember(account, None)
        number = _call(account, partial(client.create_webhook, url=url, events=EVENTS, token=secret), renew=renew)
        return _remember(account, number, "Brevo tells us of unsubscriptions, bounces and deletions from now on.")
    kept, *others = sorted(ours, key=lambda row: row.id != account.webhook_id)
    for row in others:
        _call(account, partial(client.delete_webhook, row.id), renew=renew)
    if _is_good(kept, account, secret):
        return _remember(account, kept.id, "Brevo tells us of unsubscriptions; nothing to do.")
    _call(account, partial(client.update_webhook, kept.id, url=url, events=EVENTS, token=secret), renew=renew)
    return _remember(account, kept.id, "Brevo tells us of unsubscriptions; its webhook was repaired.")


def _stop(account: BrevoAccount) -> Outcome:
    client = connections.brevo_client(account)
    for row in _ours(account, client, lambda: None):
        _call(account, partial(client.delete_webhook, row.id))
    BrevoAccount.objects.filter(pk=account.pk).update(webhook_secret="")
    account.webhook_secret = ""
    words = "Brevo no longer tells us of unsubscriptions. What it told before is kept, and respected."
    _remember(account, None)
    return Outcome(is_listening=False, words=words)


def _in_words(account: BrevoAccount, work: Callable[[], Outcome]) -> Outcome:
    """Do something, and return what went wrong as words."""
    if account.is_paused:
        words = f"Writing to Brevo is paused, and so is asking it to tell us of unsubscriptions. {account.pause_reason}"
        return _failed(account, words)
    try:
        return work()
    except queue.Later as later:
        return _failed(account, f"Brevo can't be asked just now whether it tells us of unsubscriptions. {later}")
    except errors.ApiError as error:
        return _failed(account, _words_for(error))
    except (connections.NotConfigured, SecretUnreadableError) as error:
        return _failed(account, f"Brevo can't be asked to tell us of unsubscriptions. {error}")


def _failed(account: BrevoAccount, words: str) -> Outcome:
    return Outcome(is_listening=account.webhook_id is not None, words=words)


def _words_for(error: errors.ApiError) -> str:
    """Return what staff should do about a refusal."""
    if isinstance(error, errors.Unauthorized):
        return (
            "Brevo can't be asked to tell us of unsubscriptions: it doesn't accept the API key, or doesn't know this "
            f"machine's address. {error}"
        )
    if isinstance(error, errors.Forbidden | errors.PaymentRequired):
        return (
            "This Brevo account may not make webhooks, so what happens in Brevo isn't heard of here; everything else "
            f"works. Check its plan and permissions, then try again. {error}"
        )
    return (
        "Brevo refused to tell us of unsubscriptions. Is PUBLIC_URL the https:// address under which the world reaches "
        f"this installation, and are fewer than 40 webhooks in the account? {error}"
    )


def _why_unreachable(url: str) -> str:
    """Return why Brevo could never post to an address, "" when it might."""
    parts, brevo = urlsplit(url), urlsplit(conf.brevo_api_url())
    if parts.scheme == "https" or (parts.hostname in LOOPBACK and brevo.hostname in LOOPBACK):
        return ""
    return "Brevo can't tell us of unsubscriptions: PUBLIC_URL isn't the https:// address of this installation."


def _ours(account: BrevoAccount, client: BrevoClient, renew: accounts.Renew) -> list[Webhook]:
    """Return the webhooks that post to our address, with or without a closing slash. Others are never touched."""
    rows = _call(account, client.list_webhooks, renew=renew)
    return [row for row in rows if row.url.rstrip("/") == address_of(account)]


def _is_good(row: Webhook, account: BrevoAccount, secret: str) -> bool:
    """Return whether a webhook needs no repair. Where Brevo doesn't show the token, the one we remember has it."""
    has_token = row.id == account.webhook_id if row.token is None else row.token == secret
    return has_token and row.events >= EVENTS and not row.is_batched


def _secret_of(account: BrevoAccount) -> str:
    """Return the account's secret, made and stored when there is none that can be read; raise NotConfigured."""
    tokens.need_keyring()
    with transaction.atomic():
        row = BrevoAccount.objects.select_for_update().only("webhook_secret").get(pk=account.pk)
        try:
            kept = str(row.webhook_secret)
        except SecretUnreadableError:
            kept = ""
        if not kept:
            kept = row.webhook_secret = secrets.token_urlsafe(32)
            row.save(update_fields=["webhook_secret"])
            account.webhook_id = None  # whatever is there has another one
    account.webhook_secret = kept
    return kept


def _remember(account: BrevoAccount, number: int | None, words: str = "") -> Outcome:
    account.webhook_id, account.webhook_checked_at = number, timezone.now() if number else None
    account.save(update_fields=["webhook_id", "webhook_checked_at"])
    return Outcome(is_listening=number is not None, words=words)


def _call(account: BrevoAccount, work: Callable[[], T], *, renew: accounts.Renew = lambda: None) -> T:
    """Make one call in the account's pace. A refusal is this feature's alone: it is raised, and pauses nothing."""

    def attempt() -> T | errors.Refused:
        try:
            return work()
        except errors.Refused as refused:
            return refused

    found = accounts.call(account, "other", attempt, renew=renew)
    if isinstance(found, errors.Refused):
        raise found
    return found
