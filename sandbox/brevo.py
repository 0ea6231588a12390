"""The stand-in for Brevo: puts its parts together, and is what tests and pages hold in their hands."""

import functools
import threading
from typing import Any

from sandbox.brevo_account import Account, Settings
from sandbox.brevo_attributes import Attributes
from sandbox.brevo_contacts import Contacts
from sandbox.brevo_control import Control
from sandbox.brevo_crm import Crm
from sandbox.brevo_desk import Desk
from sandbox.brevo_door import Door
from sandbox.brevo_events import Events, event_json
from sandbox.brevo_import import Imports
from sandbox.brevo_limits import Limits
from sandbox.brevo_lists import Folders, Lists
from sandbox.brevo_memberships import Memberships
from sandbox.brevo_optin import OptIn
from sandbox.brevo_people import People, contact_json
from sandbox.brevo_processes import Processes
from sandbox.brevo_profile import Profile
from sandbox.brevo_state import Attribute, CustomEvent, Json, State
from sandbox.brevo_values import email_address
from sandbox.brevo_webhooks import Webhooks
from sandbox.http import Handler, Refusal, Request, Response, Router
from sandbox.server import World


class _LockedRouter(Router):
    """Runs each handler alone, under the account's lock."""

    def __init__(self, lock: threading.RLock) -> None:
        super().__init__()
        self._lock = lock

    def route(self, method: str, template: str) -> Any:
        register = super().route(method, template)

        def register_locked(handler: Handler) -> Handler:
            @functools.wraps(handler)
            def locked(request: Request, **parts: str) -> Response:
                with self._lock:
                    return handler(request, **parts)

            register(locked)
            return handler

        return register_locked


