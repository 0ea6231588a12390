"""Finds free ports on loopback, and talks to what listens there."""

import http.client
import json
import socket
from collections.abc import Collection
from typing import Any

HOST = "127.0.0.1"
TRIED = 200  # ports after the default one


class PortTakenError(Exception):
    """The port that was asked for is not free; the text says what to do."""


def is_free(port: int) -> bool:
    """Answer whether a server could listen on this port of loopback now."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, port))
        except OSError:
            return False
        return True


def choose(variable: str, *, wanted: str, default: int, used: Collection[int] = ()) -> int:
    """Return the wanted port, or without a wish the first free one from the default on.

    Raise PortTakenError, naming the variable, when the wish can't be met.
    """
    if not wanted:
        return _first_free(default, used)
    if not wanted.isascii() or not wanted.isdigit() or not 0 < int(wanted) < 65536:
        raise PortTakenError(f"{variable} is {wanted!r}: write a port number from 1 to 65535.")
    port = int(wanted)
    if port in used or not is_free(port):
        raise PortTakenError(
            f"Port {port} is taken, and {variable} asks for exactly that one. "
            f"Stop what listens there, choose another (make run {variable}={_first_free(port, used)}), "
            f"or leave {variable} out and a free one is found."
        )
    return port


def _first_free(start: int, used: Collection[int]) -> int:
    for port in range(start, min(start + TRIED, 65536)):
        if port not in used and is_free(port):
            return port
    raise PortTakenError(f"No free port between {start} and {start + TRIED} on {HOST}.")


def ask(port: int, method: str, path: str, *, seconds: float = 30) -> tuple[int, Any]:
    """Return (status, parsed JSON or None) of one request to loopback; status 0 when nobody answers."""
    connection = http.client.HTTPConnection(HOST, port, timeout=seconds)
    try:
        connection.request(method, path, headers={"Content-Length": "0"} if method == "POST" else {})
        response = connection.getresponse()
        body = response.read()
        return response.status, _parsed(body)
    except (OSError, http.client.HTTPException):
        return 0, None
    finally:
        connection.close()


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except ValueError:
        return None
