"""Each threat of docs/threats.md has a test, and that test is there."""

import re
from pathlib import Path

BASE = Path(__file__).resolve().parents[1]
ROW = re.compile(r"^\| .+ \| .+ \| `(tests/[\w/]+\.py)(?:::(\w+))?` \|$", re.MULTILINE)


def test_every_threat_names_a_test_that_exists() -> None:
    text = (BASE / "docs" / "threats.md").read_text(encoding="utf-8")
    rows = ROW.findall(text)
    wrong = [f"{file}::{name}" for file, name in rows if f"def {name or 'test_'}" not in _content(BASE / file)]

    assert wrong == []
    assert len(rows) == text.count("\n| ") - 1  # every row but the head; its line of dashes has no space
    assert len(rows) > 20


def _content(file: Path) -> str:
    return file.read_text(encoding="utf-8") if file.is_file() else ""
