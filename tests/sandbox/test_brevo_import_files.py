"""Imports that call others: files to fetch, and the address to notify at the end (reference 2.8)."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from tests.sandbox.brevo_api import Api, rows, wait_until


class _Files(BaseHTTPRequestHandler):
    files: dict[str, str] = {}
    posted: list[Any] = []

    def do_GET(self) -> None:
        body = self.files.get(self.path)
        self.send_response(200 if body is not None else 404)
        self.end_headers()
        self.wfile.write((body or "").encode())

    def do_POST(self) -> None:
        self.posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(204)
        self.end_headers()

    def log_message(self, format: str, *args: Any) -> None:
        """Stay silent."""


@pytest.fixture
def files() -> Iterator[str]:
    """Return the address of a server that has files and takes posts."""
    _Files.files = {"/a.csv": "EMAIL;FIRSTNAME\nada@example.com;Ada\n", "/a.json": json.dumps(rows("bob@example.com"))}
    _Files.posted = []
    with ThreadingHTTPServer(("127.0.0.1", 0), _Files) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}"
        server.shutdown()
        thread.join(5)


@pytest.mark.parametrize(("name", "email"), [("a.csv", "ada@example.com"), ("a.json", "bob@example.com")])
def test_file_is_fetched(api: Api, files: str, name: str, email: str) -> None:
    api.imported({"fileUrl": f"{files}/{name}"})

    assert api.brevo.list_members(1) == [email]


def test_file_that_cannot_be_fetched_fails_the_import(api: Api, files: str) -> None:
    assert api.imported({"fileUrl": f"{files}/nope.csv"})["status"] == "failed"


def test_end_is_told_to_the_notify_url(api: Api, files: str) -> None:
    process = api.imported({"jsonBody": rows("ada@example.com"), "notifyUrl": f"{files}/done"})

    wait_until(lambda: bool(_Files.posted))
    assert _Files.posted == [{"processId": process["id"], "status": "completed"}]
