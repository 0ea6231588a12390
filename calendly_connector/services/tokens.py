"""The only way to a Calendly token: from the environment, as stored, or refreshed in time by one process alone.

A refresh token is single use (calendly-api.md §2.4): two processes that spend the same one lose the connection. So a
refresh happens under a lease in the connection's row, and its pair is stored before anybody uses it.
"""

import logging
import time
from collections.abc import Callable
from datetime import timedelta

from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone

from calendly_connector import conf
from calendly_connector.clients import errors
from calendly_connector.clients.calendly import CalendlyClient
from calendly_connector.clients.calendly_oauth import CalendlyOAuth, Declined, GrantLost
from calendly_connector.models import Connection
from calendly_connector.models.fields import keyring
from calendly_connector.services import grants, queue
from calendly_connector.services.grants import Kind, State

logger = logging.getLogger(__name__)

LEEWAY = timedelta(minutes=5)  # a token this close to its end is refreshed by whoever needs one
AHEAD = timedelta(minutes=30)  # and this close, by the schedule
WAIT = 60.0  # seconds after which a job looks whether its connection is back

SPENT = (
    "Calendly no longer accepts this connection: it was disconnected there, or its login changed. Press “Connect with "
    "Calendly” again. Bookings are kept at Calendly meanwhile and read afterwards."
)
SPENT_UNSEEN = (
    "The answer to the last renewal of Calendly's token got lost on its way, and the token is spent now. Press "
    "“Connect with Calendly” again. Bookings are kept at Calendly meanwhile and read afterwards."
)
NOT_ACCEPTED = (
    "Calendly doesn't accept the access token any more (401): it was deleted, or the account's login changed. Make a "
    "new one in Calendly (Integrations & apps → API & webhooks) and put it in"
)
LOST_ANSWER = "The answer to the last renewal of Calendly's token got lost. It is tried again in a minute."


class NotConfigured(queue.Later):
    """A credential is missing; the text says which, and where to put it.

    Raised through a job, it puts the job back without counting as a failure: work waits for its credential.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason, seconds=WAIT, is_failure=False)


class ReconnectNeeded(NotConfigured):
    """Calendly doesn't let this connection in any more; the text is `Connection.state_reason`."""


def need_keyring() -> None:
    """Raise NotConfigured when secrets can't be stored: to be found out before they are asked for."""
    try:
        keyring()
    except ImproperlyConfigured as error:
        raise NotConfigured(str(error)) from error


def application() -> CalendlyOAuth:
    """Return our OAuth application; raise NotConfigured without one."""
    app = conf.oauth_application()
    if not app.client_id:
        raise NotConfigured(
            "There is no Calendly OAuth application: set CALENDLY_CLIENT_ID and CALENDLY_CLIENT_SECRET, "
            "or use a personal access token."
        )
    return CalendlyOAuth(
        client_id=app.client_id,
        client_secret=app.client_secret,
        auth_url=app.auth_url,
        redirect_uri=app.redirect_uri,
    )


def access_token(connection: Connection) -> str:
    """Return a token that is good for the next minutes. Never call it inside a transaction.

    Raises NotConfigured (ReconnectNeeded when staff have to connect again), or an ApiError when a refresh failed that
    may succeed later and the present token is over.
    """
    row = grants.read(connection.pk)
    if row.token_kind != Kind.OAUTH:
        if row.state == State.RECONNECT:
            raise ReconnectNeeded(row.state_reason)
        return standing_token(row)
    if grants.lasts(row, LEEWAY):
        return row.access_token
    try:
        return _renewed(row.pk, lambda now: grants.lasts(now, LEEWAY), is_patient=not grants.lasts(row))
    except errors.ApiError:
        if grants.lasts(row):
            return row.access_token  # still good for a moment; the next call tries again
        raise


def present_token(connection: Connection) -> str:
    """Return the token that is there even if Calendly rejected it: to be tested. Raises as `access_token`."""
    row = grants.read(connection.pk)
    return access_token(connection) if row.token_kind == Kind.OAUTH else standing_token(row)


def refresh_now(connection: Connection, *, rejected: str) -> str:
    """Return another token than the one that Calendly rejected with 401; raise as `access_token`.

    Refreshes only if the rejected token is still the stored one: somebody may have been quicker. A token that can't be
    refreshed needs staff: that is noted, and work waits.
    """
    row = grants.read(connection.pk)
    if row.token_kind == Kind.OAUTH:
        return _renewed(row.pk, lambda now: now.access_token != rejected, is_patient=True)
    if standing_token(row) != rejected:
        return standing_token(row)
    words = f"{NOT_ACCEPTED} {'on this page.' if row.token_kind == Kind.PERSONAL else 'as CALENDLY_ACCESS_TOKEN.'}"
    Connection.objects.filter(pk=row.pk).update(state=State.RECONNECT, state_reason=words)
    logger.error("Calendly connection %s needs another token: %s", row.pk, words)
    raise ReconnectNeeded(words)


