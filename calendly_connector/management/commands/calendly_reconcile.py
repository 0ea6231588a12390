"""Compares the last 30 days and everything to come with Calendly, and mends what was missed.

`calendly_reconcile [--connection …] [--days N] [--recent-hours N] [--quick] [--drift] [--dry-run] [--json]`
"""

import json
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from calendly_connector.clients.errors import ApiError
from calendly_connector.core import gap
from calendly_connector.management import options as shared
from calendly_connector.management.commands.calendly_backfill import INTERRUPTED
from calendly_connector.management.foreground import READING, Foreground
from calendly_connector.management.progress import Progress
from calendly_connector.management.words import drift_lines, foresight_lines, report_lines
from calendly_connector.models import Connection
from calendly_connector.services import drift_report, foresight, reconcile
from calendly_connector.services.connection import NotConfigured


class Command(BaseCommand):
    """Finds late no-shows, cancellations, moves and missed bookings. The workers do the same every hour, quickly."""

    help = "Compare the ledger with Calendly and mend it. Automation events leave only for what is recent."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        shared.add_connection(parser)
        parser.add_argument(
            "--days", type=int, default=gap.LOOK_BACK.days, metavar="N", help="how far back meetings began (30)"
        )
        parser.add_argument(
            "--recent-hours",
            type=int,
            metavar="N",
            help="how old what is found may be to send an automation event (24, and not from before the connection)",
        )
        parser.add_argument(
            "--quick", action="store_true", help="pass over meetings that began and were read lately, as the schedule"
        )
        parser.add_argument(
            "--drift", action="store_true", help="only name the differences that the last comparison with Brevo found"
        )
        parser.add_argument("--dry-run", action="store_true", help="say what would be mended, write nothing")
        parser.add_argument("--json", action="store_true", help="report as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run."""
        connection = shared.chosen_connection(options)
        hours = options["recent_hours"]
        if options["days"] < 1 or (hours is not None and hours < 0):
            raise CommandError("--days must be at least 1, --recent-hours at least 0.", returncode=2)
        if options["drift"]:
            self._name_differences(connection, as_json=options["json"])
            return
        if not connection.organization:
            raise CommandError("The connection has not been tested yet: run calendly_connect first.")
        asked = {
            "days": options["days"],
            "recent": None if hours is None else timedelta(hours=hours),
            "is_thorough": not options["quick"],
        }
        try:
            if options["dry_run"]:
                self._look(connection, asked, as_json=options["json"])
            else:
                self._mend(connection, asked, as_json=options["json"])
        except (ApiError, NotConfigured) as error:
            raise CommandError(str(error)) from error

    def _look(self, connection: Connection, asked: dict[str, Any], *, as_json: bool) -> None:
        found = foresight.foresee(reconcile.unsaved(connection, **asked), is_whole=True)
        self.stdout.write(json.dumps(found.to_json()) if as_json else "\n".join(foresight_lines(found)))

    def _name_differences(self, connection: Connection, *, as_json: bool) -> None:
        told = drift_report.report(connection)
        self.stdout.write(json.dumps(told) if as_json else "\n".join(drift_lines(told)))

    def _mend(self, connection: Connection, asked: dict[str, Any], *, as_json: bool) -> None:
        row = reconcile.ask(connection, **asked, by="calendly_reconcile")
        work = Foreground(row, READING, Progress(is_quiet=as_json))
        try:
            work.run()
        except KeyboardInterrupt:
            raise CommandError("Stopped. The same command goes on where it was.", returncode=INTERRUPTED) from None
        why_stopped, told = work.why_stopped, reconcile.report(row)
        self.stdout.write(json.dumps(told) if as_json else "\n".join(report_lines(told)))
        if why_stopped:
            raise CommandError(f"{why_stopped} The same command goes on where it was.")
