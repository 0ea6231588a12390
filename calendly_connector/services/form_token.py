"""Proves that a form was got from us, when, and for which page; and gives each form the key that books once.

It stands in for a CSRF cookie inside somebody else's site, and it costs a robot the time that people take. Unlike the
API's (services/visitors.py), whose callers name their own key, it holds the key: nobody can ask for what isn't theirs.
"""

import secrets
import time
from dataclasses import dataclass
from enum import StrEnum

from django.core import signing

SALT = "calendly_connector.booking-page"
YOUNGEST, OLDEST = 2.0, 6 * 3600.0  # seconds: nobody reads and fills in a form faster, and times are long gone later


class Age(StrEnum):
    """What a token is worth."""

    GOOD = "good"
    EARLY = "early"
    OLD = "old"
    FALSE = "false"


@dataclass(frozen=True, kw_only=True)
class FormToken:
    """What a form brought along; `key` is empty for a false one."""

    key: str
    age: Age


def make(page: str, *, key: str = "") -> str:
    """Return a token for a form of a page, with a key of its own unless one is to be kept."""
    values = {"page": page, "key": key or secrets.token_urlsafe(24), "at": time.time()}
    return signing.dumps(values, salt=SALT)


def read(token: str, *, page: str) -> FormToken:
    """Return what a token says; one that isn't ours, or is another page's, is false."""
    try:
        values = signing.loads(token, salt=SALT)
    except signing.BadSignature:
        return FormToken(key="", age=Age.FALSE)
    if values["page"] != page:
        return FormToken(key="", age=Age.FALSE)
    seconds = time.time() - values["at"]
    age = Age.EARLY if seconds < YOUNGEST else Age.OLD if seconds > OLDEST else Age.GOOD
    return FormToken(key=values["key"], age=age)
