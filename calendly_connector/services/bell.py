"""Tells a sleeping worker that the database has changed: cheap on SQLite, pushed by PostgreSQL."""

import threading
import time
from collections.abc import Callable
from typing import Any

from django.db import connection

from calendly_connector.services.queue import CHANNEL

GLANCE, CALM_GLANCE = 0.01, 0.04  # seconds between looks at SQLite's data_version; a look costs about 0.1 ms
CALM_AFTER = 2.0  # seconds without a change
PATIENCE = 0.5  # seconds to wait for PostgreSQL before looking whether we are to stop


class Bell:
    """Rings when another connection may have added a job. `rings` counts, so no ring is missed between two looks."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self.rings = 0
        self._version, self._calm_at = 0, 0.0

    def ring(self, *, everybody: bool = False) -> None:
        """Wake one waiting thread, which rings on when it finds work: more of them would only get in its way."""
        with self._changed:
            self.rings += 1
            self._changed.notify_all() if everybody else self._changed.notify()

    def wait(self, heard: int, *, seconds: float) -> None:
        """Return at the next ring after number `heard`, or after `seconds`."""
        with self._changed:
            self._changed.wait_for(lambda: self.rings != heard, timeout=max(0.0, seconds))

    def listen(self, *, until: float, is_over: Callable[[], bool]) -> None:
        """Ring whenever the database changes, until a `time.monotonic()` or until it is over."""
        if connection.vendor == "postgresql":
            self._listen_postgresql(until, is_over)
        else:
            self._listen_sqlite(until, is_over)

    def _listen_sqlite(self, until: float, is_over: Callable[[], bool]) -> None:
        connection.ensure_connection()
        database = connection.connection
        while time.monotonic() < until and not is_over():
            time.sleep(GLANCE if time.monotonic() < self._calm_at else CALM_GLANCE)
            version = _version(database)
            if version != self._version:
                self._version, self._calm_at = version, time.monotonic() + CALM_AFTER
                self.ring()

    def _listen_postgresql(self, until: float, is_over: Callable[[], bool]) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"LISTEN {CHANNEL}")  # again each time: the connection may be a new one
        while time.monotonic() < until and not is_over():
            seconds = min(PATIENCE, max(0.0, until - time.monotonic()))
            for _ in connection.connection.notifies(timeout=seconds, stop_after=1):
                self.ring()


def _version(database: Any) -> int:
    """Return a number that changes whenever another connection commits."""
    row: tuple[int] = database.execute("PRAGMA data_version").fetchone()
    return row[0]
