"""The mark by which a booking is matched back to the single-use link that it was made with (pure)."""

import re

PREFIX = "ccl-"
_TAG = re.compile(rf"{PREFIX}[0-9a-f]{{24}}")


def tag_of(random: bytes) -> str:
    """Return the tag made of twelve random bytes: nobody guesses another person's."""
    return f"{PREFIX}{random[:12].hex()}"


def is_tag(text: str) -> bool:
    """Return whether a booking's utm_content looks like a tag, so that everybody else's costs no query."""
    return _TAG.fullmatch(text) is not None
