"""Tests both credentials and reads the catalogues.

`calendly_connect [--connection …] [--create-attributes] [--json]`
"""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from calendly_connector.clients.errors import ApiError
from calendly_connector.management import options as shared
from calendly_connector.services import setup
from calendly_connector.services.connection import NotConfigured


class Command(BaseCommand):
    """May be run as often as wanted."""

    help = "Test a connection's Calendly token and its Brevo key, and read what both accounts offer."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        shared.add_connection(parser)
        parser.add_argument("--create-attributes", action="store_true", help="create the mapped attributes Brevo lacks")
        parser.add_argument("--json", action="store_true", help="report as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run."""
        connection = shared.chosen_connection(options)
        try:
            report = setup.check(connection)
            created = (
                setup.create_attributes(connection, report.missing_attributes) if options["create_attributes"] else []
            )
        except (ApiError, NotConfigured, setup.OtherAccount) as error:
            raise CommandError(str(error)) from error
        missing = [f"{name} ({kind})" for name, kind in report.missing_attributes if name not in created]
        if options["json"]:
            self.stdout.write(json.dumps({"lines": report.lines, "created": created, "missing": missing}))
            return
        for line in report.lines:
            self.stdout.write(line)
        if created:
            self.stdout.write(f"Brevo: created {', '.join(created)}.")
        if missing:
            self.stdout.write(f"Brevo lacks {', '.join(missing)}: add --create-attributes, or change the mapping.")
        self.stdout.write(self.style.SUCCESS("Connected."))
