"""What was stored in English, shown in the reader's language: the sentence behind a text is found and translated.

The worker has no reader, so it writes plain English with names and numbers filled in. Here each known sentence
(`stored_words`) is a pattern; what fills it is looked through in the same way. Unknown words, such as a provider's own,
stay as they are.
"""

import re
from dataclasses import dataclass
from functools import cache, lru_cache

from django.utils.translation import get_language, gettext

from calendly_connector.admin.stored_words import SENTENCES

PLACEHOLDER = re.compile(r"%\((\w)\)s")
MOST_KEPT = 4096
ORIGINAL = "en"


@dataclass(frozen=True, kw_only=True)
class Pattern:
    """A sentence to be found. `literal` is its longest piece that is always the same: looked for first, for speed."""

    sentence: str
    literal: str
    regex: re.Pattern[str]
    weight: int  # characters that are always the same: the more, the surer

    def find(self, text: str) -> re.Match[str] | None:
        """Return where the sentence stands in a text."""
        return self.regex.search(text) if self.literal in text else None


def said(text: str) -> str:
    """Return a stored text in the active language."""
    language = get_language() or ORIGINAL
    return text if language.split("-")[0] == ORIGINAL else _translated(text, language)


@lru_cache(maxsize=MOST_KEPT)
def _translated(text: str, language: str) -> str:
    matches = [(pattern, found) for pattern in patterns() if (found := pattern.find(text))]
    if not matches:
        return text
    pattern, found = min(matches, key=lambda match: (match[1].start(), -match[0].weight))
    filled = {name: _translated(value, language) for name, value in found.groupdict().items()}
    before, after = text[: found.start()], text[found.end() :]
    sentence = gettext(pattern.sentence) % filled
    return "".join((_translated(before, language), sentence, _translated(after, language)))


@cache
def patterns() -> tuple[Pattern, ...]:
    """Return every sentence as a pattern."""
    return tuple(_pattern(sentence) for sentence in SENTENCES)


def _pattern(sentence: str) -> Pattern:
    pieces = PLACEHOLDER.split(sentence)
    literals, names = [piece.replace("%%", "%") for piece in pieces[::2]], pieces[1::2]
    regex = re.escape(literals[0])
    for place, name in enumerate(names):
        is_last = place == len(names) - 1 and not literals[-1]
        regex += f"(?P<{name}>.{'+' if is_last else '+?'})" + re.escape(literals[place + 1])
    return Pattern(
        sentence=sentence,
        literal=max(literals, key=len),
        regex=re.compile(regex, re.DOTALL),
        weight=sum(map(len, literals)),
    )
