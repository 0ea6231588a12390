"""Options that several commands share."""

from typing import Any

from django.core.management.base import CommandError, CommandParser

from calendly_connector.models import Connection
from calendly_connector.services import connection as connections


def add_connection(parser: CommandParser, *, default: str = "the one of the environment") -> None:
    """Declare `--connection`; `default` says which is meant without it."""
    parser.add_argument("--connection", default="", metavar="ID or NAME", help=f"which one; without it, {default}")


def chosen_connection(options: dict[str, Any]) -> Connection:
    """Return the connection that was asked for; raise CommandError with the names that there are."""
    if not options["connection"]:
        return connections.environment_connection()
    try:
        return connections.find(options["connection"])
    except connections.NotConfigured as error:
        raise CommandError(str(error)) from error
