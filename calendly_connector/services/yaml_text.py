"""YAML 1.2 text ↔ plain values, with the line of everything, and with comments. The only reader of ruamel.yaml.

Reading builds mappings, lists, texts, numbers and flags and nothing else: no tag makes an object. What a small text
may grow to through its aliases is limited, as is its size.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import StringIO
from typing import Any

from django.utils.translation import gettext as _
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from calendly_connector.core.config_reader import Path

LARGEST = 200_000  # bytes
MOST_VALUES, DEEPEST = 50_000, 20
TAG = "tag:yaml.org,2002:"
NOT_PLAIN = re.compile(
    r"(?i)y|n|yes|no|on|off|true|false|null|~|.*[^\w .,:/()@+&%-].*|[^a-z].*|.*\s|.*:|.*\s\s.*", re.DOTALL
)
"""Texts that are written in quotation marks, also for readers of YAML 1.1, where NO is false."""


@dataclass(frozen=True, kw_only=True)
class Line:
    """Words about a line of a text; 0 is the text as a whole."""

    number: int
    words: str


@dataclass(frozen=True, kw_only=True)
class Parsed:
    """A text's values, the line of each, and what is wrong with it."""

    values: dict[str, Any] = field(default_factory=dict)
    lines: Mapping[Path, int] = field(default_factory=dict)
    problems: list[Line] = field(default_factory=list)

    def line_of(self, path: Path) -> int:
        """Return the line of a value, else of the nearest thing that holds it."""
        while path and path not in self.lines:
            path = path[:-1]
        return self.lines.get(path, 1)


def parse(content: bytes | str) -> Parsed:
    """Return what a text holds. Whatever it is, nothing is raised: problems are told with their lines."""
    text = _decoded(content)
    if isinstance(text, Line):
        return Parsed(problems=[text])
    try:
        node = YAML(typ="safe", pure=True).compose(StringIO(text))
        return _Builder().build(node)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        words = _("This can't be read as YAML: %(why)s.") % {"why": error.problem or error.context}
        return Parsed(problems=[Line(number=mark.line + 1 if mark else 0, words=words)])
    except RecursionError:
        return Parsed(problems=[Line(number=0, words=_too_deep())])
    except (YAMLError, ValueError) as error:
        words = _("This can't be read as YAML: %(why)s.") % {"why": str(error).splitlines()[0][:200]}
        return Parsed(problems=[Line(number=0, words=words)])


def write(values: Mapping[str, Any], *, comments: Mapping[Path, str], head: str) -> str:
    """Return values as YAML; a comment stands at the end of its value's line, `head` above everything."""
    yaml = YAML(typ="rt", pure=True)
    yaml.default_flow_style, yaml.width, yaml.allow_unicode = False, 1_000_000, True
    yaml.indent(mapping=2, sequence=4, offset=2)
    made = _commented(values, (), comments)
    made.yaml_set_start_comment(head)
    for key in [*values][1:]:
        made.yaml_set_comment_before_after_key(key, before="\n")
    text = StringIO()
    yaml.dump(made, text)
    return text.getvalue()


def _decoded(content: bytes | str) -> str | Line:
    if len(content) > LARGEST:
        return Line(number=0, words=_("The file is larger than %(most)s bytes.") % {"most": LARGEST})
    try:
        text = content.decode("utf-8-sig") if isinstance(content, bytes) else content.removeprefix("\ufeff")
    except UnicodeDecodeError:
        return Line(number=0, words=_("The file is not in UTF-8."))
    return text if text.strip() else Line(number=0, words=_("The file is empty."))


def _too_deep() -> str:
    return _("This is nested too deeply, or holds too much.")


class _TooMuch(Exception):
    """More than any configuration needs."""


class _Builder:
    """Makes plain values of a tree of nodes."""

    def __init__(self) -> None:
        self._lines: dict[Path, int] = {}
        self._problems: list[Line] = []
        self._count = 0

    def build(self, node: Node | None) -> Parsed:
        """Return what the tree holds."""
        try:
            values = self._value(node, ()) if node else None
        except _TooMuch:
            return Parsed(problems=[Line(number=0, words=_too_deep())])
        if not isinstance(values, dict):
            self._tell(node, _("The file must hold keys with values, such as “version: 1”."))
            values = {}
        return Parsed(values=values, lines=self._lines, problems=self._problems)

    def _value(self, node: Node, path: Path) -> Any:
        self._count += 1
        if self._count > MOST_VALUES or len(path) > DEEPEST:
            raise _TooMuch
        self._lines.setdefault(path, node.start_mark.line + 1)
        if isinstance(node, MappingNode):
            return self._mapping(node, path)
        if isinstance(node, SequenceNode):
            return [self._value(each, (*path, place)) for place, each in enumerate(node.value)]
        return self._scalar(node) if isinstance(node, ScalarNode) else None

    def _mapping(self, node: MappingNode, path: Path) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, ScalarNode):
                self._tell(key, _("A key must be a text."))
            elif key.value in found:
                self._tell(key, _("“%(key)s” is here twice.") % {"key": key.value})
            else:
                self._lines[(*path, key.value)] = key.start_mark.line + 1
                found[key.value] = self._value(value, (*path, key.value))
        return found

    def _scalar(self, node: ScalarNode) -> Any:
        kind = str(node.tag).removeprefix(TAG)
        if kind == "null":
            return None
        if kind == "bool":
            return node.value.lower() == "true"
        if kind in ("int", "float"):
            return self._number(node)
        if kind not in ("str", "timestamp"):
            self._tell(node, _("“%(tag)s” is not known here.") % {"tag": node.tag})
        return node.value

    def _number(self, node: ScalarNode) -> int | float | str:
        try:
            return int(node.value) if str(node.tag).endswith("int") else float(node.value)
        except ValueError:
            return str(node.value)  # 0o17, 0x1F and the like: whoever wants a number says that this is none

    def _tell(self, node: Node | None, words: str) -> None:
        self._problems.append(Line(number=node.start_mark.line + 1 if node else 0, words=words))


def _commented(value: Any, path: Path, comments: Mapping[Path, str]) -> Any:
    if isinstance(value, Mapping):
        made = CommentedMap((key, _commented(each, (*path, key), comments)) for key, each in value.items())
        return _with_comments(made, made.keys(), path, comments)
    if isinstance(value, list):
        row = CommentedSeq(_commented(each, (*path, place), comments) for place, each in enumerate(value))
        return _with_comments(row, range(len(row)), path, comments)
    return DoubleQuotedScalarString(value) if isinstance(value, str) and NOT_PLAIN.fullmatch(value) else value


def _with_comments(made: Any, keys: Any, path: Path, comments: Mapping[Path, str]) -> Any:
    for key in keys:
        if words := comments.get((*path, key)):
            made.yaml_add_eol_comment(one_line(words), key, column=0)
    return made


def one_line(words: str) -> str:
    """Return words for a comment: a name of somebody's may hold anything."""
    return " ".join("".join(sign if sign.isprintable() else " " for sign in words).split())[:200]
