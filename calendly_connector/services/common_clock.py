"""The time that all machines agree on, for whatever they decide together: who may work, and when.

That is the database's, where it is a server of its own: a machine whose clock is a minute off would take everybody's
leases for ended, or its own would seem so to the others. On SQLite all are on one machine.
"""

import logging
import threading
import time
from datetime import datetime, timedelta

from django.db import connection
from django.utils import timezone

from calendly_connector import conf

logger = logging.getLogger(__name__)

KEPT_SECONDS = 60.0  # that a comparison holds; clocks are set while we run
NOISE = timedelta(seconds=1)  # synchronised clocks and the way to the server: not worth following
WORTH_TELLING = timedelta(seconds=10)

_lock = threading.Lock()
_ahead = timedelta()  # of our clock, compared with the database's
_compare_at = 0.0  # time.monotonic()


def now() -> datetime:
    """Return the time in UTC; now and then that costs a query. May be called within a transaction."""
    if conf.follows_database_clock() and connection.vendor == "postgresql" and time.monotonic() >= _compare_at:
        _compare()
    return timezone.now() - _ahead


def timestamp() -> float:
    """Return the same in Unix seconds."""
    return now().timestamp()


def _compare() -> None:
    """Compare, unless another thread just did; who waits for it must not go by our own clock meanwhile."""
    global _ahead, _compare_at
    with _lock:
        if time.monotonic() >= _compare_at:
            ahead = _measure()
            if abs(ahead - _ahead) > WORTH_TELLING:
                _tell(ahead)
            _ahead, _compare_at = ahead, time.monotonic() + KEPT_SECONDS


def _measure() -> timedelta:
    before = timezone.now()
    with connection.cursor() as cursor:
        cursor.execute("SELECT clock_timestamp()")
        [theirs] = cursor.fetchone()
    ours = before + (timezone.now() - before) / 2
    return ours - theirs if abs(ours - theirs) > NOISE else timedelta()


def _tell(ahead: timedelta) -> None:
    seconds, where = abs(ahead).total_seconds(), "ahead of" if ahead > timedelta() else "behind"
    logger.warning("This machine's clock is %.0f s %s the database's, which is the one that counts.", seconds, where)
