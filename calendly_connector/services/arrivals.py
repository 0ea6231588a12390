"""How many deliveries ever came: exact, although old ones are deleted, and at no cost to the webhook.

A running total holds all that came before a mark; what came since is counted from its index. The mark follows a minute
behind, so that nothing is stored before it any more.
"""

import time
from datetime import UTC, datetime

from django.db import connection, transaction
from django.db.models import F

from calendly_connector.models import Tally
from calendly_connector.services import tally

RECEIVED, MARK = "deliveries_received", "deliveries_received_until"
NEVER = 32_503_680_000.0  # the year 3000
# The signs keep SQLite from walking through the index of connections, which it takes for the shorter way.
COUNT = """
SELECT +connection_id, COUNT(*) FROM calendly_connector_webhookdelivery
WHERE received_at >= %s AND received_at < %s GROUP BY +connection_id
"""
BEHIND = 60  # seconds; far more than a database makes a webhook wait


def advance() -> None:
    """Move the mark on, and what lies before it into the total. One at a time, however many workers there are."""
    until = float(int(time.time()) - BEHIND)
    with transaction.atomic():
        Tally.objects.bulk_create([Tally(key=MARK)], ignore_conflicts=True)
        mark = Tally.objects.select_for_update().get(pk=MARK)
        if mark.value >= until:
            return
        rows = _between(mark.value, until)
        for receiver, number in rows:
            key = tally.key_of(RECEIVED, receiver)
            Tally.objects.bulk_create([Tally(key=key)], ignore_conflicts=True)
            Tally.objects.filter(pk=key).update(value=F("value") + number, changed_at=until)
        Tally.objects.filter(pk=MARK).update(value=until, changed_at=until)


def since(mark: float) -> dict[int, int]:
    """Return how many deliveries came since a mark, by connection."""
    return dict(_between(mark, None))


def _between(start: float, end: float | None) -> list[tuple[int, int]]:
    moments = [datetime.fromtimestamp(each, UTC) for each in (start, NEVER if end is None else end)]
    with connection.cursor() as cursor:
        cursor.execute(COUNT, [connection.ops.adapt_datetimefield_value(each) for each in moments])
        found: list[tuple[int, int]] = cursor.fetchall()
    return found
