"""Calendly's lists: `count`, opaque page tokens, absolute links that keep the filters, five pagination keys."""

import base64
import binascii
import json
from collections.abc import Callable, Iterator, Sequence
from typing import Protocol, TypeVar
from urllib.parse import urlencode

from sandbox.calendly_answers import invalid
from sandbox.calendly_values import Json
from sandbox.http import Request, Response

Row = TypeVar("Row")
MAXIMUM = 100


class Listing(Protocol):
    """A sorted collection, walked by position; a key finds its place again after rows came or went."""

    positions: range

    def load(self, position: int) -> Json | None:
        """Return the row, or None when a filter hides it."""

    def key(self, position: int) -> list[str]:
        """Return what a page token remembers of a row."""

    def find(self, key: list[str]) -> int:
        """Return the index in `positions` of a key's row, or of the one that took its place."""


class Rows:
    """A small collection, already filtered and sorted; the key is the row's URI."""

    def __init__(self, rows: Sequence[Json]) -> None:
        self._rows = rows
        self.positions = range(len(rows))

    def load(self, position: int) -> Json | None:
        """Return the row."""
        return self._rows[position]

    def key(self, position: int) -> list[str]:
        """Return the row's URI."""
        return [self._rows[position]["uri"]]

    def find(self, key: list[str]) -> int:
        """Return the row's place; raise ValueError when it is gone."""
        return next((at for at, row in enumerate(self._rows) if row["uri"] == key[0]), len(self._rows))


def page(request: Request, listing: Listing) -> Response:
    """Return the asked page of a listing; raise the 400 for a bad count or token."""
    count, (backwards, start) = _count(request), _start(request, listing)
    if backwards:
        found = _walk(listing, range(start - 1, -1, -1), count + 1)
        more_before, shown = len(found) > count, found[:count][::-1]
        after = _walk(listing, range(start, len(listing.positions)), 1)
    else:
        found = _walk(listing, range(start, len(listing.positions)), count + 1)
        more_before, shown = bool(_walk(listing, range(start - 1, -1, -1), 1)), found[:count]
        after = found[count:]
    following = _token(listing, "next", after[0][0]) if after else None
    previous = _token(listing, "previous", shown[0][0]) if more_before and shown else None
    pagination = {
        "count": len(shown),
        "next_page": _link(request, following),
        "previous_page": _link(request, previous),
        "next_page_token": following,
        "previous_page_token": previous,
    }
    return Response(body={"collection": [row for _, row in shown], "pagination": pagination})


def sorted_rows(request: Request, rows: Sequence[Json], fields: Sequence[str], default: str) -> Rows:
    """Return rows in the order that `sort` asks for; raise the 400 for an unknown field or direction."""
    ordered = list(rows)
    for field, descending in reversed(sort_order(request, fields, default)):
        ordered.sort(key=lambda row: row[field] or "" if field == "name" else row[field], reverse=descending)
    return Rows(ordered)


def sort_order(request: Request, fields: Sequence[str], default: str) -> list[tuple[str, bool]]:
    """Return the (field, descending) pairs of `sort`."""
    order = []
    for term in (request.param("sort") or default).split(","):
        field, _, direction = term.strip().partition(":")
        if field not in fields or direction not in ("", "asc", "desc"):
            raise invalid("sort", f"sort must be one of {', '.join(fields)}, with :asc or :desc")
        order.append((field, direction == "desc"))
    return order


def _walk(listing: Listing, indexes: range, enough: int) -> list[tuple[int, Json]]:
    """Return up to `enough` visible rows with their position."""
    found: list[tuple[int, Json]] = []
    for position, row in _visible(listing, indexes):
        found.append((position, row))
        if len(found) == enough:
            break
    return found


def _visible(listing: Listing, indexes: range) -> Iterator[tuple[int, Json]]:
    load: Callable[[int], Json | None] = listing.load
    for index in indexes:
        position = listing.positions[index]
        row = load(position)
        if row is not None:
            yield position, row


def _count(request: Request) -> int:
    given = request.param("count", "20")
    if not given.isascii() or not given.isdigit() or not 1 <= int(given) <= MAXIMUM:
        raise invalid("count", f"count must be between 1 and {MAXIMUM}")
    return int(given)


def _start(request: Request, listing: Listing) -> tuple[bool, int]:
    """Return whether to go backwards, and the index to start at (or to stop before)."""
    token = request.param("page_token")
    if not token:
        return False, 0
    try:
        direction, *key = json.loads(base64.urlsafe_b64decode(token.encode() + b"=" * (-len(token) % 4)))
        return direction == "previous", listing.find(key)
    except (binascii.Error, ValueError, TypeError, IndexError) as problem:
        raise invalid("page_token", "page_token is invalid") from problem


def _token(listing: Listing, direction: str, position: int) -> str:
    content = json.dumps([direction, *listing.key(position)], separators=(",", ":"))
    return base64.urlsafe_b64encode(content.encode()).decode().rstrip("=")


def _link(request: Request, token: str | None) -> str | None:
    if token is None:
        return None
    kept = [(name, value) for name, values in request.query.items() if name != "page_token" for value in values]
    return f"{request.base_url}{request.path}?{urlencode([*kept, ('page_token', token)])}"
