"""The OpenAPI schema of our API, public: it holds no data. `manage.py spectacular` writes the same."""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from drf_spectacular.extensions import OpenApiAuthenticationExtension, OpenApiSerializerExtension
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import OpenApiExample, OpenApiResponse
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from calendly_connector.web.api import problems
from calendly_connector.web.api.base import ApiView

ROOT = "/api/v1/"
Endpoint = tuple[str, str, str, Any]  # address, its pattern, method, view
MEDIA_TYPE = "application/vnd.oai.openapi+json"


class BearerScheme(OpenApiAuthenticationExtension):  # type: ignore[no-untyped-call]
    """How a call says whose it is."""

    target_class = "calendly_connector.web.api.auth.BearerAuthentication"
    name = "token"

    def get_security_definition(self, auto_schema: Any) -> dict[str, str]:
        """Return the scheme."""
        return {
            "type": "http",
            "scheme": "bearer",
            "description": "A token of the admin's page “API tokens”. It may what its user may.",
        }


class StrictShape(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]
    """Says of what refuses unknown fields that it does, and which texts may not be empty."""

    target_class = "calendly_connector.web.api.fields.Strict"
    match_subclasses = True

    def map_serializer(self, auto_schema: Any, direction: Any) -> dict[str, Any]:
        """Return the shape."""
        shape: dict[str, Any] = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)
        for name, field in self.target.fields.items():
            if isinstance(field, serializers.CharField) and not field.allow_blank:
                shape["properties"][name].setdefault("minLength", 1)
        return {**shape, "additionalProperties": False}


class Complaint(serializers.Serializer[Any]):
    """What is wrong with one field of the body (a JSON pointer), or with one parameter."""

    pointer = serializers.CharField(required=False, allow_blank=True)
    parameter = serializers.CharField(required=False, allow_blank=True)
    detail = serializers.CharField()


class Problem(serializers.Serializer[Any]):
    """An error (RFC 9457)."""

    type = serializers.CharField()
    title = serializers.CharField()
    status = serializers.IntegerField()
    detail = serializers.CharField()
    errors = Complaint(many=True, required=False)  # type: ignore[assignment]
    state = serializers.CharField(required=False, help_text="What came of a booking.")
    fallback_url = serializers.CharField(
        required=False, allow_blank=True, help_text="Calendly's own page, filled in, where nothing could be booked."
    )


MEANINGS = {
    400: "The body, or a parameter, doesn't say what is needed; nothing was done.",
    401: "There is no valid token.",
    403: "The token's user lacks a permission.",
    404: "There is nobody, or nothing, like that.",
    409: "It can't be done at this moment: see `detail`.",
    413: "The body is too large.",
    414: "The address is longer than 4,094 bytes. The web server says so itself, and not as a problem.",
    415: "The body isn't `application/json`.",
    429: "Too many calls: `Retry-After` says in how many seconds to come again.",
    503: "Calendly or Brevo failed; nothing was deleted. Try again.",
}
ALWAYS = (401, 403, 429)


def answers(good: Any, *bad: int) -> dict[Any, Any]:
    """Return an operation's answers: the good one, and the problems that may come instead."""
    statuses = sorted({*bad, *ALWAYS})
    return {200: good, 414: OpenApiResponse(description=MEANINGS[414])} | {
        (status, problems.MEDIA_TYPE): OpenApiResponse(Problem, description=MEANINGS[status]) for status in statuses
    }


def example(value: Mapping[str, Any], *, is_request: bool = False, status: int = 200) -> OpenApiExample:
    """Return an example of a body, or of an answer."""
    return OpenApiExample(
        "Request" if is_request else "Answer",
        value=dict(value),
        request_only=is_request,
        response_only=not is_request,
        status_codes=None if is_request else [str(status)],
    )


def only_ours(endpoints: Iterable[Endpoint], **options: Any) -> list[Endpoint]:
    """Return the API's endpoints, by their addresses without a closing slash. Called by drf-spectacular."""
    ours = [each for each in endpoints if each[0].startswith(ROOT)]
    return [(path.rstrip("/"), pattern, method, view) for path, pattern, method, view in ours]


class SchemaView(ApiView):
    """`GET /api/v1/schema`."""

    authentication_classes = ()
    permission_classes = ()
    throttle_classes = ()
    schema = None

    def get(self, request: Request) -> Response:
        """Return the schema as JSON."""
        return Response(_schema(), content_type=MEDIA_TYPE)


@cache
def _schema() -> Any:
    return SchemaGenerator().get_schema(request=None, public=True)  # type: ignore[no-untyped-call]