def standing_token(connection: Connection) -> str:
    """Return the stored token, or the environment's for its connection; raise NotConfigured without one."""
    if connection.access_token:
        return connection.access_token
    if connection.token_kind == Kind.OAUTH:
        raise ReconnectNeeded(connection.state_reason or SPENT)
    token = conf.environment_credentials().calendly_access_token if connection.is_environment else ""
    if token:
        return token
    where = "set CALENDLY_ACCESS_TOKEN" if connection.is_environment else "connect it with the button, or put one in"
    raise NotConfigured(f"There is no Calendly token: {where}.")


def refresh_due() -> str:
    """Refresh every token that ends within half an hour; return what was done, in words. For the schedule.

    Tokens that can't be refreshed and were rejected are tried again: the environment may hold another one by now, and
    a service in trouble has been known to say 401.
    """
    soon = timezone.now() + AHEAD
    due = Connection.objects.filter(token_kind=Kind.OAUTH).exclude(token_expires_at__gt=soon)
    done, troubles = 0, []
    for pk, name in due.values_list("pk", "name"):
        try:
            _renewed(pk, lambda now: grants.lasts(now, AHEAD), is_patient=True)
            done += 1
        except (errors.ApiError, NotConfigured) as error:
            troubles.append(f"{name}: {error}")
    for row in Connection.objects.filter(state=State.RECONNECT).exclude(token_kind=Kind.OAUTH):
        if _is_accepted(row):
            Connection.objects.filter(pk=row.pk, state=State.RECONNECT).update(state=State.CONNECTED, state_reason="")
            troubles.append(f"{row.name}: Calendly accepts the token again.")
    return " ".join([f"Tokens refreshed: {done}.", *troubles])


def _is_accepted(row: Connection) -> bool:
    """Return whether Calendly accepts a standing token, and it is still the same organization's."""
    try:
        me = CalendlyClient(token=standing_token(row), base_url=conf.calendly_api_url()).get_me()
    except errors.Forbidden:
        return True  # accepted, and not allowed to read whose it is
    except (errors.ApiError, NotConfigured):
        return False
    return row.organization in ("", me.organization)


def _renewed(pk: int, is_good: Callable[[Connection], bool], *, is_patient: bool) -> str:
    """Return a token for which `is_good`: another process's, if it is quicker, else our own refresh's."""
    until = time.monotonic() + grants.PATIENCE
    while True:
        is_ours = grants.take_lease(pk)
        row = grants.read(pk)
        is_lost = row.token_kind != Kind.OAUTH or not row.refresh_token
        if is_ours and not is_lost and not is_good(row):
            return _refresh(row)
        if is_ours:
            grants.release(row)
        if is_lost:
            raise ReconnectNeeded(row.state_reason or SPENT)
        if is_good(row):
            return row.access_token
        if not is_patient or row.state_reason or time.monotonic() > until:  # words: the last refresh failed
            raise grants.busy()
        time.sleep(grants.POLL)


def _refresh(row: Connection) -> str:
    """Spend the row's refresh token, store the new pair, return its access token. The lease is ours."""
    try:
        renewed = application().refresh(row.refresh_token)
    except GrantLost:
        return _after_lost_grant(row)
    except Declined as error:
        words = f"Calendly refuses our application. Check CALENDLY_CLIENT_ID and CALENDLY_CLIENT_SECRET. {error}"
        grants.replace(row.pk, row.refresh_token, {"state": State.RECONNECT, "state_reason": words})
        raise ReconnectNeeded(words) from error
    except (NotConfigured, errors.Unreachable):
        grants.release(row)  # nothing was sent: the next one may try at once
        raise
    except errors.ApiError as error:
        # The lease stays: nobody tries again before it is over. Only then will we know whether the token is spent.
        words = f"{LOST_ANSWER if error.is_done_unknown else 'Calendly asks us to wait.'} {error}"
        grants.replace(row.pk, row.refresh_token, {"state_reason": words})
        raise
    if grants.replace(row.pk, row.refresh_token, grants.columns(renewed)):
        return renewed.access_token
    return standing_token(grants.read(row.pk))  # staff connected anew, or disconnected, meanwhile: that counts


def _after_lost_grant(row: Connection) -> str:
    """Ask for a new connection, unless our lease ran out and somebody else's refresh or connection is there."""
    words = SPENT_UNSEEN if row.state_reason.startswith(LOST_ANSWER) else SPENT
    lost = {**grants.NONE_LEFT, "state": State.RECONNECT, "state_reason": words}
    if not grants.replace(row.pk, row.refresh_token, lost):
        return standing_token(grants.read(row.pk))
    logger.error("Calendly connection %s needs to be connected again: %s", row.pk, words)
    raise ReconnectNeeded(words) from None
