"""Checks a stand-in's answers against an OpenAPI file (3.0 or 3.1); knows neither provider.

spec = Spec.load("calendly-openapi.yaml")
spec.problems("GET", "/users/me", 200, body)        # [] when the file allows this answer
with watching(server, {"calendly": spec}) as seen:  # every answer given meanwhile is checked
    ...
assert seen.problems == []
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml
from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry
from referencing.jsonschema import DRAFT202012

from sandbox.http import Request, Response
from sandbox.server import Server
from sandbox.world import Provider

ROOT = Path(__file__).resolve().parents[2]
REFERENCE = ROOT.parent / "shared" / "reference"
BASE = "urn:openapi"
METHODS = ("get", "post", "put", "patch", "delete")
FORMATS = FormatChecker(formats=["email", "ipv4", "uuid"])


@FORMATS.checks("date-time", raises=ValueError)
def _is_timestamp(value: object) -> bool:
    return not isinstance(value, str) or ("T" in value and datetime.fromisoformat(value).tzinfo is not None)


@FORMATS.checks("date", raises=ValueError)
def _is_date(value: object) -> bool:
    return not isinstance(value, str) or bool(date.fromisoformat(value))


@FORMATS.checks("uri", raises=ValueError)
def _is_uri(value: object) -> bool:
    return not isinstance(value, str) or bool(urlsplit(value).scheme)


class _Loader(yaml.CSafeLoader):
    """Leaves timestamps as text: JSON has no other way to write them."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:timestamp"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}


def modernised(node: Any) -> Any:
    """Return the document with text keys and with the `nullable` and boolean limits of 3.0 written as in 3.1."""
    if isinstance(node, list):
        return [modernised(item) for item in node]
    if not isinstance(node, dict):
        return node
    new = {str(key): modernised(value) for key, value in node.items()}
    for limit, bound in (("exclusiveMinimum", "minimum"), ("exclusiveMaximum", "maximum")):
        if new.get(limit) is True:
            new[limit] = new.pop(bound)
        elif new.get(limit) is False:
            del new[limit]
    return _with_null(new) if new.get("nullable") is True else new


def _with_null(schema: dict[str, Any]) -> dict[str, Any]:
    rest = {key: value for key, value in schema.items() if key != "nullable"}
    return {"anyOf": [rest, {"type": "null"}]}


def _pointer(*parts: str) -> str:
    return "".join("/" + part.replace("~", "~0").replace("/", "~1") for part in parts)


def _path_pattern(template: str) -> re.Pattern[str]:
    return re.compile("^" + re.sub(r"\\\{[^}]+\\\}", "[^/]+", re.escape(template)) + "$")


