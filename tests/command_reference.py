"""Writes docs/commands.md from what the commands say of themselves: `python -m tests.command_reference`."""

import argparse
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import django
from django.core.management import get_commands, load_command_class

APP = "calendly_connector"
PAGE = Path(__file__).resolve().parents[1] / "docs" / "commands.md"
DJANGOS = {
    *("--version", "--verbosity", "--settings", "--pythonpath", "--traceback"),
    *("--no-color", "--force-color", "--skip-checks", "--help"),
}  # every command of Django's has these
HEAD = """# The commands

Written by `python -m tests.command_reference` from what each says with `--help`; README tells which is for what.

`.venv/bin/python manage.py COMMAND …`; with containers, `docker compose … exec web python manage.py COMMAND …`. Exit
status: 0 done, 1 failed, 2 wrong usage.
"""
TAIL = """
## Without manage.py

| | |
|---|---|
| `python -m project.backup FILE` | copies the database, keys apart, while everything goes on ([backup.md](backup.md)) |
| `python -m project.prepare` | brings database and static files up to date, as web unit and containers do |
| `python -m project.first_user` | makes the user `admin` where there is no superuser, and prints the password once |
| `python -m sandbox --port 8400` | the stand-ins for Calendly and Brevo alone |
"""


def reference() -> str:
    """Return the whole page."""
    names = sorted(name for name, app in get_commands().items() if app == APP)
    return HEAD + "".join(_section(name) for name in names) + TAIL


def _section(name: str) -> str:
    command = load_command_class(APP, name)
    rows = [f"| `{what}` | {why} |" for what, why in _rows(command.create_parser("manage.py", name))]
    table = "\n".join(["| | |", "|---|---|", *rows])
    return f"\n## {name}\n\n{' '.join(str(command.help).split())}\n\n{table}\n"


def _rows(parser: argparse.ArgumentParser, before: str = "") -> Iterator[tuple[str, str]]:
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            helps = {each.dest: each.help or "" for each in action._choices_actions}
            for name, sub in action.choices.items():
                yield f"{before}{name}", helps.get(name, "")
                yield from _rows(sub, f"{before}{name} ")
        elif not DJANGOS & {*action.option_strings}:
            yield before + _written(action), _why(action)


def _written(action: argparse.Action) -> str:
    value = action.metavar or (r"\|".join(map(str, action.choices)) if action.choices else action.dest.upper())
    if not action.option_strings:
        return str(value)
    return action.option_strings[-1] + ("" if action.nargs == 0 else f" {value}")


def _why(action: argparse.Action) -> str:
    return (action.help or "").replace("%(default)s", str(action.default)).replace("%%", "%").replace("|", r"\|")


def main() -> int:
    """Write the page."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    PAGE.write_text(reference(), encoding="utf-8")
    print(f"Wrote {PAGE.name}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
