"""Brings in what was booked before, quietly.

`calendly_backfill [--since …] [--until …] [--event-type …] [--connection …] [--with-events] [--dry-run] [--json]`
"""

import json
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from calendly_connector.clients.errors import ApiError
from calendly_connector.management import options as shared
from calendly_connector.management.foreground import READING, Foreground
from calendly_connector.management.progress import Progress
from calendly_connector.management.words import foresight_lines, report_lines
from calendly_connector.models import Connection
from calendly_connector.services import backfill, foresight
from calendly_connector.services.chosen import moment_of
from calendly_connector.services.connection import NotConfigured

INTERRUPTED = 130
GO_ON = "Stopped. What was read is kept: the same command goes on where it was."


class Command(BaseCommand):
    """Counts, shows a sample, reads, and reports. May be stopped and run again, also twice at once."""

    help = (
        "Bring in bookings made before the connector was there: contacts, lists and attributes, no automation events. "
        "Goes on where it was after Ctrl-C or a crash."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        shared.add_connection(parser)
        parser.add_argument("--since", default="", metavar="DAY or MOMENT", help="meetings that begin then or later")
        parser.add_argument("--until", default="", metavar="DAY or MOMENT", help="meetings that begin before")
        parser.add_argument(
            "--event-type", action="append", default=[], metavar="NAME or URI", help="only this one; repeatable"
        )
        parser.add_argument(
            "--with-events", action="store_true", help="send automation events too, for every booking brought in"
        )
        parser.add_argument("--dry-run", action="store_true", help="count, read a sample, write nothing")
        parser.add_argument("--json", action="store_true", help="report as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run."""
        connection = shared.chosen_connection(options)
        wish = _wish(connection, options)
        if not connection.organization:
            raise CommandError("The connection has not been tested yet: run calendly_connect first.")
        try:
            is_begun = backfill.under_way(connection, wish)
            if options["dry_run"] or not (options["json"] or is_begun):
                found = foresight.foresee(backfill.unsaved(connection, wish))
                self._say_beforehand(found, as_json=options["json"])
            if not options["dry_run"]:
                self._bring_in(connection, wish, as_json=options["json"])
        except (ApiError, NotConfigured, backfill.OtherUnderWay) as error:
            raise CommandError(str(error)) from error

    def _say_beforehand(self, found: foresight.Foresight, *, as_json: bool) -> None:
        self.stdout.write(json.dumps(found.to_json()) if as_json else "\n".join(foresight_lines(found)))

    def _bring_in(self, connection: Connection, wish: backfill.Wish, *, as_json: bool) -> None:
        row = backfill.ask(connection, wish, by="calendly_backfill")
        work = Foreground(row, READING, Progress(is_quiet=as_json))
        try:
            work.run()
        except KeyboardInterrupt:
            raise CommandError(GO_ON, returncode=INTERRUPTED) from None
        why_stopped, told = work.why_stopped, backfill.report(row)
        self.stdout.write(json.dumps(told) if as_json else "\n".join(report_lines(told)))
        if why_stopped:
            raise CommandError(f"{why_stopped} The same command goes on where it was.")


def _wish(connection: Connection, options: dict[str, Any]) -> backfill.Wish:
    since, until = (_moment(options[name], name) for name in ("since", "until"))
    if since and until and until <= since:
        raise CommandError("--until must be later than --since.", returncode=2)
    try:
        types = backfill.find_event_types(connection, options["event_type"])
    except backfill.UnknownEventType as error:
        raise CommandError(str(error), returncode=2) from error
    return backfill.Wish(
        since=since or backfill.BEGINNING, until=until, event_types=types, sends_events=options["with_events"]
    )


def _moment(text: str, name: str) -> datetime | None:
    try:
        return moment_of(text) if text else None
    except ValueError as error:
        raise CommandError(f"--{name}: {error}", returncode=2) from error
