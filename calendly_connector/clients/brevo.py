"""Brevo's API v3, as far as we use it: a method per endpoint (brevo-api.md names the page of each)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote, urlsplit

from calendly_connector.clients import brevo_bodies as bodies
from calendly_connector.clients import brevo_contacts as contacts
from calendly_connector.clients import errors
from calendly_connector.clients.brevo_contacts import Contact
from calendly_connector.clients.brevo_tasks import Tasks
from calendly_connector.clients.brevo_webhooks import Webhooks
from calendly_connector.clients.http import Answer, Http, Patience, Witness, read_text, usual_patience
from calendly_connector.core.attributes import Attribute

EVENTS_PER_BATCH, BATCH_BYTES = 200, 500_000
IMPORT_BYTES = 8_000_000
REPORT_BYTES = 20_000_000
NAMES_PER_REMOVAL = 150
LISTS_PER_PAGE, EVENTS_PER_PAGE, PROCESSES_PER_PAGE = 50, 1000, 50

Observer = Callable[[str, Mapping[str, str]], None]
"""Told the bucket and the headers of every answer, so that the limiter can follow them."""


@dataclass(frozen=True, kw_only=True)
class Account:
    """Whose key this is."""

    organization_id: str
    company: str
    email: str
    plans: tuple[str, ...]
    has_automation: bool
    mails_left: int | None = None  # None: Brevo doesn't tell, or the plan counts otherwise


@dataclass(frozen=True, kw_only=True)
class ContactList:
    """One list of the account."""

    id: int
    name: str
    folder_id: int
    size: int


@dataclass(frozen=True, kw_only=True)
class Folder:
    """What lists are kept in."""

    id: int
    name: str


@dataclass(frozen=True, kw_only=True)
class RecordedEvent:
    """One automation event that Brevo holds."""

    name: str
    at: str
    properties: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Process:
    """A background job of Brevo's. `reports` are the addresses of CSV files about refused rows, by cause."""

    id: int
    status: str
    reports: Mapping[str, str]

    @property
    def is_over(self) -> bool:
        """Return whether Brevo has finished with it."""
        return self.status in ("completed", "failed", "cancelled")


