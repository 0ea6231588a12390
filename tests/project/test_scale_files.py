"""What is shipped for several machines names only files, modules and settings that there are."""

import re
import shlex
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import yaml

BASE = Path(__file__).resolve().parents[2]
DEPLOY = BASE / "deploy"
SERVICES: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yml").read_text(encoding="utf-8"))["services"]
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))


def test_compose_has_every_part_and_one_beat() -> None:
    assert set(SERVICES) == {"prepare", "web", "worker", "beat", "postgres", "redis", "proxy"}
    assert "deploy" not in SERVICES["beat"]
    assert [name for name, each in SERVICES.items() if "ports" in each] == ["proxy"]
    for name in ("prepare", "web", "worker", "beat"):
        environment = SERVICES[name]["environment"]
        assert environment["TASK_QUEUE_URL"] == "redis://redis:6379/0"
        assert "@postgres:5432/" in environment["DATABASE_URL"]


@pytest.mark.parametrize("name", ["prepare", "worker", "beat"])
def test_what_a_container_runs_is_there(name: str) -> None:
    words = shlex.split(SERVICES[name]["command"])
    module = words[words.index("-m") + 1] if "-m" in words else words[words.index("-A") + 1]

    assert find_spec(module), module


@pytest.mark.parametrize("unit", UNITS, ids=lambda unit: unit.stem)
def test_what_a_unit_runs_is_there(unit: Path) -> None:
    text = unit.read_text(encoding="utf-8")
    (command,) = re.findall(r"^ExecStart=(.*)$", text, flags=re.MULTILINE)
    home = "/opt/calendly-connector/"
    program, *arguments = shlex.split(command)

    assert program.startswith(f"{home}.venv/bin/")
    named = [each for each in arguments if each.endswith(".py")]
    assert named
    assert all((BASE / each).is_file() for each in named)
    assert (BASE / ".venv" / "bin" / Path(program).name).exists()


def test_a_reload_looks_at_the_settings_first() -> None:
    """gunicorn ends when what it reloads can't start; systemd goes on to the signal only after a good check."""
    (unit,) = (each for each in UNITS if each.stem.endswith("web"))

    check, signal = re.findall(r"^ExecReload=(.*)$", unit.read_text(encoding="utf-8"), flags=re.MULTILINE)

    assert check.endswith(".venv/bin/python manage.py check")
    assert signal == "/bin/kill -HUP $MAINPID"


def test_the_proxy_is_told_all_that_it_asks_for() -> None:
    asked = re.findall(r"\{\$(\w+):[^}]+\}", (DEPLOY / "Caddyfile").read_text(encoding="utf-8"))

    assert set(asked) == set(SERVICES["proxy"]["environment"]) == {"SITE_ADDRESS", "UPSTREAM"}
    assert SERVICES["proxy"]["environment"]["UPSTREAM"].split(":")[0] in SERVICES


def test_a_key_that_the_docs_tell_to_make_is_one_line() -> None:
    """`openssl rand -base64` breaks its lines after 48 bytes: the second would be lost, or spoil the file."""
    documents = [BASE / "README.md", *(BASE / "docs").glob("*.md")]
    sizes = [int(size) for each in documents for size in re.findall(r"openssl rand -base64 (\d+)", each.read_text())]

    assert len(sizes) >= 4
    assert max(sizes) <= 48


def test_the_image_holds_no_secret() -> None:
    ignored = (BASE / ".dockerignore").read_text(encoding="utf-8").split()

    assert {".env", ".run", ".git", ".venv"} <= set(ignored)
