"""Posts to our own public address as Calendly would: no redirect followed, 10 s to connect and 15 s to answer."""

from enum import StrEnum
from typing import Any

import requests
import urllib3.exceptions

from calendly_connector.clients import USER_AGENT

CONNECT_SECONDS, READ_SECONDS = 10.0, 15.0  # calendly-api.md §5.6
SIGNATURE_HEADER = "Calendly-Webhook-Signature"


class Problem(StrEnum):
    """Why a delivery didn't arrive."""

    REDIRECT = "redirect"
    STATUS = "status"
    TIMEOUT = "timeout"
    CERTIFICATE = "certificate"
    NAME = "name"
    REFUSED = "refused"


class CallbackFailed(Exception):
    """Nobody took the delivery. `detail` is where a redirect leads to, or the status that was answered."""

    def __init__(self, problem: Problem, detail: str = "") -> None:
        super().__init__(f"{problem}: {detail}" if detail else str(problem))
        self.problem = problem
        self.detail = detail


def post(url: str, *, body: bytes, signature: str) -> None:
    """Post one delivery; return when it was taken (2xx), else raise CallbackFailed.

    https://developer.calendly.com/api-docs/overview/webhooks/webhook-errors
    """
    headers = {"Content-Type": "application/json", "User-Agent": "Calendly", SIGNATURE_HEADER: signature}
    _taken("POST", url, data=body, headers=headers, timeout=(CONNECT_SECONDS, READ_SECONDS))


def get(url: str, *, timeout: tuple[float, float]) -> Any:
    """Return the JSON that a page of ours answers, None for anything else; raise CallbackFailed unless it is a 2xx."""
    response = _taken("GET", url, headers={"User-Agent": USER_AGENT}, timeout=timeout)
    try:
        return response.json()
    except ValueError:
        return None


def _taken(method: str, url: str, **options: Any) -> requests.Response:
    try:
        with requests.Session() as session:
            session.trust_env = False
            response = session.request(method, url, allow_redirects=False, **options)
    except requests.RequestException as error:
        raise CallbackFailed(_problem(error), type(error).__name__) from None
    if 300 <= response.status_code < 400:
        raise CallbackFailed(Problem.REDIRECT, response.headers.get("Location", "")[:300])
    if not 200 <= response.status_code < 300:
        raise CallbackFailed(Problem.STATUS, str(response.status_code))
    return response


def _problem(error: requests.RequestException) -> Problem:
    reason = error.args[0] if error.args else None
    reason = getattr(reason, "reason", reason)  # what urllib3's MaxRetryError wraps
    if isinstance(error, requests.exceptions.SSLError):
        return Problem.CERTIFICATE
    if isinstance(error, requests.Timeout):
        return Problem.TIMEOUT
    if isinstance(reason, urllib3.exceptions.NameResolutionError):
        return Problem.NAME
    return Problem.REFUSED
