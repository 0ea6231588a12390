"""What the tests of the Brevo stand-in share: a sandbox on loopback, and a caller that speaks plain HTTP to it."""

import http.client
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from sandbox.brevo import Brevo
from sandbox.http import Request, Response, Router
from sandbox.server import Server, World

KEY = "sandbox-brevo-key"
JSON = {"content-type": "application/json"}


class NoCalendly:
    """Fills Calendly's place in the server: these tests never call it."""

    router = Router()

    def admit(self, request: Request, template: str) -> None:
        """Let everything in."""

    def finish(self, request: Request, template: str, response: Response) -> None:
        """Add nothing."""

    def not_found(self, request: Request) -> Response:
        """Know nothing."""
        return Response(status=404)


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One HTTP answer; header names in lower case."""

    status: int
    text: str
    headers: dict[str, str]

    @property
    def json(self) -> Any:
        """Return the decoded body."""
        return json.loads(self.text)

    @property
    def error(self) -> tuple[int, str, str]:
        """Return status, code and message of a refusal."""
        return self.status, self.json["code"], self.json["message"]


@dataclass
class Api:
    """Calls the sandbox as an outsider does; `brevo` looks inside."""

    server: Server
    brevo: Brevo
    headers: dict[str, str] = field(default_factory=lambda: {"api-key": KEY, **JSON})

    def call(self, method: str, path: str, body: Any = None, *, headers: dict[str, str] | None = None) -> Answer:
        """Call any path; a str or bytes body is sent as it is, anything else as JSON."""
        connection = http.client.HTTPConnection(urlsplit(self.server.url).netloc, timeout=10)
        raw = body if isinstance(body, str | bytes) or body is None else json.dumps(body)
        try:
            connection.request(method, path, raw, self.headers if headers is None else headers)
            answer = connection.getresponse()
            names = {name.lower(): value for name, value in answer.getheaders()}
            return Answer(status=answer.status, text=answer.read().decode(), headers=names)
        finally:
            connection.close()

    def get(self, path: str) -> Answer:
        """Read from the API."""
        return self.call("GET", f"/v3{path}")

    def post(self, path: str, body: Any = None) -> Answer:
        """Post to the API."""
        return self.call("POST", f"/v3{path}", body)

    def put(self, path: str, body: Any = None) -> Answer:
        """Put to the API."""
        return self.call("PUT", f"/v3{path}", body)

    def delete(self, path: str) -> Answer:
        """Delete through the API."""
        return self.call("DELETE", f"/v3{path}")

    def control(self, name: str, body: Any) -> Answer:
        """Post to a control route."""
        return self.call("POST", f"/sandbox/brevo/{name}", body)

    def upsert(self, email: str, **more: Any) -> Answer:
        """Create or update a contact."""
        return self.post("/contacts", {"email": email, "updateEnabled": True, **more})

    def contact(self, email: str) -> Any:
        """Return a contact that must exist, as the API answers it."""
        found = self.brevo.contact(email)
        assert found is not None, f"{email} is no contact"
        return found

    def attributes(self, email: str) -> dict[str, Any]:
        """Return the attributes of a contact."""
        return dict(self.contact(email)["attributes"])

    def finished(self, process_id: int) -> Any:
        """Wait for the end of a process and return it."""
        path = f"/processes/{process_id}"
        wait_until(lambda: self.get(path).json["status"] not in ("queued", "in_process"))
        return self.get(path).json

    def imported(self, body: dict[str, Any]) -> Any:
        """Import into list 1, unless the body says otherwise; return the finished process."""
        answer = self.post("/contacts/import", body if "newList" in body else {"listIds": [1], **body})
        assert answer.status == 202, answer.text
        return self.finished(answer.json["processId"])

    def events(self, query: str = "") -> list[Any]:
        """Return the events that GET /events shows."""
        return list(self.get(f"/events{query}").json["events"])


def rows(*emails: str, **attributes: Any) -> list[dict[str, Any]]:
    """Return rows of a jsonBody."""
    return [{"email": email, "attributes": attributes} for email in emails]


def start_sandbox() -> Api:
    """Start a server with a Brevo alone."""
    world, control = World.new(), Router()
    brevo = Brevo(world)
    brevo.register_control(control)
    return Api(Server(world, calendly=NoCalendly(), brevo=brevo, control=control).start(), brevo)


def begin_anew(api: Api) -> None:
    """Bring a running sandbox back to its start, with limits off and imports at once."""
    api.brevo.reset()
    api.brevo.limits.sizes = dict(api.brevo.limits.DEFAULTS)
    api.brevo.limits.enabled = False
    api.brevo.settings.import_seconds = 0.0
    api.server.world.clock.reset()
    api.server.world.journal.clear()
    api.server.world.faults.clear()


def wait_until(is_so: Callable[[], bool], seconds: float = 5.0) -> None:
    """Wait until something is so; fail when it takes too long."""
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.005)
