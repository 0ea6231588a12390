"""Everything the Calendly stand-in remembers, with the sorted indexes that its listings walk.

Resources are kept as the JSON that the API returns and are never changed in place: a change stores a new dict, so an
answer being written to a socket stays whole without holding the lock.
"""

from bisect import bisect_left, insort
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from sandbox.calendly_values import Json, moment, stamp
from sandbox.packed import Packed

Key = tuple[str, str]  # (start_time, event URI): texts of equal form, so they sort by time


@dataclass(kw_only=True)
class Settings:
    """What tests and the desk may switch."""

    rate_limits: bool = True
    requests_per_minute: int | None = None  # None: by plan, 500 paid and 50 free
    booking_limits: bool = True  # the own limits of POST /invitees
    oauth_tokens_per_minute: int | None = 8


@dataclass(kw_only=True)
class Token:
    """An access token: who it acts for and what it may."""

    value: str
    user: str
    scopes: frozenset[str]  # {"default"}: everything
    client_id: str = ""  # empty: a personal access token
    issued_at: float = 0.0
    expires_at: float | None = None
    kind: Literal["access", "refresh"] = "access"


@dataclass(kw_only=True)
class Grant:
    """An authorization code, waiting to be exchanged."""

    client_id: str
    user: str
    scopes: frozenset[str]
    redirect_uri: str
    challenge: str
    expires_at: float


@dataclass(kw_only=True)
class App:
    """An OAuth application of the developer portal."""

    client_id: str
    secret: str  # empty: a native (public) app
    signing_key: str
    redirect_uris: tuple[str, ...] = ()  # empty: any http address on this machine
    name: str = "Sandbox app"


