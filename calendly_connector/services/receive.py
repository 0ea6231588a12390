"""Verified body → one stored delivery and the job to look at it. Nothing after this may fail the webhook."""

import hashlib

from django.db import connection as database
from django.db import transaction
from django.utils import timezone

from calendly_connector.models import Connection
from calendly_connector.services import queue

TAKE_IN = "take_in"


def store_delivery(connection: Connection, body: bytes) -> bool:
    """Store a delivery and ask for it to be taken in; return False when these very bytes are stored already.

    The webhook's name and booking are read later: here, only the database may stand between Calendly and a 2xx.
    """
    now = timezone.now()
    with transaction.atomic(), database.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO calendly_connector_webhookdelivery
              (connection_id, digest, body, state, reason, webhook_name, booking_uri, received_at)
            VALUES (%s, %s, %s, 'stored', '', '', '', %s)
            ON CONFLICT (connection_id, digest) DO NOTHING RETURNING id
            """,
            [
                connection.pk,
                hashlib.sha256(body).digest(),
                body,
                database.ops.adapt_datetimefield_value(now),
            ],
        )
        row = cursor.fetchone()
        if row is None:
            return False
        queue.enqueue(TAKE_IN, row[0])
    return True
