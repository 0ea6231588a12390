"""Keeps the tests on this machine: a connection or a name look-up beyond loopback raises `OutsideNetworkError`."""

import ipaddress
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest import mock

LOOPBACK_NAMES = {None, "", "localhost", "ip6-localhost", "testserver"}


class OutsideNetworkError(AssertionError):
    """A test tried to reach something other than this machine. Not an OSError, so that no retry swallows it."""


def is_loopback(host: str | bytes | None) -> bool:
    """Answer whether `host` (a name or an address) is this machine."""
    name = host.decode() if isinstance(host, bytes) else host
    if name in LOOPBACK_NAMES:
        return True
    try:
        return ipaddress.ip_address(str(name).split("%")[0]).is_loopback
    except ValueError:
        return False


def _refuse(host: Any) -> None:
    if not is_loopback(host):
        raise OutsideNetworkError(f"A test tried to reach {host!r}. Tests talk to loopback only: use the sandbox.")


def _guard_connect(real: Callable[..., Any]) -> Callable[..., Any]:
    def connect(self: socket.socket, address: Any) -> Any:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            _refuse(address[0])
        return real(self, address)

    return connect


def _guard_sendto(real: Callable[..., Any]) -> Callable[..., Any]:
    def sendto(self: socket.socket, data: bytes, *args: Any) -> Any:
        if self.family in (socket.AF_INET, socket.AF_INET6):
            _refuse(args[-1][0])
        return real(self, data, *args)

    return sendto


def _guard_lookup(real: Callable[..., Any]) -> Callable[..., Any]:
    def look_up(host: Any, *args: Any, **kwargs: Any) -> Any:
        _refuse(host)
        return real(host, *args, **kwargs)

    return look_up


@contextmanager
def loopback_only() -> Iterator[None]:
    """Refuse everything beyond loopback while the block runs; unix sockets are left alone."""
    with (
        mock.patch.object(socket.socket, "connect", _guard_connect(socket.socket.connect)),
        mock.patch.object(socket.socket, "connect_ex", _guard_connect(socket.socket.connect_ex)),
        mock.patch.object(socket.socket, "sendto", _guard_sendto(socket.socket.sendto)),
        mock.patch.object(socket, "getaddrinfo", _guard_lookup(socket.getaddrinfo)),
        mock.patch.object(socket, "gethostbyname", _guard_lookup(socket.gethostbyname)),
    ):
        yield
