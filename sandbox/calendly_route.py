"""What every group of Calendly's endpoints is written with: the state, the caller, and typed query parameters."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from functools import wraps
from typing import Any

from sandbox.calendly_access import Access
from sandbox.calendly_answers import invalid, not_found
from sandbox.calendly_bookings import Bookings
from sandbox.calendly_values import API, Json, moment
from sandbox.http import Handler, Request, Response, Router


class Endpoints(ABC):
    """Base of the endpoint groups. Handlers run one at a time, under the bookings' lock."""

    def __init__(self, router: Router, bookings: Bookings, access: Access) -> None:
        self.bookings = bookings
        self.state = bookings.state
        self.access = access
        self._router = router
        for (method, template), handler in self.routes().items():
            router.route(method, template)(self._locked(handler))

    @abstractmethod
    def routes(self) -> dict[tuple[str, str], Handler]:
        """Return the handlers by method and template."""

    def now(self) -> float:
        """Return the simulated time."""
        return self.bookings.clock.now()

    def tick(self) -> str:
        """Return the timestamp of a change."""
        return self.state.tick(self.now())

    def _locked(self, handler: Handler) -> Handler:
        @wraps(handler)
        def locked(request: Request, **parts: str) -> Response:
            with self.bookings.lock:
                return handler(request, **parts)

        return locked


def found(collection: Mapping[str, Json], uri: str) -> Json:
    """Return a resource by URI, else raise the 404."""
    if uri not in collection:
        raise not_found()
    return collection[uri]


def at(*segments: str) -> str:
    """Return the canonical URI of path segments."""
    return "/".join((API, *segments))


def required(request: Request, name: str) -> str:
    """Return a query parameter, else raise the 400."""
    value = request.param(name)
    if not value:
        raise invalid(name, f"{name} is required")
    return value


def choice(request: Request, name: str, allowed: tuple[str, ...]) -> str:
    """Return an optional parameter (empty when absent), else raise the 400 for a value that is not allowed."""
    value = request.param(name)
    if value and value not in allowed:
        raise invalid(name, f"{name} must be one of {', '.join(allowed)}")
    return value


def instant(value: object, name: str) -> float:
    """Return Unix seconds of a UTC timestamp, else raise the 400."""
    try:
        if not isinstance(value, str):
            raise ValueError(value)
        return moment(value)
    except ValueError as problem:
        raise invalid(name, f"{name} must be a UTC time in ISO 8601") from problem


def body(request: Request) -> Json:
    """Return the JSON object of a request, an empty one without a body; raise the 400 for anything else."""
    try:
        decoded: Any = request.json() if request.body else {}
    except ValueError as problem:
        raise invalid("", "The request body is not valid JSON") from problem
    if not isinstance(decoded, dict):
        raise invalid("", "The request body must be an object")
    if request.body and "json" not in request.headers.get("content-type", ""):
        raise invalid("", "The Content-Type must be application/json")
    return decoded
