"""Verified body → one stored delivery and the job to look at it. Nothing after this may fail the webhook."""

import hashlib
import json
import threading
from contextlib import AbstractContextManager, nullcontext

from django.db import connection as database
from django.db import transaction
from django.utils import timezone

from calendly_connector.models import Connection
from calendly_connector.services import queue

TAKE_IN = "take_in"
_writer = threading.Lock()


def store_delivery(connection: Connection, body: bytes) -> bool:
    """Store a delivery and ask for it to be taken in; return False when these very bytes are stored already.

    What it says is read later: here, only the database may stand between Calendly and a 2xx. Of the content only the
    invitee's e-mail is looked at, and any content will do: it is what keeps one person's deliveries in order.
    """
    now = timezone.now()
    with _turn(), transaction.atomic(), database.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO calendly_connector_webhookdelivery
              (connection_id, digest, body, email, state, reason, webhook_name, booking_uri, received_at)
            VALUES (%s, %s, %s, %s, 'stored', '', '', '', %s)
            ON CONFLICT (connection_id, digest) DO NOTHING RETURNING id
            """,
            [
                connection.pk,
                hashlib.sha256(body).digest(),
                body,
                email_in(body),
                database.ops.adapt_datetimefield_value(now),
            ],
        )
        row = cursor.fetchone()
        if row is None:
            return False
        queue.enqueue(TAKE_IN, row[0])
    return True


def email_in(body: bytes) -> str:
    """Return the invitee's e-mail in a delivery, as the key of a person; "" when there is none to be found."""
    try:
        payload = json.loads(body)["payload"]
        email = payload["email"].strip().lower().replace("\x00", "")
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        return ""
    return str(email.encode("utf-8", "replace").decode()[:320])  # half a surrogate pair can't be stored


def _turn() -> AbstractContextManager[object]:
    """Return what lets one thread of this process write at a time, on SQLite, which has one writer anyway.

    A thread that waits here goes on at once when its turn comes; SQLite would let it sleep, look again, and sleep.
    """
    return _writer if database.vendor == "sqlite" else nullcontext()
