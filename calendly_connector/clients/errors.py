"""What can go wrong with a call.

    ApiError
    ├── Unreachable     nothing was sent: may always be repeated
    ├── AnswerLost      it was sent and no answer came: whether it was done is unknown
    ├── RateLimited     429: not done, wait `wait` seconds
    ├── Unavailable     the service is down or asks to come again
    ├── BadAnswer       an answer that can't be read
    └── Refused         the service said no; repeating the same call won't help
        ├── Unauthorized → UnknownAddress
        ├── PaymentRequired
        ├── Forbidden   (names the missing scopes, if that is the reason)
        └── NotFound

Every text says what was tried and what was answered, never a credential or a person's data.
"""

from collections.abc import Mapping
from typing import Any


class ApiError(Exception):
    """Base. `is_retryable`: the same call may succeed later. `is_done_unknown`: it may have been carried out."""

    is_retryable = False
    is_done_unknown = False

    def __init__(
        self,
        message: str,
        *,
        status: int = 0,
        code: str = "",
        request_id: str = "",
        body: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.request_id = request_id
        self.body: Mapping[str, Any] = body or {}


class Unreachable(ApiError):
    """No connection could be made; nothing was sent."""

    is_retryable = True


class AnswerLost(ApiError):
    """The request was sent, the answer never came."""

    is_retryable = True
    is_done_unknown = True


class RateLimited(ApiError):
    """Too many calls; `wait` is the number of seconds the service asks for (0: it didn't say)."""

    is_retryable = True

    def __init__(self, message: str, *, wait: float, **details: Any) -> None:
        super().__init__(message, **details)
        self.wait = wait


class Unavailable(ApiError):
    """A fault on the service's side. Only 425 and 503 say plainly that nothing was done."""

    is_retryable = True

    def __init__(self, message: str, **details: Any) -> None:
        super().__init__(message, **details)
        self.is_done_unknown = self.status not in (425, 503)


class BadAnswer(ApiError):
    """The service answered something that isn't its own form."""

    is_retryable = True
    is_done_unknown = True


class Refused(ApiError):
    """The service understood and refused."""


class Unauthorized(Refused):
    """The key or token is not accepted."""


class UnknownAddress(Unauthorized):
    """The key is right, but this machine's IP address is not authorised (brevo-api.md §1.3)."""


class PaymentRequired(Refused):
    """The account has no credits, or is not activated."""


class Forbidden(Refused):
    """The account, role or token may not do this. `required_scopes` when a scope is missing."""

    @property
    def required_scopes(self) -> tuple[str, ...]:
        """Return the scopes that Calendly names as missing."""
        scopes = self.body.get("required_scopes")
        return tuple(str(scope) for scope in scopes) if isinstance(scopes, list) else ()

    def __str__(self) -> str:
        scopes = ", ".join(self.required_scopes)
        return f"{super().__str__()} It needs: {scopes}." if scopes else super().__str__()


class NotFound(Refused):
    """There is no such thing there."""