class Spec:
    """One OpenAPI document, asked whether an answer or a webhook is as it says."""

    def __init__(self, document: Any) -> None:
        self._document = modernised(document)
        resource = DRAFT202012.create_resource(self._document)
        self._registry: Registry[Any] = Registry().with_resource(BASE, resource)
        self._validators: dict[str, Draft202012Validator] = {}
        self._paths = sorted(
            ((template, _path_pattern(template)) for template in self._document["paths"]),
            key=lambda found: found[0].count("{"),
        )

    @classmethod
    def load(cls, name: str) -> "Spec":
        """Read a file of the reference folder, which lies beside the repository; fail with its address when absent."""
        path = REFERENCE / name
        assert path.is_file(), f"{name} is needed at {path} (the folder ../shared/reference of the repository)"
        return cls(yaml.load(path.read_text(encoding="utf-8"), Loader=_Loader))  # noqa: S506 (a SafeLoader)

    def operations(self) -> set[tuple[str, str]]:
        """Return every (METHOD, template) of the file."""
        paths = self._document["paths"].items()
        return {(method.upper(), template) for template, item in paths for method in METHODS if method in item}

    def scopes(self, method: str, template: str) -> list[str]:
        """Return the `x-required-scopes` of an operation."""
        return list(self._document["paths"][template][method.lower()].get("x-required-scopes", []))

    def webhook_names(self) -> set[str]:
        """Return the names of the webhooks described."""
        return set(self._document.get("webhooks", {}))

    def template(self, method: str, path: str) -> str:
        """Return the template of a path, literal ones first; empty when the file has none with this method."""
        found = (
            t for t, pattern in self._paths if pattern.match(path) and method.lower() in self._document["paths"][t]
        )
        return next(found, "")

    def problems(self, method: str, path: str, status: int, body: Any) -> list[str]:
        """Return what is wrong with an answer, each with the place in the body; `path` without the query."""
        template = self.template(method, path)
        if not template:
            return [f"{method} {path} is not in the file"]
        where = self._response(template, method.lower(), status)
        call = f"{method} {template} {status}"
        if where is None:
            return [f"{call}: this status is not in the file"]
        content = self._at(where).get("content", {})
        if not content:
            return [f"{call}: the file has no body here, we sent {body!r}"] if body and status < 400 else []
        kind = next((name for name in content if "json" in name), "")
        if not kind or "schema" not in content[kind]:
            return []
        return [f"{call}: {problem}" for problem in self._violations(where + _pointer("content", kind, "schema"), body)]

    def webhook_problems(self, name: str, body: Any) -> list[str]:
        """Return what is wrong with the body of a webhook."""
        if name not in self.webhook_names():
            return [f"webhook {name} is not in the file"]
        where = _pointer("webhooks", name, "post", "requestBody", "content", "application/json", "schema")
        return [f"webhook {name}: {problem}" for problem in self._violations(where, body)]

    def _response(self, template: str, method: str, status: int) -> str | None:
        responses = _pointer("paths", template, method, "responses")
        for key in (str(status), f"{status // 100}XX", "default"):
            if key in self._at(responses):
                found = self._at(responses)[key]
                return str(found["$ref"]).removeprefix("#") if "$ref" in found else responses + _pointer(key)
        return None

    def _at(self, pointer: str) -> Any:
        node = self._document
        for part in pointer.split("/")[1:]:
            node = node[part.replace("~1", "/").replace("~0", "~")]
        return node

    def _violations(self, pointer: str, body: Any) -> list[str]:
        if pointer not in self._validators:
            schema = {"$ref": f"{BASE}#{pointer}"}
            self._validators[pointer] = Draft202012Validator(
                schema, registry=self._registry, format_checker=FORMATS
            )  # fmt: skip
        errors = self._validators[pointer].iter_errors(body)
        return [f"{error.json_path}: {error.message[:300]}" for error in errors]


@dataclass
class Seen:
    """What was answered while watching: how often each (METHOD, template, status), and what was wrong."""

    answers: dict[tuple[str, str, int], int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)


Exempt = Callable[[Request, Response], bool]


@contextmanager
def watching(server: Server, specs: Mapping[Provider, Spec], exempt: Exempt | None = None) -> Iterator[Seen]:
    """Check each answer of the stand-ins (not of planned faults) while the block runs.

    `exempt` says which answers the file does not cover, such as a browser page or an answer of the provider's edge.
    """
    seen, serve = Seen(), server.serve

    def serve_and_check(provider: Provider, request: Request, path: str, template: str) -> Response:
        response = serve(provider, request, path, template)
        if provider in specs and not (exempt and exempt(request, response)):
            _check(specs[provider], seen, request, path, response)
        return response

    server.serve = serve_and_check  # type: ignore[method-assign]
    try:
        yield seen
    finally:
        server.serve = serve  # type: ignore[method-assign]


def _check(spec: Spec, seen: Seen, request: Request, path: str, response: Response) -> None:
    key = (request.method, spec.template(request.method, path), response.status)
    seen.answers[key] = seen.answers.get(key, 0) + 1
    if not key[1] and response.status in (401, 404):
        return  # an address that the provider does not have either
    body = response.body
    if isinstance(body, dict | list):
        body = json.loads(json.dumps(body))
    seen.problems += spec.problems(request.method, path, response.status, body)
