"""Calendly's OAuth: consent page, code, token, refresh (single use, rotating), revoke, introspect."""

import base64
import hashlib
import hmac
import json
import secrets
from urllib.parse import unquote_plus, urlencode, urlsplit

from sandbox.calendly_access import SCOPES
from sandbox.calendly_consent import consent_page, problem_page
from sandbox.calendly_post import is_loopback
from sandbox.calendly_route import Endpoints
from sandbox.calendly_state import App, Grant, Token
from sandbox.calendly_values import Json, uuid_of
from sandbox.http import Handler, Refusal, Request, Response

CODE_LIFE, ACCESS_LIFE = 600, 7200
DEAD_GRANT = "The provided authorization grant is invalid, expired, revoked, or was issued to another client."


class OAuth(Endpoints):
    """The endpoints of auth.calendly.com."""

    def routes(self) -> dict[tuple[str, str], Handler]:
        """Return the handlers by method and template."""
        return {
            ("GET", "/oauth/authorize"): self._authorize,
            ("POST", "/oauth/token"): self._token,
            ("POST", "/oauth/revoke"): self._revoke,
            ("POST", "/oauth/introspect"): self._introspect,
        }

    def _authorize(self, request: Request) -> Response:
        """Show the consent page; its buttons come back here with `decision`."""
        app = self.state.apps.get(request.param("client_id"))
        redirect_uri = request.param("redirect_uri")
        if app is None:
            return problem_page("This client_id is not known.")
        if not _may_redirect(app, redirect_uri):
            return problem_page("This redirect_uri is not registered for the application.")
        wrong = _wrong_request(request, app)
        if wrong:
            return _back(request, error=wrong)
        if request.param("decision") == "decline":
            return _back(request, error="access_denied")
        user, asked = request.param("user"), sorted(_asked(request))
        if request.param("decision") != "approve" or user not in self.state.users:
            return consent_page(request, app, asked, list(self.state.users.values()))
        return _back(request, code=self._grant(request, app, user))

    def _grant(self, request: Request, app: App, user: str) -> str:
        code, ticked = secrets.token_urlsafe(32), request.query.get("granted")
        scopes = _asked(request) if ticked is None else _asked(request) & set(ticked)
        self.state.grants[code] = Grant(
            client_id=app.client_id, user=user, scopes=frozenset(scopes), redirect_uri=request.param("redirect_uri"),
            challenge=request.param("code_challenge"), expires_at=self.now() + CODE_LIFE,
        )  # fmt: skip
        return code

    def _token(self, request: Request) -> Response:
        form = _form(request)
        app = self._client(request, form, 401)
        if form.get("grant_type") == "authorization_code":
            return self._exchange(app, form)
        if form.get("grant_type") == "refresh_token":
            return self._refresh(app, form)
        raise _error(400, "unsupported_grant_type", "The authorization grant type is not supported.")

    def _exchange(self, app: App, form: dict[str, str]) -> Response:
        grant = self.state.grants.pop(form.get("code", ""), None)  # once, even when what follows refuses
        if grant is None or grant.client_id != app.client_id or self.now() >= grant.expires_at:
            raise _error(400, "invalid_grant", DEAD_GRANT)
        if form.get("redirect_uri") != grant.redirect_uri:
            raise _error(400, "invalid_grant", DEAD_GRANT)
        if not _verified(grant.challenge, form.get("code_verifier", "")):
            raise _error(400, "invalid_grant", DEAD_GRANT)
        return self._issue(app, grant.user, grant.scopes)

    def _refresh(self, app: App, form: dict[str, str]) -> Response:
        token = self.state.tokens.get(form.get("refresh_token", ""))
        if token is None or token.kind != "refresh" or token.client_id != app.client_id:
            raise _error(400, "invalid_grant", DEAD_GRANT)
        answer = self._issue(app, token.user, token.scopes)
        del self.state.tokens[token.value]
        return answer

    def _issue(self, app: App, user: str, scopes: frozenset[str]) -> Response:
        self.access.count_token(user)
        now, organization = self.now(), self.state.organization["uri"]
        common: Json = {"user": user, "scopes": scopes, "client_id": app.client_id, "issued_at": now}
        access = Token(value=_jwt(user, scopes, now), expires_at=now + ACCESS_LIFE, **common)
        refresh = Token(value=secrets.token_urlsafe(32), kind="refresh", **common)
        self.state.tokens |= {access.value: access, refresh.value: refresh}
        body = {
            "token_type": "Bearer",
            "access_token": access.value,
            "refresh_token": refresh.value,
            "scope": " ".join(sorted(scopes)),
            "created_at": int(now),
            "expires_in": ACCESS_LIFE,
            "owner": user,
            "organization": organization,
        }
        return Response(body=body, headers={"Cache-Control": "no-store"})

    def _revoke(self, request: Request) -> Response:
        form = _form(request)
        app = self._client(request, form, 403)
        token = self._named_token(form)
        if token and token.client_id != app.client_id:
            raise _error(403, "unauthorized_client", "You are not authorized to revoke this token")
        if token:
            del self.state.tokens[token.value]  # the other token of the pair stays: revoke both
        return Response(body={})

    def _introspect(self, request: Request) -> Response:
        form = _form(request)
        app = self._client(request, form, 401)
        token = self._named_token(form)
        if token is None or token.client_id != app.client_id or self.access.expired(token):
            return Response(body={"active": False})
        body = {
            "active": True,
            "scope": " ".join(sorted(token.scopes)),
            "client_id": token.client_id,
            "token_type": "Bearer",
            "iat": int(token.issued_at),
            "owner": token.user,
            "organization": self.state.organization["uri"],
        }
        return Response(body=body if token.expires_at is None else {**body, "exp": int(token.expires_at)})

    def _named_token(self, form: dict[str, str]) -> Token | None:
        if not form.get("token"):
            raise _error(400, "invalid_request", "Missing required parameter: token.")
        return self.state.tokens.get(form["token"])

    def _client(self, request: Request, form: dict[str, str], status: int) -> App:
        """Return the authenticated client: Basic or body for a web app, only the id for a native one."""
        client_id, secret = _basic(request) or (form.get("client_id", ""), form.get("client_secret", ""))
        app = self.state.apps.get(client_id)
        if app is None or not hmac.compare_digest(app.secret.encode(), secret.encode()):
            raise _error(status, "invalid_client", "Client authentication failed.")
        return app


