"""What Brevo's import says that it didn't take: reports of refused rows, whose form is hardly documented."""

import csv
import logging
from collections.abc import Collection

from calendly_connector.clients import errors
from calendly_connector.clients.brevo import BrevoClient
from calendly_connector.clients.brevo_imports import Process
from calendly_connector.services import accounts, queue

logger = logging.getLogger(__name__)

UNNAMED = "not named"
"""Stands for people of whom Brevo tells, in a form that we can't read, that some were refused."""


def refused_emails(
    client: BrevoClient, process: Process, *, among: Collection[str], renew: accounts.Renew
) -> dict[str, set[str]]:
    """Return the addresses of each error report; every cell is looked at, for columns are undocumented.

    Where rows were refused and it doesn't show whose, all of `among`, who were imported, count as refused: to be
    written by themselves does no harm, to be taken for written would lose them. Raises queue.Later when a report can't
    be read just now.
    """
    found: dict[str, set[str]] = {}
    for name, address in process.reports.items():
        renew()
        text = _read(client, address)
        named = None if text is None else _named(text, set(among))
        found[name if named is not None else UNNAMED] = set(among) if named is None else named
    if process.counted:
        found[UNNAMED] = set(among)
    return found


def _read(client: BrevoClient, address: str) -> str | None:
    """Return a report's text; None when it will never be read, such as one that is gone."""
    try:
        return client.read_report(address)
    except errors.BadAnswer as error:
        if error.status == 429 or error.status >= 500:
            raise queue.Later(f"An error report of Brevo's import can't be read: {error}") from error
        logger.warning("An error report of Brevo's import can't be read: %s", error)
        return None
    except errors.ApiError as error:
        raise queue.Later(f"An error report of Brevo's import can't be read: {error}") from error


def _named(text: str, among: set[str]) -> set[str] | None:
    """Return whose rows a report holds; None when it holds more than they are: one line may be the columns' names."""
    lines = [line for line in csv.reader(text.splitlines(), delimiter=";") if any(cell.strip() for cell in line)]
    rows = [{cell.strip().lower() for cell in line} & among for line in lines]
    named = [row for row in rows if row]
    return set().union(*named) if named and len(lines) - len(named) <= 1 else None
