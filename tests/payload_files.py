"""Hands out the webhook bodies in `tests/payloads`; where each comes from stands in SOURCES.md there."""

import json
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "payloads"
SOURCES = FOLDER / "SOURCES.md"


def names() -> list[str]:
    """Return the name of every file, without `.json`, in alphabetical order."""
    return sorted(path.stem for path in FOLDER.glob("*.json"))


def raw(name: str) -> bytes:
    """Return the bytes of a file, as they would be posted and signed. Raises FileNotFoundError."""
    return (FOLDER / f"{name}.json").read_bytes()


def load(name: str) -> dict[str, Any]:
    """Return the delivery body in a file, a fresh copy each time. Raises FileNotFoundError."""
    body: dict[str, Any] = json.loads(raw(name))
    return body
