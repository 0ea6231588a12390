"""Does log entries once more, after saying what that would do.

`calendly_replay [--connection …] [--cause …] [--state …] [--trigger …] [--since …] [--until …] [--email …] [--entry ID]
[--rules today|then] [--events-again] [--dry-run] [--json]`
"""

import json
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from calendly_connector.core.replay import Wish
from calendly_connector.core.trigger import Trigger
from calendly_connector.management import options as shared
from calendly_connector.models import Connection, Replay, SyncLogEntry
from calendly_connector.services import chosen, replay
from calendly_connector.services.chosen import Chosen
from calendly_connector.services.plan import Plan

ASKER = "calendly_replay"


class Command(BaseCommand):
    """Chooses by every filter that is given; the workers do it in the background."""

    help = "Do log entries once more: contacts are decided anew, failed events are sent. Prints the plan first."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        shared.add_connection(parser)
        parser.add_argument("--cause", default="", help="what was to be mended, such as attribute_missing:MEETING_DATE")
        parser.add_argument("--state", action="append", default=[], choices=SyncLogEntry.State.values)
        parser.add_argument("--kind", default="", choices=SyncLogEntry.Kind.values)
        parser.add_argument("--trigger", default="", choices=[str(each) for each in Trigger], help="of an event")
        parser.add_argument("--since", default="", metavar="DAY or MOMENT", help="entries of then or later")
        parser.add_argument("--until", default="", metavar="DAY or MOMENT", help="entries before then")
        parser.add_argument("--email", default="", help="entries of one person")
        parser.add_argument(
            "--entry", action="append", default=[], type=int, metavar="ID", help="one entry; repeatable"
        )
        parser.add_argument("--rules", default="today", choices=Replay.Rules.values, help="which mapping decides")
        parser.add_argument("--events-again", action="store_true", help="send what was sent before a second time")
        parser.add_argument("--dry-run", action="store_true", help="print the plan only")
        parser.add_argument("--json", action="store_true", help="report as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run."""
        choice = _chosen(options)
        wish = replay.wish_of(options["rules"], sends_again=options["events_again"])
        plans = replay.plan_all(choice, wish)
        started = [] if options["dry_run"] else _start(plans, choice, wish)
        if options["json"]:
            self.stdout.write(json.dumps([_report(connection, plan, started) for connection, plan in plans]))
            return
        for connection, plan in plans:
            self._say(connection, plan)
        if why := replay.gone(choice):
            self.stdout.write(why)
        self.stdout.write(_closing(plans, started, is_dry_run=options["dry_run"]))

    def _say(self, connection: Connection, plan: Plan) -> None:
        self.stdout.write(f"{connection}: chosen entries: {plan.entries}, people: {plan.people}")
        for line in plan.lines():
            self.stdout.write(f"  {line}")
        for line in plan.left_out_lines():
            self.stdout.write(f"  left out: {line}")


def _chosen(options: dict[str, Any]) -> Chosen:
    """Return what the filters say; without one, everything would be meant, and that is refused."""
    connection = shared.chosen_connection(options).pk if options["connection"] else 0
    names = ("cause", "kind", "trigger", "since", "until", "email")
    try:
        choice = Chosen(
            connection=connection,
            ids=tuple(options["entry"]),
            states=tuple(options["state"]),
            up_to=chosen.newest(),
            **{name: options[name] for name in names},
        )
    except ValueError as error:
        raise CommandError(str(error), returncode=2) from error
    if choice.is_everything:
        raise CommandError("Say which entries: by --state, --cause, --since, --email, --entry…", returncode=2)
    return choice


def _start(plans: list[tuple[Connection, Plan]], choice: Chosen, wish: Wish) -> list[Replay]:
    try:
        return [
            replay.start(connection, choice, plan, wish, by=ASKER) for connection, plan in plans if not plan.is_empty
        ]
    except replay.AlreadyStarted as found:
        raise CommandError(str(found)) from found


def _report(connection: Connection, plan: Plan, started: list[Replay]) -> dict[str, Any]:
    numbers = [row.pk for row in started if row.connection_id == connection.pk]
    return {"connection": connection.name, "replay": numbers[0] if numbers else None, "plan": asdict(plan)}


def _closing(plans: list[tuple[Connection, Plan]], started: list[Replay], *, is_dry_run: bool) -> str:
    if all(plan.is_empty for _connection, plan in plans):
        return "Nothing to replay."
    if is_dry_run:
        return "Nothing was started: this was a dry run."
    return f"Started: replay {', '.join(str(row.pk) for row in started)}. The workers do it now."