class Brevo:
    """One Brevo account behind the API. The methods below act as its staff and its contacts do, and look inside.

    They raise ValueError for what cannot be done.
    """

    def __init__(self, world: World) -> None:
        self.world = world
        self.account = Account(world.clock)
        self.limits = Limits()
        self._door = Door(self.account, self.limits)
        self._people = People(self.account)
        self._lists = Lists(self.account)
        self._attributes = Attributes(self.account)
        self._optin = OptIn(self.account, self._people)
        self._imports = Imports(self.account, self._people, self._lists)
        self._webhooks = Webhooks(self.account)
        self._desk = Desk(self.account, self._people, self._lists, self._optin)
        self.router: Router = _LockedRouter(self.account.lock)
        self._register()

    def _register(self) -> None:
        for part in (
            Profile(self.account), Contacts(self.account, self._people), self._optin, self._attributes, self._lists,
            Folders(self.account), Memberships(self.account, self._people, self._lists),
            Events(self.account, self._people), self._imports, Processes(self.account), self._webhooks,
            Crm(self.account),
        ):  # fmt: skip
            part.register(self.router)

    # What the server needs.

    def admit(self, request: Request, template: str) -> None:
        """Refuse what Brevo refuses at the door."""
        self._door.admit(request, template)

    def finish(self, request: Request, template: str, response: Response) -> None:
        """Add the headers of every answer."""
        self._door.finish(request, template, response)

    def not_found(self, request: Request) -> Response:
        """Answer an unknown path, or a known one under another method."""
        if self.router.methods(request.path.removeprefix("/v3")):
            return Response(status=405, body={"code": "method_not_allowed", "message": "Method not allowed"})
        return Response(status=404, body={"code": "document_not_found", "message": "Path not found"})

    def register_control(self, router: Router) -> None:
        """Add the window and the control routes."""
        Control(self).register(router)

    # State and switches.

    @property
    def settings(self) -> Settings:
        """Return the switches."""
        return self.account.settings

    @property
    def state(self) -> State:
        """Return everything the account contains."""
        return self.account.state

    @state.setter
    def state(self, state: State) -> None:
        with self.account.lock:
            self.account.state = state
            self._imports.resume()

    @property
    def lock(self) -> threading.RLock:
        """Return the lock to hold while reading `state`, for instance to pickle it."""
        return self.account.lock

    def reset(self) -> None:
        """Return to a fresh account; whether limits are enabled, and their sizes, stays."""
        self.account.reset()
        self.limits.reset()
        self._webhooks.forget()

    # Looking.

    def contact(self, email: str) -> Json | None:
        """Return a contact as the API answers it, without statistics."""
        with self.account.lock:
            found = self.account.state.find("email", email_address(email) or "")
            return contact_json(found) if found else None

    def contacts(self) -> list[Json]:
        """Return all contacts as the API answers them, oldest first."""
        with self.account.lock:
            return [contact_json(contact) for contact in self.account.state.contacts.values()]

    def events(self, email: str | None = None, name: str | None = None) -> list[Json]:
        """Return events in the order they came, orphans too: as the API answers them, plus `email` and `orphan`."""
        with self.account.lock:
            rows = [self._event(event) for event in self.account.state.events if name in (None, event.name)]
        wanted = email_address(email) if email else None
        return [row for row in rows if email is None or row["email"] == wanted]

    def _event(self, event: CustomEvent) -> Json:
        contact = self.account.state.contacts.get(event.contact_id or 0)
        email = contact.email if contact else email_address(event.identifiers.get("email_id")) or ""
        return {**event_json(event), "email": email, "orphan": event.orphan}

    def list_members(self, list_id: int) -> list[str]:
        """Return the addresses on a list, in order of creation."""
        with self.account.lock:
            state = self.account.state
            return [state.contacts[number].email for number in sorted(state.lists[list_id].members)]

    def has_news(self) -> bool:
        """Return whether a webhook is to be posted now, or just being posted."""
        return self._webhooks.has_news()

    # Acting.

    def add_attribute(self, name: str, type: str = "text", category: str = "normal", options: Any = None) -> None:
        """Add an attribute. `options`: labels of a multiple choice, or {id: label} (or labels, numbered from 1) of a
        category."""
        with self.account.lock:
            attribute = Attribute(
                name=name.upper(), category=category, type="category" if category == "category" else type
            )
            if category == "category":
                entries = options if isinstance(options, dict) else dict(enumerate(options or [], 1))
                attribute.enumeration = [(str(number), label) for number, label in entries.items()]
            else:
                attribute.options = list(options or [])
            _plainly(self._attributes.add, attribute)

    def add_list(self, name: str, id: int | None = None, folder_id: int | None = None) -> int:
        """Add a list, with a chosen id if wanted; return its id."""
        with self.account.lock:
            return int(_plainly(self._lists.add, name, folder_id, list_id=id).id)

    def add_contact(
        self, email: str, attributes: Json | None = None, list_ids: list[int] | None = None, ext_id: str = ""
    ) -> int:
        """Add a contact; return its id."""
        with self.account.lock:
            return int(_plainly(self._desk.add, email, attributes or {}, list(list_ids or []), ext_id).id)

    def change_contact(self, email: str, attributes: Json) -> None:
        """Edit a contact by hand; sends contactUpdated."""
        with self.account.lock:
            _plainly(self._desk.change, email, attributes)

    def block(self, email: str, reason: str = "admin") -> None:
        """Put a contact on the blocklist: reason "admin" (no webhook), "hardBounce" or "spam"."""
        with self.account.lock:
            self._desk.block(email, reason)

    def unsubscribe(self, email: str, list_ids: list[int] | None = None) -> None:
        """Unsubscribe a contact from these lists, or from everything; sends unsubscribed."""
        with self.account.lock:
            self._desk.unsubscribe(email, list_ids)

    def delete_contact(self, email: str) -> None:
        """Delete a contact; sends contactDeleted."""
        with self.account.lock:
            self._desk.delete(email)

    def confirm_optin(self, email: str) -> int:
        """Click every open double opt-in mail of an address; return how many there were."""
        with self.account.lock:
            return self._desk.confirm(email)


def _plainly(act: Any, *arguments: Any, **named: Any) -> Any:
    """Call a part of the API from Python: its refusals become ValueErrors."""
    try:
        return act(*arguments, **named)
    except Refusal as refused:
        raise ValueError(str(refused.response.body)) from refused
