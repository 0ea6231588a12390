"""Proves that a delivery is Calendly's: HMAC-SHA256 over the raw body (calendly-api.md §5.5)."""

import hashlib
import hmac
from collections.abc import Sequence

from calendly_connector.core.errors import SignatureMismatch, SignatureMissing, SignatureStale

TOLERANCE_SECONDS = 180
"""Calendly's own samples refuse a time stamp older than three minutes."""


def verify(body: bytes, header: str, *, keys: Sequence[str], now: float, tolerance: int = TOLERANCE_SECONDS) -> None:
    """Return quietly when any `v1` of the header signs exactly these bytes under any key.

    `header` is `t=<unix seconds>,v1=<hex>[,v1=…]`; `now` is Unix seconds. Parts are read by name, in any order.

    Raises SignatureMissing (no header, unreadable, or no key), SignatureStale, SignatureMismatch.
    Source: https://developer.calendly.com/api-docs/overview/webhooks/webhook-signatures
    """
    usable = [key for key in keys if key]
    if not usable:
        raise SignatureMissing("There is no signing key to check deliveries with.")
    stamp, signatures = _parse(header)
    if abs(now - int(stamp)) > tolerance:
        raise SignatureStale(f"The delivery's time stamp is more than {tolerance} seconds from this machine's clock.")
    for key in usable:
        expected = sign(body, stamp=stamp, key=key).encode()
        for signature in signatures:
            if hmac.compare_digest(signature, expected):
                return
    raise SignatureMismatch("The signature doesn't fit the body: wrong signing key, or a changed body.")


def sign(body: bytes, *, stamp: str, key: str) -> str:
    """Return the hex digest that Calendly sends as `v1`."""
    return hmac.new(key.encode(), stamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def _parse(header: str) -> tuple[str, list[bytes]]:
    parts = [part.strip().partition("=") for part in header.split(",")]
    stamps = [value for name, _, value in parts if name == "t"]
    signatures = [value.encode("utf-8", "replace") for name, _, value in parts if name == "v1"]
    # Several different time stamps would leave open which one was signed; int() alone would take "１２" and "1_2".
    if len(stamps) != 1 or not signatures or not (stamps[0].isascii() and stamps[0].isdigit()) or len(stamps[0]) > 12:
        raise SignatureMissing("The delivery has no readable Calendly-Webhook-Signature header.")
    return stamps[0], signatures
