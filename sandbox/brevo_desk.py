"""What people do in Brevo's own pages, for tests and the window: unsubscribe, block, bounce, click a confirmation."""

from sandbox.brevo_account import Account
from sandbox.brevo_lists import Lists
from sandbox.brevo_optin import OptIn
from sandbox.brevo_people import Change, People
from sandbox.brevo_state import Contact, Json
from sandbox.brevo_values import email_address

# Why a contact lands on the blocklist → the webhook that Brevo sends for it ("" for a decision of the staff).
BLOCK_REASONS = {"admin": "", "hardBounce": "hardBounce", "spam": "spam"}


class Desk:
    """Acts on contacts from inside Brevo."""

    def __init__(self, account: Account, people: People, lists: Lists, optin: OptIn) -> None:
        self.account = account
        self.people = people
        self.lists = lists
        self.optin = optin

    def find(self, email: str) -> Contact:
        """Return a contact by address; raise ValueError when there is none."""
        address = email_address(email)
        contact = self.account.state.find("email", address) if address else None
        if contact is None:
            raise ValueError(f"no contact {email!r}")
        return contact

    def add(self, email: str, attributes: Json, list_ids: list[int], ext_id: str) -> Contact:
        """Add a contact; raise ValueError for what cannot be stored."""
        address = email_address(email)
        if not address or self.account.state.find("email", address):
            raise ValueError(f"{email!r} is no address, or is taken")
        unknown = [number for number in list_ids if number not in self.account.state.lists]
        if unknown:
            raise ValueError(f"no lists {unknown}")
        change = self.people.read_attributes(attributes, strict=True)
        change.identifiers |= {"email": address} | ({"ext_id": ext_id} if ext_id else {})
        taken = self.people.foreign(None, change.identifiers)
        if taken:
            raise ValueError(f"taken already: {taken}")
        change.join = list_ids
        return self.people.create(change)

    def block(self, email: str, reason: str) -> None:
        """Put a contact on the blocklist."""
        if reason not in BLOCK_REASONS:
            raise ValueError(f"no such reason: {reason}")
        contact = self.find(email)
        contact.email_blacklisted = True
        contact.modified_at = self.account.clock.now()
        if BLOCK_REASONS[reason]:
            self.account.announce(BLOCK_REASONS[reason], contact)

    def unsubscribe(self, email: str, list_ids: list[int] | None) -> None:
        """Unsubscribe from these lists, or from everything, which is the blocklist."""
        contact = self.find(email)
        if list_ids is None:
            contact.email_blacklisted = True
            left = sorted(contact.list_ids)
        else:
            left = [number for number in list_ids if number in self.account.state.lists]
            contact.unsubscribed_lists.update(left)
            for number in left:
                self.account.state.leave(contact, number)
        contact.modified_at = self.account.clock.now()
        self.account.announce("unsubscribed", contact, list_id=left)

    def delete(self, email: str) -> None:
        """Delete a contact."""
        self.people.delete(self.find(email))

    def change(self, email: str, attributes: Json) -> None:
        """Edit attributes of a contact by hand."""
        self.people.update(self.find(email), Change(values=self.people.read_attributes(attributes, strict=True).values))

    def confirm(self, email: str) -> int:
        """Click every open double opt-in mail of an address; return how many there were."""
        address = email_address(email)
        waiting = [
            each for each in self.account.state.confirmations.values() if each.email == address and not each.confirmed
        ]
        for confirmation in waiting:
            self.optin.confirm(confirmation)
        return len(waiting)
