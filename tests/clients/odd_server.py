"""A server on loopback that misbehaves as told, one request after the other: what no well-made stand-in can do."""

import socket
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from enum import Enum

LINGER_ZERO = b"\x01\x00\x00\x00\x00\x00\x00\x00"  # closing then sends a reset


class Odd(Enum):
    """Ways not to answer."""

    RESET = "the connection is reset"
    SILENCE = "nothing comes"
    HANG_UP = "the connection is closed"


class OddServer:
    """Gives the planned answers, in order; `requests` are the requests as they came."""

    def __init__(self, *answers: bytes | Odd, drops_idle: bool = False) -> None:
        self.requests: list[bytes] = []
        self.connections = 0
        self.answered = threading.Event()  # the last planned answer has left, and the connection is closed
        self._answers = list(answers)
        self._drops_idle = drops_idle
        self._socket = socket.create_server(("127.0.0.1", 0))
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    @property
    def url(self) -> str:
        """Return the address."""
        return f"http://127.0.0.1:{self._socket.getsockname()[1]}"

    def stop(self) -> None:
        """Free the port."""
        self._over.set()
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(5)

    def _serve(self) -> None:
        while self._answers:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            self.connections += 1
            with connection:
                self._talk(connection)
            self.answered.set()

    def _talk(self, connection: socket.socket) -> None:
        while self._answers and (request := _read_request(connection)):
            self.requests.append(request)
            answer = self._answers.pop(0)
            if answer is Odd.RESET:
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_ZERO)
            elif answer is Odd.SILENCE:
                self._over.wait(10)
            elif isinstance(answer, bytes):
                connection.sendall(answer)
            if isinstance(answer, Odd) or self._drops_idle:
                return


def _read_request(connection: socket.socket) -> bytes:
    received = b""
    while b"\r\n\r\n" not in received:
        part = connection.recv(65536)
        if not part:
            return b""
        received += part
    head, _, body = received.partition(b"\r\n\r\n")
    length = next(
        (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.lower().startswith(b"content-length")), 0
    )
    while len(body) < length:
        body += connection.recv(65536)
    return head + b"\r\n\r\n" + body


def answer(status: int = 200, body: bytes = b"{}", **headers: str) -> bytes:
    """Return one HTTP answer; header names are written with `_` for `-`."""
    lines = [f"HTTP/1.1 {status} As Told", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


@contextmanager
def odd_server(*answers: bytes | Odd, drops_idle: bool = False) -> Iterator[OddServer]:
    """Serve the planned answers. `drops_idle`: close after each answer although the connection was to be kept."""
    server = OddServer(*answers, drops_idle=drops_idle)
    try:
        yield server
    finally:
        server.stop()


@contextmanager
def dripping(drops: Sequence[bytes], *, every: float) -> Iterator[str]:
    """Serve one request drop by drop, `every` so many seconds; yield the address."""
    is_over = threading.Event()

    def serve() -> None:
        connection, _ = listener.accept()
        with connection, suppress(OSError):  # whoever has waited long enough hangs up
            _read_request(connection)
            for drop in drops:
                connection.sendall(drop)
                if is_over.wait(every):
                    return

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        is_over.set()
        thread.join(5)


def closed_port() -> int:
    """Return a port on which nobody listens."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def full_port() -> Iterator[int]:
    """Yield a port whose queue is full: a further connection is neither accepted nor refused."""
    with ExitStack() as held:
        listener = held.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        address = listener.getsockname()
        for _ in range(2):
            waiting = held.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(address)
        yield int(address[1])
