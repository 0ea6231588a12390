"""The receiver as a real server on this machine, which a test switches off and on: then nobody listens on its port."""

import socket
import threading
from socketserver import ThreadingMixIn
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from django.core.handlers.wsgi import WSGIHandler
from django.db import connections


class _QuietHandler(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def server_bind(self) -> None:
        """Bind without asking for our name, as http.server would."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # the same port, a moment later
        socket.socket.bind(self.socket, self.server_address)
        self.server_address = self.socket.getsockname()
        self.server_name, self.server_port = "127.0.0.1", int(self.server_address[1])
        self.setup_environ()

    def process_request_thread(self, request: Any, client_address: Any) -> None:
        """Answer one connection, and leave no database connection behind in its thread."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            connections.close_all()


class Listener:
    """The app's web side at one address."""

    def __init__(self) -> None:
        self._port = 0
        self._server: _Server | None = None
        self.switch_on()

    @property
    def url(self) -> str:
        """Return the address, whether anybody listens or not."""
        return f"http://127.0.0.1:{self._port}"

    def switch_on(self) -> None:
        """Listen."""
        self._server = _Server(("127.0.0.1", self._port), _QuietHandler)
        self._server.set_app(WSGIHandler())
        self._port = self._server.server_port
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def switch_off(self) -> None:
        """Listen no more; what is under way is answered first."""
        if self._server:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
