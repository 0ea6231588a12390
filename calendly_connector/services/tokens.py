"""The only way to a Calendly token: from the environment, as stored, or refreshed in time by one process alone.

A refresh token is single use (calendly-api.md §2.4): two processes that spend the same one lose the connection. So a
refresh happens under a lease in the connection's row, and its pair is stored before anybody uses it.
"""

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from django.core.exceptions import ImproperlyConfigured
from django.db import models, transaction
from django.db.models import ExpressionWrapper, Q
from django.db.models.functions import Now
from django.utils import timezone

from calendly_connector import conf
from calendly_connector.clients import errors
from calendly_connector.clients.calendly import CalendlyClient
from calendly_connector.clients.calendly_oauth import CalendlyOAuth, Declined, GrantLost, Tokens
from calendly_connector.models import Connection
from calendly_connector.models.fields import ciphertext, keyring
from calendly_connector.services import queue

logger = logging.getLogger(__name__)

LEEWAY = timedelta(minutes=5)  # a token this close to its end is refreshed by whoever needs one
AHEAD = timedelta(minutes=30)  # and this close, by the schedule
LEASE = timedelta(seconds=60)  # longer than a refresh can take (20 s to connect, 20 s for an answer)
PATIENCE, POLL = 45.0, 0.05  # seconds
WAIT = 60.0  # seconds after which a job looks whether its connection is back

State, Kind = Connection.State, Connection.TokenKind

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
    row = _read(connection.pk)
    if row.token_kind != Kind.OAUTH:
        if row.state == State.RECONNECT:
            raise ReconnectNeeded(row.state_reason)
        return standing_token(row)
    if _lasts(row, LEEWAY):
        return row.access_token
    try:
        return _renewed(row.pk, lambda now: _lasts(now, LEEWAY), is_patient=not _lasts(row))
    except errors.ApiError:
        if _lasts(row):
            return row.access_token  # still good for a moment; the next call tries again
        raise


def present_token(connection: Connection) -> str:
    """Return the token that is there even if Calendly rejected it: to be tested. Raises as `access_token`."""
    row = _read(connection.pk)
    return access_token(connection) if row.token_kind == Kind.OAUTH else standing_token(row)


def refresh_now(connection: Connection, *, rejected: str) -> str:
    """Return another token than the one that Calendly rejected with 401; raise as `access_token`.

    Refreshes only if the rejected token is still the stored one: somebody may have been quicker.
    """
    return _renewed(connection.pk, lambda now: now.access_token != rejected, is_patient=True)


def refuse(connection: Connection) -> ReconnectNeeded:
    """Note that Calendly rejected a token that can't be refreshed; return the error. Work waits for another token."""
    row = _read(connection.pk)
    words = f"{NOT_ACCEPTED} {'on this page.' if row.token_kind == Kind.PERSONAL else 'as CALENDLY_ACCESS_TOKEN.'}"
    _need_reconnect(row.pk, words)
    return ReconnectNeeded(words)


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
            _renewed(pk, lambda now: _lasts(now, AHEAD), is_patient=True)
            done += 1
        except (errors.ApiError, NotConfigured) as error:
            troubles.append(f"{name}: {error}")
    for row in Connection.objects.filter(state=State.RECONNECT).exclude(token_kind=Kind.OAUTH):
        if _is_accepted(row):
            Connection.objects.filter(pk=row.pk, state=State.RECONNECT).update(state=State.CONNECTED, state_reason="")
            troubles.append(f"{row.name}: Calendly accepts the token again.")
    return " ".join([f"{done} refreshed.", *troubles])


def _is_accepted(row: Connection) -> bool:
    """Return whether Calendly accepts a standing token, and it is still the same organization's."""
    try:
        me = CalendlyClient(token=standing_token(row), base_url=conf.calendly_api_url()).get_me()
    except errors.Forbidden:
        return True  # accepted, and not allowed to read whose it is
    except (errors.ApiError, NotConfigured):
        return False
    return row.organization in ("", me.organization)


def store(connection: Connection, tokens: Tokens, **facts: object) -> None:
    """Keep a new grant, and what else is known with it, in a transaction of its own; `connection` is read again."""
    with transaction.atomic(durable=True):
        Connection.objects.filter(pk=connection.pk).update(**_columns(tokens), **facts)
    connection.refresh_from_db()


def hold(connection: Connection) -> None:
    """Keep everybody else from refreshing for the length of a lease, and read the row; raise Unreachable when busy."""
    until = time.monotonic() + PATIENCE
    while not _take_lease(connection.pk):
        if _read(connection.pk).state_reason or time.monotonic() > until:
            raise _busy()
        time.sleep(POLL)
    connection.refresh_from_db()


def release(connection: Connection) -> None:
    """Let the lease go."""
    _release(connection.pk)


def forget(connection: Connection) -> None:
    """Forget a connection's tokens and let its lease go; the environment's connection has its own token again."""
    kind = Kind.ENVIRONMENT if connection.is_environment else Kind.NONE
    Connection.objects.filter(pk=connection.pk).update(
        token_kind=kind,
        access_token="",
        refresh_token="",
        token_expires_at=None,
        refresh_lease_until=None,
        scopes=None,
        state=State.NEW,
        state_reason="",
    )
    connection.refresh_from_db()


