"""Who calls, what they may do, and how often. A token may what its user may."""

import hashlib

from rest_framework import exceptions
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.throttling import BaseThrottle
from rest_framework.views import APIView

from calendly_connector.models import ApiToken
from calendly_connector.services import allowance, api_tokens
from calendly_connector.web import visitor

REALM = 'Bearer realm="calendly-connector"'
INVALID = f'{REALM}, error="invalid_token"'
PER_TOKEN, REFUSED_PER_ADDRESS = 60, 20  # a minute
PLACES = 1024  # for addresses that were refused: so many rows at most, and no address is stored

APP = "calendly_connector"
SEES = (f"{APP}.view_person", f"{APP}.view_addresses")
CHANGES = (*SEES, f"{APP}.change_person")
ERASES = (*SEES, f"{APP}.delete_person")


class BearerAuthentication(BaseAuthentication):
    """`Authorization: Bearer <token>`."""

    def authenticate(self, request: Request) -> tuple[object, ApiToken] | None:
        """Return user and token; None without a header. Raises AuthenticationFailed, and Throttled after many."""
        kind, _, token = request.headers.get("Authorization", "").partition(" ")
        if not kind:
            return None
        row = api_tokens.find(token.strip()) if kind.lower() == "bearer" else None
        if row is None:
            count_refusal(request)
            raise exceptions.AuthenticationFailed(
                "This token isn't valid: it is unknown, expired or revoked, or its user is switched off."
            )
        api_tokens.note_use(row)
        return row.user, row

    def authenticate_header(self, request: Request) -> str:
        """Return what a 401 says in WWW-Authenticate."""
        return INVALID if "Authorization" in request.headers else REALM


class MayUse(BasePermission):
    """Lets a user pass who has every permission that the view names; a superuser has all of them."""

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Return whether the user may; say which permissions lack otherwise."""
        if not request.user:
            return False
        needed: tuple[str, ...] = getattr(view, "needed", ())
        lacking = [name.partition(".")[2] for name in needed if not request.user.has_perm(name)]
        self.message = f"The token's user lacks the permission {', '.join(lacking)}."
        return not lacking


class TokenThrottle(BaseThrottle):
    """Counts the calls of each token, and of each address those without one."""

    def __init__(self) -> None:
        self._seconds = 0.0

    def allow_request(self, request: Request, view: APIView) -> bool:
        """Return whether the call may be made now."""
        if isinstance(request.auth, ApiToken):
            self._seconds = allowance.take(f"api:token:{request.auth.pk}", per_minute=PER_TOKEN)
        else:
            count_refusal(request)
        return not self._seconds

    def wait(self) -> float:
        """Return the seconds until the next call may be made."""
        return self._seconds


def count_refusal(request: Request) -> None:
    """Count a call without a valid token; raise Throttled when an address makes many. Valid ones go on all the same.

    The address is the visitor's as far as TRUSTED_PROXIES lets us believe it, so that one of them behind a proxy can't
    use up what all of them have.
    """
    address = visitor.address_of(request)
    place = int.from_bytes(hashlib.sha256(address.encode()).digest()[:4]) % PLACES
    seconds = allowance.take(f"api:refused:{place}", per_minute=REFUSED_PER_ADDRESS)
    if seconds:
        raise exceptions.Throttled(seconds)
