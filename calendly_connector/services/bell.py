"""Tells a sleeping worker that the database has changed: cheap on SQLite, pushed by PostgreSQL."""

import threading
import time
from types import TracebackType
from typing import Any, Self

from django.db import connection

from calendly_connector.services.queue import CHANNEL

GLANCE = 0.01  # seconds between looks at SQLite's data_version: about 20 µs each


class Bell:
    """Rings when another connection may have added a job. `rings` counts, so no ring is missed between two looks."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self.rings = 0

    def ring(self) -> None:
        """Wake every waiting thread."""
        with self._changed:
            self.rings += 1
            self._changed.notify_all()

    def wait(self, heard: int, *, seconds: float) -> None:
        """Return at the next ring after number `heard`, or after `seconds`."""
        with self._changed:
            self._changed.wait_for(lambda: self.rings != heard, timeout=max(0.0, seconds))

    def listen(self, *, until: float, stop: threading.Event) -> None:
        """Ring whenever the database changes, until a `time.monotonic()` or `stop`."""
        if connection.vendor == "postgresql":
            self._listen_postgresql(until, stop)
        else:
            self._listen_sqlite(until, stop)

    def __enter__(self) -> Self:
        if connection.vendor == "postgresql":
            with connection.cursor() as cursor:
                cursor.execute(f"LISTEN {CHANNEL}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        connection.close()

    def _listen_sqlite(self, until: float, stop: threading.Event) -> None:
        connection.ensure_connection()
        database = connection.connection
        version = self._version(database)
        while time.monotonic() < until and not stop.wait(GLANCE):
            now = self._version(database)
            if now != version:
                version = now
                self.ring()

    @staticmethod
    def _version(database: Any) -> int:
        """Return a number that changes whenever another connection commits."""
        row: tuple[int] = database.execute("PRAGMA data_version").fetchone()
        return row[0]

    def _listen_postgresql(self, until: float, stop: threading.Event) -> None:
        connection.ensure_connection()
        while time.monotonic() < until and not stop.is_set():
            seconds = min(0.5, max(0.0, until - time.monotonic()))
            for _ in connection.connection.notifies(timeout=seconds, stop_after=1):
                self.ring()
