"""What the documents say there is, there is; and what there is, they say."""

import re
from pathlib import Path

import pytest

from tests import command_reference

BASE = Path(__file__).resolve().parents[2]
README = (BASE / "README.md").read_text(encoding="utf-8")
SETTINGS, COMMANDS = README.split("\n## Settings\n")[1].split("\n## Reading on")[0].split("\n## Commands\n")
CODE = (*(BASE / "project").glob("*.py"), BASE / "deploy" / "gunicorn.conf.py")
READ = re.compile(
    r"""\.(?:text|choice|zone|address|flag|number|days|names|folder|database|email)\(\s*"([A-Z_]+)"|environ\.get\("([A-Z_]+)\""""
)
PORTS = {"PORT", "SANDBOX_PORT"}  # read by a name in a variable: project/plan.py
DOCUMENTS = [BASE / "README.md", BASE / "CONTRIBUTING.md", *sorted((BASE / "docs").glob("*.md"))]


def read_by_code() -> set[str]:
    """Return every variable that the code asks for."""
    text = "\n".join(path.read_text(encoding="utf-8") for path in CODE)
    return {name for pair in READ.findall(text) for name in pair if name} | PORTS


def test_code_readme_and_example_know_the_same_settings() -> None:
    example = set(re.findall(r"^#([A-Z_]+)=", (BASE / ".env.example").read_text(encoding="utf-8"), re.MULTILINE))
    rows = [line.split("|")[1] for line in SETTINGS.splitlines() if line.startswith("| `")]
    readme = {name for row in rows for name in re.findall(r"`([A-Z_]+)`", row)}

    assert len(example) > 40
    assert readme == example == read_by_code()


def test_every_command_has_its_row() -> None:
    files = (BASE / "calendly_connector" / "management" / "commands").glob("calendly_*.py")
    rows = set(re.findall(r"^\| `(calendly_\w+)", COMMANDS, re.MULTILINE))

    assert rows == {path.stem for path in files}


def test_the_reference_of_commands_is_up_to_date() -> None:
    assert command_reference.PAGE.read_text(encoding="utf-8") == command_reference.reference(), (
        "Write it anew: python -m tests.command_reference"
    )


def test_readme_leads_to_every_document() -> None:
    assert [path.name for path in DOCUMENTS if path.name != "README.md" and f"{path.name})" not in README] == []


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.stem)
def test_links_lead_to_something(document: Path) -> None:
    for target, _, place in re.findall(r"\]\((?!https?:|mailto:)([^)#\s]*)(#([^)\s]+))?\)", document.read_text()):
        path = document.parent / target if target else document
        assert path.exists(), target
        assert not place or place in anchors(path), f"{target}#{place}"


def anchors(path: Path) -> set[str]:
    """Return the places of a document that a link may name, as the usual renderers make them."""
    titles = re.findall(r"^#+ (.+)$", path.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.casefold()).strip().replace(" ", "-") for title in titles}
