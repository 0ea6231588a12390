"""Adding contacts to a list and taking them off: /contacts/lists/{id}/contacts/add and …/remove."""

from collections.abc import Callable
from typing import Any

from sandbox.brevo_account import Account
from sandbox.brevo_answers import body_of, invalid, is_number
from sandbox.brevo_lists import Lists
from sandbox.brevo_people import People
from sandbox.brevo_state import Contact, Json, Process
from sandbox.brevo_values import email_address
from sandbox.http import Request, Response, Router

MOST = 150  # contacts in one call


class Memberships:
    """Puts existing contacts on lists and takes them off; never creates one."""

    def __init__(self, account: Account, people: People, lists: Lists) -> None:
        self.account = account
        self.people = people
        self.lists = lists

    def register(self, router: Router) -> None:
        """Add the routes."""
        router.route("POST", "/contacts/lists/{list_id}/contacts/add")(self.add)
        router.route("POST", "/contacts/lists/{list_id}/contacts/remove")(self.remove)

    def add(self, request: Request, list_id: str) -> Response:
        """Add contacts; unknown ones and those already on the list are failures without a reason."""
        number, body = self.lists.find(list_id).id, body_of(request)
        answer = self._each(body, lambda contact: self._add_one(contact, number))
        if not answer["contacts"]["success"]:
            raise invalid("Contact already in list and/or does not exist")
        return Response(status=201, body=answer)

    def _add_one(self, contact: Contact, list_id: int) -> bool:
        joined = self.people.join(contact, list_id)
        if joined:
            self.account.announce("listAddition", contact, list_id=[list_id])
        return joined

    def remove(self, request: Request, list_id: str) -> Response:
        """Take contacts off a list, or all of them."""
        number, body = self.lists.find(list_id).id, body_of(request)
        if body.get("all") is True:
            return Response(status=201, body=self._remove_all(number))
        answer = self._each(body, lambda contact: self.account.state.leave(contact, number))
        if not answer["contacts"]["success"]:
            raise invalid("Contact already removed from list and/or does not exist")
        return Response(status=201, body=answer)

    def _remove_all(self, list_id: int) -> Json:
        """Empty a list at once; the answer names a process as if it were done in the background."""
        state = self.account.state
        members = list(state.lists[list_id].members)
        for contact_id in members:
            state.leave(state.contacts[contact_id], list_id)
        # None of the published names of processes says "list emptied"; this is the nearest.
        process = Process(id=state.next_id("process"), name="SEARCH_EXPORT_USERS", status="completed")
        state.processes[process.id] = process
        return {"contacts": {"processId": process.id, "total": len(members)}}

    def _each(self, body: Json, change: Callable[[Contact], bool]) -> Json:
        key, values = _named(body)
        success: list[Any] = []
        failure: list[Any] = []
        for value in values:
            contact = self._contact(key, value)
            (success if contact and change(contact) else failure).append(value)
        return {"contacts": {"success": success, "failure": failure}}

    def _contact(self, key: str, value: Any) -> Contact | None:
        state = self.account.state
        if key == "ids":
            return state.contacts.get(value)
        if key == "extIds":
            return state.find("ext_id", value)
        address = email_address(value)
        return state.find("email", address) if address else None


def _named(body: Json) -> tuple[str, list[Any]]:
    """Return which of the three keys was sent, and its values."""
    given = [key for key in ("emails", "ids", "extIds") if body.get(key)]
    if len(given) != 1:
        raise invalid("Exactly one of emails, ids and extIds must be given")
    values = body[given[0]]
    fits = is_number if given[0] == "ids" else lambda value: isinstance(value, str)
    if not isinstance(values, list) or not all(fits(value) for value in values):
        raise invalid(f"{given[0]} is not valid")
    if len(values) > MOST:
        raise invalid(f"{given[0]} is limited to {MOST} contacts")
    return given[0], values
