"""What Brevo makes of a value: which phone, address or attribute value it takes, and what it drops. Pure functions."""

import re
from datetime import date
from enum import Enum
from typing import Any

from sandbox.brevo_state import Attribute

_EMAIL = re.compile(r"[^@\s\"(),:;<>\[\]\\]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)*\.[A-Za-z0-9-]{2,}")
_PHONE = re.compile(r"(?:\+|00)?([1-9]\d{6,14})")


class Dropped(Enum):
    """The answer for a value that Brevo ignores without an error."""

    VALUE = "dropped"


DROPPED = Dropped.VALUE


def email_address(value: Any) -> str | None:
    """Return the stored form of an address, or None when it is none.

    Whether Brevo folds case and trims is undocumented; folding is the form in which duplicates show.
    """
    if not isinstance(value, str) or len(value) > 320:
        return None
    trimmed = value.strip().lower()
    return trimmed if _EMAIL.fullmatch(trimmed) and ".." not in trimmed else None


def phone_number(value: Any) -> str | None:
    """Return the digits of a number with country code (`33…`, `+33…`, `0033…`), or None for anything else."""
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)
    found = _PHONE.fullmatch(value.strip()) if isinstance(value, str) else None
    return found[1] if found else None


def attribute_value(attribute: Attribute, value: Any) -> Any:
    """Return what is stored for a JSON value, None when it clears the attribute, DROPPED when it does not fit.

    Clearing by "" is practice of a published connector; null is undocumented and therefore dropped.
    """
    if attribute.category == "category":
        return _category_value(attribute, value)
    if attribute.category != "normal":
        return DROPPED  # computed by Brevo, or fed by transactions
    if value == "" and isinstance(value, str):
        return None
    return _NORMAL[attribute.type](attribute, value)


def cell_value(attribute: Attribute, text: str) -> Any:
    """Return the JSON value that the text of a CSV cell stands for."""
    text = text.strip()
    if attribute.type == "float":
        return _number(text)
    if attribute.type == "boolean":
        return {"true": True, "yes": True, "1": True, "false": False, "no": False, "0": False}.get(text.lower(), text)
    if attribute.type == "multiple-choice":
        return [part.strip() for part in text.split(",") if part.strip()]
    return text


def _number(text: str) -> Any:
    try:
        return float(text) if "." in text or "e" in text.lower() else int(text)
    except ValueError:
        return text


def _category_value(attribute: Attribute, value: Any) -> Any:
    """Take the numeric id only: whether labels are accepted in JSON is undocumented."""
    if value == "" and isinstance(value, str):
        return None
    if isinstance(value, bool) or not isinstance(value, int | str):
        return DROPPED
    known = {identifier for identifier, _ in attribute.enumeration}
    return str(value) if str(value) in known else DROPPED


def _text(_attribute: Attribute, value: Any) -> Any:
    return value if isinstance(value, str) else DROPPED


def _float(_attribute: Attribute, value: Any) -> Any:
    return value if isinstance(value, int | float) and not isinstance(value, bool) else DROPPED


def _boolean(_attribute: Attribute, value: Any) -> Any:
    return value if isinstance(value, bool) else DROPPED


def _date(_attribute: Attribute, value: Any) -> Any:
    if not isinstance(value, str) or not re.fullmatch(r"\d{4}-\d\d-\d\d", value):
        return DROPPED
    try:
        date.fromisoformat(value)
    except ValueError:
        return DROPPED
    return value


def _choices(attribute: Attribute, value: Any) -> Any:
    """Keep the known options; an empty list clears, a list of nothing but unknown ones changes nothing."""
    if not isinstance(value, list):
        return DROPPED
    known = [option for option in attribute.options if option in value]
    if known or not value:
        return known or None
    return DROPPED


def _user(_attribute: Attribute, value: Any) -> Any:
    return email_address(value) or DROPPED


_NORMAL = {
    "text": _text,
    "date": _date,
    "float": _float,
    "boolean": _boolean,
    "multiple-choice": _choices,
    "user": _user,
}