def _renewed(pk: int, is_good: Callable[[Connection], bool], *, is_patient: bool) -> str:
    """Return a token for which `is_good`: another process's, if it is quicker, else our own refresh's."""
    until = time.monotonic() + PATIENCE
    while True:
        is_ours = _take_lease(pk)
        row = _read(pk)
        if row.token_kind != Kind.OAUTH or not row.refresh_token:
            raise ReconnectNeeded(row.state_reason or SPENT)
        if is_good(row):
            if is_ours:
                _release(pk)
            return row.access_token
        if is_ours:
            return _refresh(row)
        if not is_patient or row.state_reason or time.monotonic() > until:  # words: the last refresh failed
            raise _busy()
        time.sleep(POLL)


def _refresh(row: Connection) -> str:
    """Spend the row's refresh token, store the new pair, return its access token. The lease is ours."""
    spent = row.refresh_token
    try:
        tokens = application().refresh(spent)
    except GrantLost:
        return _after_lost_grant(row)
    except Declined as error:
        words = f"Calendly refuses our application. Check CALENDLY_CLIENT_ID and CALENDLY_CLIENT_SECRET. {error}"
        Connection.objects.filter(pk=row.pk).update(state=State.RECONNECT, state_reason=words)
        raise ReconnectNeeded(words) from error
    except NotConfigured:
        _release(row.pk)
        raise
    except errors.Unreachable:
        _release(row.pk)  # nothing was sent: the next one may try at once
        raise
    except errors.ApiError as error:
        # The lease stays: nobody tries again before it is over. Only then will we know whether the token is spent.
        words = f"{LOST_ANSWER if error.is_done_unknown else 'Calendly asks us to wait.'} {error}"
        Connection.objects.filter(pk=row.pk).update(state_reason=words)
        raise
    return _store_renewed(row.pk, spent, tokens)


LOST_ANSWER = "The answer to the last renewal of Calendly's token got lost. It is tried again in a minute."


def _after_lost_grant(row: Connection) -> str:
    now = _read(row.pk)
    if now.refresh_token != row.refresh_token and now.access_token:
        _release(row.pk)
        return now.access_token  # our lease ran out and somebody else was quicker, or staff connected anew
    words = SPENT_UNSEEN if row.state_reason.startswith(LOST_ANSWER) else SPENT
    _need_reconnect(row.pk, words, access_token="", refresh_token="", token_expires_at=None)
    raise ReconnectNeeded(words) from None


def _need_reconnect(pk: int, words: str, **changes: object) -> None:
    Connection.objects.filter(pk=pk).update(
        state=State.RECONNECT, state_reason=words, refresh_lease_until=None, **changes
    )
    logger.error("Calendly connection %s needs to be connected again: %s", pk, words)


def _store_renewed(pk: int, spent: str, tokens: Tokens) -> str:
    """Store the pair that replaces `spent`, unless another grant was stored meanwhile: then that one counts."""
    while True:
        row = Connection.objects.annotate(was=ciphertext("refresh_token")).get(pk=pk)
        if row.refresh_token != spent:
            return standing_token(row)
        with transaction.atomic(durable=True):
            mine = Connection.objects.annotate(was=ciphertext("refresh_token")).filter(pk=pk, was=row.was)
            if mine.update(**_columns(tokens)):
                return tokens.access_token


def _columns(tokens: Tokens) -> dict[str, object]:
    return {
        "token_kind": Kind.OAUTH,
        "access_token": tokens.access_token,
        "refresh_token": tokens.refresh_token,
        "token_expires_at": datetime.fromtimestamp(tokens.expires_at, UTC),
        "scopes": sorted(tokens.scopes),
        "refresh_lease_until": None,
        "state": State.CONNECTED,
        "state_reason": "",
    }


def _take_lease(pk: int) -> bool:
    """Take the lease by the database's clock, which all machines share; seen by all before anything is spent."""
    free = Q(refresh_lease_until=None) | Q(refresh_lease_until__lt=Now())
    until = ExpressionWrapper(Now() + LEASE, output_field=models.DateTimeField())
    with transaction.atomic(durable=True):
        return bool(Connection.objects.filter(free, pk=pk).update(refresh_lease_until=until))


def _release(pk: int) -> None:
    Connection.objects.filter(pk=pk).update(refresh_lease_until=None)


def _read(pk: int) -> Connection:
    names = ("token_kind", "access_token", "refresh_token", "token_expires_at", "is_environment", "state")
    return Connection.objects.only(*names, "state_reason").get(pk=pk)


def _lasts(row: Connection, span: timedelta = timedelta(seconds=10)) -> bool:
    """Return whether the stored token is good for longer than `span`."""
    return bool(row.access_token and row.token_expires_at and row.token_expires_at > timezone.now() + span)


def _busy() -> errors.Unreachable:
    return errors.Unreachable(
        "Calendly: the token is being renewed by another process, or its last renewal failed just now; nothing was sent."
    )
