"""What both providers are written with: requests, answers, and a table of routes. Knows neither provider."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, unquote


@dataclass(frozen=True, kw_only=True)
class Request:
    """One HTTP request as the handlers see it."""

    method: str
    path: str  # still percent-encoded, without the query
    query: Mapping[str, list[str]]
    headers: Mapping[str, str]  # names in lower case
    body: bytes
    base_url: str  # "http://127.0.0.1:<port>", for absolute links such as next_page

    def param(self, name: str, default: str = "") -> str:
        """Return the last value of a query parameter."""
        return self.query.get(name, [default])[-1]

    def json(self) -> Any:
        """Return the decoded body; raise ValueError when it is not JSON."""
        return json.loads(self.body)

    def form(self) -> dict[str, str]:
        """Return the fields of a form-encoded body."""
        return {name: values[-1] for name, values in self.fields().items()}

    def fields(self) -> dict[str, list[str]]:
        """Return all values of each field of a form-encoded body."""
        return parse_qs(self.body.decode(), keep_blank_values=True)


@dataclass(kw_only=True)
class Response:
    """One answer. `body`: a dict or list becomes JSON, a str becomes HTML, None becomes an empty body."""

    status: int = 200
    body: dict[str, Any] | list[Any] | str | bytes | None = None
    headers: dict[str, str] = field(default_factory=dict)

    def encoded(self) -> tuple[bytes, str]:
        """Return the bytes to send and their content type."""
        if self.body is None:
            return b"", ""
        if isinstance(self.body, bytes):
            return self.body, self.headers.pop("Content-Type", "application/octet-stream")
        if isinstance(self.body, str):
            return self.body.encode(), self.headers.pop("Content-Type", "text/html; charset=utf-8")
        return json.dumps(self.body).encode(), "application/json"


class Refusal(Exception):
    """Raised by a handler to end the request with an error answer of the provider's own form."""

    def __init__(self, response: Response) -> None:
        super().__init__(response.status)
        self.response = response


Handler = Callable[..., Response]


class Router:
    """Routes by method and a path such as "/contacts/{identifier}"; the parts arrive percent-decoded as keywords."""

    def __init__(self) -> None:
        self._routes: list[tuple[str, re.Pattern[str], str, Handler]] = []

    def route(self, method: str, template: str) -> Callable[[Handler], Handler]:
        """Register the decorated function, called with the request and the named parts of the path."""
        pattern = re.compile("^" + re.sub(r"\\{(\w+)\\}", r"(?P<\1>[^/]+)", re.escape(template)) + "$")

        def register(handler: Handler) -> Handler:
            self._routes.append((method, pattern, template, handler))
            return handler

        return register

    def find(self, method: str, path: str) -> tuple[Handler, dict[str, str], str] | None:
        """Return the handler, the decoded path parts and the template; literal templates win over `{parts}`."""
        matches = [
            (template.count("{"), handler, match, template)
            for known, pattern, template, handler in self._routes
            if known == method and (match := pattern.match(path))
        ]
        if not matches:
            return None
        _, handler, match, template = min(matches, key=lambda found: found[0])
        return handler, {name: unquote(part) for name, part in match.groupdict().items()}, template

    def methods(self, path: str) -> list[str]:
        """Return the methods under which a path is known (to tell 404 from 405)."""
        return [known for known, pattern, _, _ in self._routes if pattern.match(path)]

    def templates(self) -> list[tuple[str, str]]:
        """Return every (method, template), for the test that compares them with the OpenAPI file."""
        return [(known, template) for known, _, template, _ in self._routes]
