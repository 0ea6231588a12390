"""Endpoints that read scheduled events and their invitees."""

from bisect import bisect_left, bisect_right

from sandbox.calendly_answers import NO_ACCESS, NOT_IN_ORGANIZATION, denied, invalid, not_found, resource
from sandbox.calendly_paging import page, sort_order, sorted_rows
from sandbox.calendly_route import Endpoints, at, choice, found, instant
from sandbox.calendly_state import Key, State
from sandbox.calendly_values import Json, stamp
from sandbox.http import Handler, Request, Response

STATUSES = ("active", "canceled")
OTHER_USER = "Please also specify organization when requesting events for a user within your organization."
LAST = "\U0010ffff"  # sorts after every address


class EventListing:
    """A stretch of a sorted index of events; filters hide rows, page tokens hold (start time, URI)."""

    def __init__(self, state: State, index: list[Key], first: int, end: int, *, descending: bool) -> None:
        self._state, self._index, self._first, self._end, self._descending = state, index, first, end, descending
        self.positions = range(end - 1, first - 1, -1) if descending else range(first, end)
        self.status = self.host = ""

    def load(self, position: int) -> Json | None:
        """Return the event, or None when a filter hides it."""
        event = self._state.events[self._index[position][1]]
        if self.status not in ("", event["status"]):
            return None
        if self.host and all(membership["user"] != self.host for membership in event["event_memberships"]):
            return None
        return event

    def key(self, position: int) -> list[str]:
        """Return the index key."""
        return list(self._index[position])

    def find(self, key: list[str]) -> int:
        """Return the place of a key in the walking order."""
        wanted = (str(key[0]), str(key[1]))
        if self._descending:
            return self._end - min(max(bisect_right(self._index, wanted), self._first), self._end)
        return min(max(bisect_left(self._index, wanted), self._first), self._end) - self._first


class Events(Endpoints):
    """Reads about bookings."""

    def routes(self) -> dict[tuple[str, str], Handler]:
        """Return the handlers by method and template."""
        return {
            ("GET", "/scheduled_events"): self._events,
            ("GET", "/scheduled_events/{uuid}"): self._event,
            ("GET", "/scheduled_events/{uuid}/invitees"): self._invitees,
            ("GET", "/scheduled_events/{event_uuid}/invitees/{invitee_uuid}"): self._invitee,
        }

    def _events(self, request: Request) -> Response:
        host = self._allowed_host(request)
        email, status = request.param("invitee_email"), choice(request, "status", STATUSES)
        _, descending = sort_order(request, ("start_time",), "start_time:asc")[0]
        if email:
            # Whether Calendly ignores case here is undocumented: here it does not, send the address as stored.
            index = self.state.by_email.get(email, [])
        else:
            index = self.state.by_host.get(host, []) if host else self.state.by_start
        listing = EventListing(self.state, index, *_bounds(request, index), descending=descending)
        listing.status, listing.host = status, host if email else ""
        return page(request, listing)

    def _allowed_host(self, request: Request) -> str:
        """Return the user whose events are asked for (empty: everybody's); raise the refusals of §4.6."""
        caller = self.access.caller(request)
        organization, user = request.param("organization"), request.param("user")
        if request.param("group"):
            raise not_found()  # this organization has no groups
        if not organization and not user:
            raise invalid("organization", "organization, user or group is required")
        if organization and organization != self.state.organization["uri"]:
            raise denied("You do not have permission")
        if user and user not in self.state.users:
            raise denied(NOT_IN_ORGANIZATION)
        if user and user != caller and not organization:
            raise denied(OTHER_USER)
        if user != caller and not self.state.is_admin(caller):
            raise denied(NO_ACCESS)
        return user

    def _event(self, request: Request, uuid: str) -> Response:
        return resource(self._visible_event(request, uuid))

    def _visible_event(self, request: Request, uuid: str) -> Json:
        event = found(self.state.events, at("scheduled_events", uuid))
        caller = self.access.caller(request)
        hosts = [membership["user"] for membership in event["event_memberships"]]
        if caller not in hosts and not self.state.is_admin(caller):
            raise denied("You are not allowed to view this event")
        return event

    def _invitees(self, request: Request, uuid: str) -> Response:
        event = self._visible_event(request, uuid)
        email, status = request.param("email"), choice(request, "status", STATUSES)
        every = (self.state.invitees[uri] for uri in self.state.event_invitees[event["uri"]])
        rows = [row for row in every if email in ("", row["email"]) and status in ("", row["status"])]
        return page(request, sorted_rows(request, rows, ("created_at",), "created_at:asc"))

    def _invitee(self, request: Request, event_uuid: str, invitee_uuid: str) -> Response:
        self._visible_event(request, event_uuid)
        return resource(found(self.state.invitees, at("scheduled_events", event_uuid, "invitees", invitee_uuid)))


def _bounds(request: Request, index: list[Key]) -> tuple[int, int]:
    """Return the stretch of the index between the two times, both exclusive ("after", "prior to")."""
    first, end = 0, len(index)
    if request.param("min_start_time"):
        after = stamp(instant(request.param("min_start_time"), "min_start_time"))
        first = bisect_right(index, (after, LAST))
    if request.param("max_start_time"):
        before = stamp(instant(request.param("max_start_time"), "max_start_time"))
        end = bisect_left(index, (before, ""))
    return first, max(first, end)
