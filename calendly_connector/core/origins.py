"""Which sites may embed a page: origins as browsers write them (https://www.example.com), nothing more."""

import re
from urllib.parse import urlsplit

HOST = re.compile(r"(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]{0,62})(?:\.[a-z0-9](?:[a-z0-9-]{0,62}))*")
LOOPBACK = ("localhost", "127.0.0.1")
PORTS = {"https": 443, "http": 80}


def tidy(text: str) -> str:
    """Return the origin that was meant, "" when it is none: no path, no wildcard, and https unless on this machine."""
    try:
        place = urlsplit(text.strip())
        host, port = (place.hostname or "").lower(), place.port
    except ValueError:
        return ""
    extra = place.path not in ("", "/") or place.query or place.fragment or place.username is not None
    if extra or place.scheme not in PORTS or not HOST.fullmatch(host):
        return ""
    if place.scheme == "http" and host not in LOOPBACK:
        return ""
    return f"{place.scheme}://{host}" + (f":{port}" if port and port != PORTS[place.scheme] else "")


def allowed(stored: object) -> tuple[str, ...]:
    """Return the origins of a page's list; whatever isn't one is left out, since it becomes part of a header."""
    found = (tidy(each) for each in stored if isinstance(each, str)) if isinstance(stored, list) else ()
    return tuple(dict.fromkeys(origin for origin in found if origin))
