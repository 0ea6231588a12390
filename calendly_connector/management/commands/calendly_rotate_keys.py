"""Encrypts every stored secret with the newest key: `calendly_rotate_keys [--dry-run] [--json]`."""

import json
from dataclasses import asdict
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.core.management.base import BaseCommand, CommandError, CommandParser

from calendly_connector.services import secrets


class Command(BaseCommand):
    """May be run at any time, and as often as wanted."""

    help = "Encrypt every stored secret with the first of FIELD_ENCRYPTION_KEYS; then the others may be removed."

    def add_arguments(self, parser: CommandParser) -> None:
        """Declare the options."""
        parser.add_argument("--dry-run", action="store_true", help="count only")
        parser.add_argument("--json", action="store_true", help="report as JSON")

    def handle(self, *args: Any, **options: Any) -> None:
        """Run."""
        try:
            done = secrets.rotate(is_dry_run=options["dry_run"])
        except ImproperlyConfigured as error:
            raise CommandError(str(error)) from error
        if options["json"]:
            self.stdout.write(json.dumps(asdict(done)))
        else:
            verb = "would be encrypted" if options["dry_run"] else "encrypted"
            self.stdout.write(f"{done.renewed} {verb} with the newest key, {done.current} had it already.")
        if done.changed:
            self.stderr.write(f"{done.changed} changed meanwhile: run this again.")
        if done.unreadable:
            raise CommandError(f"No key fits {', '.join(done.unreadable)}. Put their key back, or enter them anew.")
