"""Sees to our webhook subscription at Calendly, and to Brevo's webhook that tells us of unsubscriptions.

`calendly_subscribe [--connection …] [--force] [--dry-run] [--test] [--json]`
"""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from calendly_connector.clients.errors import ApiError
from calendly_connector.management import options as shared
from calendly_connector.models import Connection
from calendly_connector.services import brevo_listen, subscription
from calendly_connector.services.connection import NotConfigured


class Command(BaseCommand):
    """May be run as often as wanted."""

    help = (
        "Make sure that one active webhook subscription posts Calendly's bookings to this installation, and that Brevo "
        "tells it of unsubscriptions and deletions."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        shared.add_connection(parser)
        parser.add_argument("--force", action="store_true", help="replace a good subscription too (new signing key)")
        parser.add_argument("--dry-run", action="store_true", help="say what would be done")
        parser.add_argument("--test", action="store_true", help="only post a signed delivery to our own address")
        parser.add_argument("--json", action="store_true", help="report as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run."""
        connection = shared.chosen_connection(options)
        if not connection.organization:
            raise CommandError("The connection has not been tested yet: run calendly_connect first.")
        if options["test"]:
            self._test(connection)
            return
        try:
            outcome = subscription.subscribe(connection, is_dry_run=options["dry_run"], is_forced=options["force"])
        except ApiError as error:
            raise CommandError(subscription.words_for(error)) from error
        except NotConfigured as error:
            raise CommandError(str(error)) from error
        heard = brevo_listen.listen(connection.brevo_account, is_dry_run=options["dry_run"])
        if options["json"]:
            brevo = {"words": heard.words, "is_listening": heard.is_listening}
            self.stdout.write(json.dumps({"words": outcome.words, "subscription": outcome.uri, "brevo": brevo}))
            return
        self.stdout.write(self.style.SUCCESS(outcome.words))
        self.stdout.write((self.style.SUCCESS if heard.is_listening else self.style.WARNING)(heard.words))

    def _test(self, connection: Connection) -> None:
        """Say whether Calendly can reach us."""
        found = subscription.test_loop_back(connection)
        if not found.is_reached:
            raise CommandError(found.words)
        self.stdout.write(self.style.SUCCESS(found.words))