@dataclass
class State:
    """One organization with its people, event types, bookings, subscriptions and tokens."""

    organization: Json
    settings: Settings = field(default_factory=Settings)
    users: dict[str, Json] = field(default_factory=dict)
    memberships: dict[str, Json] = field(default_factory=dict)  # by user URI
    event_types: dict[str, Json] = field(default_factory=dict)
    hosts: dict[str, list[str]] = field(default_factory=dict)  # event type URI → user URIs
    places: dict[str, int] = field(default_factory=dict)  # event type URI → invitees per slot
    events: Packed = field(default_factory=Packed)
    invitees: Packed = field(default_factory=Packed)
    event_invitees: dict[str, list[str]] = field(default_factory=dict)
    no_shows: dict[str, Json] = field(default_factory=dict)
    subscriptions: dict[str, Json] = field(default_factory=dict)
    signing_keys: dict[str, str] = field(default_factory=dict)  # subscription URI → key
    forms: dict[str, Json] = field(default_factory=dict)
    submissions: dict[str, Json] = field(default_factory=dict)
    tokens: dict[str, Token] = field(default_factory=dict)
    grants: dict[str, Grant] = field(default_factory=dict)
    apps: dict[str, App] = field(default_factory=dict)
    turns: dict[str, int] = field(default_factory=dict)  # round robin: event type URI → bookings so far
    by_start: list[Key] = field(default_factory=list)
    by_host: dict[str, list[Key]] = field(default_factory=dict)
    by_email: dict[str, list[Key]] = field(default_factory=dict)
    last_tick: int = 0  # microseconds
    longest: float = 0.0  # seconds that the longest event lasts: how far back a running one can have begun

    def __setstate__(self, kept: dict[str, Any]) -> None:
        """Take over a pickled state; an older sandbox kept plain dicts."""
        self.__dict__.update(kept)
        for name in ("events", "invitees"):
            if not isinstance(kept[name], Packed):
                setattr(self, name, Packed(kept[name]))

    def tick(self, now: float) -> str:
        """Return the time of a change; two changes never share one, so the newest can be told."""
        self.last_tick = max(int(now * 1_000_000), self.last_tick + 1)
        return stamp(self.last_tick / 1_000_000)

    def add_event(self, event: Json) -> None:
        """Store a new event and index it."""
        self._keep_event(event)
        self.event_invitees[event["uri"]] = []
        insort(self.by_start, _key(event))
        self._index_hosts(event)

    def add_past(self, rows: Iterable[tuple[Json, Sequence[Json]]]) -> None:
        """Store many events with their invitees, kept small; the indexes are sorted once, at the end."""
        touched: dict[int, list[Key]] = {id(self.by_start): self.by_start}
        for event, invitees in rows:
            emails = {invitee["email"] for invitee in invitees}
            for index in (
                self.by_start,
                *(self.by_host.setdefault(membership["user"], []) for membership in event["event_memberships"]),
                *(self.by_email.setdefault(email, []) for email in emails),
            ):
                index.append(_key(event))
                touched[id(index)] = index
            self.events.pack(event["uri"], event)
            self.event_invitees[event["uri"]] = [invitee["uri"] for invitee in invitees]
            self.longest = max(self.longest, moment(event["end_time"]) - moment(event["start_time"]))
            for invitee in invitees:
                self.invitees.pack(invitee["uri"], invitee)
        for index in touched.values():
            index.sort()

    def remove_event(self, event_uri: str) -> None:
        """Forget an event and its invitees, as a request for deletion ends."""
        event = self.events[event_uri]
        for index in self._indexes(event):
            _remove(index, _key(event))
        for uri in self.event_invitees.pop(event_uri):
            if mark := self.invitees.pop(uri)["no_show"]:
                self.no_shows.pop(mark["uri"], None)
        del self.events[event_uri]

    def replace_event(self, event: Json) -> None:
        """Store a changed event; its start and hosts may have moved."""
        old = self.events[event["uri"]]
        if (old["start_time"], old["event_memberships"]) != (event["start_time"], event["event_memberships"]):
            for index in self._indexes(old):
                _remove(index, _key(old))
            for index in self._indexes({**old, "event_memberships": event["event_memberships"]}):
                insort(index, _key(event))
        self._keep_event(event)

    def add_invitee(self, invitee: Json) -> None:
        """Store a new invitee under its event."""
        self.invitees[invitee["uri"]] = invitee
        self.event_invitees[invitee["event"]].append(invitee["uri"])
        index, key = self.by_email.setdefault(invitee["email"], []), _key(self.events[invitee["event"]])
        at = bisect_left(index, key)
        if at == len(index) or index[at] != key:
            index.insert(at, key)

    def active_invitees(self, event_uri: str) -> list[Json]:
        """Return the invitees of an event who have not canceled."""
        found = (self.invitees[uri] for uri in self.event_invitees[event_uri])
        return [invitee for invitee in found if invitee["status"] == "active"]

    def role(self, user: str) -> str:
        """Return owner, admin or user."""
        return str(self.memberships[user]["role"])

    def is_admin(self, user: str) -> bool:
        """Say whether a user may see and do things for the whole organization."""
        return self.role(user) in ("owner", "admin")

    def _keep_event(self, event: Json) -> None:
        self.events[event["uri"]] = event
        self.longest = max(self.longest, moment(event["end_time"]) - moment(event["start_time"]))

    def _index_hosts(self, event: Json) -> None:
        for membership in event["event_memberships"]:
            insort(self.by_host.setdefault(membership["user"], []), _key(event))

    def _indexes(self, event: Json) -> list[list[Key]]:
        emails = {self.invitees[uri]["email"] for uri in self.event_invitees[event["uri"]]}
        hosts = [self.by_host.setdefault(membership["user"], []) for membership in event["event_memberships"]]
        return [self.by_start, *hosts, *(self.by_email[email] for email in emails)]


def _key(event: Json) -> Key:
    return event["start_time"], event["uri"]


def _remove(index: list[Key], key: Key) -> None:
    at = bisect_left(index, key)
    if at < len(index) and index[at] == key:
        del index[at]
