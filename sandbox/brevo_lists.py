"""Lists, folders and (empty) segments: /contacts/lists, /contacts/folders, /contacts/segments."""

from sandbox.brevo_account import Account
from sandbox.brevo_answers import (
    body_of,
    invalid,
    is_number,
    not_found,
    page,
    path_number,
    refusal,
    required_text,
    stamp,
)
from sandbox.brevo_filters import time_filters
from sandbox.brevo_people import contact_json
from sandbox.brevo_state import ContactList, Folder, Json
from sandbox.http import Request, Response, Router

MOST = 300  # lists, and folders, in an account


class Lists:
    """Reads and changes lists; who is on them is the business of `Memberships`."""

    def __init__(self, account: Account) -> None:
        self.account = account

    def register(self, router: Router) -> None:
        """Add the routes."""
        router.route("GET", "/contacts/lists")(self.browse)
        router.route("POST", "/contacts/lists")(self.create)
        router.route("GET", "/contacts/lists/{list_id}")(self.read)
        router.route("PUT", "/contacts/lists/{list_id}")(self.update)
        router.route("DELETE", "/contacts/lists/{list_id}")(self.delete)
        router.route("GET", "/contacts/lists/{list_id}/contacts")(self.contacts)
        router.route("GET", "/contacts/segments")(self.segments)

    def browse(self, request: Request) -> Response:
        """Return one page of lists."""
        lists = list(self.account.state.lists.values())
        rows = [list_json(found) for found in page(request, lists, default=10, maximum=50)]
        return Response(body={"lists": rows, "count": len(lists)})

    def create(self, request: Request) -> Response:
        """Create a list in a folder."""
        body = body_of(request)
        name, folder_id = required_text(body, "name"), body.get("folderId")
        self.check_folder(folder_id)
        return Response(status=201, body={"id": self.add(name, folder_id).id})

    def add(self, name: str, folder_id: int | None = None, *, list_id: int | None = None) -> ContactList:
        """Put a list into a folder (the first one, unless given), with a free id unless one is given."""
        state = self.account.state
        if len(state.lists) >= MOST:
            raise invalid(f"An account has at most {MOST} lists")
        if list_id in state.lists:
            raise invalid("List ID exists already")
        number = state.next_id("list") if list_id is None else state.reserve_id("list", list_id)
        folder = folder_id if folder_id is not None else next(iter(state.folders))
        state.lists[number] = ContactList(id=number, name=name, folder_id=folder, created_at=self.account.clock.now())
        return state.lists[number]

    def check_folder(self, folder_id: object) -> None:
        """Refuse an unknown folder named in a body.

        The body was seen; the status is read from the OpenAPI file, which has no 404 for creating a list.
        """
        if not is_number(folder_id):
            raise invalid("folderId must be an integer")
        if folder_id not in self.account.state.folders:
            raise refusal(400, "document_not_found", "Folder ID does not exist")

    def find(self, list_id: str) -> ContactList:
        """Return the list named in a path."""
        found = self.account.state.lists.get(path_number(list_id, "List ID is invalid"))
        if found is None:
            raise not_found("List ID does not exist")
        return found

    def read(self, request: Request, list_id: str) -> Response:
        """Return one list."""
        found = self.find(list_id)
        more: Json = {"createdAt": stamp(found.created_at), "campaignStats": [], "dynamicList": False}
        return Response(body={**list_json(found), **more})

    def update(self, request: Request, list_id: str) -> Response:
        """Rename a list or move it, one of them per call."""
        found, body = self.find(list_id), body_of(request)
        if ("name" in body) == ("folderId" in body):
            raise invalid("Either name or folderId must be given")
        if "name" in body:
            found.name = required_text(body, "name")
        else:
            self.check_folder(body["folderId"])
            found.folder_id = body["folderId"]
        return Response(status=204)

    def delete(self, request: Request, list_id: str) -> Response:
        """Delete a list; its contacts stay."""
        self.account.state.remove_list(self.find(list_id).id)
        return Response(status=204)

    def contacts(self, request: Request, list_id: str) -> Response:
        """Return one page of a list's contacts."""
        state, tests = self.account.state, time_filters(request)
        members = [state.contacts[number] for number in sorted(self.find(list_id).members)]
        matching = [contact for contact in members if all(test(contact) for test in tests)]
        rows = [contact_json(contact) for contact in page(request, matching, default=50, maximum=500)]
        return Response(body={"contacts": rows, "count": len(matching)})

    def segments(self, request: Request) -> Response:
        """Return no segments: they are made in Brevo's own pages."""
        page(request, [], default=10, maximum=50)
        return Response(body={"segments": [], "count": 0})