class BrevoClient(contacts.Listings, Webhooks, Tasks):
    """One account. `base_url` includes "/v3"."""

    def __init__(
        self,
        *,
        api_key: str,
        base_url: str,
        observe: Observer | None = None,
        witness: Witness | None = None,
        patience: Patience = usual_patience,
    ) -> None:
        self._base_url = base_url
        headers = {"api-key": api_key}
        self._http = Http(service="Brevo", base_url=base_url, headers=headers, witness=witness, patience=patience)
        self._observe = observe or (lambda bucket, headers: None)

    def _call(self, bucket: str, method: str, path: str, **options: Any) -> Answer:
        answer = self._http.call(method, path, **options)
        self._observe(bucket, answer.headers)
        return answer

    def get_account(self) -> Account:
        """Return the account. 100 calls an hour. https://developers.brevo.com/reference/get-account"""
        data = _object(self._call("other", "GET", "/account").json)
        automation = data.get("marketingAutomation")
        return Account(
            organization_id=str(data.get("organization_id") or ""),
            company=str(data.get("companyName") or ""),
            email=str(data.get("email") or ""),
            plans=tuple(str(plan.get("type", "")) for plan in data.get("plan") or [] if isinstance(plan, dict)),
            has_automation=bool(isinstance(automation, dict) and automation.get("enabled")),
            mails_left=_mails_left(data.get("plan") or []),
        )

    def list_attributes(self) -> list[Attribute]:
        """Return the live catalogue. https://developers.brevo.com/reference/get-attributes"""
        data = _object(self._call("contacts", "GET", "/contacts/attributes").json)
        return [_attribute(row) for row in data.get("attributes") or [] if isinstance(row, dict) and row.get("name")]

    def create_attribute(self, name: str, *, kind: str) -> None:
        """Create a normal attribute. Refused when the name exists (`is_existing_attribute`).

        https://developers.brevo.com/reference/create-attribute
        """
        self._call("contacts", "POST", f"/contacts/attributes/normal/{quote(name, safe='')}", json={"type": kind})

    def list_lists(self) -> Iterator[ContactList]:
        """Yield every list, over all pages. https://developers.brevo.com/reference/get-lists"""
        yield from (_contact_list(row) for row in self._pages("lists"))

    def list_folders(self) -> Iterator[Folder]:
        """Yield every folder of lists, over all pages. https://developers.brevo.com/reference/get-folders"""
        for row in self._pages("folders"):
            yield Folder(id=int(row["id"]), name=str(row.get("name") or ""))

    def _pages(self, name: str) -> Iterator[Mapping[str, Any]]:
        """Yield the rows of /contacts/<name>, over all pages."""
        offset = 0
        while True:
            params = {"limit": LISTS_PER_PAGE, "offset": offset, "sort": "asc"}
            data = _object(self._call("contacts", "GET", f"/contacts/{name}", params=params).json)
            rows = data.get(name) or []
            yield from rows
            offset += len(rows)
            if not rows or offset >= int(data.get("count") or 0):
                return

    def first_folder(self) -> int:
        """Return the id of the oldest folder, making one when there is none.

        https://developers.brevo.com/reference/get-folders
        """
        params = {"limit": 1, "sort": "asc"}
        rows = _object(self._call("contacts", "GET", "/contacts/folders", params=params).json).get("folders") or []
        if rows:
            return int(rows[0]["id"])
        made = self._call("contacts", "POST", "/contacts/folders", json={"name": "Calendly"}).json
        return int(_object(made)["id"])

    def create_list(self, name: str, *, folder: int) -> int:
        """Create a list and return its id. https://developers.brevo.com/reference/create-list"""
        body = {"name": name, "folderId": folder}
        return int(_object(self._call("contacts", "POST", "/contacts/lists", json=body).json)["id"])

    def remove_from_list(self, number: int, emails: Sequence[str]) -> None:
        """Take at most 150 contacts off a list; those that aren't on it don't matter.

        https://developers.brevo.com/reference/remove-contact-from-list
        """
        self._change_list(number, "remove", {"emails": list(emails)})

    def empty_list(self, number: int) -> None:
        """Take everybody off a list. https://developers.brevo.com/reference/remove-contact-from-list"""
        self._change_list(number, "remove", {"all": True})

    def _change_list(self, number: int, what: str, body: Mapping[str, Any]) -> None:
        try:
            self._call("contacts", "POST", f"/contacts/lists/{number}/contacts/{what}", json=body)
        except errors.Refused as refused:
            if "and/or does not exist" not in str(refused.body.get("message", "")):
                raise  # that answer means: nothing left to do (brevo-api.md §3)

    def upsert_contact(
        self, email: str, *, attributes: Mapping[str, Any], lists: Sequence[int] = (), records_opt_out: bool = False
    ) -> None:
        """Create or update a contact and let it join lists. May be repeated.

        https://developers.brevo.com/reference/create-contact
        """
        body = bodies.contact_body(email, attributes=attributes, lists=lists, records_opt_out=records_opt_out)
        self._call("contacts", "POST", "/contacts", json=body)

    def get_contact(self, email: str) -> Contact:
        """Return a contact; raise NotFound. https://developers.brevo.com/reference/get-contact-info"""
        params = {"identifierType": "email_id"}
        data = _object(self._call("contacts", "GET", f"/contacts/{quote(email, safe='')}", params=params).json)
        return contacts.contact_of(data)

    def leave_lists(self, email: str, *, lists: Sequence[int]) -> None:
        """Take a contact out of lists. May be repeated; raises NotFound for an unknown contact.

        https://developers.brevo.com/reference/update-contact
        """
        params = {"identifierType": "email_id"}
        body = {"unlinkListIds": list(lists)}
        self._call("contacts", "PUT", f"/contacts/{quote(email, safe='')}", params=params, json=body)

    def delete_contact(self, email: str) -> bool:
        """Delete a contact with its history and its opt-out; return False when there is none. May be repeated.

        https://developers.brevo.com/reference/delete-contact (405: the account's own registered address)
        """
        params = {"identifierType": "email_id"}
        try:
            self._call("contacts", "DELETE", f"/contacts/{quote(email, safe='')}", params=params)
        except errors.NotFound:
            return False
        return True

    def ask_double_opt_in(self, email: str, *, lists: Sequence[int], template: int, redirect_url: str) -> None:
        """Have Brevo ask by mail; the click joins the lists. NOT to be repeated after a lost answer: each call mails.

        https://developers.brevo.com/reference/create-doi-contact
        """
        body = bodies.double_opt_in_body(email, lists=lists, template=template, redirect_url=redirect_url)
        self._call("contacts", "POST", "/contacts/doubleOptinConfirmation", json=body)

    def create_event(self, event: Mapping[str, Any]) -> None:
        """Record one event (`bodies.event_body`). NOT to be repeated after a lost answer.

        https://developers.brevo.com/reference/create-event
        """
        self._call("events", "POST", "/events", json=event)

    def create_events(self, events: Sequence[Mapping[str, Any]]) -> dict[int, str]:
        """Record at most 200 events; return what was refused, by position. NOT to be repeated after a lost answer.

        https://developers.brevo.com/reference/create-batch-events (207 and 400 carry the same body)
        """
        try:
            data = self._call("other", "POST", "/events/batch", json={"events": list(events)}).json
        except errors.Refused as refused:
            if refused.status != 400 or not isinstance(refused.body.get("errors"), list):
                raise
            data = refused.body
        return _refused_positions(_object(data or {}))

    def find_events(self, name: str, *, since: datetime, until: datetime, offset: int = 0) -> list[RecordedEvent]:
        """Return one page of recorded events of a name, newest first. 100 calls an hour.

        https://developers.brevo.com/reference/get-events
        """
        params: dict[str, Any] = {
            "event_name": name,
            "startDate": since.astimezone(UTC).date().isoformat(),
            "endDate": until.astimezone(UTC).date().isoformat(),
            "limit": EVENTS_PER_PAGE,
            "offset": offset,
        }
        data = _object(self._call("other", "GET", "/events", params=params).json)
        return [
            RecordedEvent(
                name=str(row.get("event_name") or ""),
                at=str(row.get("event_date") or ""),
                properties=_object(row.get("event_properties") or {}),
            )
            for row in data.get("events") or []
        ]

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
        return int(_object(self._call("contacts", "POST", "/contacts/import", json=body).json)["processId"])

    def get_process(self, number: int) -> Process:
        """Return a background job's state. 100 calls an hour. https://developers.brevo.com/reference/get-process"""
        return _process(_object(self._call("other", "GET", f"/processes/{number}").json), number)

    def list_processes(self) -> dict[int, Process]:
        """Return the newest background jobs, by number: one of the 100 calls an hour, however many are looked for.

        https://developers.brevo.com/reference/get-processes
        """
        data = _object(self._call("other", "GET", "/processes", params={"limit": PROCESSES_PER_PAGE}).json)
        rows = [_object(row) for row in data.get("processes") or []]
        return {int(row["id"]): _process(row, int(row["id"])) for row in rows if row.get("id") is not None}

    def read_report(self, address: str) -> str:
        """Return the text of an import's error report, read without our key: it may lie on another host."""
        if not address.startswith("https://") and urlsplit(address).netloc != urlsplit(self._base_url).netloc:
            raise errors.BadAnswer("Brevo named a report at an address that isn't safe to read.")
        return read_text(address, service="Brevo's report", limit=REPORT_BYTES)


