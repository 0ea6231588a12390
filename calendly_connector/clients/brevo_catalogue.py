"""Attributes, lists and their folders: what an account has to offer, and who is on a list."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from calendly_connector.clients import errors
from calendly_connector.clients.brevo_parts import Part, object_in
from calendly_connector.core.attributes import Attribute

NAMES_PER_REMOVAL = 150
LISTS_PER_PAGE = 50


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


class Catalogue(Part):
    """What `BrevoClient` can do with attributes and lists."""

    def list_attributes(self) -> list[Attribute]:
        """Return the live catalogue. https://developers.brevo.com/reference/get-attributes"""
        data = object_in(self._call("contacts", "GET", "/contacts/attributes").json)
        return [_attribute(row) for row in data.get("attributes") or [] if isinstance(row, dict) and row.get("name")]

    def create_attribute(self, name: str, *, kind: str) -> None:
        """Create a normal attribute. Refused when the name exists (`is_existing_attribute`).

        https://developers.brevo.com/reference/create-attribute
        """
        self._call("contacts", "POST", f"/contacts/attributes/normal/{quote(name, safe='')}", json={"type": kind})

    def list_lists(self) -> Iterator[ContactList]:
        """Yield every list, over all pages. https://developers.brevo.com/reference/get-lists"""
        yield from (_contact_list(row) for row in self._pages("lists"))

    def has_list(self, number: int) -> bool:
        """Return whether there is a list of this number. https://developers.brevo.com/reference/get-list"""
        try:
            self._call("contacts", "GET", f"/contacts/lists/{number}")
        except errors.Refused as refused:
            if refused.status not in (400, 404):
                raise
            return False
        return True

    def list_folders(self) -> Iterator[Folder]:
        """Yield every folder of lists, over all pages. https://developers.brevo.com/reference/get-folders"""
        for row in self._pages("folders"):
            yield Folder(id=int(row["id"]), name=str(row.get("name") or ""))

    def _pages(self, name: str) -> Iterator[Mapping[str, Any]]:
        """Yield the rows of /contacts/<name>, over all pages; without a `count`, to the first empty one."""
        offset = 0
        while True:
            params = {"limit": LISTS_PER_PAGE, "offset": offset, "sort": "asc"}
            data = object_in(self._call("contacts", "GET", f"/contacts/{name}", params=params).json)
            rows = data.get(name) or []
            yield from rows
            offset += len(rows)
            total = data.get("count")  # neither answer has to bring it (the reference requires none of its keys)
            if not rows or (total is not None and offset >= int(total)):
                return

    def first_folder(self) -> int:
        """Return the id of the oldest folder, making one when there is none.

        https://developers.brevo.com/reference/get-folders
        """
        params = {"limit": 1, "sort": "asc"}
        rows = object_in(self._call("contacts", "GET", "/contacts/folders", params=params).json).get("folders") or []
        if rows:
            return int(rows[0]["id"])
        made = self._call("contacts", "POST", "/contacts/folders", json={"name": "Calendly"}).json
        return int(object_in(made)["id"])

    def create_list(self, name: str, *, folder: int) -> int:
        """Create a list and return its id. https://developers.brevo.com/reference/create-list"""
        body = {"name": name, "folderId": folder}
        return int(object_in(self._call("contacts", "POST", "/contacts/lists", json=body).json)["id"])

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


def _attribute(row: Mapping[str, Any]) -> Attribute:
    category = str(row.get("category") or "normal")
    kind = str(row.get("type") or "text") if category == "normal" else category
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
