"""Calendly's OAuth through Authlib: authorization code with PKCE, refresh, revoke. Nothing here is ever retried.

A refresh token is spent by the first call that reaches Calendly, whether or not its answer reaches us
(calendly-api.md §2.4): a second try with the same one is answered `invalid_grant`.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar
from urllib.parse import urlsplit

import requests
from authlib.common.security import generate_token
from authlib.integrations.base_client.errors import OAuthError
from authlib.integrations.requests_client import OAuth2Session

from calendly_connector.clients import USER_AGENT, errors
from calendly_connector.clients.http import reset_seconds, transport_error

SECONDS = 20.0  # to connect, and again for the answer
UNKNOWN_LIFE = 1800.0  # seconds, for an answer that doesn't tell: well under Calendly's two hours
T = TypeVar("T")


class GrantLost(errors.Refused):
    """`invalid_grant`: the code or refresh token is spent, expired or revoked. Only connecting again helps."""


class Declined(errors.Refused):
    """The person said no on Calendly's consent page, or Calendly refused the request itself."""


@dataclass(frozen=True, kw_only=True)
class Tokens:
    """One grant. `expires_at` is Unix seconds; `owner` and `organization` are URIs. `scopes` is None when the answer
    doesn't tell them, which its reference leaves free: they are what they were, or what was asked for."""

    access_token: str = field(repr=False)
    refresh_token: str = field(repr=False)
    expires_at: float
    scopes: frozenset[str] | None
    owner: str
    organization: str


@dataclass(frozen=True, kw_only=True)
class Request:
    """What the browser is sent to, and what has to be kept for the way back."""

    url: str
    state: str
    verifier: str = field(repr=False)


class CalendlyOAuth:
    """One OAuth application. `auth_url` is the base address; `redirect_uri` must be the one that is registered."""

    def __init__(self, *, client_id: str, client_secret: str, auth_url: str, redirect_uri: str) -> None:
        self._auth_url = auth_url.rstrip("/")
        self._client_id, self._client_secret = client_id, client_secret
        self._redirect_uri = redirect_uri

    def authorization(self, scopes: frozenset[str]) -> Request:
        """Return the address of the consent page, with PKCE (S256) and a fresh `state`.

        https://developer.calendly.com/api-docs/calendly-o-auth/o-auth/get-oauth-authorize
        """
        verifier = generate_token(64)
        session = self._session(scope=" ".join(sorted(scopes)))
        url, state = session.create_authorization_url(f"{self._auth_url}/oauth/authorize", code_verifier=verifier)
        return Request(url=url, state=state, verifier=verifier)

    def exchange(self, query: Mapping[str, str], *, state: str, verifier: str) -> Tokens:
        """Return the tokens for the code that came back; raise Declined, GrantLost or another ApiError.

        `query` is what the redirect carried; a foreign `state` counts as Declined.
        """
        if query.get("error"):
            raise Declined(f"Calendly: the connection was declined ({query['error'][:100]}).")
        if not state or query.get("state") != state:
            raise Declined("Calendly: this answer belongs to another attempt to connect. Start again.")
        if not query.get("code"):
            raise Declined("Calendly: the answer holds no code. Start again.")
        return _tokens(
            self._guarded(
                lambda session: session.fetch_token(
                    self._token_url,
                    grant_type="authorization_code",
                    code=query["code"],
                    code_verifier=verifier,
                    timeout=SECONDS,
                    allow_redirects=False,
                )
            )
        )

    def refresh(self, refresh_token: str) -> Tokens:
        """Spend a refresh token and return the next pair; raise GrantLost when it was spent before.

        https://developer.calendly.com/docs/authentication/refresh-token-rotation-guide
        """
        return _tokens(
            self._guarded(
                lambda session: session.refresh_token(
                    self._token_url, refresh_token=refresh_token, timeout=SECONDS, allow_redirects=False
                )
            )
        )

    def revoke(self, token: str) -> None:
        """Revoke one token; the other one of the pair needs its own call (calendly-api.md §2.5)."""
        body = {"client_id": self._client_id, "client_secret": self._client_secret, "token": token}
        try:
            answer = requests.post(
                f"{self._auth_url}/oauth/revoke", data=body, timeout=SECONDS, headers={"User-Agent": USER_AGENT}
            )
        except requests.RequestException as error:
            raise transport_error(error, "Calendly: revoking a token") from None
        _check_service(answer)
        if answer.status_code >= 400:
            raise errors.Refused(
                f"Calendly: revoking a token was answered {answer.status_code}.", status=answer.status_code
            )

    @property
    def _token_url(self) -> str:
        return f"{self._auth_url}/oauth/token"

    def _session(self, **options: Any) -> OAuth2Session:
        session = OAuth2Session(
            self._client_id,
            self._client_secret or None,
            redirect_uri=self._redirect_uri,
            code_challenge_method="S256",  # without it the verifier is silently left out of the address
            token_endpoint_auth_method="client_secret_basic" if self._client_secret else "none",
            **options,
        )
        session.headers["User-Agent"] = USER_AGENT
        session.trust_env = False
        for answer in ("access_token_response", "refresh_token_response"):
            session.register_compliance_hook(answer, _check_service)
        return session

    def _guarded(self, call: Callable[[OAuth2Session], Mapping[str, Any]]) -> Mapping[str, Any]:
        host = urlsplit(self._auth_url).hostname
        try:
            with self._session() as session:
                return call(session)
        except OAuthError as error:
            words = f"Calendly refused the tokens: {error.error} {error.description or ''}".strip()
            raise (GrantLost if error.error == "invalid_grant" else Declined)(words, code=str(error.error)) from None
        except requests.JSONDecodeError as error:
            raise errors.AnswerLost(f"Calendly: {host} gave no usable answer ({type(error).__name__}).") from None
        except requests.HTTPError as error:  # a refusal in another form than OAuth's
            status = error.response.status_code
            raise errors.BadAnswer(f"Calendly: {host} answered {status} with something that is no JSON.") from None
        except requests.RequestException as error:
            raise transport_error(error, f"Calendly: asking {host} for tokens") from None
        except (ValueError, TypeError, AttributeError) as error:  # JSON of some other form
            raise errors.AnswerLost(f"Calendly: {host} gave no usable answer ({type(error).__name__}).") from None


def _check_service(answer: requests.Response) -> requests.Response:
    """Return the answer, unless it is the service's own trouble: Authlib would take that for tokens, or for a refusal.

    Raises RateLimited (8 tokens a minute and user, calendly-api.md §1.6) or Unavailable.
    """
    headers = {name.lower(): value for name, value in answer.headers.items()}
    words, status = f"Calendly: the token request was answered {answer.status_code}.", answer.status_code
    if status == 429:
        raise errors.RateLimited(words, wait=reset_seconds(headers), status=status)
    if status >= 500:
        raise errors.Unavailable(words, status=status)
    return answer


def _tokens(data: Mapping[str, Any]) -> Tokens:
    try:
        return Tokens(
            access_token=str(data["access_token"]),
            refresh_token=str(data.get("refresh_token") or ""),
            expires_at=float(data.get("expires_at") or time.time() + UNKNOWN_LIFE),
            scopes=frozenset(str(data.get("scope") or "").split()) or None,
            owner=str(data.get("owner") or ""),
            organization=str(data.get("organization") or ""),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise errors.BadAnswer("Calendly answered the token request in another form than it documents.") from error
