"""Finds the words that core, clients and services leave in the database, for the admin to show in any language; and
those of the start-up checks.

They are kept in English, as sentences with names and numbers filled in; `admin.said` finds the sentence behind a text
and translates that. `python -m tests.stored_words` writes the list, and a test tells when it is out of date.
"""

import ast
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path

from calendly_connector.core.fields import FIELDS

BASE = Path(__file__).resolve().parent.parent
APP = BASE / "calendly_connector"
TARGET = APP / "admin" / "stored_words.py"
FOLDERS = ("core", "clients", "services")
NOT_FOR_STAFF = {"logger", "re", "_", "gettext", "ngettext", "gettext_lazy", "gettext_noop", "N_"}
WORD = re.compile(r"[A-Za-z’']{2,}")
CODE = re.compile(r"[<>{}\\]|\b(SELECT|INSERT|UPDATE|DELETE|PRAGMA|SHOW)\b|^https?:")
FEWEST_WORDS = 3
SHOWN_TO_NOBODY = (
    "core/suggest.py",  # compared with other people's words
    "services/attribution_sql.py",  # for the database
    "services/metrics.py",  # for Prometheus
)
"""Modules whose texts no staff read."""
NO_WORDS = {
    "and/or does not exist",
    "must be unique",
    "has no attribute",
    "AND job.dedupe_key = %%s",
    "PRODID:-//Calendly connector//Booking page//EN",
    "list[Field[Any, Any]]",
    "SET LOCAL jit = off",
    "calendly_connector_tally.value + excluded.value",
}  # the same, of single texts

HEAD = '''# ruff: noqa: E501 - a sentence is a line
# fmt: off
"""Every sentence that core, clients and services leave in the database: written by `python -m tests.stored_words`."""

from django.utils.translation import gettext_noop as _

SENTENCES = (
'''


class Finder(ast.NodeVisitor):
    """Collects the texts of one module that staff may read."""

    def __init__(self) -> None:
        self.found: list[str] = []

    def visit_Call(self, node: ast.Call) -> None:
        """Pass over what goes to a log, to a pattern, or to gettext, which finds it by itself."""
        root = node.func
        while isinstance(root, ast.Attribute):
            root = root.value
        if not (isinstance(root, ast.Name) and root.id in NOT_FOR_STAFF):
            self.generic_visit(node)

    def visit_Expr(self, node: ast.Expr) -> None:
        """Pass over docstrings."""
        if not isinstance(node.value, ast.Constant):
            self.generic_visit(node)

    def visit_JoinedStr(self, node: ast.JoinedStr) -> None:
        """Take a sentence with names filled in, and look into what is filled in."""
        self._take(_template(node))
        for part in node.values:
            if isinstance(part, ast.FormattedValue):
                self.visit(part.value)

    def visit_Constant(self, node: ast.Constant) -> None:
        """Take a sentence."""
        if isinstance(node.value, str) and "%(" not in node.value:  # else it is gettext's already
            self._take(re.sub(r"\{\w*\}", Names(), node.value.replace("%", "%%")))

    def _take(self, text: str) -> None:
        text = text.strip()
        bare = re.sub(r"%\(\w+\)s", "", text).strip()
        fewest = 2 if "%(" in text and text[0].isupper() else FEWEST_WORDS
        is_one_line = "\n" not in text and not CODE.search(bare)
        if (
            is_one_line
            and text not in NO_WORDS
            and not text.startswith("calendly-connector/")
            and " " in bare
            and len(WORD.findall(bare)) >= fewest
        ):
            self.found.append(text)


class Names:
    """Names placeholders in their order: a, b, c…"""

    def __init__(self) -> None:
        self.count = 0

    def __call__(self, match: object = None) -> str:
        """Return the next placeholder."""
        self.count += 1
        return f"%({chr(ord('a') + self.count - 1)})s"


def _template(node: ast.JoinedStr) -> str:
    names = Names()
    return "".join(
        str(part.value).replace("%", "%%") if isinstance(part, ast.Constant) else names() for part in node.values
    )


def sentences() -> list[str]:
    """Return every sentence once, in the order of the files, and what the fields are called."""
    labels = [field.label for field in FIELDS.values()]
    return list(dict.fromkeys((*(text for path in _modules() for text in _found_in(path)), *labels)))


def _modules() -> Iterator[Path]:
    yield APP / "checks.py"  # the doctor's page shows what it finds
    for folder in FOLDERS:
        paths = sorted((APP / folder).glob("*.py"))
        yield from (path for path in paths if path.relative_to(APP).as_posix() not in SHOWN_TO_NOBODY)


def _found_in(path: Path) -> list[str]:
    finder = Finder()
    finder.visit(ast.parse(path.read_text(encoding="utf-8")))
    return finder.found


def render() -> str:
    """Return the text of the module that holds the list."""
    lines = (f"    _({json.dumps(text, ensure_ascii=False)}),\n" for text in sentences())
    return HEAD + "".join(lines) + ")\n"


if __name__ == "__main__":
    TARGET.write_text(render(), encoding="utf-8")
    print(f"{len(sentences())} sentences in {TARGET.relative_to(BASE)}.")
    sys.exit(0)
