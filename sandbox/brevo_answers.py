"""How Brevo says no, pages through a listing and writes a time: the forms shared by all its endpoints."""

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from sandbox.brevo_state import Json
from sandbox.http import Refusal, Request, Response

T = TypeVar("T")


def refusal(status: int, code: str, message: str, **more: Any) -> Refusal:
    """Return the refusal with Brevo's error body (reference 1.7)."""
    return Refusal(Response(status=status, body={"code": code, "message": message, **more}))


def invalid(message: str) -> Refusal:
    """Return a 400 for a value that is wrong."""
    return refusal(400, "invalid_parameter", message)


def missing(message: str) -> Refusal:
    """Return a 400 for a value that is absent."""
    return refusal(400, "missing_parameter", message)


def not_found(message: str) -> Refusal:
    """Return a 404 for an object that does not exist."""
    return refusal(404, "document_not_found", message)


def body_of(request: Request) -> Json:
    """Return the JSON object that was sent."""
    try:
        body = request.json()
    except ValueError:
        raise invalid("Invalid JSON in the request body") from None
    if not isinstance(body, dict):
        raise invalid("The request body must be a JSON object")
    return body


def text_in(body: Json, name: str, default: str = "") -> str:
    """Return an optional text of a body."""
    value = body.get(name)
    if value is None:
        return default
    if not isinstance(value, str):
        raise invalid(f"{name} must be a string")
    return value


def required_text(body: Json, name: str) -> str:
    """Return a text that must be there."""
    value = text_in(body, name).strip()
    if not value:
        raise missing(f"{name} is missing")
    return value


def flag_in(body: Json, name: str) -> bool | None:
    """Return an optional boolean of a body; None when absent."""
    value = body.get(name)
    if value is not None and not isinstance(value, bool):
        raise invalid(f"{name} must be a boolean")
    return value


def numbers_in(body: Json, name: str) -> list[int]:
    """Return an optional list of integers of a body."""
    values = body.get(name)
    if values is None:
        return []
    if not isinstance(values, list) or not all(is_number(value) for value in values):
        raise invalid(f"{name} must be an array of integers")
    return values


def object_in(body: Json, name: str) -> Json:
    """Return an optional object of a body."""
    value = body.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise invalid(f"{name} must be an object")
    return value


def is_number(value: Any) -> bool:
    """Tell integers from everything else, booleans too."""
    return isinstance(value, int) and not isinstance(value, bool)


def number_param(request: Request, name: str, default: int, *, low: int = 0, high: int | None = None) -> int:
    """Return an integer of the query within its bounds."""
    given = request.param(name)
    if not given:
        return default
    if not re.fullmatch(r"-?\d{1,18}", given):
        raise invalid(f"{name} must be an integer")
    number = int(given)
    if number < low or (high is not None and number > high):
        raise refusal(400, "out_of_range", f"{name} is out of range" + (f", maximum is {high}" if high else ""))
    return number


def path_number(text: str, message: str) -> int:
    """Return the id in a path; anything else is an unknown object."""
    if not re.fullmatch(r"\d{1,18}", text):
        raise invalid(message)
    return int(text)


def page(request: Request, rows: Sequence[T], *, default: int, maximum: int) -> list[T]:
    """Return one page of rows given in order of creation; newest first unless `sort=asc`."""
    limit = number_param(request, "limit", default, high=maximum)
    offset = number_param(request, "offset", 0)
    sort = request.param("sort", "desc")
    if sort not in ("asc", "desc"):
        raise invalid("sort must be asc or desc")
    if sort == "asc":
        return list(rows[offset : offset + limit])
    end = max(0, len(rows) - offset)
    return list(reversed(rows[max(0, end - limit) : end]))


def stamp(seconds: float) -> str:
    """Write a time as the reference says Brevo does: UTC with milliseconds."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.") + f"{int(seconds % 1 * 1000):03d}Z"


def moment(text: str, name: str) -> float:
    """Read a date or an ISO 8601 time (UTC when it names no zone)."""
    # A "+" of an offset that the caller forgot to encode arrives as a space.
    if not re.fullmatch(r"\d{4}-\d\d-\d\d([T ][\d:.]+ ?(Z|[+ -]?[\d:]*))?", text):
        raise invalid(f"{name} is not a valid date")
    try:
        read = datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
    except ValueError:
        raise invalid(f"{name} is not a valid date") from None
    return (read if read.tzinfo else read.replace(tzinfo=UTC)).timestamp()


def day_span(request: Request) -> tuple[float | None, float | None]:
    """Return `startDate` and `endDate`, which must come together; a bare end day counts to its last second."""
    start, end = request.param("startDate"), request.param("endDate")
    if bool(start) != bool(end):
        raise missing("startDate and endDate must be given together")
    if not start:
        return None, None
    first, last = moment(start, "startDate"), moment(end, "endDate")
    if "T" not in end:
        last += timedelta(days=1).total_seconds() - 0.001
    if last < first:
        raise refusal(400, "out_of_range", "endDate is before startDate")
    return first, last
