"""The only door to the network: time-outs, the table from status to error, and texts without secrets.

Nothing is retried here. Retries live in the job that called (dependencies.md §7), which survives a restart and
shows in the admin.
"""

import logging
import math
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any

import requests
import urllib3.exceptions
from requests.adapters import HTTPAdapter

from calendly_connector.clients import USER_AGENT, errors

logger = logging.getLogger(__name__)

CONNECT_SECONDS, READ_SECONDS = 5.0, 30.0
PART = 65_536  # bytes of an answer that are asked for at a time
SENT = (
    requests.ConnectionError,
    requests.Timeout,
    requests.exceptions.ChunkedEncodingError,
    requests.exceptions.ContentDecodingError,
)
"""Raised when the request may have arrived."""

PERSON = re.compile(r"[\w.+'-]+@[\w-]+(?:\.[\w-]+)+")
CREDENTIALS = ("api-key", "authorization")

HANDSHAKE_WORDS = ("CERTIFICATE", "HANDSHAKE", "WRONG_VERSION", "UNSUPPORTED_PROTOCOL", "UNKNOWN_CA")
RESET_HEADERS = ("retry-after", "x-sib-ratelimit-reset", "x-ratelimit-reset")

STATUS_ERRORS: dict[int, type[errors.ApiError]] = {
    401: errors.Unauthorized,
    402: errors.PaymentRequired,
    403: errors.Forbidden,
    404: errors.NotFound,
    408: errors.Unavailable,
    425: errors.Unavailable,
}
"""Other 4xx are Refused, 429 is RateLimited, 5xx is Unavailable."""
CODE_ERRORS: dict[str, type[errors.ApiError]] = {
    "not_enough_credits": errors.PaymentRequired,
    "account_under_validation": errors.PaymentRequired,
    "account_in_process": errors.Unavailable,
    "duplicate_request": errors.Unavailable,  # the same was asked a moment ago, and perhaps done
}
"""What Brevo's codes mean beside a 400, which says nothing by itself (brevo-api.md §1.7: status first, then code)."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A 2xx answer. `json` is None for an empty body; header names are in lower case."""

    status: int
    json: Any
    headers: Mapping[str, str]


@dataclass(frozen=True, kw_only=True)
class Exchange:
    """A call as it was made, with its credential, and what came back; `status` is None when no answer came."""

    method: str
    address: str
    request_headers: Mapping[str, str]
    request_body: bytes
    status: int | None
    answer_headers: Mapping[str, str]
    answer_body: bytes
    milliseconds: int


Witness = Callable[[Exchange], None]
"""Told of every call after it was made. It may raise nothing."""

listeners: list[Callable[[str, int | None], None]] = []
"""Told of every call of this process: the service, and the status (None: no answer came). They may raise nothing."""

Patience = Callable[[], tuple[float, float]]
"""Asked before every call: seconds to connect, and seconds to wait for an answer to begin, and again for its end."""


def usual_patience() -> tuple[float, float]:
    """Return how long a worker waits."""
    return CONNECT_SECONDS, READ_SECONDS


class Http:
    """Calls to one service with one credential. Not to be shared between threads."""

    def __init__(
        self,
        *,
        service: str,
        base_url: str,
        headers: Mapping[str, str],
        witness: Witness | None = None,
        patience: Patience = usual_patience,
    ) -> None:
        self.service = service
        self._witness = witness
        self._patience = patience
        self.base_url = base_url.rstrip("/")
        self._session = requests.Session()
        self._session.trust_env = False  # no credentials from a netrc file, no surprising proxy
        self._session.headers.update({"User-Agent": USER_AGENT, "Accept": "application/json", **headers})
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(pool_connections=1, pool_maxsize=2, max_retries=0))

    def call(self, method: str, path: str, **options: Any) -> Answer:
        """Return a 2xx answer; raise an ApiError for everything else.

        `path` begins with "/"; `options` are requests' own: `params`, `json`, `data`, `headers`.
        """
        started = time.monotonic()
        doing = f"{self.service}: {method} {path.split('?')[0]}"
        patience = self._patience()
        try:
            response = self._session.request(
                method, self.base_url + path, timeout=patience, allow_redirects=False, stream=True, **options
            )
            response._content = _body(response, seconds=patience[1])  # where requests itself keeps what it has read
        except (UnicodeError, requests.exceptions.InvalidHeader):
            raise errors.Unauthorized(f"{masked(doing)}: the credential holds characters that none has.") from None
        except requests.RequestException as error:
            self._tell(error.request, None, (time.monotonic() - started) * 1000)
            raise transport_error(error, masked(doing)) from None
        spent = (time.monotonic() - started) * 1000
        self._tell(response.request, response, spent)
        logger.debug("%s answered %s in %.0f ms", masked(doing), response.status_code, spent)
        return _answer(response, masked(doing))

    def _tell(self, request: Any, response: requests.Response | None, spent: float) -> None:
        """Tell the listeners of a call, and the witness, if there is one: `request` is as requests prepared it."""
        for listener in listeners:
            listener(self.service, None if response is None else response.status_code)
        if self._witness is None or request is None:
            return
        body = request.body or b""
        exchange = Exchange(
            method=str(request.method),
            address=str(request.url),
            request_headers=dict(request.headers),
            request_body=body.encode() if isinstance(body, str) else bytes(body),
            status=None if response is None else response.status_code,
            answer_headers={} if response is None else dict(response.headers),
            answer_body=b"" if response is None else response.content,
            milliseconds=round(spent),
        )
        self._witness(exchange)

    def __repr__(self) -> str:
        return f"<Http to {self.service}>"


