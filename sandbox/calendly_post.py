"""One POST over a kept-alive connection, to this machine only: a sandbox must never reach anybody else."""

import http.client
import ipaddress
import socket
import ssl
from urllib.parse import SplitResult, urlsplit


class UnreachableError(Exception):
    """No answer came; the text says why."""


def is_loopback(host: str) -> bool:
    """Say whether a host is this machine, judged without looking up any name."""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Poster:
    """Keeps one connection per address. Not for several threads at once."""

    def __init__(self, connect_timeout: float, read_timeout: float) -> None:
        self.connect_timeout = connect_timeout
        self.read_timeout = read_timeout
        self._open: dict[str, http.client.HTTPConnection] = {}

    def post(self, url: str, body: bytes, headers: dict[str, str]) -> int:
        """Return the status; redirects are not followed. Raise UnreachableError."""
        address = urlsplit(url)
        if not is_loopback(address.hostname or ""):
            raise UnreachableError("refused: the sandbox only delivers to this machine")
        reused = self._open.get(address.netloc)
        if reused:
            try:
                return self._send(reused, address, body, headers)
            except (http.client.RemoteDisconnected, ConnectionError):
                self._open.pop(address.netloc).close()  # the receiver closed an idle connection: not a failure
            except (OSError, http.client.HTTPException) as problem:
                raise self._lost(address, problem) from problem
        try:
            return self._send(self._connect(address), address, body, headers)
        except (OSError, http.client.HTTPException) as problem:
            raise self._lost(address, problem) from problem

    def close(self) -> None:
        """Close the kept connections."""
        for connection in self._open.values():
            connection.close()
        self._open.clear()

    def _connect(self, address: SplitResult) -> http.client.HTTPConnection:
        host = "127.0.0.1" if (address.hostname or "").endswith("localhost") else address.hostname or ""
        connection = http.client.HTTPConnection(host, address.port or 80, timeout=self.connect_timeout)
        if address.scheme == "https":
            context = ssl.create_default_context()
            connection = http.client.HTTPSConnection(
                host, address.port or 443, timeout=self.connect_timeout, context=context
            )
        self._open[address.netloc] = connection
        connection.connect()
        connection.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def _send(
        self, connection: http.client.HTTPConnection, address: SplitResult, body: bytes, headers: dict[str, str]
    ) -> int:
        connection.sock.settimeout(self.read_timeout)
        target = (address.path or "/") + (f"?{address.query}" if address.query else "")
        connection.request("POST", target, body, {"Host": address.netloc, **headers})
        answer = connection.getresponse()
        answer.read()
        if answer.will_close:
            self._open.pop(address.netloc).close()
        return answer.status

    def _lost(self, address: SplitResult, problem: Exception) -> UnreachableError:
        connection = self._open.pop(address.netloc, None)
        if connection:
            connection.close()
        return UnreachableError(
            "no answer in time" if isinstance(problem, TimeoutError) else f"{type(problem).__name__}"
        )
