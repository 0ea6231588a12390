"""Running counts, kept by the database and added to by all processes.

To count costs a dictionary's entry. What a process has counted is written by one statement: by a worker every two
seconds, by a web process after a request has been answered, at most once a second, and by both when they stop. Only a
process that is killed takes what it counted since then with it.
"""

import logging
import threading
import time
from collections import Counter
from collections.abc import Mapping
from typing import Any

from django.db import DatabaseError, connection, transaction

from calendly_connector import conf

logger = logging.getLogger(__name__)

SEPARATOR = "|"
API_CALLS, REFUSED = "api_calls", "deliveries_refused"
UPSERT = """
INSERT INTO calendly_connector_tally (key, value, changed_at) VALUES {rows}
ON CONFLICT (key) DO UPDATE SET value = {value}, changed_at = excluded.changed_at
"""
ADD, SET = "calendly_connector_tally.value + excluded.value", "excluded.value"

_lock = threading.Lock()
_counted: Counter[str] = Counter()
_told: dict[str, tuple[float, float]] = {}  # key → value, and when it was told
_written_at = 0.0  # monotonic


def key_of(name: str, *labels: object) -> str:
    """Return the key of a count. Labels come from short lists of our own, never from outside."""
    return SEPARATOR.join((name, *map(str, labels)))


def count(name: str, *labels: object, by: float = 1) -> None:
    """Count something that happened. Cheap, and never fails."""
    with _lock:
        _counted[key_of(name, *labels)] += by  # type: ignore[assignment] # a Counter adds whatever adds


def count_when_kept(name: str, *labels: object, by: float = 1) -> None:
    """Count something if the transaction around it is committed."""
    transaction.on_commit(lambda: count(name, *labels, by=by))


def count_call(service: str, status: int | None) -> None:
    """Count a call to one of the two services by how it was answered (`clients.http.listeners`)."""
    kind = "none" if status is None else "429" if status == 429 else f"{status // 100}xx"
    count(API_CALLS, service, kind)


def tell(name: str, *labels: object, value: float) -> None:
    """Keep the newest value of something that goes up and down."""
    with _lock:
        _told[key_of(name, *labels)] = (value, time.time())


def write() -> None:
    """Add what this process has counted to the database; what can't be written now is kept for the next time."""
    global _written_at
    with _lock:
        counted, told = dict(_counted), dict(_told)
        _counted.clear()
        _told.clear()
        _written_at = time.monotonic()
    now = time.time()
    try:
        _upsert({key: (value, now) for key, value in counted.items()}, ADD)
        counted = {}
        _upsert(told, SET)
    except DatabaseError as error:
        logger.warning("What was counted is kept until the database answers: %s", type(error).__name__)
        with _lock:
            _counted.update(counted)
            _told.update({key: value for key, value in told.items() if key not in _told})


def write_if_due(**signal: Any) -> None:
    """Do so after a request, when something was counted and the last time is long enough ago."""
    if (_counted or _told) and time.monotonic() - _written_at >= conf.tally_seconds():
        write()


def _upsert(rows: Mapping[str, tuple[float, float]], value: str) -> None:
    """Write rows in the order of their keys: two processes that write the same ones never wait for each other."""
    if not rows:
        return
    statement = UPSERT.format(rows=", ".join(["(%s, %s, %s)"] * len(rows)), value=value)
    with connection.cursor() as cursor:
        cursor.execute(statement, [part for key in sorted(rows) for part in (key, *rows[key])])
