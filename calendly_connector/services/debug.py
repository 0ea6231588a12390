"""Debug mode: while it is on, a connection's deliveries and calls are kept, without secrets and people.

It ends by itself. Whoever keeps a record is never stopped by it: what can't be kept is logged and forgotten.
"""

import hashlib
import logging
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from calendly_connector import conf, masking
from calendly_connector.clients.http import Exchange, Witness
from calendly_connector.core import redact
from calendly_connector.models import Connection, DebugRecord, WebhookDelivery

logger = logging.getLogger(__name__)

LENGTH = timedelta(hours=24)
LONGEST_BODY, LONGEST_ADDRESS = 20_000, 500
LARGEST = 1_048_576  # bytes of a body that is looked at; to mask more would keep the caller waiting
Direction = DebugRecord.Direction

_watched: dict[int, tuple[float, dict[int, datetime]]] = {}  # account → until when it is known, and who is watched


def switch(connection: Connection, *, is_on: bool, length: timedelta = LENGTH) -> None:
    """Begin, or begin anew, for a day; or end."""
    connection.debug_until = timezone.now() + length if is_on else None
    connection.save(update_fields=["debug_until"])
    _watched.clear()


def is_on(connection: Connection) -> bool:
    """Return whether records are kept just now."""
    return connection.debug_until is not None and connection.debug_until > timezone.now()


def watched_by(connection: Connection) -> dict[int, datetime]:
    """Return whose records a call to the connection's Calendly account makes: connection → until when."""
    until = connection.debug_until
    return {connection.pk: until} if until and until > timezone.now() else {}


def watched_of(account_id: int) -> dict[int, datetime]:
    """Return whose records a call to a Brevo account makes, read at most RULES_KEPT_SECONDS ago by this process."""
    kept = _watched.get(account_id)
    if kept and kept[0] > time.monotonic():
        return kept[1]
    rows = Connection.objects.filter(brevo_account=account_id, debug_until__gt=timezone.now()).order_by("pk")
    found = {pk: until for pk, until in rows.values_list("pk", "debug_until") if until}
    _watched[account_id] = (time.monotonic() + conf.rules_kept_seconds(), found)
    return found


def mark_of(watched: Mapping[int, datetime]) -> str:
    """Return a text that tells clients with different witnesses apart."""
    return ",".join(f"{pk}:{until.isoformat()}" for pk, until in watched.items())


def witness_for(watched: Mapping[int, datetime], direction: str) -> Witness | None:
    """Return what keeps a client's calls for these connections, each until its time; None for nobody."""
    if not watched:
        return None

    def witness(exchange: Exchange) -> None:
        now = timezone.now()
        for connection_id in (pk for pk, until in watched.items() if until > now):
            with _quietly():
                _keep(connection_id, direction, exchange)

    return witness


def note_delivery(connection: Connection, body: bytes, exchange: Exchange) -> None:
    """Keep a delivery of Calendly's with its headers, linked to where its bytes are stored."""
    with _quietly():
        found = WebhookDelivery.objects.filter(connection=connection, digest=hashlib.sha256(body).digest())
        number = found.values_list("pk", flat=True).first()
        _keep(connection.pk, Direction.FROM_CALENDLY, exchange, delivery_id=number)


@contextmanager
def _quietly() -> Iterator[None]:
    """Let nothing that goes wrong here reach the call that is told of: it has been made."""
    try:
        with transaction.atomic():
            yield
    except Exception as error:  # noqa: BLE001 - whatever it is, no booking may be lost for a record
        logger.warning("A debug record could not be kept: %s", type(error).__name__)


def _keep(connection_id: int, direction: str, exchange: Exchange, *, delivery_id: int | None = None) -> None:
    DebugRecord.objects.create(
        connection_id=connection_id,
        delivery_id=delivery_id,
        direction=direction,
        method=exchange.method[:10],
        address=masking.masked(redact.redacted_address(exchange.address))[:LONGEST_ADDRESS],
        status=exchange.status,
        request_headers=_headers(exchange.request_headers),
        request_body=_body(exchange.request_body),
        answer_headers=_headers(exchange.answer_headers),
        answer_body=_body(exchange.answer_body),
        milliseconds=exchange.milliseconds,
        at=timezone.now(),
    )


def _headers(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: masking.masked(value) for name, value in redact.redacted_headers(headers).items()}


def _body(body: bytes) -> str:
    """Return a body as it may be kept: secrets and people are gone before it is cut."""
    if len(body) > LARGEST:
        return f"‹{len(body)} bytes›"
    text = body.decode("utf-8", "replace").replace("\0", "")
    return masking.masked(redact.redacted(text))[:LONGEST_BODY]
