"""Asks the database of a server that is being restarted."""

import time
from collections.abc import Callable
from typing import TypeVar

from django.db import InterfaceError, OperationalError, connection

SECONDS = 60.0
T = TypeVar("T")


def patiently(ask: Callable[[], T]) -> T:
    """Return the answer, asking again while the server is away; after a minute the error is raised."""
    end = time.monotonic() + SECONDS
    while True:
        try:
            return ask()
        except (OperationalError, InterfaceError):
            connection.close()
            if time.monotonic() > end:
                raise
            time.sleep(0.2)
