"""Asks whether a broker's port can be reached; its language is spoken by Celery alone."""

import socket
from urllib.parse import urlsplit

PORTS = {"redis": 6379, "rediss": 6379, "amqp": 5672, "amqps": 5671}


def reach(url: str, *, seconds: float) -> None:
    """Open and close a connection to where an address such as `redis://host:6379/0` leads. Raises OSError."""
    parts = urlsplit(url)
    with socket.create_connection((parts.hostname or "", parts.port or PORTS[parts.scheme]), timeout=seconds):
        return
