"""Calendly's small forms: addresses, ids in both styles, timestamps, phone numbers for display."""

import re
import secrets
import uuid
from datetime import UTC, datetime
from typing import Any

API = "https://api.calendly.com"
SITE = "https://calendly.com"
TRACKING_KEYS = ("utm_campaign", "utm_source", "utm_medium", "utm_content", "utm_term", "salesforce_uuid")

Json = dict[str, Any]
When = str | float | int | datetime


def new_uri(kind: str, *, old_style: bool = False) -> str:
    """Return a fresh canonical address such as ".../scheduled_events/<id>"."""
    return f"{API}/{kind}/{old_style_id() if old_style else uuid.uuid4()}"


def old_style_id() -> str:
    """Return 16 upper-case characters, the id style of old records."""
    return "".join(secrets.choice("ABCDEFGHIJKLMNOPQRSTUVWXYZ234567") for _ in range(16))


def uuid_of(uri: str) -> str:
    """Return the last path segment of a resource address."""
    return uri.rstrip("/").rpartition("/")[2]


def stamp(seconds: float) -> str:
    """Return Unix seconds as Calendly writes them: UTC, six fractional digits, Z."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def moment(value: When) -> float:
    """Return Unix seconds; raise ValueError for text that is not an ISO 8601 instant in UTC."""
    if isinstance(value, int | float):
        return float(value)
    at = datetime.fromisoformat(value) if isinstance(value, str) else value
    offset = at.utcoffset()
    if offset is None or (isinstance(value, str) and offset):
        raise ValueError(f"not a UTC time: {value}")
    return at.timestamp()


def shown_phone(number: str) -> str:
    """Return a phone number as Calendly shows it: French and North American ones grouped, others as given."""
    digits = re.sub(r"\D", "", number)
    if number.lstrip().startswith("+33") and len(digits) == 11:
        return f"+33 {digits[2]} " + " ".join(digits[at : at + 2] for at in range(3, 11, 2))
    if number.lstrip().startswith("+1") and len(digits) == 11:
        return f"+1 {digits[1:4]}-{digits[4:7]}-{digits[7:]}"
    return number


def is_phone(number: str) -> bool:
    """Say whether a text can be a phone number with its country code."""
    return bool(re.fullmatch(r"\+\d{7,15}", re.sub(r"[ ().\-]", "", number)))


def is_email(text: object) -> bool:
    """Say whether a value looks like one e-mail address."""
    return isinstance(text, str) and bool(re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", text))
