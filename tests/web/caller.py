"""Calls our API as a program would, and holds every answer against the schema that we publish."""

import json
from functools import cache
from typing import Any

import jsonschema
from django.contrib.auth.models import Permission, User
from django.test import Client

from calendly_connector.services import api_tokens

ROOT = "/api/v1"
EVERYTHING = ("view_person", "view_addresses", "change_person", "delete_person")
PROBLEM = "application/problem+json"


class Caller:
    """A user with a token, and with these permissions."""

    def __init__(self, *permissions: str, name: str = "robot") -> None:
        self.user = User.objects.create_user(name)
        self.user.user_permissions.set(Permission.objects.filter(codename__in=permissions))
        self.row, self.token = api_tokens.make(name="CRM", user=self.user)
        self.client = Client(raise_request_exception=False)

    def get(self, path: str, **options: Any) -> Any:
        """Return the answer to a GET."""
        return self.call("GET", path, **options)

    def post(self, path: str, body: Any = None, **options: Any) -> Any:
        """Return the answer to a POST of JSON."""
        return self.call("POST", path, {} if body is None else body, **options)

    def call(self, method: str, path: str, body: Any = None, *, token: str | None = None, **options: Any) -> Any:
        """Return the answer to any call, after comparing it with the schema. `token` "" sends none."""
        token = self.token if token is None else token
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        options = {"content_type": "application/json", **options}
        answer = self.client.generic(method, f"{ROOT}{path}", _encoded(body), headers=headers, **options)
        check(answer, method, path)
        return answer


def _encoded(body: Any) -> bytes:
    """Return a body as any library writes it; bytes are sent as they are."""
    if isinstance(body, bytes):
        return body
    return b"" if body is None else json.dumps(body).encode()


@cache
def schema() -> dict[str, Any]:
    """Return the published schema."""
    found: dict[str, Any] = Client().get(f"{ROOT}/schema").json()
    return found


def check(answer: Any, method: str, path: str) -> None:
    """Compare an answer with what the schema says of it; problems look alike everywhere."""
    assert answer.status_code in (503, *range(200, 500)), f"{method} {path}: {answer.status_code}"
    assert answer["Cache-Control"] == "no-store"
    if answer.status_code >= 400:
        assert answer["Content-Type"] == PROBLEM, answer.content
        assert answer.json()["status"] == answer.status_code
        _validate(answer.json(), {"$ref": "#/components/schemas/Problem"})
        return
    parts = path.partition("?")[0].strip("/").split("/")
    template = "/".join("{person_id}" if part.isdigit() else part for part in parts)
    operation = schema()["paths"][f"{ROOT}/{template}"][method.lower()]
    _validate(answer.json(), operation["responses"][str(answer.status_code)]["content"]["application/json"]["schema"])


def _validate(value: Any, shape: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator({**shape, "components": schema()["components"]}).validate(value)
