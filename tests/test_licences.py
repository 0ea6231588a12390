"""Every package that the product installs is in the list of licences, and nothing else is."""

import re
from pathlib import Path

BASE = Path(__file__).resolve().parents[1]


def test_every_dependency_is_listed_with_its_licence() -> None:
    locked = re.findall(r"^([a-z0-9][\w.-]*)(?:\[[^\]]*\])?==", (BASE / "requirements.lock").read_text(), re.MULTILINE)
    listed = dict(re.findall(r"^\| ([\w.-]+) \| (.+) \|$", (BASE / "docs" / "licences.md").read_text(), re.MULTILINE))
    del listed["package"]

    assert set(listed) == set(locked)
    assert len(locked) > 20
    assert all(licence.strip(" ?") for licence in listed.values())