class Folders:
    """Reads and changes folders."""

    def __init__(self, account: Account) -> None:
        self.account = account

    def register(self, router: Router) -> None:
        """Add the routes."""
        router.route("GET", "/contacts/folders")(self.browse)
        router.route("POST", "/contacts/folders")(self.create)
        router.route("GET", "/contacts/folders/{folder_id}")(self.read)
        router.route("PUT", "/contacts/folders/{folder_id}")(self.update)
        router.route("DELETE", "/contacts/folders/{folder_id}")(self.delete)
        router.route("GET", "/contacts/folders/{folder_id}/lists")(self.lists)

    def browse(self, request: Request) -> Response:
        """Return one page of folders."""
        folders = list(self.account.state.folders.values())
        rows = [self._json(folder) for folder in page(request, folders, default=10, maximum=50)]
        return Response(body={"folders": rows, "count": len(folders)})

    def create(self, request: Request) -> Response:
        """Create a folder."""
        state, name = self.account.state, required_text(body_of(request), "name")
        if len(state.folders) >= MOST:
            raise invalid(f"An account has at most {MOST} folders")
        folder = Folder(id=state.next_id("folder"), name=name)
        state.folders[folder.id] = folder
        return Response(status=201, body={"id": folder.id})

    def _find(self, folder_id: str) -> Folder:
        found = self.account.state.folders.get(path_number(folder_id, "Folder ID is invalid"))
        if found is None:
            raise not_found("Folder ID does not exist")
        return found

    def _json(self, folder: Folder) -> Json:
        people = set[int]().union(*(found.members for found in self.account.state.lists_of(folder.id)))
        return {"id": folder.id, "name": folder.name, "uniqueSubscribers": len(people),
                "totalSubscribers": 0, "totalBlacklisted": 0}  # fmt: skip

    def read(self, request: Request, folder_id: str) -> Response:
        """Return one folder."""
        return Response(body=self._json(self._find(folder_id)))

    def update(self, request: Request, folder_id: str) -> Response:
        """Rename a folder."""
        self._find(folder_id).name = required_text(body_of(request), "name")
        return Response(status=204)

    def delete(self, request: Request, folder_id: str) -> Response:
        """Delete a folder and, as Brevo does, its lists too."""
        state, folder = self.account.state, self._find(folder_id)
        for found in list(state.lists_of(folder.id)):
            state.remove_list(found.id)
        del state.folders[folder.id]
        return Response(status=204)

    def lists(self, request: Request, folder_id: str) -> Response:
        """Return one page of a folder's lists."""
        lists = list(self.account.state.lists_of(self._find(folder_id).id))
        rows = [list_json(found) for found in page(request, lists, default=10, maximum=50)]
        return Response(body={"lists": rows, "count": len(lists)})


def list_json(found: ContactList) -> Json:
    """Return a list as the API answers it: the two totals are being dropped and read 0 (reference 3)."""
    return {
        "id": found.id,
        "name": found.name,
        "folderId": found.folder_id,
        "uniqueSubscribers": len(found.members),
        "totalSubscribers": 0,
        "totalBlacklisted": 0,
    }