def _mails_left(plans: Sequence[Any]) -> int | None:
    """Return how many e-mails an account may still send, by those of its plans that count them. SMS don't count."""
    told = [plan for plan in plans if isinstance(plan, dict) and plan.get("creditsType") == "sendLimit"]
    left = [plan.get("credits") for plan in told if plan.get("type") != "sms"]
    numbers = [int(number) for number in left if isinstance(number, int | float)]
    return sum(numbers) if numbers else None


def _process(data: Mapping[str, Any], number: int) -> Process:
    info = _object(_object(data.get("info") or {}).get("import") or {})
    reports = {name: value for name, value in info.items() if isinstance(value, str) and value}
    return Process(id=number, status=str(data.get("status") or ""), reports=reports)


def _attribute(row: Mapping[str, Any]) -> Attribute:
    category = str(row.get("category") or "normal")
    kind = category if category in ("category", "calculated", "global") else str(row.get("type") or "text")
    choices = [(str(choice), str(choice)) for choice in row.get("multiCategoryOptions") or []]
    options = [
        (str(option.get("valueStr") or option.get("value")), str(option.get("label") or ""))
        for option in row.get("enumeration") or []  # `value` is 0 when it isn't numeric: valueStr leads
    ]
    return Attribute(name=str(row["name"]).upper(), kind=kind, options=tuple(choices or options))


def _contact_list(row: Mapping[str, Any]) -> ContactList:
    return ContactList(
        id=int(row["id"]),
        name=str(row.get("name") or ""),
        folder_id=int(row.get("folderId") or 0),
        size=int(row.get("uniqueSubscribers") or 0),
    )


def _refused_positions(data: Mapping[str, Any]) -> dict[int, str]:
    refused: dict[int, str] = {}
    for row in data.get("errors") or []:
        positions = row.get("eventIndex")
        for position in positions if isinstance(positions, list) else [positions]:
            refused[int(position)] = str(row.get("message") or "refused without a reason")
    return refused


def _object(value: Any) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise errors.BadAnswer("Brevo answered in another form than it documents.")
    return value
