"""The one way a contact is written, whoever asks: a contact endpoint, an import, an event or a confirmation click."""

from dataclasses import dataclass, field
from typing import Any

from sandbox.brevo_account import Account
from sandbox.brevo_answers import invalid, refusal, stamp
from sandbox.brevo_state import PHONES, Contact, Json
from sandbox.brevo_values import DROPPED, attribute_value, email_address, phone_number


@dataclass(kw_only=True)
class Change:
    """What is to become of a contact. In `identifiers` "" takes one away, in `values` None clears an attribute."""

    identifiers: dict[str, str] = field(default_factory=dict)
    values: Json = field(default_factory=dict)
    join: list[int] = field(default_factory=list)
    leave: list[int] = field(default_factory=list)
    email_blacklisted: bool | None = None
    sms_blacklisted: bool | None = None
    blocked_senders: list[str] | None = None


class People:
    """The contacts of an account, with Brevo's rules for changing them."""

    def __init__(self, account: Account) -> None:
        self.account = account

    def read_attributes(self, attributes: Json, *, strict: bool) -> Change:
        """Return the change that an `attributes` object asks for.

        Brevo drops what does not fit without a word, except phone numbers, which refuse the request. Where there is no
        request to refuse any more (imports, events), nothing is `strict`.
        """
        change = Change()
        for given_name, value in attributes.items():
            name = given_name.upper()
            if name == "EMAIL":
                self._read_email(change, value, strict)
            elif name == "EXT_ID":
                if isinstance(value, str):
                    change.identifiers["ext_id"] = value.strip()
            elif name in PHONES:
                self._read_phone(change, name, value, strict)
            else:
                self._read_value(change, name, value, strict)
        return change

    def _read_email(self, change: Change, value: Any, strict: bool) -> None:
        address = email_address(value)
        if address:
            change.identifiers["email"] = address
        elif strict:
            raise invalid("Invalid email address")

    def _read_phone(self, change: Change, name: str, value: Any, strict: bool) -> None:
        number = "" if value == "" else phone_number(value)
        if number is not None:
            change.identifiers[name] = number
        elif strict:
            raise invalid("Invalid phone number")

    def _read_value(self, change: Change, name: str, value: Any, strict: bool) -> None:
        attribute = self.account.state.attributes.get(name)
        if attribute is None:
            if strict and self.account.settings.unknown_attribute == "400":
                raise invalid("Contact attributes not found")
            return
        stored = attribute_value(attribute, value)
        if stored is not DROPPED:
            change.values[name] = stored

    def owners(self, identifiers: dict[str, str]) -> dict[str, Contact]:
        """Return who owns each of these identifiers already."""
        found = {name: self.account.state.find(name, value) for name, value in identifiers.items() if value}
        return {name: contact for name, contact in found.items() if contact is not None}

    def foreign(self, contact: Contact | None, identifiers: dict[str, str]) -> list[str]:
        """Return which of these identifiers belong to somebody other than `contact`."""
        return [name for name, owner in self.owners(identifiers).items() if owner is not contact]

    def refuse_duplicates(self, verb: str, names: list[str]) -> None:
        """Raise the 400 that names the identifiers already taken."""
        if names:
            raise refusal(
                400, self.account.settings.duplicate_code,
                f"Unable to {verb} contact, {', '.join(names)} is already associated with another Contact",
                metadata={"duplicate_identifiers": names},
            )  # fmt: skip

    def check_lists(self, list_ids: list[int]) -> None:
        """Refuse unknown lists (the answer is undocumented)."""
        unknown = [list_id for list_id in list_ids if list_id not in self.account.state.lists]
        if unknown:
            raise invalid(f"List ID does not exist: {', '.join(map(str, unknown))}")

    def create(self, change: Change, *, announce: bool = True) -> Contact:
        """Create a contact and put it on its lists."""
        contact = self.account.state.add_contact(self.account.clock.now())
        self._write(contact, change)
        self._join(contact, change.join, announce=announce)
        return contact

    def update(self, contact: Contact, change: Change, *, announce: bool = True) -> None:
        """Change a contact.

        A blocklisted one is changed silently and stays blocklisted, unless its address changes: that removes the
        blocklisting, a trap that the reference documents (2.5).
        """
        address = change.identifiers.get("email", contact.email)
        if address != contact.email:
            contact.email_blacklisted = False
        self._write(contact, change)
        contact.modified_at = self.account.clock.now()
        if announce:
            self.account.announce("contactUpdated", contact, content=_content(contact, change))
        self._join(contact, change.join, announce=announce)
        for list_id in change.leave:
            self.account.state.leave(contact, list_id)

    def _write(self, contact: Contact, change: Change) -> None:
        for name, value in change.identifiers.items():
            self.account.state.identify(contact, name, value)
        for name, value in change.values.items():
            if value is None:
                contact.attributes.pop(name, None)
            else:
                contact.attributes[name] = value
        if change.email_blacklisted is not None:
            contact.email_blacklisted = change.email_blacklisted
        if change.sms_blacklisted is not None:
            contact.sms_blacklisted = change.sms_blacklisted
        if change.blocked_senders is not None:
            contact.blocked_senders = change.blocked_senders

    def _join(self, contact: Contact, list_ids: list[int], *, announce: bool = True) -> None:
        joined = [list_id for list_id in list_ids if self.join(contact, list_id)]
        if joined and announce:
            self.account.announce("listAddition", contact, list_id=joined)

    def join(self, contact: Contact, list_id: int) -> bool:
        """Put a contact on a list; return False when it was there."""
        if self.account.settings.rejoin_resubscribes:
            contact.unsubscribed_lists.discard(list_id)
        return self.account.state.join(contact, list_id)

    def delete(self, contact: Contact) -> None:
        """Delete a contact for good, its blocklist state with it."""
        self.account.announce("contactDeleted", contact, list_id=sorted(contact.list_ids))
        self.account.state.remove_contact(contact)

    def merge(self, owners: list[Contact]) -> Contact:
        """Merge contacts as `forceMerge` does: the one modified last survives, the others are deleted."""
        survivor = max(owners, key=lambda contact: (contact.modified_at, contact.id))
        for other in owners:
            if other is not survivor:
                self._absorb(survivor, other)
        return survivor

    def _absorb(self, survivor: Contact, other: Contact) -> None:
        gained = {name: value for name, value in other.identifiers.items() if name not in survivor.identifiers}
        values = {name: value for name, value in other.attributes.items() if name not in survivor.attributes}
        lists = sorted(other.list_ids)
        self.delete(other)
        self._write(survivor, Change(identifiers=gained, values=values))
        self._join(survivor, lists)


def _content(contact: Contact, change: Change) -> list[Json]:
    """Return the `content` of a contact_updated webhook, after a live sample of 2021 (reference 7.1)."""
    phones = {name: value for name, value in change.identifiers.items() if name in PHONES}
    return [
        {
            "email": contact.email,
            "attributes": {**change.values, **phones},
            "emailBlacklist": contact.email_blacklisted,
        }
    ]


def contact_json(contact: Contact) -> Json:
    """Return a contact as the API answers it (reference 2.1): phones among the attributes, no ext_id."""
    phones = {name: contact.identifiers[name] for name in PHONES if name in contact.identifiers}
    body: Json = {
        "id": contact.id,
        "emailBlacklisted": contact.email_blacklisted,
        "smsBlacklisted": contact.sms_blacklisted,
        "whatsappBlacklisted": False,
        "createdAt": stamp(contact.created_at),
        "modifiedAt": stamp(contact.modified_at),
        "listIds": sorted(contact.list_ids),
        "listUnsubscribed": sorted(contact.unsubscribed_lists) or None,
        "attributes": {**contact.attributes, **phones},
    }
    return {"email": contact.email, **body} if contact.email else body
