"""Run once after a backup was restored, before workers and web start: `calendly_restored [--dry-run] [--json]`."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from calendly_connector.services import restore


class Command(BaseCommand):
    """Running it twice does no harm; running it without a restore only makes events slower."""

    help = "After a restore: let events be looked up in Brevo before they are sent, and read what the backup lacks."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--dry-run", action="store_true", help="say what would be done, write nothing")
        parser.add_argument("--json", action="store_true", help="report as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run."""
        found = restore.look() if options["dry_run"] else restore.begin()
        if options["json"]:
            self.stdout.write(
                json.dumps(
                    {
                        "dry_run": options["dry_run"],
                        "known_to": found.known_to.isoformat() if found.known_to else None,
                        "events": found.events,
                        "opt_ins": found.opt_ins,
                        "connections": list(found.connections),
                    }
                )
            )
            return
        known_to = f"{found.known_to:%Y-%m-%d %H:%M} UTC" if found.known_to else "nothing"
        self.stdout.write(f"The backup knows of what happened until {known_to}.")
        verb = "would be" if options["dry_run"] else "will be"
        self.stdout.write(
            f"Waiting events that {verb} looked up in Brevo first: {found.events}. Opt-in mails left to staff: "
            f"{found.opt_ins}. Read again from Calendly: {', '.join(found.connections) or 'no connection'}."
        )