def read_text(address: str, *, service: str, limit: int) -> str:
    """Return the text at an address, read without credentials; raise BadAnswer above `limit` bytes."""
    patience = (CONNECT_SECONDS, READ_SECONDS)
    try:
        with requests.get(
            address, headers={"User-Agent": USER_AGENT}, timeout=patience, allow_redirects=False, stream=True
        ) as response:
            if response.status_code != 200:
                raise errors.BadAnswer(f"{service}: answered {response.status_code}.", status=response.status_code)
            content = _body(response, seconds=READ_SECONDS, limit=limit)
    except requests.RequestException as error:
        raise errors.Unreachable(f"{service}: can't be read ({type(error).__name__}).") from None
    if len(content) > limit:
        raise errors.BadAnswer(f"{service}: is larger than {limit} bytes.")
    return str(content.decode("utf-8", "replace"))


def _body(response: requests.Response, *, seconds: float, limit: int | None = None) -> bytes:
    """Return the body of an answer that has begun, a little more than `limit` bytes of it at most.

    Raises requests' errors, Timeout when it isn't over in time: a service that sends a byte now and then is never
    silent for long, and would hold a worker for hours.
    """
    until, parts, size = time.monotonic() + seconds, [], 0
    try:
        while (limit is None or size <= limit) and (part := response.raw.read1(PART, decode_content=True)):
            parts.append(part)
            size += len(part)
            if time.monotonic() > until:
                raise requests.Timeout(request=response.request)
    except urllib3.exceptions.DecodeError as error:
        response.close()
        raise requests.exceptions.ContentDecodingError(error, request=response.request) from error
    except urllib3.exceptions.HTTPError as error:
        raise requests.ConnectionError(error, request=response.request) from error
    except requests.Timeout:
        response.close()
        raise
    return b"".join(parts)


def masked(doing: str) -> str:
    """Return a call's description without e-mail addresses in its path."""
    return "/".join("…" if "@" in part or "%40" in part.lower() else part for part in doing.split("/"))


def _is_failed_handshake(error: requests.RequestException) -> bool:
    """Return whether TLS failed before anything was sent; it may also break while an answer is read."""
    words = str(error).upper()
    return isinstance(error, requests.exceptions.SSLError) and any(word in words for word in HANDSHAKE_WORDS)


def transport_error(error: requests.RequestException, doing: str) -> errors.ApiError:
    """Tell "nothing was sent" from "no answer came". Anything in doubt counts as sent."""
    reason = error.args[0] if error.args else None
    reason = getattr(reason, "reason", reason)  # what urllib3's MaxRetryError wraps
    not_sent = (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError)
    if isinstance(error, requests.ConnectTimeout) or isinstance(reason, not_sent) or _is_failed_handshake(error):
        return errors.Unreachable(f"{doing}: no connection could be made ({type(reason or error).__name__}).")
    if isinstance(error, SENT):
        return errors.AnswerLost(f"{doing}: it was sent, but no answer came ({type(reason or error).__name__}).")
    return errors.Unreachable(f"{doing}: the request could not be made ({type(error).__name__}).")


def _answer(response: requests.Response, doing: str) -> Answer:
    headers = {name.lower(): value for name, value in response.headers.items()}
    body = _json(response)
    if 200 <= response.status_code < 300:
        if response.content and body is None:
            raise errors.BadAnswer(f"{doing}: answered {response.status_code} with something that is no JSON.")
        return Answer(status=response.status_code, json=body, headers=headers)
    given = response.request.headers
    secrets = [word for name in CREDENTIALS for word in str(given.get(name, "")).split() if len(word) > len("Bearer")]
    raise _error(response.status_code, body if isinstance(body, dict) else {}, headers, doing, secrets)


def _error(
    status: int, body: dict[str, Any], headers: Mapping[str, str], doing: str, secrets: Sequence[str]
) -> errors.ApiError:
    said = str(body.get("message") or body.get("error_description") or body.get("title") or "no explanation")
    for secret in secrets:
        said = said.replace(secret, "…")
    said = PERSON.sub("…", said)
    message = f"{doing}: answered {status}, “{said[:300]}”"
    details: dict[str, Any] = {
        "status": status,
        "code": str(body.get("code") or body.get("error") or ""),
        "request_id": headers.get("sib-request-id", ""),
        "body": body,
    }
    if status == 429:
        return errors.RateLimited(message, wait=reset_seconds(headers), **details)
    if status == 401 and "ip address" in said.lower():
        return errors.UnknownAddress(message, **details)
    if 300 <= status < 400:
        return errors.BadAnswer(f"{doing}: answered with a redirect ({status}); is the base address right?", **details)
    by_code = CODE_ERRORS.get(details["code"]) if status == 400 else None
    kind = by_code or STATUS_ERRORS.get(status) or (errors.Unavailable if status >= 500 else errors.Refused)
    return kind(message, **details)


def reset_seconds(headers: Mapping[str, str]) -> float:
    """Return how long a rate-limited answer asks to wait, 0 when it doesn't say."""
    for name in RESET_HEADERS:
        try:
            seconds = float(headers[name])
        except (KeyError, ValueError):
            continue
        if math.isfinite(seconds):
            return max(0.0, seconds)
    return _until(headers.get("retry-after", ""))


def _until(date: str) -> float:
    """Return the seconds until a date of HTTP, 0 for what is none."""
    try:
        return max(0.0, parsedate_to_datetime(date).timestamp() - time.time())
    except (ValueError, OverflowError):
        return 0.0


def _json(response: requests.Response) -> Any:
    try:
        return response.json() if response.content else None
    except ValueError:
        return None
