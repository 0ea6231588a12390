"""Reads a configuration file's values with their types, and keeps everything that is wrong with them (pure).

Takes what a YAML parser returns: mappings, lists and scalars. Nothing is raised: a reader goes on after each problem,
so that all of them are told at once. Words are templates for gettext, filled by whoever shows them.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from calendly_connector.core.words import gettext_noop

Path = tuple[str | int, ...]
"""Keys and positions from the top of a file to a value."""

REFERENCE = re.compile(r"\$\$\{|\$\{(?P<name>[^}]*)\}|\$\{")
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
SECRET_NAME = re.compile(r"KEY|TOKEN|SECRET|PASS|CREDENTIAL|AUTH|SIGN|COOKIE|DSN|_URL$", re.IGNORECASE)
LONGEST_NUMBER = 2**53 - 1
FLAGS = {"true": True, "false": False}


@dataclass(frozen=True, kw_only=True)
class Problem:
    """Something that staff should know of a place in the file. An error keeps the whole file from being applied."""

    path: Path
    words: str
    values: Mapping[str, object] = field(default_factory=dict)
    is_error: bool = True


@dataclass(frozen=True, kw_only=True)
class Mention:
    """Something named in the file that only the catalogues can judge: a list, an event type, an attribute…"""

    kind: str
    value: Any
    path: Path


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """What a file may refer to, and what was found while reading it.

    `variables` are those of the environment. Only their presence is asked of a secret; and without `may_fill_in`,
    which the admin's users don't have, no other variable is copied into the configuration either.
    """

    variables: Mapping[str, str] = field(default_factory=dict)
    may_fill_in: bool = True
    problems: list[Problem] = field(default_factory=list)
    mentions: list[Mention] = field(default_factory=list)


class FromEnvironment(str):
    """A text that was a variable's: it may stand for a number or a flag too."""

    __slots__ = ()


def escaped(text: str) -> str:
    """Return a text that stands for itself in a file, whatever it holds."""
    return text.replace("${", "$${")


