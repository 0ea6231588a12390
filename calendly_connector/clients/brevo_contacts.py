"""Contacts as Brevo has them: one value for single answers and for listings, and how a listing is read on."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol

from calendly_connector.clients import errors
from calendly_connector.clients.http import Answer

PER_PAGE, MEMBERS_PER_PAGE = 1000, 500
OVERLAP = 10  # rows that are read twice, so that a deletion in the meantime shows


@dataclass(frozen=True, kw_only=True)
class Contact:
    """A contact as Brevo has it. Without `shows_attributes` nobody knows what is in them: the answer lacked them."""

    id: int
    email: str
    is_blocked: bool
    lists: tuple[int, ...]
    attributes: Mapping[str, Any]
    unsubscribed_lists: tuple[int, ...] = ()
    shows_attributes: bool = True


@dataclass(frozen=True, kw_only=True)
class Page:
    """Some contacts of the account, oldest first. `total`: how many there are. `next_offset`: where to read on."""

    contacts: Sequence[Contact]
    offset: int
    total: int
    next_offset: int
    tail: tuple[int, ...] = ()  # the last contacts' numbers, by which the following page tells whether rows have moved

    @property
    def is_last(self) -> bool:
        """Return whether nothing comes after it."""
        return self.next_offset >= self.total


class Calls(Protocol):
    """What these calls need of the client that they are part of."""

    def _call(self, bucket: str, method: str, path: str, **options: Any) -> Answer: ...


class Listings:
    """The methods that list contacts, for `BrevoClient`."""

    def list_contacts(self: Calls, *, offset: int = 0, tail: Sequence[int] = ()) -> Iterator[Page]:
        """Yield all contacts in pages, oldest first; one call each. https://developers.brevo.com/reference/get-contacts

        Rows may shift meanwhile (`read_on`). Go on at the `next_offset` of the last page, by its `tail`.
        """
        yield from read_on(_reader(self, "/contacts", PER_PAGE), offset=offset, tail=tail, per_page=PER_PAGE)

    def list_members(self: Calls, number: int, *, offset: int = 0, tail: Sequence[int] = ()) -> Iterator[Page]:
        """Yield the contacts of a list as `list_contacts` yields all; raise NotFound for a list that there isn't.

        https://developers.brevo.com/reference/get-contacts-from-list
        """
        read = _reader(self, f"/contacts/lists/{number}/contacts", MEMBERS_PER_PAGE)
        yield from read_on(read, offset=offset, tail=tail, per_page=MEMBERS_PER_PAGE)


def _reader(client: Calls, path: str, per_page: int) -> Callable[[int], Page]:
    """Return what reads one page of a listing, by its offset."""

    def read(offset: int) -> Page:
        params = {"limit": per_page, "offset": offset, "sort": "asc"}
        data = client._call("contacts", "GET", path, params=params).json
        if not isinstance(data, Mapping):
            raise errors.BadAnswer("Brevo answered in another form than it documents.")
        return page_of(data, offset=offset)

    return read


def contact_of(data: Mapping[str, Any]) -> Contact:
    """Return one contact of an answer (brevo-api.md §2.1); raise BadAnswer when it isn't one."""
    attributes = data.get("attributes") or {}
    if not isinstance(attributes, Mapping):
        raise errors.BadAnswer("Brevo answered in another form than it documents.")
    return Contact(
        id=int(data.get("id") or 0),
        email=str(data.get("email") or ""),
        is_blocked=bool(data.get("emailBlacklisted")),
        lists=tuple(int(number) for number in data.get("listIds") or []),
        attributes=attributes,
        unsubscribed_lists=tuple(int(number) for number in data.get("listUnsubscribed") or []),
        shows_attributes=data.get("attributes") is not None,
    )


def page_of(data: Mapping[str, Any], *, offset: int) -> Page:
    """Return the page of an answer of GET /contacts, or of a list's contacts, that began at `offset`."""
    contacts = [contact_of(row) for row in data.get("contacts") or []]
    total, end = int(data.get("count") or 0), offset + len(contacts)
    is_last = not contacts or end >= total
    return Page(
        contacts=contacts,
        offset=offset,
        total=total,
        next_offset=max(end, total) if is_last else max(offset + 1, end - OVERLAP),
    )


def read_on(
    read: Callable[[int], Page], *, offset: int = 0, tail: Sequence[int] = (), per_page: int = PER_PAGE
) -> Iterator[Page]:
    """Yield page after page, each contact once as far as the overlap shows it. `read` makes one call.

    Sorted by creation, new contacts come at the end; a deletion moves all later rows forward. A page overlaps the one
    before it, of which `tail` tells. Where nothing of that one is in it, more was deleted than the overlap: the
    following page begins a page earlier. Who is missed all the same has to be asked for by name.
    """
    while True:
        page = read(offset)
        numbers = [contact.id for contact in page.contacts]
        if tail and not set(tail) & set(numbers):
            page = replace(page, next_offset=max(0, offset - per_page))
        else:
            fresh = [contact for contact in page.contacts if contact.id not in tail]
            page = replace(page, contacts=fresh, tail=tuple(numbers[-OVERLAP:]))
        yield page
        if page.is_last:
            return
        offset, tail = page.next_offset, page.tail
