"""A value → what a Brevo attribute of that type accepts. Brevo drops what doesn't fit without a word; we don't."""

import math
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from calendly_connector.core import cause
from calendly_connector.core.steps import Value

TEXT_LIMIT = 50_000
"""Undocumented; the figure of a published connector (brevo-api.md §4.3)."""


@dataclass(frozen=True, kw_only=True)
class Attribute:
    """One attribute of Brevo's live catalogue. `kind` is its type, or "category" for the category of that name."""

    name: str
    kind: str
    options: tuple[tuple[str, str], ...] = ()  # (value to send, label); for multiple-choice both are the label


class Unfit(Exception):
    """The value can't be stored in this attribute; the text says why, for staff. `code` is one of `core.cause`."""

    def __init__(self, words: str, *, code: str = cause.UNFIT) -> None:
        super().__init__(words)
        self.code = code


def convert(value: Any, attribute: Attribute) -> Value:
    """Return the value as Brevo accepts it for this attribute; raise Unfit.

    `value` is text, a number, a boolean, a date, an aware datetime (its calendar day is taken as it stands), or a
    tuple of texts. Source: https://developers.brevo.com/docs/other-common-questions
    """
    converter = CONVERTERS.get(attribute.kind)
    if converter is None:
        raise Unfit(f"Brevo computes {attribute.name} itself; it can't be written", code=cause.ATTRIBUTE_COMPUTED)
    return converter(value, attribute)


def _to_text(value: Any, attribute: Attribute) -> Value:
    return _as_text(value)[:TEXT_LIMIT]


def _to_date(value: Any, attribute: Attribute) -> Value:
    if isinstance(value, datetime):
        return value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    text = _as_text(value).strip()
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise Unfit(f"“{text[:60]}” is no date (YYYY-MM-DD)") from None
    if moment.tzinfo:
        raise Unfit(f"“{text[:60]}” is an exact time, and which day that is depends on the place")
    return moment.date().isoformat()


AMBIGUOUS = re.compile(r"[+-]?[1-9][0-9]{0,2}[.,][0-9]{3}")
"""One separator before three digits: 1,000 is a thousand to some, and one to others."""


def _to_float(value: Any, attribute: Attribute) -> Value:
    if isinstance(value, str) and AMBIGUOUS.fullmatch(value.strip()):
        raise Unfit(f"“{value[:60]}” may be a thousand times more or less: write it without a separator")
    try:  # True and False count as 1 and 0
        number = float(value if isinstance(value, int | float) else _as_text(value).strip().replace(",", "."))
    except ValueError:
        raise Unfit(f"“{_as_text(value)[:60]}” is no number") from None
    except OverflowError:
        raise Unfit("the number is larger than Brevo can keep") from None
    if not math.isfinite(number):
        raise Unfit(f"“{_as_text(value)[:60]}” is no number that Brevo can keep")
    return int(number) if number.is_integer() else number


TRUE_WORDS = frozenset({"true", "yes", "y", "1", "on", "ja", "oui", "si", "sí"})
FALSE_WORDS = frozenset({"false", "no", "n", "0", "off", "nej", "nein", "non"})


def _to_boolean(value: Any, attribute: Attribute) -> Value:
    if isinstance(value, bool):
        return value
    word = _as_text(value).strip().casefold()
    if word in TRUE_WORDS | FALSE_WORDS:
        return word in TRUE_WORDS
    raise Unfit(f"“{_as_text(value)[:60]}” is neither yes nor no")


def _to_category(value: Any, attribute: Attribute) -> Value:
    option = _option(_as_text(value), attribute)
    if option is None:
        raise Unfit(f"“{_as_text(value)[:60]}” is not among {attribute.name}'s options: {_labels(attribute)}")
    return int(option) if option.isascii() and option.isdigit() else option


def _to_choices(value: Any, attribute: Attribute) -> Value:
    wanted = value if isinstance(value, tuple) else tuple(_as_text(value).split("\n"))
    pairs = [(text, _option(text, attribute)) for text in (part.strip() for part in wanted) if text]
    unknown = [text for text, option in pairs if option is None]
    if unknown:
        raise Unfit(f"“{unknown[0][:60]}” is not among {attribute.name}'s options: {_labels(attribute)}")
    return tuple(dict.fromkeys(option for _, option in pairs if option))


def _to_user(value: Any, attribute: Attribute) -> Value:
    text = _as_text(value).strip().lower()
    if "@" not in text:
        raise Unfit(f"“{text[:60]}” is no e-mail address of a Brevo user")
    return text


CONVERTERS: dict[str, Callable[[Any, Attribute], Value]] = {
    "text": _to_text,
    "date": _to_date,
    "float": _to_float,
    "boolean": _to_boolean,
    "category": _to_category,
    "multiple-choice": _to_choices,
    "user": _to_user,
}


def _as_text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime | date):
        return value.isoformat()
    if isinstance(value, tuple):
        return "\n".join(value)
    return str(value)


def _option(text: str, attribute: Attribute) -> str | None:
    """Return the option meant by a label, else by a stored value, without regard to case and outer spaces."""
    wanted = text.strip().casefold()
    for value, label in attribute.options:
        if label.strip().casefold() == wanted:
            return value
    return next((value for value, _ in attribute.options if value.casefold() == wanted), None)


def _labels(attribute: Attribute) -> str:
    return ", ".join(label for _, label in attribute.options[:20]) or "none"
