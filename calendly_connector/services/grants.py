"""A connection's stored Calendly tokens: read, replaced by compare and set, and the lease under which one refreshes.

Only `tokens` and `oauth` use this; everybody else asks `tokens.access_token`.
"""

import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from django.db import models, transaction
from django.db.models import ExpressionWrapper, Q
from django.db.models.functions import Now
from django.utils import timezone

from calendly_connector.clients import errors
from calendly_connector.clients.calendly_oauth import Tokens
from calendly_connector.models import Connection
from calendly_connector.models.fields import ciphertext

LEASE = timedelta(seconds=60)  # longer than a refresh can take (20 s to connect, 20 s for an answer)
PATIENCE, POLL = 45.0, 0.05  # seconds

NONE_LEFT = {"access_token": "", "refresh_token": "", "token_expires_at": None, "refresh_lease_until": None}

State, Kind = Connection.State, Connection.TokenKind


def read(pk: int) -> Connection:
    """Return the row as it is now, with what concerns its tokens."""
    names = ("token_kind", "access_token", "refresh_token", "token_expires_at", "refresh_lease_until")
    return Connection.objects.only(*names, "is_environment", "organization", "state", "state_reason").get(pk=pk)


def lasts(row: Connection, span: timedelta = timedelta(seconds=10)) -> bool:
    """Return whether the stored access token is good for longer than `span`."""
    return bool(row.access_token and row.token_expires_at and row.token_expires_at > timezone.now() + span)


def take_lease(pk: int) -> bool:
    """Take the lease by the database's clock, which all machines share; return False while somebody has it.

    In a transaction of its own, so that all see it before anything is spent; raises RuntimeError inside another one.
    """
    free = Q(refresh_lease_until=None) | Q(refresh_lease_until__lt=Now())
    until = ExpressionWrapper(Now() + LEASE, output_field=models.DateTimeField())
    with transaction.atomic(durable=True):
        return bool(Connection.objects.filter(free, pk=pk).update(refresh_lease_until=until))


def release(row: Connection) -> None:
    """Let the row's lease go, unless it ran out and is somebody else's by now."""
    Connection.objects.filter(pk=row.pk, refresh_lease_until=row.refresh_lease_until).update(refresh_lease_until=None)


def hold(connection: Connection) -> None:
    """Keep everybody from refreshing for the length of a lease, and read the row; raise Unreachable when busy."""
    until = time.monotonic() + PATIENCE
    while not take_lease(connection.pk):
        if read(connection.pk).state_reason or time.monotonic() > until:
            raise busy()
        time.sleep(POLL)
    connection.refresh_from_db()


def busy() -> errors.Unreachable:
    """Return the error of those who don't wait for another's refresh any longer."""
    return errors.Unreachable(
        "Calendly: the token is being renewed by another process, or that failed just now; nothing was sent."
    )


def columns(tokens: Tokens) -> dict[str, object]:
    """Return a grant as columns; with it the connection is well, and the lease is let go.

    Scopes that it doesn't tell are left as they are.
    """
    told = {} if tokens.scopes is None else {"scopes": sorted(tokens.scopes)}
    return {
        "token_kind": Kind.OAUTH,
        "access_token": tokens.access_token,
        "refresh_token": tokens.refresh_token,
        "token_expires_at": datetime.fromtimestamp(tokens.expires_at, UTC),
        **told,
        "refresh_lease_until": None,
        "state": State.CONNECTED,
        "state_reason": "",
    }


def store(connection: Connection, tokens: Tokens, **facts: object) -> None:
    """Keep a new grant, and what else is known with it, in a transaction of its own; `connection` is read again."""
    with transaction.atomic(durable=True):
        Connection.objects.filter(pk=connection.pk).update(**{**facts, **columns(tokens)})
    connection.refresh_from_db()


def replace(pk: int, spent: str, changes: Mapping[str, object]) -> bool:
    """Change a row in a transaction of its own while `spent` is its refresh token; return False when it isn't.

    The secrets are compared, not their ciphertexts: a rotation of keys in between changes nothing.
    """
    while True:
        row = Connection.objects.annotate(was=ciphertext("refresh_token")).get(pk=pk)
        if row.refresh_token != spent:
            return False
        with transaction.atomic(durable=True):
            mine = Connection.objects.annotate(was=ciphertext("refresh_token")).filter(pk=pk, was=row.was)
            if mine.update(**changes):
                return True


def forget(connection: Connection) -> None:
    """Forget a connection's tokens and let its lease go; the environment's connection has its own token again."""
    kind = Kind.ENVIRONMENT if connection.is_environment else Kind.NONE
    changes = {**NONE_LEFT, "token_kind": kind, "scopes": None, "state": State.NEW, "state_reason": ""}
    Connection.objects.filter(pk=connection.pk).update(**changes)
    connection.refresh_from_db()
