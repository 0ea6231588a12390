"""The web server as in production: reloaded under load, bounded in what it takes, patient with nobody for ever."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests

from tests.processes.programs import BASE, wait_for
from tests.web_process import free_address

READ_SECONDS = 2


class Server:
    """gunicorn with the project's own configuration."""

    def __init__(self, address: str, process: subprocess.Popen[bytes]) -> None:
        self.address, self.process = address, process
        self.place = ("127.0.0.1", int(address.rpartition(":")[2]))

    def is_up(self) -> bool:
        try:
            return requests.get(f"{self.address}/health/live", timeout=20).status_code == 200
        except requests.ConnectionError:
            return False

    def workers(self) -> set[int]:
        """Return the process ids of its workers."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text()
        return {int(number) for number in children.split()}

    def said(self, request: bytes) -> bytes:
        """Return the first line of the answer to bytes."""
        with socket.create_connection(self.place, timeout=20) as client:
            client.sendall(request)
            return client.recv(65536).split(b"\r\n")[0]


@pytest.fixture
def server(database_url: str, tmp_path: Path) -> Iterator[Server]:
    """Serve the project with one worker of two threads, on this test's database."""
    address = free_address()
    environment = {
        **os.environ,
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "DATABASE_URL": database_url,
        "PUBLIC_URL": address,
        "WEB_BIND": address.removeprefix("http://"),
        "WEB_THREADS": "2",
        "WEB_READ_SECONDS": str(READ_SECONDS),
    }
    output = tmp_path / "web.log"
    with output.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", "--config", "deploy/gunicorn.conf.py"],
            cwd=BASE, env=environment, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT,
        )  # fmt: skip
    found = Server(address, process)
    try:
        wait_for(lambda: found.is_up() or process.poll() is not None, seconds=60)
        assert process.poll() is None, output.read_text(errors="replace")
        yield found
    finally:
        process.terminate()
        assert process.wait(40) == 0
    assert "Traceback" not in output.read_text(errors="replace")


HEAD = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nX-Slow: "
BODY = b"POST /webhooks/calendly HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000\r\n\r\n{"


def drip(client: socket.socket, stop: threading.Event) -> None:
    """Send a byte now and then, as if it were the network's fault."""
    while not stop.wait(0.2):
        try:
            client.sendall(b"x")
        except OSError:
            return  # the server has had enough, which is what the test waits for


@pytest.mark.parametrize("beginning", [HEAD, BODY])
def test_slow_clients_keep_nobody_else_waiting_for_long(beginning: bytes, server: Server) -> None:
    stop = threading.Event()
    with ExitStack() as open_ones:
        open_ones.callback(stop.set)
        for _ in range(4):  # twice as many as there are threads
            client = open_ones.enter_context(socket.create_connection(server.place, timeout=20))
            client.sendall(beginning)
            threading.Thread(target=drip, args=(client, stop), daemon=True).start()
        time.sleep(0.5)
        began = time.monotonic()

        assert server.is_up()

        assert time.monotonic() - began < 2 * (READ_SECONDS + 1) + 2


def test_a_pause_between_two_requests_is_not_counted_as_a_slow_request(server: Server) -> None:
    client = http.client.HTTPConnection(*server.place, timeout=20)
    client.request("GET", "/health/live")
    assert client.getresponse().read()
    socket_of_the_first = client.sock
    time.sleep(READ_SECONDS + 1.5)  # less than the server keeps a connection for the next request
    client.request("GET", "/health/live")

    assert client.getresponse().status == 200
    assert client.sock is socket_of_the_first
    client.close()


def test_a_reload_under_load_loses_no_request(server: Server) -> None:
    failed, done, stop = list[str](), list[int](), threading.Event()

    def ask() -> None:
        while not stop.is_set():
            try:
                done.append(requests.get(f"{server.address}/health/live", timeout=30).status_code)
            except requests.RequestException as error:
                failed.append(repr(error))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    try:
        for _ in range(2):
            before, count = server.workers(), len(done)
            server.process.send_signal(signal.SIGHUP)
            wait_for(_replaced(server, before), seconds=60)
            wait_for(lambda count=count: len(done) > count + 20, seconds=60)  # type: ignore[misc]
    finally:
        stop.set()
        for thread in threads:
            thread.join()

    assert failed == []
    assert set(done) == {200}


def _replaced(server: Server, before: set[int]) -> Callable[[], bool]:
    return lambda: bool(server.workers()) and not server.workers() & before


def test_what_is_too_large_is_refused(server: Server) -> None:
    line = b"GET /" + b"a" * 5000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n"
    header = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\nX-Large: " + b"a" * 9000 + b"\r\n\r\n"
    headers = b"GET /health/live HTTP/1.1\r\nHost: localhost\r\n" + b"X-Many: 1\r\n" * 70 + b"\r\n"
    body = b"POST /webhooks/calendly HTTP/1.1\r\nHost: localhost\r\nContent-Length: 2000000\r\n\r\n"

    refused = [server.said(each).split(b" ")[1] for each in (line, header, headers, body)]

    assert [status[:1] for status in refused] == [b"4"] * 4
    assert refused[3] == b"413"
    assert server.is_up()
