"""The connect button: to Calendly's consent page and back, and the way out again. Nothing is ever half saved."""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field

from calendly_connector import conf
from calendly_connector.clients import errors
from calendly_connector.clients.calendly_oauth import Declined, GrantLost, Tokens
from calendly_connector.core import capabilities
from calendly_connector.models import Connection
from calendly_connector.services import connection as connections
from calendly_connector.services import grants, setup, tokens
from calendly_connector.services.introduction import TokenReport

logger = logging.getLogger(__name__)

ATTEMPT_LIFE = 1800.0  # seconds: reading a consent page takes minutes; Calendly's code itself lives for ten

Saved = Mapping[str, object]
"""What is kept in the staff session between the two halves."""


class NotConnected(Exception):
    """The attempt to connect failed; the text is for staff. Nothing was changed."""


@dataclass(frozen=True, kw_only=True)
class Start:
    """Where the browser goes, and what its session has to keep for the way back."""

    url: str
    saved: dict[str, object] = field(repr=False)


def redirect_uri() -> str:
    """Return the address that has to be registered with the OAuth application at Calendly, letter for letter."""
    return conf.oauth_application().redirect_uri


def is_offered() -> bool:
    """Return whether there is an OAuth application, so that the button makes sense."""
    return bool(conf.oauth_application().client_id)


def begin(connection: Connection) -> Start:
    """Return where to send the browser of whoever connects; raise NotConfigured without an application."""
    tokens.need_keyring()
    request = tokens.application().authorization(capabilities.NEEDED)
    saved: dict[str, object] = {
        "connection": connection.pk,
        "state": request.state,
        "verifier": request.verifier,
        "at": time.time(),
    }
    return Start(url=request.url, saved=saved)


def finish(connection: Connection, saved: Saved, query: Mapping[str, str]) -> TokenReport:
    """Take what Calendly's redirect brought, and connect; raise NotConnected with words, and nothing has changed.

    `saved` must have been removed from the session before: it is good for one answer, whatever that is.
    """
    if time.time() - float(str(saved["at"])) > ATTEMPT_LIFE:
        raise NotConnected("This attempt to connect took too long. Press “Connect with Calendly” again.")
    grant = _exchange(saved, query)
    try:
        return setup.save_grant(connection, grant)
    except setup.OtherAccount as error:
        _revoke_quietly(grant)
        raise NotConnected(
            f"You chose an account of another Calendly organization than this connection's. {_who_it_was(connection)} "
            "Log in to Calendly as the former account and press the button again, or make a second connection for "
            "the other one. Nothing was changed, and the access just given was taken back."
        ) from error
    except errors.ApiError as error:
        _revoke_quietly(grant)
        raise NotConnected(f"Calendly agreed, but its tokens could not be tested: {error} Try again.") from error


def disconnect(connection: Connection) -> list[str]:
    """Delete the subscription, then revoke the tokens, then forget them; return what was done, in words.

    Each step takes "done already" for done, so that it may be repeated. Raises an ApiError when Calendly can't be
    asked now: then what follows that step is left as it was.
    """
    words = [_delete_subscription(connection)]
    grants.hold(connection)
    try:
        words += _revoke(connection)
    except errors.ApiError:
        grants.release(connection)
        raise
    grants.forget(connection)
    if (
        connection.token_kind == Connection.TokenKind.ENVIRONMENT
        and conf.environment_credentials().calendly_access_token
    ):
        words.append("CALENDLY_ACCESS_TOKEN is still set: remove it there, or this connection uses it.")
    return words


def _exchange(saved: Saved, query: Mapping[str, str]) -> Tokens:
    try:
        return tokens.application().exchange(query, state=str(saved["state"]), verifier=str(saved["verifier"]))
    except GrantLost as error:
        raise NotConnected(
            "Calendly's answer was used already, or is older than ten minutes. Press “Connect with Calendly” again."
        ) from error
    except Declined as error:
        raise NotConnected(_declined(query, error)) from error
    except connections.NotConfigured as error:
        raise NotConnected(str(error)) from error
    except errors.ApiError as error:
        raise NotConnected(
            f"{error} Press “Connect with Calendly” again; if it persists, try in some minutes."
        ) from error


def _declined(query: Mapping[str, str], error: Declined) -> str:
    if query.get("error") == "access_denied":
        return "Calendly was told not to give access, so nothing was changed. You may press the button again any time."
    if error.code == "invalid_client":
        return f"Calendly doesn't know our application. Check CALENDLY_CLIENT_ID and CALENDLY_CLIENT_SECRET. {error}"
    return str(error)


def _who_it_was(connection: Connection) -> str:
    return f"So far it was connected as {connection.user_name}." if connection.user_name else ""


def _revoke_quietly(grant: Tokens) -> None:
    """Give tokens back that nobody will use; when that fails they only wait to be spent."""
    for token in (grant.refresh_token, grant.access_token):
        try:
            tokens.application().revoke(token)
        except errors.ApiError as error:
            logger.warning("Unused tokens could not be revoked: %s", error)


def _delete_subscription(connection: Connection) -> str:
    if not connection.subscription:
        return "There was no webhook subscription."
    try:
        connections.calendly_client(connection).delete_subscription(connection.subscription)
    except (errors.Refused, connections.NotConfigured) as error:
        words = f"The webhook subscription could not be deleted, since Calendly doesn't let us in: {error}"
    else:
        words = "The webhook subscription was deleted."
    Connection.objects.filter(pk=connection.pk).update(subscription="", subscription_state="", retry_started_at=None)
    return words


def _revoke(connection: Connection) -> list[str]:
    if connection.token_kind == Connection.TokenKind.PERSONAL:
        return ["The access token was forgotten here. Delete it in Calendly too: Integrations & apps → API & webhooks."]
    if connection.token_kind != Connection.TokenKind.OAUTH:
        return []
    return [
        _one_revoked(name, token)
        for name, token in (("refresh", connection.refresh_token), ("access", connection.access_token))
        if token
    ] or ["There were no tokens left to revoke."]


def _one_revoked(name: str, token: str) -> str:
    try:
        tokens.application().revoke(token)
    except (errors.Refused, connections.NotConfigured) as error:
        return f"The {name} token was forgotten, but Calendly didn't take it back: {error}"
    return f"The {name} token was revoked."
