"""A message to an address that staff chose, such as a chat tool's webhook. Never to a network of our own.

The name is looked up, every address it stands for is checked, and the connection goes to the checked one: a name that
changes its mind between the check and the call (DNS rebinding) gains nothing.
"""

import json
import socket
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import SplitResult, urlsplit

import urllib3
import urllib3.exceptions
from requests.utils import DEFAULT_CA_BUNDLE_PATH

from calendly_connector.clients import USER_AGENT
from calendly_connector.core import addresses

CONNECT_SECONDS, READ_SECONDS = 5.0, 10.0

Resolve = Callable[[str, int], list[str]]


class NotAllowed(Exception):
    """The address isn't one that we post to; the text says why, without the address (it holds a secret)."""


class NotDelivered(Exception):
    """It couldn't be posted, or wasn't taken."""


def look_up(host: str, port: int) -> list[str]:
    """Return the addresses that a name stands for; raise OSError, UnicodeError."""
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def post_json(
    url: str, payload: Mapping[str, Any], *, allows_loopback: bool = False, resolve: Resolve = look_up
) -> None:
    """Post JSON; raise NotAllowed or NotDelivered.

    Only https, only port and host (no user name), only public addresses. `allows_loopback` lets tests and the sandbox
    use http on this machine.
    """
    parts = _split(url)
    port = parts.port or (443 if parts.scheme == "https" else 80)
    address = checked_address(str(parts.hostname), port, allows_loopback=allows_loopback, resolve=resolve)
    if parts.scheme != "https" and not (allows_loopback and addresses.is_loopback(address)):
        raise NotAllowed("The address must begin with https://.")
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    headers = {"Host": parts.netloc, "Content-Type": "application/json", "User-Agent": USER_AGENT}
    try:
        with _pool(parts, address, port) as pool:
            answer = pool.urlopen(
                "POST", path, body=json.dumps(payload).encode(), headers=headers, redirect=False, retries=False
            )
    except urllib3.exceptions.HTTPError as error:
        raise NotDelivered(f"It could not be posted ({type(error).__name__}).") from None
    if not 200 <= answer.status < 300:
        raise NotDelivered(f"It was answered with {answer.status}.")


def checked_address(host: str, port: int, *, allows_loopback: bool, resolve: Resolve) -> str:
    """Return the address to connect to; raise NotAllowed when any that the name stands for is not public."""
    try:
        found = resolve(host, port)
    except (OSError, UnicodeError):
        raise NotDelivered("The name of the address can't be found.") from None
    address = addresses.first_allowed(found, allows_loopback=allows_loopback)
    if not address:
        raise NotAllowed("The address leads into a private, local or reserved network.")
    return address


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        raise NotAllowed("The address can't be read.") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or "@" in parts.netloc:
        raise NotAllowed("The address must be https://, a host and a path.")
    return parts


def _pool(parts: SplitResult, address: str, port: int) -> urllib3.HTTPConnectionPool:
    timeout = urllib3.Timeout(connect=CONNECT_SECONDS, read=READ_SECONDS)
    if parts.scheme == "http":
        return urllib3.HTTPConnectionPool(address, port, timeout=timeout)
    name = parts.hostname
    return urllib3.HTTPSConnectionPool(
        address, port, timeout=timeout, server_hostname=name, assert_hostname=name, ca_certs=DEFAULT_CA_BUNDLE_PATH
    )
