"""The token that a request brings in its Authorization header."""

from django.http import HttpRequest


def token_in(request: HttpRequest) -> bytes:
    """Return a bearer token, empty without one."""
    scheme, _, token = str(request.headers.get("Authorization", "")).partition(" ")
    return token.strip().encode("utf-8", "replace") if scheme.lower() == "bearer" else b""
