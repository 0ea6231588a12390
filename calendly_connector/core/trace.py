"""One person's e-mail address in texts and JSON: found wherever it stands as a whole, and taken out (pure)."""

import json
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

ERASED = "(erased)"
HOSTS = frozenset({"hosts", "host_email", "event_memberships"})
"""Keys of the company's own people in a meeting. That somebody hosted it isn't an invitee's data."""

BEFORE = r"(?:(?<![\w.+%-])|(?<=%[0-9A-Fa-f]{2})|(?<=\\[bfnrt])|(?<=\\u[0-9A-Fa-f]{4}))"
"""What may stand before an address: nothing of a longer one, an escape of an address, or one of JSON within text."""
AFTER = r"(?![\w-]|\.\w)"


class Trace:
    """Finds one address, whatever its case, as it is written and as it stands in links."""

    def __init__(self, email: str) -> None:
        self.email = email.strip().lower()
        spellings = {self.email, quote(self.email, safe=""), self.email.replace("@", "%40"), _escaped(self.email)}
        forms = "|".join(re.escape(form) for form in sorted(spellings, key=len, reverse=True))
        self._pattern = re.compile(f"{BEFORE}(?:{forms}){AFTER}", re.IGNORECASE)

    @property
    def piece(self) -> str:
        """Return a part of the address that every spelling holds as it is: databases look for it first."""
        local, _at, domain = self.email.rpartition("@")
        best = max(PLAIN.findall(local), key=len, default="")
        return best if len(best) >= 3 else max(PLAIN.findall(f"{local}@{domain}"), key=len, default="")

    def is_in(self, value: Any) -> bool:
        """Return whether a text, or JSON as Python has it, names the address. Hosts of meetings don't count."""
        return bool(self.without(value) != value)

    def is_in_body(self, body: bytes) -> bool:
        """Return whether the body of a request names the address."""
        if self.piece.encode() not in body.lower():
            return False
        try:
            return self.is_in(_parsed(body))
        except RecursionError:  # JSON that is nested deeper than we follow
            return self.is_in(_text(body))

    def without(self, value: Any) -> Any:
        """Return a text or JSON without the address: a value of nothing else is emptied, or leaves its list."""
        if isinstance(value, str):
            return "" if self.is_whole(value) else self._pattern.sub(ERASED, value)
        if isinstance(value, Mapping):
            return {
                self._pattern.sub(ERASED, str(name)): inner if name in HOSTS else self.without(inner)
                for name, inner in value.items()
            }
        if isinstance(value, list | tuple):
            return [self.without(each) for each in value if not (isinstance(each, str) and self.is_whole(each))]
        return value

    def without_in_body(self, body: bytes) -> bytes:
        """Return a body without the address; JSON stays JSON."""
        try:
            value = self.without(_parsed(body))
            return (value if isinstance(value, str) else json.dumps(value)).encode()
        except RecursionError:
            return str(self.without(_text(body))).encode()

    def is_whole(self, text: str) -> bool:
        """Return whether a text is the address and nothing else."""
        return text.strip().lower() == self.email


PLAIN = re.compile(r"[a-z0-9.-]+")  # written alike in JSON, in links and in every case's lower form


def _escaped(email: str) -> str:
    """Return the address as JSON writes it that keeps to ASCII, without the quotes."""
    return json.dumps(email)[1:-1]


def _parsed(body: bytes) -> Any:
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return _text(body)


def _text(body: bytes) -> str:
    return body.decode("utf-8", "replace")
