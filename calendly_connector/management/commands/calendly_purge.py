"""Deletes what is kept for a while only, after saying what that is.

`calendly_purge [--table NAME] [--dry-run] [--json]`
"""

import json
from collections.abc import Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from calendly_connector.models import Schedule
from calendly_connector.services import prune, retention
from calendly_connector.services.prune import Purged
from calendly_connector.services.retention import Rule


class Command(BaseCommand):
    """The workers do the same once a day. It may be stopped at any time, and run beside everything else."""

    help = "Count what is older than it is kept, then delete it. Bookings, people and proofs of consent stay."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        names = ", ".join(rule.name for rule in retention.RULES)
        parser.add_argument(
            "--table", action="append", default=[], metavar="NAME", help=f"only this; repeatable. There is: {names}"
        )
        parser.add_argument("--dry-run", action="store_true", help="count only")
        parser.add_argument("--json", action="store_true", help="report as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run."""
        rules, is_dry = _rules(options["table"]), options["dry_run"]
        found = prune.count(rules)
        if not options["json"]:
            self._say_what(found, is_dry=is_dry)
        done = [] if is_dry else prune.purge(rules)
        if options["json"]:
            self.stdout.write(json.dumps(_report(found, done, is_dry=is_dry)))
        else:
            self._close(found, done, is_dry=is_dry)

    def _say_what(self, found: Sequence[Purged], *, is_dry: bool) -> None:
        for each in found:
            if each.before is None:
                self.stdout.write(f"{each.rule.name:<17} kept for ever ({each.rule.setting}=0)")
                continue
            verb = f"would be {each.rule.act}" if is_dry else f"to be {each.rule.act}"
            age = f"from before {each.before:%Y-%m-%d %H:%M} UTC, kept for {each.rule.days} days ({each.rule.setting})"
            self.stdout.write(f"{each.rule.name:<17} {each.rows:>9} {verb}, {age}")
        self.stdout.write(_schedule_words())

    def _close(self, found: Sequence[Purged], done: Sequence[Purged], *, is_dry: bool) -> None:
        if is_dry:
            due = sum(each.rows for each in found)
            self.stdout.write(f"Nothing was deleted: this was a dry run. {due} rows are due.")
        else:
            self.stdout.write(prune.words_for(done))


def _rules(names: Sequence[str]) -> Sequence[Rule]:
    try:
        return retention.find(names)
    except KeyError as error:
        known = ", ".join(rule.name for rule in retention.RULES)
        raise CommandError(f"There is no table {error}. There is: {known}.", returncode=2) from error


def _schedule_words() -> str:
    row = Schedule.objects.filter(name=prune.NAME).first()
    if row is None:
        return "The schedule has not been set up yet: the first worker does it."
    following = f"next {row.next_run_at:%Y-%m-%d %H:%M} UTC" if row.is_enabled else "switched off"
    return f"By schedule: {following}. Last: {row.last_result or 'never ran'}"


def _report(found: Sequence[Purged], done: Sequence[Purged], *, is_dry: bool) -> dict[str, Any]:
    taken = {each.rule.name: each.rows for each in done}
    row = Schedule.objects.filter(name=prune.NAME, is_enabled=True).first()
    return {
        "dry_run": is_dry,
        "next_run_at": row.next_run_at.isoformat() if row else None,
        "tables": {
            each.rule.name: {
                "act": each.rule.act,
                "before": each.before.isoformat() if each.before else None,
                "days": each.rule.days,
                "setting": each.rule.setting,
                "due": each.rows,
                "done": taken.get(each.rule.name, 0),
            }
            for each in found
        },
    }
