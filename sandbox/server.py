"""One threaded HTTP server on loopback for both stand-ins, their pages and the control routes.

Calendly lives at the root ("/users/me", "/oauth/token"), Brevo under "/v3", everything that the real services do not
have under "/sandbox". So CALENDLY_API_URL and CALENDLY_AUTH_URL are the base address, BREVO_API_URL is it plus "/v3".
"""

import json
import socket
import sys
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit

from sandbox.http import Refusal, Request, Response, Router
from sandbox.world import Clock, Fault, Faults, Journal, Provider


class Service(Protocol):
    """What the server needs of a provider."""

    router: Router

    def admit(self, request: Request, template: str) -> None:
        """Check credentials, content type and rate limit; raise Refusal when the provider would refuse."""

    def finish(self, request: Request, template: str, response: Response) -> None:
        """Add the headers that every answer carries (rate limits)."""

    def not_found(self, request: Request) -> Response:
        """Return the provider's answer to an unknown path."""


@dataclass
class World:
    """The shared surroundings handed to both providers."""

    clock: Clock
    faults: Faults
    journal: Journal
    latency: dict[str, float] = field(default_factory=dict)  # seconds that every answer takes on its way

    @classmethod
    def new(cls) -> "World":
        """Return fresh surroundings."""
        return cls(Clock(), Faults(), Journal())


class SilentReset(Exception):
    """The connection is to be closed without an answer."""


class Server:
    """Serves a Calendly, a Brevo and the control routes until stopped."""

    def __init__(self, world: World, *, calendly: Service, brevo: Service, control: Router, port: int = 0) -> None:
        self.world = world
        self.services: dict[Provider, Service] = {"calendly": calendly, "brevo": brevo}
        self.control = control
        self.requests = 0  # answered so far, so that a watcher can tell whether anything may have changed
        self._http = _QuietServer(("127.0.0.1", port), _handler_for(self))
        self._thread: threading.Thread | None = None

    @property
    def url(self) -> str:
        """Return "http://127.0.0.1:<port>"."""
        return f"http://127.0.0.1:{self._http.server_address[1]}"

    def start(self) -> "Server":
        """Serve in a daemon thread and return at once."""
        self._thread = threading.Thread(target=self._http.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        self._thread.start()
        return self

    def serve_forever(self) -> None:
        """Serve in this thread."""
        self._http.serve_forever()

    def stop(self) -> None:
        """Stop serving and free the port."""
        if self._thread:  # shutting down what never served would wait for ever
            self._http.shutdown()
            self._thread.join(5)
        self._http.server_close()

    def answer(self, request: Request) -> Response:
        """Return the answer to one request, playing planned faults; raise SilentReset for a lost answer."""
        self.requests += 1
        if request.path.startswith("/sandbox") or request.path == "/":
            return self._answer_control(request)
        provider: Provider = "brevo" if request.path == "/v3" or request.path.startswith("/v3/") else "calendly"
        at, template, fault, status = time.time(), "", None, 0
        path = request.path.removeprefix("/v3") if provider == "brevo" else request.path
        try:
            self._travel(provider)
            found = self.services[provider].router.find(request.method, path)
            template = found[2] if found else ""
            fault = self.world.faults.take(provider, request.method, path, template)
            response = self._play(provider, request, path, template, fault)
            status = response.status
            self._travel(provider)
            return response
        finally:
            self.world.journal.record(
                at=at, provider=provider, method=request.method, path=path, template=template,
                query=dict(request.query), body=_readable(request), status=status, fault=fault.kind if fault else "",
            )  # fmt: skip

    def _travel(self, provider: Provider) -> None:
        """Take half of the latency: once for the request's way, once for the answer's."""
        if seconds := self.world.latency.get(provider, 0.0):
            time.sleep(seconds / 2)

    def _answer_control(self, request: Request) -> Response:
        found = self.control.find(request.method, request.path)
        if not found:
            return Response(status=404, body={"message": f"the sandbox has no {request.method} {request.path}"})
        handler, parts, _ = found
        try:
            return handler(request, **parts)
        except Refusal as refusal:
            return refusal.response

    def _play(self, provider: Provider, request: Request, path: str, template: str, fault: Fault | None) -> Response:
        if fault and fault.kind == "status":
            return Response(status=fault.status, body=fault.body, headers=dict(fault.headers))
        if fault and fault.kind in ("reset", "timeout"):
            time.sleep(fault.seconds)
            raise SilentReset
        if fault and fault.kind == "slow":
            time.sleep(fault.seconds)
        response = self.serve(provider, request, path, template)
        if fault and fault.kind == "meanwhile":
            self._let_happen(fault, request.base_url)
        if fault and fault.kind.startswith("commit_then"):
            time.sleep(fault.seconds)
            raise SilentReset
        return response

    def _let_happen(self, fault: Fault, base_url: str) -> None:
        """Post to a control route; raise RuntimeError when that is impossible, so that no test believes it happened."""
        posted = Request(
            method="POST", path=fault.act, query={}, headers={}, body=json.dumps(fault.body).encode(), base_url=base_url
        )  # fmt: skip
        answer = self._answer_control(posted)
        if answer.status >= 400:
            raise RuntimeError(f"{fault.act} answered {answer.status} in the meantime: {answer.body!r}")

    def serve(self, provider: Provider, request: Request, path: str, template: str) -> Response:
        """Return the provider's own answer, without planned faults (tests wrap this to check every answer)."""
        service = self.services[provider]
        try:
            service.admit(request, template)
            found = service.router.find(request.method, path)
            if found:
                handler, parts, _ = found
                response = handler(request, **parts)
            else:
                response = service.not_found(request)
        except Refusal as refusal:
            response = refusal.response
        service.finish(request, template, response)
        return response


class _QuietServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Keep a client that hangs up from printing a traceback; anything else is printed as usual."""
        if not isinstance(sys.exc_info()[1], ConnectionError | TimeoutError):
            super().handle_error(request, client_address)


def _readable(request: Request) -> Any:
    if not request.body:
        return None
    if "urlencoded" in request.headers.get("content-type", ""):
        return request.form()
    try:
        return json.loads(request.body)
    except ValueError:
        return request.body.decode("utf-8", "replace")[:2000]


def _handler_for(server: Server) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True
        wbufsize = -1  # headers and body leave in one packet

        def _handle(self) -> None:
            length = int(self.headers.get("Content-Length") or 0)
            address = urlsplit(self.path)
            request = Request(
                method=self.command, path=address.path, query=parse_qs(address.query, keep_blank_values=True),
                headers={name.lower(): value for name, value in self.headers.items()},
                body=self.rfile.read(length) if length else b"", base_url=server.url,
            )  # fmt: skip
            try:
                response = server.answer(request)
            except SilentReset:
                # Linger 0 makes the kernel send a reset instead of an orderly close.
                self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")
                self.close_connection = True
                self.connection.close()
                return
            body, content_type = response.encoded()
            self.send_response(response.status)
            if content_type:
                self.send_header("Content-Type", content_type)
            for name, value in response.headers.items():
                self.send_header(name, value)
            if response.status != 204:
                self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            self.wfile.flush()

        do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _handle

        def date_time_string(self, timestamp: float | None = None) -> str:
            """Return the Date of an answer: the service's own clock, which tests and the desk may push."""
            return super().date_time_string(server.world.clock.now() if timestamp is None else timestamp)

        def log_message(self, format: str, *args: Any) -> None:
            """Stay silent: the journal keeps the calls."""

    return Handler
