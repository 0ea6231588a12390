"""What Brevo posts → news of contacts. The only file that knows the keys of Brevo's marketing webhooks.

`id` is the webhook's own number and `date` has no zone, so neither is read (brevo-api.md §7.1). News is about an e-mail
address, and its time is Brevo's in whole seconds. What isn't as documented is passed over, unless nothing is left.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from calendly_connector.core.errors import MalformedNews

EMAIL_LIMIT = 320
LATEST = 253_402_300_799  # the last second of the year 9999


class Word(StrEnum):
    """What we take in, by the word in the payload."""

    UNSUBSCRIBED = "unsubscribe"
    BOUNCED = "hard_bounce"
    COMPLAINED = "spam"
    DELETED = "contact_deleted"
    UPDATED = "contact_updated"


WORDS = {str(word): word for word in Word}

MAIL = frozenset({Word.UNSUBSCRIBED, Word.BOUNCED, Word.COMPLAINED})
"""Words that tell of a mail: `ts_event` is when it happened, `ts` may be when it was told."""

OTHER_WORDS = {
    "list_addition": "somebody joined a list in Brevo, which needs nothing done here",
    "soft_bounce": "a mail bounced for now, which is no opt-out",
    "delivered": "a mail was delivered",
    "opened": "a mail was opened",
    "click": "a link in a mail was clicked",
}
"""Words that need nothing done, with the reason."""


@dataclass(frozen=True, kw_only=True)
class News:
    """One thing that happened to a contact in Brevo. `is_blocked` is None when that isn't told."""

    word: Word
    email: str  # trimmed and lower-cased
    at: int  # seconds since 1970, by Brevo's clock
    lists: tuple[int, ...] = ()
    attributes: Mapping[str, Any] = field(default_factory=dict)
    is_blocked: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Ignored:
    """One object that needs nothing done. `reason` is for staff."""

    reason: str


@dataclass(frozen=True, kw_only=True)
class Unreadable:
    """One object that isn't as Brevo documents it; `problem` is for staff."""

    problem: str


def read(body: Any, *, received_at: datetime) -> list[News | Ignored | Unreadable]:
    """Return what a delivery's decoded body says: one object, or a batch of them. No news is from after its receipt.

    Raises MalformedNews when the body is neither.
    Source: https://developers.brevo.com/docs/marketing-webhooks
    """
    if not isinstance(body, Mapping | list):
        raise MalformedNews("body", "neither an object nor a batch of them")
    rows = body if isinstance(body, list) else [body]
    latest = int(received_at.timestamp())
    return [found for row in rows for found in _read_one(row, latest)]


def _read_one(row: Any, latest: int) -> list[News | Ignored | Unreadable]:
    try:
        if not isinstance(row, Mapping):
            raise MalformedNews("body", "something that is no object")
        name = _text(row.get("event"))
        word = WORDS.get(name)
        if word is None:
            reason = OTHER_WORDS.get(name) or "is no word that this version knows"
            return [Ignored(reason=f"“{name[:100]}”: {reason}.")]
        at = min(_time(row, word, default=latest if word in MAIL else None), latest)
        if word is Word.UPDATED:
            return list(_updates(row, at))
        lists = tuple(_numbers(row.get("list_id"))) if word is Word.UNSUBSCRIBED else ()
        return [News(word=word, email=_email(row), at=at, lists=lists)]
    except MalformedNews as error:
        return [Unreadable(problem=str(error))]


def _updates(row: Mapping[str, Any], at: int) -> Iterator[News]:
    """Yield what a changed contact looks like now; the form of `content` is known from one live sample of 2021."""
    content = row.get("content")
    parts = [part for part in (content if isinstance(content, list) else [content]) if isinstance(part, Mapping)]
    for part in parts or [{}]:
        yield News(
            word=Word.UPDATED,
            email=_email(part if _text(part.get("email")).strip() else row),
            at=at,
            attributes=_attributes(part.get("attributes")),
            is_blocked=_truth(part.get("emailBlacklist", part.get("emailBlacklisted"))),
        )


def _email(row: Mapping[str, Any]) -> str:
    email = _text(row.get("email")).strip().lower()
    if "@" not in email or len(email) > EMAIL_LIMIT:
        raise MalformedNews("email", "no e-mail address")
    return email


def _time(row: Mapping[str, Any], word: Word, *, default: int | None) -> int:
    """Return when something happened; `default` when that isn't told: an opt-out counts all the same."""
    for name in ("ts_event", "ts") if word in MAIL else ("ts",):
        found = _number(row.get(name))
        if found is not None and 0 < found <= LATEST:
            return found
    if default is None:
        raise MalformedNews("ts", "no time")
    return default


def _numbers(value: Any) -> Iterator[int]:
    for each in value if isinstance(value, list) else [value]:
        number = _number(each)
        if number is not None and 0 < number < 2**63:
            yield number


def _number(value: Any) -> int | None:
    """Return a whole number, also one that is given as text."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    if isinstance(value, str):
        text = value.strip()
        return int(text) if text.isascii() and text.isdigit() and len(text) < 20 else None
    return int(value) if math.isfinite(value) else None


TRUE, FALSE = (True, 1, "true", "1"), (False, 0, "false", "0")


def _truth(value: Any) -> bool | None:
    plain = value.strip().lower() if isinstance(value, str) else value
    if isinstance(plain, list | Mapping):
        return None
    return True if plain in TRUE else False if plain in FALSE else None


def _attributes(value: Any) -> dict[str, Any]:
    """Return attributes whose values an attribute may hold, by the name in capitals."""
    if not isinstance(value, Mapping):
        return {}
    found = {_text(name).upper(): _value(each) for name, each in value.items()}
    return {name: each for name, each in found.items() if name and each is not None}


def _value(value: Any) -> Any:
    if isinstance(value, list):
        return [each for each in map(_value, value) if each is not None and not isinstance(each, list)]
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return value if math.isfinite(value) and abs(value) < 2**63 else None
    return None


def _text(value: Any) -> str:
    """Return a text that every database stores: without NUL, and without half a pair of surrogates."""
    return value.replace("\x00", "").encode("utf-8", "replace").decode() if isinstance(value, str) else ""
