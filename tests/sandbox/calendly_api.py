"""What the tests of the Calendly stand-in hold: the sandbox from outside by HTTP, and a receiver of webhooks."""

import http.client
import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlencode, urlsplit

from sandbox.app import Sandbox
from sandbox.calendly_world import ORGANIZATION
from sandbox.http import Request, Response
from tests.sandbox.openapi import Spec, watching

TOKEN = "sandbox-calendly-token"
BOOKING_EVENTS = ("invitee.created", "invitee.canceled", "invitee_no_show.created", "invitee_no_show.deleted")
Json = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """One HTTP answer."""

    status: int
    headers: dict[str, str]  # names in lower case
    raw: bytes

    @property
    def body(self) -> Any:
        """Return the decoded JSON."""
        return json.loads(self.raw)

    @property
    def resource(self) -> Any:
        """Return the single resource."""
        return self.body["resource"]

    @property
    def rows(self) -> Any:
        """Return the rows of a list."""
        return self.body["collection"]


@dataclass
class Api:
    """A running sandbox, called as a client would."""

    sandbox: Sandbox
    answers: dict[tuple[str, str, int], int] = field(default_factory=dict)

    @property
    def calendly(self) -> Any:
        """Return the stand-in itself."""
        return self.sandbox.calendly

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        token: str = TOKEN,
        query: Json | None = None,
        form: Json | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """Send one request; `path` may be a whole URL of the sandbox or of api.calendly.com."""
        address = urlsplit(path)
        target = address.path + (f"?{address.query}" if address.query else "")
        target += f"?{urlencode(query, doseq=True)}" if query else ""
        sent = {"User-Agent": "sandbox-tests/1.0"} | ({"Authorization": f"Bearer {token}"} if token else {})
        content = None
        if body is not None:
            content, sent["Content-Type"] = json.dumps(body), "application/json"
        if form is not None:
            content, sent["Content-Type"] = urlencode(form), "application/x-www-form-urlencoded"
        return self._send(method, target, content, {**sent, **(headers or {})})

    def get(self, path: str, token: str = TOKEN, **query: Any) -> Answer:
        """Read."""
        return self.call("GET", path, token=token, query=query)

    def _send(self, method: str, target: str, content: str | None, headers: dict[str, str]) -> Answer:
        connection = http.client.HTTPConnection("127.0.0.1", int(self.sandbox.url.rpartition(":")[2]), timeout=10)
        try:
            connection.request(method, target, content, {name: text for name, text in headers.items() if text})
            answer = connection.getresponse()
            names = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(answer.status, names, answer.read())
        finally:
            connection.close()

    def subscribe(self, url: str, events: tuple[str, ...] = BOOKING_EVENTS, **more: Any) -> Answer:
        """Subscribe to webhooks of the whole organization with the signing key "test-key"."""
        wish = {"url": url, "events": list(events), "organization": ORGANIZATION, "scope": "organization"}
        token = more.pop("token", TOKEN)
        return self.call("POST", "/webhook_subscriptions", {**wish, "signing_key": "test-key", **more}, token=token)


@dataclass(frozen=True)
class Received:
    """One webhook as it arrived."""

    headers: dict[str, str]
    raw: bytes

    @property
    def body(self) -> Any:
        """Return the decoded JSON."""
        return json.loads(self.raw)

    @property
    def event(self) -> str:
        """Return the event's name."""
        return str(self.body["event"])


class Receiver:
    """A small web server that takes webhooks and answers as told."""

    def __init__(self) -> None:
        self.received: list[Received] = []
        self.status = 204
        self.headers: dict[str, str] = {}
        self.seconds = 0.0
        self.connections = 0
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler_for(self))
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()

    @property
    def url(self) -> str:
        """Return the address to subscribe."""
        return f"http://127.0.0.1:{self._server.server_address[1]}/hook"

    @property
    def events(self) -> list[str]:
        """Return the names of what arrived, in order."""
        return [message.event for message in self.received]

    def forget(self) -> None:
        """Begin anew."""
        self.received, self.status, self.headers, self.seconds, self.connections = [], 204, {}, 0.0, 0

    def stop(self) -> None:
        """Free the port."""
        self._server.shutdown()
        self._server.server_close()


def _handler_for(receiver: Receiver) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def setup(self) -> None:
            super().setup()
            receiver.connections += 1

        def do_POST(self) -> None:
            raw = self.rfile.read(int(self.headers["Content-Length"]))
            receiver.received.append(Received({name.lower(): value for name, value in self.headers.items()}, raw))
            time.sleep(receiver.seconds)
            self.send_response(receiver.status)
            for name, value in {"Content-Length": "0", **receiver.headers}.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, format: str, *args: Any) -> None:
            return

    return Handler


@contextmanager
def checked(sandbox: Sandbox, spec: Spec) -> Iterator[Api]:
    """Return a fresh sandbox; every answer that it gives meanwhile must be as the OpenAPI file says."""
    sandbox.reset()
    with watching(sandbox.server, {"calendly": spec}, exempt=_is_outside_spec) as seen:
        yield Api(sandbox, seen.answers)
    assert seen.problems == []


def _is_outside_spec(request: Request, response: Response) -> bool:
    """Name what the file leaves out: the consent page in the browser, and the page of the edge before the API."""
    return isinstance(response.body, str) and (request.path == "/oauth/authorize" or response.status == 403)
