"""The fixture that keeps the tests on this machine does so."""

import socket

import pytest

from tests.network import OutsideNetworkError

OUTSIDE = "192.0.2.1"  # a documentation address: nobody lives there


@pytest.mark.parametrize("method", ["connect", "connect_ex"])
def test_connecting_beyond_loopback_is_refused(method: str) -> None:
    with socket.socket() as connection, pytest.raises(OutsideNetworkError, match=OUTSIDE):
        getattr(connection, method)((OUTSIDE, 80))


def test_a_datagram_beyond_loopback_is_refused() -> None:
    with socket.socket(type=socket.SOCK_DGRAM) as connection, pytest.raises(OutsideNetworkError):
        connection.sendto(b"hello", (OUTSIDE, 53))


def test_looking_up_an_outside_name_is_refused() -> None:
    with pytest.raises(OutsideNetworkError, match="api.brevo.com"):
        socket.create_connection(("api.brevo.com", 443))


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_loopback_is_allowed(host: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]

        socket.create_connection((host, port), timeout=5).close()


def test_unix_sockets_are_allowed() -> None:
    here, there = socket.socketpair(socket.AF_UNIX)

    here.sendall(b"hello")

    assert there.recv(5) == b"hello"
    here.close()
    there.close()
