"""Sees to our webhook subscription at Calendly.

`calendly_subscribe [--connection …] [--force] [--dry-run] [--json]`
"""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from calendly_connector.clients.errors import ApiError
from calendly_connector.management import options as shared
from calendly_connector.services import subscription
from calendly_connector.services.connection import NotConfigured


class Command(BaseCommand):
    """May be run as often as wanted."""

    help = "Make sure that one active webhook subscription posts Calendly's bookings to this installation."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        shared.add_connection(parser)
        parser.add_argument("--force", action="store_true", help="replace a good subscription too (new signing key)")
        parser.add_argument("--dry-run", action="store_true", help="say what would be done")
        parser.add_argument("--json", action="store_true", help="report as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run."""
        connection = shared.chosen_connection(options)
        if not connection.organization:
            raise CommandError("The connection has not been tested yet: run calendly_connect first.")
        try:
            outcome = subscription.subscribe(connection, is_dry_run=options["dry_run"], is_forced=options["force"])
        except (ApiError, NotConfigured) as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps({"words": outcome.words, "subscription": outcome.uri}))
        else:
            self.stdout.write(self.style.SUCCESS(outcome.words))