class Reader:
    """One mapping of a file. Each key is asked for once; `close` tells of those that nobody asked for."""

    def __init__(self, values: Mapping[Any, Any], surroundings: Surroundings, path: Path = ()) -> None:
        self.path, self._values, self._around = path, values, surroundings
        self._asked: set[str] = set()

    def has(self, key: str) -> bool:
        """Return whether the file says anything of this key."""
        self._asked.add(key)
        return self._values.get(key) is not None

    def __iter__(self) -> Iterator[str]:
        """Yield the keys in the file's order."""
        return map(str, self._values)

    def text(self, key: str, default: str = "", *, longest: int = 255, is_needed: bool = False) -> str:
        """Return a text; a number or a flag is no text, so that nobody's “no” or “0045” changes silently."""
        value = self._value(key, is_needed=is_needed)
        if value is None:
            return default
        if not isinstance(value, str):
            self.complain(key, gettext_noop("“%(key)s” must be text: put it into quotation marks."))
            return default
        return value if self._is_storable(key, value, longest) else default

    def flag(self, key: str, *, default: bool) -> bool:
        """Return true or false."""
        value = self._value(key)
        if isinstance(value, FromEnvironment):
            value = FLAGS.get(value.lower(), value)
        if value is None or isinstance(value, bool):
            return default if value is None else value
        self.complain(key, gettext_noop("“%(key)s” must be true or false."))
        return default

    def whole(self, key: str, *, least: int, most: int = LONGEST_NUMBER, is_needed: bool = False) -> int | None:
        """Return a whole number between two limits, None when there is none."""
        return self._whole(key, self._value(key, is_needed=is_needed), least, most)

    def wholes(self, key: str) -> list[int]:
        """Return a list of whole numbers above 0."""
        found = [self._whole(key, value, 1, LONGEST_NUMBER, place) for place, value in self._items(key)]
        return [number for number in found if number is not None]

    def choice(self, key: str, choices: tuple[str, ...], default: str) -> str:
        """Return one of a few words."""
        value = self.text(key, default)
        if value in choices:
            return value
        self.complain(key, gettext_noop("“%(key)s” must be one of: %(choices)s."), choices=", ".join(choices))
        return default

    def section(self, key: str) -> "Reader":
        """Return a mapping's reader; an empty one when the key is missing or no mapping."""
        value = self._value(key)
        if value is not None and not isinstance(value, Mapping):
            self.complain(key, gettext_noop("“%(key)s” must hold keys of its own."))
        return Reader(value if isinstance(value, Mapping) else {}, self._around, (*self.path, key))

    def rows(self, key: str) -> Iterator["Reader"]:
        """Yield the readers of a list of mappings."""
        for place, value in self._items(key):
            if isinstance(value, Mapping):
                yield Reader(value, self._around, (*self.path, key, place))
            else:
                self.complain(key, gettext_noop("Each line of “%(key)s” must hold keys of its own."), place=place)

    def secret(self, key: str) -> str:
        """Return the name of the variable that holds a secret, "" when the file has none. Never the secret."""
        value = self._values.get(key)
        self._asked.add(key)
        if value is None or value == "":
            return ""
        found = REFERENCE.fullmatch(value) if isinstance(value, str) else None
        if not found or not found["name"] or not NAME.fullmatch(found["name"]):
            words = gettext_noop("“%(key)s” is a secret: write it as ${NAME}, and set that environment variable.")
            self.complain(key, words)
            return ""
        if not self._around.variables.get(found["name"]):
            self.complain(key, UNSET, name=found["name"])
        return found["name"]

    def mention(self, kind: str, value: Any, key: str | int) -> None:
        """Keep something to be judged by the catalogues."""
        self._around.mentions.append(Mention(kind=kind, value=value, path=(*self.path, key)))

    def complain(self, key: str, words: str, *, is_error: bool = True, place: int | None = None, **values: Any) -> None:
        """Keep a problem at a key, or at a position of its list."""
        path = (*self.path, key) if place is None else (*self.path, key, place)
        values = {"key": key, **values}
        self._around.problems.append(Problem(path=path, words=words, values=values, is_error=is_error))

    def close(self) -> None:
        """Tell of every key that means nothing here."""
        for key in self:
            if key not in self._asked:
                known = ", ".join(sorted(self._asked))
                self.complain(key, gettext_noop("“%(key)s” is not known here. Known: %(known)s."), known=known)

    def _value(self, key: str, *, is_needed: bool = False) -> Any:
        self._asked.add(key)
        value = self._values.get(key)
        if value is None and is_needed:
            problem = Problem(path=self.path, words=gettext_noop("“%(key)s” is missing."), values={"key": key})
            self._around.problems.append(problem)
        return self._filled_in(key, value) if isinstance(value, str) and "${" in value else value

    def _items(self, key: str) -> Iterator[tuple[int, Any]]:
        values = self._value(key)
        if isinstance(values, list):
            for place, value in enumerate(values):
                yield place, self._filled_in(key, value) if isinstance(value, str) and "${" in value else value
        elif values is not None:
            self.complain(key, gettext_noop("“%(key)s” must be a list."))

    def _whole(self, key: str, value: Any, least: int, most: int, place: int | None = None) -> int | None:
        if isinstance(value, FromEnvironment) and value.isascii() and value.isdigit():
            value = int(value[:20])
        if value is None and place is None:
            return None
        if isinstance(value, int) and not isinstance(value, bool) and least <= value <= most:
            return value
        words = gettext_noop("“%(key)s” must be a whole number from %(least)s to %(most)s.")
        self.complain(key, words, place=place, least=least, most=most)
        return None

    def _is_storable(self, key: str, text: str, longest: int) -> bool:
        if len(text) > longest:
            words = gettext_noop("“%(key)s” is longer than %(longest)s characters.")
            self.complain(key, words, longest=longest)
        elif any(sign == "\0" or "\ud800" <= sign <= "\udfff" for sign in text):
            self.complain(key, gettext_noop("“%(key)s” holds a character that can't be stored."))
        else:
            return True
        return False

    def _filled_in(self, key: str, text: str) -> str:
        """Return a text with the environment's variables in it; every one that can't be filled in is a problem."""
        missing = [refused for found in REFERENCE.finditer(text) if (refused := self._refusal(found))]
        for words, name in missing:
            self.complain(key, words, name=name)
        if missing:
            return ""
        filled = REFERENCE.sub(lambda it: self._around.variables[it["name"]] if it["name"] is not None else "${", text)
        return FromEnvironment(filled) if any(it["name"] for it in REFERENCE.finditer(text)) else filled

    def _refusal(self, found: re.Match[str]) -> tuple[str, str] | None:
        """Return why a reference can't be filled in, and its name."""
        name = found["name"]
        if found[0] == "$${":
            return None
        if name is None or not NAME.fullmatch(name):
            return gettext_noop("“%(key)s”: write a variable as ${NAME}, and a plain “${” as “$${”."), ""
        if SECRET_NAME.search(name):
            return gettext_noop("“%(key)s”: %(name)s looks like a secret, which may not be copied to here."), name
        if not self._around.may_fill_in:
            return ONLY_COMMAND, name
        return None if self._around.variables.get(name) else (UNSET, name)


UNSET = gettext_noop("The environment variable %(name)s is not set.")
ONLY_COMMAND = gettext_noop("“%(key)s”: only the command calendly_config fills in ${%(name)s}. Write the value itself.")
