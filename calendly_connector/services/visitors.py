"""Keeps people's visits apart from programs': paces by address and by event type, and a form that takes its time.

No third party is asked, and no address is stored: each is counted in one of a bounded number of rows.
"""

import hashlib
import time

from django.core import signing

from calendly_connector.services import allowance

READS_PER_MINUTE, READS_OF_A_TYPE_PER_MINUTE = 60, 600
BOOKINGS, BOOKING_SECONDS = 5, 600.0  # of one address
BOOKINGS_OF_A_TYPE_PER_MINUTE = 120
LOG_INS, LOG_IN_SECONDS = 100, 3600.0  # wrong passwords from one address, whatever the name
PLACES = 4096
SALT = "calendly_connector.booking-form"
QUICKEST, LONGEST = 2.0, 7200.0  # seconds between the form and the booking

STALE = "This form is too old. Please open the page again."
HASTY = "That was very quick. Please wait a moment and try again."
ODD = "This looks as if a program had filled it in. Please leave the hidden field empty."


class Doubtful(Exception):
    """A form that a person would not send like this; the text says what to do."""


def read_pace(address: str, *, event_type: str = "") -> float:
    """Count a visitor's look and return 0, or the seconds to wait."""
    wait = allowance.take(f"visit:{_place(address)}", per_minute=READS_PER_MINUTE)
    if wait or not event_type:
        return wait
    return allowance.take(f"visit:type:{_place(event_type)}", per_minute=READS_OF_A_TYPE_PER_MINUTE)


def booking_pace(address: str, *, event_type: str) -> float:
    """Count a visitor's booking and return 0, or the seconds to wait."""
    wait = allowance.take_of(f"book:{_place(address)}", count=BOOKINGS, seconds=BOOKING_SECONDS)
    return wait or allowance.take(f"book:type:{_place(event_type)}", per_minute=BOOKINGS_OF_A_TYPE_PER_MINUTE)


def count_wrong_password(address: str) -> None:
    """Count a log-in of an address that failed."""
    allowance.take_of(f"login:{_place(address)}", count=LOG_INS, seconds=LOG_IN_SECONDS)


def may_log_in(address: str) -> bool:
    """Return whether an address hasn't failed too often, with whatever names."""
    return not allowance.wait_of(f"login:{_place(address)}", count=LOG_INS, seconds=LOG_IN_SECONDS)


def form_token(slug: str, *, event_type: str) -> str:
    """Return what a form has to send with a booking: signed, for this page and event type, from 2 seconds on for 2
    hours."""
    return signing.dumps([slug, event_type, time.time()], salt=SALT, compress=True)


def check_form(token: str, slug: str, *, event_type: str, trap: str = "") -> None:
    """Raise Doubtful for a form that isn't ours, was sent too fast or too late, or whose hidden field is filled."""
    if trap:
        raise Doubtful(ODD)
    try:
        given = signing.loads(token, salt=SALT)
    except (signing.BadSignature, ValueError):
        raise Doubtful(STALE) from None
    if given[:2] != [slug, event_type]:
        raise Doubtful(STALE)
    age = time.time() - given[2]
    if age > LONGEST:
        raise Doubtful(STALE)
    if age < QUICKEST:
        raise Doubtful(HASTY)


def _place(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "replace")).digest()[:4]) % PLACES
