"""A connection's configuration as a file.

`calendly_config import FILE [--connection …] [--dry-run] [--json]`, `calendly_config export [--connection …]
[--output FILE]`. FILE may be `-` for standard input.
"""

import json
import sys
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from calendly_connector.management import options as shared
from calendly_connector.services import config_file
from calendly_connector.services.config_file import Plan
from calendly_connector.services.yaml_text import LARGEST, Line

STDIN = "-"


class Command(BaseCommand):
    """May be run as often as wanted: a file that changes nothing does nothing."""

    help = "Read a connection's configuration from a file (also the old platform's), or write it to one."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the verbs and their options."""
        verbs = parser.add_subparsers(dest="verb", required=True, metavar="import|export")
        reading = verbs.add_parser("import", help="apply a file, all of it or nothing")
        reading.add_argument("file", metavar="FILE", help="a YAML file, or - for standard input")
        reading.add_argument("--dry-run", action="store_true", help="say what would change")
        reading.add_argument("--json", action="store_true", help="report as JSON")
        writing = verbs.add_parser("export", help="write everything that staff set up, without secrets")
        writing.add_argument("--output", default=STDIN, metavar="FILE", help="where to; without it, standard output")
        for each in (reading, writing):
            shared.add_connection(each)

    def handle(self, *args: Any, **options: Any) -> None:
        """Run."""
        if options["verb"] == "import":
            self._import(options)
        else:
            self._export(options)

    def _import(self, options: dict[str, Any]) -> None:
        content = _read(options["file"])
        connection = shared.chosen_connection(options)
        if options["dry_run"]:
            found = config_file.plan(connection, content)
        else:
            found = config_file.apply(connection, content, by=None)
        is_applied = not found.errors and not options["dry_run"]
        if options["json"]:
            self.stdout.write(json.dumps(_as_json(found, is_applied=is_applied)))
        else:
            self._tell(found)
        if found.errors:
            raise CommandError(f"Problems in the file: {len(found.errors)}. Nothing was changed.")
        if not options["json"]:
            done = f"“{connection}” is configured by the file." if is_applied else "Nothing was changed: a dry run."
            self.stdout.write(self.style.SUCCESS(done))

    def _tell(self, found: Plan) -> None:
        for line in found.errors:
            self.stderr.write(_at(line))
        for line in found.warnings:
            self.stderr.write(self.style.WARNING(f"Note: {_at(line)}"))
        for words in found.changes:
            self.stdout.write(words)
        if not found.errors and not found.changes:
            self.stdout.write("The file says what is configured already.")

    def _export(self, options: dict[str, Any]) -> None:
        text = config_file.export(shared.chosen_connection(options))
        if options["output"] == STDIN:
            self.stdout.write(text, ending="")
            return
        try:
            Path(options["output"]).write_text(text, encoding="utf-8")
        except OSError as error:
            raise CommandError(f"{options['output']} can't be written: {error.strerror}.") from error
        self.stdout.write(self.style.SUCCESS(f"Written to {options['output']}."))


def _read(name: str) -> bytes:
    """Return a file's content, no more than a configuration may have; raise CommandError."""
    try:
        if name == STDIN:
            return sys.stdin.buffer.read(LARGEST + 1)
        with Path(name).open("rb") as file:
            return file.read(LARGEST + 1)
    except OSError as error:
        raise CommandError(f"{name} can't be read: {error.strerror}.", returncode=2) from error


def _at(line: Line) -> str:
    return f"Line {line.number}: {line.words}" if line.number else line.words


def _as_json(found: Plan, *, is_applied: bool) -> dict[str, Any]:
    problems, notes = (
        [{"line": line.number, "words": line.words} for line in lines] for lines in (found.errors, found.warnings)
    )
    return {"applied": is_applied, "changes": found.changes, "problems": problems, "notes": notes}
