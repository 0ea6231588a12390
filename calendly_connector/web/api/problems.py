"""Every error as problem details (RFC 9457, `application/problem+json`), Django REST framework's own as well."""

import math
from collections.abc import Iterator, Mapping
from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404
from rest_framework import exceptions, status
from rest_framework.response import Response
from rest_framework.views import exception_handler

from calendly_connector.clients.errors import ApiError
from calendly_connector.services import connection as connections
from calendly_connector.services import erase, holding, people, people_update

MEDIA_TYPE = "application/problem+json"
KIND = "urn:calendly-connector:problem:"
NO_FIELD = "non_field_errors"


class Conflict(exceptions.APIException):
    """It can't be done at this moment, for somebody else is at it."""

    status_code, default_code = status.HTTP_409_CONFLICT, "busy"


class Elsewhere(exceptions.APIException):
    """Calendly or Brevo failed, or wouldn't; the text says which, and what to do."""

    status_code, default_code = status.HTTP_503_SERVICE_UNAVAILABLE, "service_failed"


class NotBooked(exceptions.APIException):
    """Nothing was booked, and it isn't the body's fault. `members` are more of the problem, for the visitor."""

    status_code: int = status.HTTP_409_CONFLICT

    def __init__(self, detail: str, *, code: str, status_code: int, members: Mapping[str, str]) -> None:
        super().__init__(detail, code=code)
        self.status_code, self.members = status_code, members


class WrongQuery(exceptions.ValidationError):
    """The address asks for what it can't mean, whatever the method: its complaints are about parameters."""


class TooLarge(exceptions.APIException):
    """The body is larger than anything we take."""

    status_code, default_code = status.HTTP_413_REQUEST_ENTITY_TOO_LARGE, "too_large"
    default_detail = "The body is too large."


def handle(error: Exception, context: dict[str, Any]) -> Response | None:
    """Return the answer to an error that is anticipated; None for one that isn't, which Django logs as a 500."""
    known = _known(error)
    response = exception_handler(known, context)
    if response is None or not isinstance(known, exceptions.APIException):
        return None
    response.data = _problem(known, response.status_code, is_query=_is_query(known, context))
    response.content_type = MEDIA_TYPE
    if isinstance(known, exceptions.Throttled):
        response["Retry-After"] = str(math.ceil(getattr(known, "wait", None) or 1))
    return response


def _is_query(error: Exception, context: Mapping[str, Any]) -> bool:
    return isinstance(error, WrongQuery) or context["request"].method == "GET"


def _known(error: Exception) -> Exception:
    """Return an error in Django REST framework's own words, where it is one that we anticipate."""
    if isinstance(error, Http404):
        return exceptions.NotFound()
    if isinstance(error, PermissionDenied):
        return exceptions.PermissionDenied()
    if isinstance(error, people.UnknownPerson):
        return exceptions.NotFound(str(error), code="unknown_person")
    if isinstance(error, people_update.Unreadable):
        return Elsewhere(str(error))
    if isinstance(error, people_update.Unfit):
        return exceptions.ValidationError(
            {"attributes": {name or NO_FIELD: said for name, said in error.problems.items()}}
        )
    if isinstance(error, holding.Busy):
        return Conflict(str(error))
    if isinstance(error, erase.NotErased | ApiError | connections.NotConfigured):
        return Elsewhere(str(error))
    return error


def _problem(error: exceptions.APIException, status_code: int, *, is_query: bool) -> dict[str, Any]:
    is_invalid = isinstance(error, exceptions.ValidationError)
    code = "invalid" if is_invalid else str(getattr(error.detail, "code", error.default_code))
    problem: dict[str, Any] = {
        "type": f"{KIND}{code.replace('_', '-')}",
        "title": HTTPStatus(status_code).phrase,
        "status": status_code,
        "detail": "The request doesn't say what is needed; see errors." if is_invalid else str(error.detail),
    }
    problem |= getattr(error, "members", {})
    if is_invalid:
        place = "parameter" if is_query else "pointer"
        problem["errors"] = [
            {place: path.lstrip("/") if is_query else path, "detail": words} for path, words in _leaves(error.detail)
        ]
    return problem


def _leaves(detail: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """Yield each complaint with the place that it is about, as a JSON pointer."""
    if isinstance(detail, Mapping):
        for name, inner in detail.items():
            step = "" if name == NO_FIELD else "/" + str(name).replace("~", "~0").replace("/", "~1")
            yield from _leaves(inner, path + step)
    elif isinstance(detail, list | tuple):
        for inner in detail:
            yield from _leaves(inner, path)
    else:
        yield path, str(detail)
