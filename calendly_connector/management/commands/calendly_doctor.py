"""Looks at everything that a support person would, and names the remedy.

`calendly_doctor [--connection …] [--offline] [--symptom WORDS] [--json]`; exit status 0 well, 1 something is wrong.
"""

import json
import textwrap
from itertools import groupby
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils.translation import override

import calendly_connector
from calendly_connector.core.diagnosis import Level
from calendly_connector.management import options as shared
from calendly_connector.models import Connection
from calendly_connector.services import connection as connections
from calendly_connector.services import doctor
from calendly_connector.services.doctor import Line, Report

MANUAL = "docs/repair.md"
SIGNS = {Level.BAD: "BAD ", Level.WARN: "WARN", Level.NOTE: "note", Level.UNKNOWN: "  ? ", Level.GOOD: "  ok"}
TITLES = {
    doctor.Group.INSTALLATION: "This installation",
    doctor.Group.CALENDLY: "Calendly",
    doctor.Group.BREVO: "Brevo",
    doctor.Group.MAPPING: "Mapping",
    doctor.Group.FLOW: "What flows",
}
WIDTH = 110


class Command(BaseCommand):
    """May be run as often as wanted: it only looks."""

    help = "Check settings, database, queue, Calendly, Brevo, the mapping and what flows, and name each remedy."
    requires_system_checks: list[str] = []  # what they would find is reported here

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        shared.add_connection(parser, default="all of them")
        parser.add_argument("--offline", action="store_true", help="call nobody: neither service, nor PUBLIC_URL")
        parser.add_argument("--symptom", metavar="WORDS", help=f"print what {MANUAL} says of this, such as 401")
        parser.add_argument("--json", action="store_true", help="report as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run."""
        if options["symptom"] is not None:
            self.stdout.write(_told_of(options["symptom"]))
            return
        with override("en"):
            report = doctor.examine(only=_only(options["connection"]), is_offline=options["offline"])
        if options["json"]:
            self.stdout.write(json.dumps(_as_json(report)))
        else:
            self._print(report)
        if report.wrong:
            raise SystemExit(1)

    def _print(self, report: Report) -> None:
        for (group, subject), lines in groupby(_sorted(report), key=lambda line: (line.group, line.subject)):
            self.stdout.write(self.style.MIGRATE_HEADING(f"{TITLES[group]}{f': {subject}' if subject else ''}"))
            for line in lines:
                self._print_line(line)
        count = len(report.wrong)
        if count:
            self.stdout.write(self.style.ERROR(f"{count} to mend."))
        else:
            self.stdout.write(self.style.SUCCESS("All is well."))

    def _print_line(self, line: Line) -> None:
        found = line.finding
        paint = {Level.BAD: self.style.ERROR, Level.WARN: self.style.WARNING, Level.GOOD: self.style.SUCCESS}
        sign = paint.get(found.level, str)(SIGNS[found.level])
        words = _wrapped(found.words) or [""]
        self.stdout.write(f"  {sign} {words[0]}")
        see = f" ({MANUAL}#{found.symptom})" if found.symptom else ""
        rest = [*words[1:], *(_wrapped(f"→ {found.remedy}{see}") if found.remedy else [])]
        for each in rest:
            self.stdout.write(f"       {each}")


def _wrapped(text: str) -> list[str]:
    """Return lines that break between words: an address, or the name of a command, stays whole to be copied."""
    return textwrap.wrap(text, WIDTH, break_on_hyphens=False, break_long_words=False)


def _only(name: str) -> Connection | None:
    try:
        return connections.find(name) if name else None
    except connections.NotConfigured as error:
        raise CommandError(str(error), returncode=2) from error


def _sorted(report: Report) -> list[Line]:
    """Return the lines with what belongs together side by side: the clock is looked at last, and listed first."""
    order = list(doctor.Group)
    return sorted(report.lines, key=lambda line: (order.index(line.group), line.subject))


def _as_json(report: Report) -> dict[str, Any]:
    found = [
        {
            "group": line.group,
            "check": line.check,
            "subject": line.subject,
            "level": line.finding.level,
            "words": line.finding.words,
            "remedy": line.finding.remedy,
            "see": f"{MANUAL}#{line.finding.symptom}" if line.finding.symptom else "",
        }
        for line in report.lines
    ]
    return {"is_well": not report.wrong, "worst": report.worst, "is_offline": report.is_offline, "findings": found}


def _told_of(words: str) -> str:
    """Return the parts of the manual whose heading holds the words; raise CommandError with all headings otherwise."""
    path = Path(calendly_connector.__file__).resolve().parent.parent / MANUAL
    if not path.is_file():
        raise CommandError(f"{MANUAL} isn't beside this installation.")
    _head, *parts = path.read_text(encoding="utf-8").split("\n## ")
    found = [part for part in parts if words.strip() and words.casefold() in part.partition("\n")[0].casefold()]
    if not found:
        headings = "\n".join(f"  {part.partition(chr(10))[0]}" for part in parts)
        raise CommandError(f"No heading of {MANUAL} has “{words}”. There are:\n{headings}", returncode=2)
    return "\n\n".join(f"## {part.strip()}" for part in found)
