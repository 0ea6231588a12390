"""gunicorn's worker with threads, which no client can keep waiting by sending its request drop by drop.

gunicorn lets a thread wait for the rest of a request for ever. Here a request has to be complete after a while; the
reading side of its connection is closed otherwise, and an answer that is still being written isn't disturbed.
"""

import os
import socket
import struct
import time
from contextlib import suppress
from typing import Any

from gunicorn.workers.gthread import ThreadWorker

READ_SECONDS = float(os.environ.get("WEB_READ_SECONDS", "20"))  # for a whole request, from when a thread looks at it
WRITE_SECONDS = 30  # without the client taking anything of the answer


class PatientWorker(ThreadWorker):  # type: ignore[misc]
    """Threads, each for as long as its client is worth waiting for."""

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self._reading: dict[Any, float] = {}

    def handle(self, conn: Any) -> Any:
        """Serve a connection's next request. Runs in a thread."""
        self._reading[conn] = time.monotonic() + READ_SECONDS
        with suppress(OSError):  # the client is gone, as the rest will notice
            conn.sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", WRITE_SECONDS, 0))
        try:
            return super().handle(conn)
        finally:
            self._reading.pop(conn, None)

    def notify(self) -> None:
        """Tell the arbiter that we live, which happens every second, and stop waiting for whoever took too long."""
        super().notify()
        now = time.monotonic()
        for conn in [conn for conn, end in list(self._reading.items()) if end < now]:
            self._reading.pop(conn, None)
            with suppress(OSError):
                conn.sock.shutdown(socket.SHUT_RD)
