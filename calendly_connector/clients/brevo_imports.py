"""Imports of many contacts, and the background processes that do them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from calendly_connector.clients import brevo_bodies as bodies
from calendly_connector.clients import errors
from calendly_connector.clients.brevo_parts import Part, object_in
from calendly_connector.clients.http import read_text

IMPORT_BYTES = 8_000_000
REPORT_BYTES = 20_000_000
PROCESSES_PER_PAGE = 50
REFUSED_ROWS = ("invalid_", "duplicate_")  # how the names of the reports begin; other facts are none


@dataclass(frozen=True, kw_only=True)
class Process:
    """A background job of Brevo's. `reports` are the addresses of CSV files about refused rows, by cause; `counted`,
    the refused rows that it only gives the number of (the form of the reference of February 2026)."""

    id: int
    status: str
    reports: Mapping[str, str]
    counted: int = 0

    @property
    def is_over(self) -> bool:
        """Return whether Brevo has finished with it."""
        return self.status in ("completed", "failed", "cancelled")


class Imports(Part):
    """What `BrevoClient` can do with imports."""

    _base_url: str

    def import_contacts(self, rows: Sequence[Mapping[str, Any]], *, lists: Sequence[int]) -> int:
        """Start an import (each row `{"email", "attributes"}`) and return its process number. May be repeated.

        https://developers.brevo.com/reference/import-contacts
        """
        body = {
            "jsonBody": [{**row, "attributes": bodies.sendable(row["attributes"])} for row in rows],
            "listIds": list(lists),
            "updateExistingContacts": True,
            "emptyContactsAttributes": False,
            "disableNotification": True,  # else the account's owner gets a mail for each
        }
        data = object_in(self._call("contacts", "POST", "/contacts/import", json=body).json)
        try:
            return int(data["processId"])
        except (KeyError, TypeError, ValueError) as error:
            raise errors.BadAnswer("Brevo began an import and doesn't say which.") from error

    def get_process(self, number: int) -> Process:
        """Return a background job's state. 100 calls an hour. https://developers.brevo.com/reference/get-process"""
        return _process(object_in(self._call("other", "GET", f"/processes/{number}").json), number)

    def list_processes(self) -> dict[int, Process]:
        """Return the newest background jobs, by number: one of the 100 calls an hour, however many are looked for.

        https://developers.brevo.com/reference/get-processes
        """
        data = object_in(self._call("other", "GET", "/processes", params={"limit": PROCESSES_PER_PAGE}).json)
        rows = [object_in(row) for row in data.get("processes") or []]
        return {int(row["id"]): _process(row, int(row["id"])) for row in rows if row.get("id") is not None}

    def read_report(self, address: str) -> str:
        """Return the text of an import's error report, read without our key: it may lie on another host."""
        if not address.startswith("https://") and urlsplit(address).netloc != urlsplit(self._base_url).netloc:
            raise errors.BadAnswer("Brevo named a report at an address that isn't safe to read.")
        return read_text(address, service="Brevo's report", limit=REPORT_BYTES)


def _process(data: Mapping[str, Any], number: int) -> Process:
    info = object_in(object_in(data.get("info") or {}).get("import") or {})
    refused = {name: value for name, value in info.items() if name.startswith(REFUSED_ROWS)}
    counted = sum(value for value in refused.values() if type(value) is int and value > 0)
    reports = {name: value for name, value in refused.items() if isinstance(value, str) and value}
    return Process(id=number, status=str(data.get("status") or ""), reports=reports, counted=counted)
