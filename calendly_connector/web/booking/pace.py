"""How often one address may ask for booking pages and send their forms."""

import hashlib

from django.http import HttpRequest

from calendly_connector.services import allowance

LOOKS, SENDS = 120, 20  # a minute: an office, or a proxy, is many people behind one address
PLACES = 1024  # so many rows at most, and no address is stored


def wait_of(request: HttpRequest) -> float:
    """Count a request and return 0, or return the seconds until the next one may be made."""
    address = str(request.META.get("REMOTE_ADDR") or "")
    place = int.from_bytes(hashlib.sha256(address.encode()).digest()[:4]) % PLACES
    what, most = ("send", SENDS) if request.method == "POST" else ("look", LOOKS)
    return allowance.take(f"book:{what}:{place}", per_minute=most)