def _asked(request: Request) -> set[str]:
    """Return the scopes asked for; without any, all of the application's."""
    return set(request.param("scope").split()) or set(SCOPES)


def _wrong_request(request: Request, app: App) -> str:
    if request.param("response_type") != "code":
        return "unsupported_response_type"
    challenge = request.param("code_challenge")
    if (challenge and request.param("code_challenge_method") != "S256") or (not challenge and not app.secret):
        return "invalid_request"
    return "" if _asked(request) <= SCOPES else "invalid_scope"


def _may_redirect(app: App, uri: str) -> bool:
    if app.redirect_uris:
        return uri in app.redirect_uris
    try:
        address = urlsplit(uri)
        return address.scheme == "http" and is_loopback(address.hostname or "")
    except ValueError:
        return False


def _back(request: Request, **answer: str) -> Response:
    uri, state = request.param("redirect_uri"), request.param("state")
    query = urlencode(answer | ({"state": state} if state else {}))
    return Response(status=302, headers={"Location": f"{uri}{'&' if '?' in uri else '?'}{query}"})


def _form(request: Request) -> dict[str, str]:
    if "application/x-www-form-urlencoded" not in request.headers.get("content-type", ""):
        raise _error(400, "invalid_request", "The request must be form-encoded.")
    try:
        return request.form()
    except ValueError as problem:
        raise _error(400, "invalid_request", "The request is not readable.") from problem


def _basic(request: Request) -> tuple[str, str] | None:
    kind, _, encoded = request.headers.get("authorization", "").partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        client_id, _, secret = base64.b64decode(encoded, validate=True).decode().partition(":")
    except ValueError:
        return "", ""
    return unquote_plus(client_id), unquote_plus(secret)


def _verified(challenge: str, verifier: str) -> bool:
    """Check PKCE: SHA-256 of the verifier is the challenge; without a challenge no verifier is needed."""
    digest = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).decode().rstrip("=")
    return not challenge or hmac.compare_digest(digest.encode(), challenge.encode())


def _jwt(user: str, scopes: frozenset[str], now: float) -> str:
    """Return an access token of the real length and form; its signature is random."""
    claims = {"iss": "https://auth.calendly.com", "iat": int(now), "user_uuid": uuid_of(user)}
    claims |= {"jti": secrets.token_hex(16), "scope": " ".join(sorted(scopes))}
    parts = (json.dumps(part).encode() for part in ({"alg": "ES256", "kid": secrets.token_hex(8)}, claims))
    encoded = [base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts]
    return ".".join([*encoded, secrets.token_urlsafe(64)])


def _error(status: int, error: str, description: str) -> Refusal:
    return Refusal(Response(status=status, body={"error": error, "error_description": description}))
