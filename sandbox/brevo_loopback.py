"""The sandbox's own calls to others: webhooks, and files to import. Loopback only, never through a proxy."""

import json
import urllib.error
import urllib.request
from typing import Any
from urllib.parse import urlsplit

_HOSTS = ("127.0.0.1", "localhost", "::1")
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))
_TIMEOUT = 10.0


def is_loopback(url: str) -> bool:
    """Answer whether an address is one that the sandbox may call."""
    parts = urlsplit(url)
    return parts.scheme == "http" and parts.hostname in _HOSTS


def fetch(url: str) -> bytes:
    """Return the content of a loopback address; raise OSError when it cannot be had."""
    if not is_loopback(url):
        raise OSError(f"{url} is not a loopback address")
    with _OPENER.open(url, timeout=_TIMEOUT) as answer:
        return bytes(answer.read())


def post(url: str, body: Any, headers: dict[str, str]) -> int:
    """Post JSON to a loopback address; return the status, 0 when there was no answer."""
    if not is_loopback(url):
        return 0
    names = {"Content-Type": "application/json", "User-Agent": "Brevo-sandbox", **headers}
    data = json.dumps(body).encode()
    request = urllib.request.Request(url, data=data, headers=names, method="POST")  # noqa: S310 (http, see above)
    try:
        with _OPENER.open(request, timeout=_TIMEOUT) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        error.close()
        return error.code
    except OSError:
        return 0
