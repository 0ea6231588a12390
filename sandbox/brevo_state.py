"""What the stand-in for Brevo remembers: plain values and indexes. Knows neither HTTP nor the rules of writing."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

Json = dict[str, Any]

# Unique in the account, each usable to find a contact (reference 2.4). The spelling is that of
# `metadata.duplicate_identifiers`: "email" and "SMS" have been seen, the others are named after their attribute.
IDENTIFIERS = ("email", "ext_id", "SMS", "WHATSAPP", "LANDLINE_NUMBER")
PHONES = ("SMS", "WHATSAPP", "LANDLINE_NUMBER")


@dataclass(kw_only=True)
class Contact:
    """One person of the account. `identifiers` hold e-mail, ext_id and phones; `attributes` everything else."""

    id: int
    created_at: float
    modified_at: float
    identifiers: dict[str, str] = field(default_factory=dict)
    attributes: Json = field(default_factory=dict)
    list_ids: set[int] = field(default_factory=set)
    unsubscribed_lists: set[int] = field(default_factory=set)
    email_blacklisted: bool = False
    sms_blacklisted: bool = False
    blocked_senders: list[str] = field(default_factory=list)

    @property
    def email(self) -> str:
        """Return the address, empty for a contact without one."""
        return self.identifiers.get("email", "")


@dataclass(kw_only=True)
class ContactList:
    """A list and the ids of its contacts."""

    id: int
    name: str
    folder_id: int
    created_at: float
    members: set[int] = field(default_factory=set)


@dataclass(kw_only=True)
class Folder:
    """A folder of lists."""

    id: int
    name: str


@dataclass(kw_only=True)
class Attribute:
    """One entry of the attribute catalogue."""

    name: str
    category: str = "normal"
    type: str = "text"  # empty for global and calculated ones
    options: list[str] = field(default_factory=list)  # of a multiple choice
    enumeration: list[tuple[str, str]] = field(default_factory=list)  # (id, label) of a category
    formula: str = ""


@dataclass(kw_only=True)
class CustomEvent:
    """One accepted event. `orphan`: accepted, but no contact could be found for it."""

    number: int
    name: str
    date: float
    received_at: float
    contact_id: int | None
    identifiers: Json
    event_properties: Json
    contact_properties: Json
    object_type: str = ""
    orphan: bool = False


@dataclass(kw_only=True)
class Process:
    """A background process: an import, or the emptying of a list."""

    id: int
    name: str = "IMPORTUSER"
    status: str = "queued"
    started_at: float = 0.0
    attempt: int = 0  # raised by each thread that takes the job over, so that an older one steps back
    job: Json = field(default_factory=dict)  # what is still to be done; emptied at the end
    reports: dict[str, str] = field(default_factory=dict)  # key of `info.import` → name of the report
    error: str = ""


@dataclass(kw_only=True)
class Webhook:
    """An outgoing webhook as it was created; `settings` is the body of the request."""

    id: int
    created_at: float
    modified_at: float
    settings: Json


@dataclass(kw_only=True)
class Confirmation:
    """A double opt-in mail that waits for its click."""

    id: int
    email: str
    attributes: Json
    list_ids: list[int]
    excluded_list_ids: list[int]
    template_id: int
    redirection_url: str
    confirmed: bool = False


@dataclass
class State:
    """Everything the account contains. Picklable; guarded by the lock of `Account`."""

    profile: Json = field(default_factory=dict)
    contacts: dict[int, Contact] = field(default_factory=dict)
    index: dict[str, dict[str, int]] = field(default_factory=lambda: {name: {} for name in IDENTIFIERS})
    folders: dict[int, Folder] = field(default_factory=dict)
    lists: dict[int, ContactList] = field(default_factory=dict)
    attributes: dict[str, Attribute] = field(default_factory=dict)
    events: list[CustomEvent] = field(default_factory=list)
    processes: dict[int, Process] = field(default_factory=dict)
    reports: dict[str, str] = field(default_factory=dict)
    webhooks: dict[int, Webhook] = field(default_factory=dict)
    deliveries: list[Json] = field(default_factory=list)
    confirmations: dict[int, Confirmation] = field(default_factory=dict)
    crm: dict[str, dict[str, Json]] = field(default_factory=lambda: {"notes": {}, "tasks": {}, "deals": {}})
    counters: dict[str, int] = field(default_factory=dict)

    def next_id(self, kind: str) -> int:
        """Return the next free number of one kind of object."""
        self.counters[kind] = self.counters.get(kind, 0) + 1
        return self.counters[kind]

    def reserve_id(self, kind: str, number: int) -> int:
        """Keep later automatic ids clear of one that was chosen by hand."""
        self.counters[kind] = max(self.counters.get(kind, 0), number)
        return number

    def find(self, identifier: str, value: str) -> Contact | None:
        """Return the contact that owns an identifier (one of IDENTIFIERS) with this stored value."""
        number = self.index[identifier].get(value)
        return self.contacts[number] if number is not None else None

    def add_contact(self, now: float) -> Contact:
        """Create an empty contact."""
        contact = Contact(id=self.next_id("contact"), created_at=now, modified_at=now)
        self.contacts[contact.id] = contact
        return contact

    def identify(self, contact: Contact, identifier: str, value: str) -> None:
        """Set one identifier of a contact; an empty value takes it away."""
        old = contact.identifiers.pop(identifier, "")
        if old:
            self.index[identifier].pop(old, None)
        if value:
            contact.identifiers[identifier] = value
            self.index[identifier][value] = contact.id

    def remove_contact(self, contact: Contact) -> None:
        """Delete a contact with its memberships; its blocklist state goes with it (reference 2.6)."""
        for identifier in list(contact.identifiers):
            self.identify(contact, identifier, "")
        for list_id in contact.list_ids:
            self.lists[list_id].members.discard(contact.id)
        del self.contacts[contact.id]

    def join(self, contact: Contact, list_id: int) -> bool:
        """Put a contact on a list; return False when it was there."""
        if list_id in contact.list_ids:
            return False
        contact.list_ids.add(list_id)
        self.lists[list_id].members.add(contact.id)
        return True

    def leave(self, contact: Contact, list_id: int) -> bool:
        """Take a contact off a list; return False when it was not there."""
        if list_id not in contact.list_ids:
            return False
        contact.list_ids.discard(list_id)
        self.lists[list_id].members.discard(contact.id)
        return True

    def remove_list(self, list_id: int) -> None:
        """Delete a list; its contacts stay."""
        for contact_id in self.lists.pop(list_id).members:
            self.contacts[contact_id].list_ids.discard(list_id)

    def lists_of(self, folder_id: int) -> Iterator[ContactList]:
        """Yield the lists of a folder."""
        return (found for found in self.lists.values() if found.folder_id == folder_id)


def new_state(now: float) -> State:
    """Return the account as Brevo hands it out, plus two lists to practise with.

    Whether the catalogue names WHATSAPP, LANDLINE_NUMBER and EXT_ID is undocumented; they are identifiers that every
    account accepts, so they are listed.
    """
    state = State(profile=dict(PROFILE))
    for name in ("LASTNAME", "FIRSTNAME", "EMAIL", "SMS", "EXT_ID", "WHATSAPP", "LANDLINE_NUMBER"):
        state.attributes[name] = Attribute(name=name)
    folder = Folder(id=state.next_id("folder"), name="Your first folder")
    state.folders[folder.id] = folder
    for name in ("Your first list", "Newsletter", "Meetings"):
        list_id = state.next_id("list")
        state.lists[list_id] = ContactList(id=list_id, name=name, folder_id=folder.id, created_at=now)
    return state


PROFILE: Json = {
    "organization_id": "5fa2b8c123456789abcdef01",
    "user_id": 1234567,
    "enterprise": False,
    "companyName": "Sandbox Company",
    "email": "owner@example.com",
    "firstName": "Sandra",
    "lastName": "Box",
}
