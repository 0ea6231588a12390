"""How a booking page looks, as a few CSS variables. Only values that can do nothing else come through."""

import re
from collections.abc import Callable, Mapping

COLOUR = re.compile(r"#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})")
LENGTH = re.compile(r"(?:0|(?:\d{1,3}(?:\.\d{1,2})?)(?:px|rem|em))")
FAMILY = re.compile(r"(?:[A-Za-z][A-Za-z0-9 -]{0,40}|\"[A-Za-z][A-Za-z0-9 -]{0,40}\")")


def is_colour(value: str) -> bool:
    """Return whether a value is a colour such as #0a5 or #00aa55."""
    return bool(COLOUR.fullmatch(value))


def is_length(value: str) -> bool:
    """Return whether a value is a length such as 8px or 1.25rem."""
    return bool(LENGTH.fullmatch(value))


def is_font(value: str) -> bool:
    """Return whether a value is a list of font names such as `Georgia, "Times New Roman", serif`."""
    names = [name.strip() for name in value.split(",")]
    return len(value) <= 200 and all(FAMILY.fullmatch(name) for name in names)


VARIABLES: Mapping[str, Callable[[str], bool]] = {
    "accent": is_colour,
    "accent-text": is_colour,
    "background": is_colour,
    "surface": is_colour,
    "text": is_colour,
    "quiet": is_colour,
    "line": is_colour,
    "radius": is_length,
    "font-size": is_length,
    "width": is_length,
    "font": is_font,
}
"""CSS variable, without its beginning `--book-` → what is allowed for it."""


def wrong_in(theme: Mapping[str, object]) -> tuple[str, ...]:
    """Return the variables that aren't ours, or whose values aren't allowed."""
    return tuple(name for name, value in theme.items() if not _is_good(name, value))


def stylesheet(theme: Mapping[str, object]) -> str:
    """Return the rules of a theme; what isn't allowed, whoever stored it, is left out."""
    lines = [
        f"  --book-{name}: {theme[name]};\n" for name in VARIABLES if name in theme and _is_good(name, theme[name])
    ]
    return f":root {{\n{''.join(lines)}}}\n"


def _is_good(name: str, value: object) -> bool:
    return name in VARIABLES and isinstance(value, str) and VARIABLES[name](value)
