"""Verified body → one stored delivery; and the jobs that look at stored deliveries. Nothing here may fail a webhook.

Calendly's deliveries are many and get their jobs from the worker. Brevo's are few, and their job is asked for at once.
"""

import hashlib
import json
import threading
from contextlib import AbstractContextManager, nullcontext
from typing import Any

from django.db import connection as database
from django.db import transaction

from calendly_connector.models import BrevoAccount, Connection
from calendly_connector.services import common_clock, queue

TAKE_IN = "take_in"
TAKE_IN_NEWS = "brevo_news"
_writer = threading.Lock()

STORE = """
INSERT INTO calendly_connector_webhookdelivery
  (connection_id, digest, body, email, state, reason, webhook_name, booking_uri, received_at)
VALUES (%s, %s, %s, %s, 'stored', '', '', '', %s)
ON CONFLICT (connection_id, digest) DO NOTHING RETURNING id
"""
STORE_AND_NOTIFY = f"WITH stored AS ({STORE}) SELECT id, pg_notify('{queue.CHANNEL}', '') FROM stored"  # noqa: S608

STORE_NEWS = """
INSERT INTO calendly_connector_brevodelivery (account_id, digest, body, state, reason, received_at)
VALUES (%s, %s, %s, 'stored', '', %s)
ON CONFLICT (account_id, digest) DO NOTHING RETURNING id
"""

WAITING = """
FROM calendly_connector_webhookdelivery d
WHERE d.state = 'stored' {which}
  AND NOT EXISTS (SELECT 1 FROM calendly_connector_job j WHERE j.dedupe_key = 'take_in:' || d.id)
"""
LOOK = f"SELECT 1 {WAITING} LIMIT 1"
ADOPT = f"""
INSERT INTO calendly_connector_job
  (kind, subject, dedupe_key, lane, state, is_wanted_again, run_after, attempts, failures, last_error, worker,
   created_at)
SELECT 'take_in', d.id, 'take_in:' || d.id, '', 'ready', %s, d.received_at, 0, 0, '', '', d.received_at
{WAITING} ORDER BY {{order}} LIMIT 1000
ON CONFLICT (dedupe_key) DO NOTHING RETURNING subject
"""
NEWER = {"which": "AND d.id > %s", "order": "d.id"}
ALL = {"which": "", "order": "+d.id"}
"""What is newer than a known delivery, found by its number; or all, found by the index of what waits. Asked for numbers
above nought, or for their order, SQLite would walk through the whole table; "+" keeps it from that."""

OVERLAP = 200  # ids that may be committed after later ones were seen


def store_delivery(connection: Connection, body: bytes) -> int | None:
    """Store a delivery by one statement and return its number, None when these very bytes are stored already.

    What it says is read later, and the worker makes the job that looks at it (`adopt`): here, only the database may
    stand between Calendly and a 2xx. Of the content only the invitee's e-mail is looked at, and any content will do:
    it is what keeps one person's deliveries in order.
    """
    received_at = database.ops.adapt_datetimefield_value(common_clock.now())
    values: list[Any] = [connection.pk, hashlib.sha256(body).digest(), body, email_in(body), received_at]
    with _turn(), database.cursor() as cursor:
        cursor.execute(STORE_AND_NOTIFY if database.vendor == "postgresql" else STORE, values)
        row = cursor.fetchone()
    if row:
        queue.work_came.send(sender=None)
    return int(row[0]) if row else None


def store_news(account: BrevoAccount, body: bytes) -> bool:
    """Store what Brevo posted, and ask for it to be taken in; return False when these very bytes are stored already."""
    received_at = database.ops.adapt_datetimefield_value(common_clock.now())
    values: list[Any] = [account.pk, hashlib.sha256(body).digest(), body, received_at]
    with _turn(), transaction.atomic():
        with database.cursor() as cursor:
            cursor.execute(STORE_NEWS, values)
            is_new = cursor.fetchone() is not None
        if is_new:
            queue.enqueue(TAKE_IN_NEWS, account.pk)
    return is_new


class Adopter:
    """Makes the jobs of deliveries that have none. Several workers may do so at once."""

    def __init__(self) -> None:
        self._seen = 0  # the newest delivery that got a job here

    def adopt(self, *, thoroughly: bool = False) -> int:
        """Return how many jobs were made. `thoroughly` looks at all that wait, not only at what is new."""
        after = 0 if thoroughly else max(0, self._seen - OVERLAP)
        which, numbers = (NEWER, [after]) if after else (ALL, [])
        with database.cursor() as cursor:
            cursor.execute(LOOK.format(**which), numbers)  # to look takes no lock
            if cursor.fetchone() is None:
                return 0
            cursor.execute(ADOPT.format(**which), [False, *numbers])
            made = [row[0] for row in cursor.fetchall()]
        self._seen = max([self._seen, *made])
        return len(made)


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
