"""Endpoints about the account: users, organization, memberships, event types, locations, busy and open times."""

from sandbox.calendly_answers import NO_ACCESS, NOT_IN_ORGANIZATION, denied, invalid, not_found, resource
from sandbox.calendly_paging import Rows, page, sorted_rows
from sandbox.calendly_route import Endpoints, at, choice, found, instant, required
from sandbox.calendly_values import Json, stamp, uuid_of
from sandbox.http import Handler, Request, Response

DAY = 86_400
ROLES = ("user", "admin", "owner")
TYPE_ORDER = ("name", "position", "created_at", "updated_at")


class Accounts(Endpoints):
    """Reads about people and event types."""

    def routes(self) -> dict[tuple[str, str], Handler]:
        """Return the handlers by method and template."""
        return {
            ("GET", "/users/me"): self._me,
            ("GET", "/users/{uuid}"): self._user,
            ("GET", "/organizations/{uuid}"): self._organization,
            ("GET", "/organization_memberships"): self._memberships,
            ("GET", "/organization_memberships/{uuid}"): self._membership,
            ("GET", "/event_types"): self._event_types,
            ("GET", "/event_types/{uuid}"): self._event_type,
            ("GET", "/event_type_memberships"): self._type_hosts,
            ("GET", "/event_type_available_times"): self._available_times,
            ("GET", "/user_busy_times"): self._busy_times,
            ("GET", "/locations"): self._locations,
        }

    def _me(self, request: Request) -> Response:
        return resource(self.state.users[self.access.caller(request)])

    def _user(self, request: Request, uuid: str) -> Response:
        return resource(found(self.state.users, at("users", uuid)))

    def _organization(self, request: Request, uuid: str) -> Response:
        if uuid != uuid_of(self.state.organization["uri"]):
            raise not_found()
        return resource(self.state.organization)

    def _memberships(self, request: Request) -> Response:
        organization, user, email = (request.param(name) for name in ("organization", "user", "email"))
        role = choice(request, "role", ROLES)
        if organization:
            self._own_organization(organization)
        elif not user and not email:
            raise invalid("organization", "organization, user or email is required")
        if user and user not in self.state.users:
            raise denied(NOT_IN_ORGANIZATION)
        # What a plain member may list is undocumented: here, themselves.
        caller = self.access.caller(request)
        if not self.state.is_admin(caller) and user != caller and email != self.state.users[caller]["email"]:
            raise denied(NO_ACCESS)
        rows = [row for row in self.state.memberships.values() if _member_matches(row, user, email, role)]
        return page(request, Rows(rows))

    def _membership(self, request: Request, uuid: str) -> Response:
        memberships = {row["uri"]: row for row in self.state.memberships.values()}
        return resource(found(memberships, at("organization_memberships", uuid)))

    def _event_types(self, request: Request) -> Response:
        organization, user = request.param("organization"), request.param("user")
        if not organization and not user:
            raise invalid("organization", "organization or user is required")
        if organization:
            self._own_organization(organization)
        if user and user not in self.state.users:
            raise denied(NOT_IN_ORGANIZATION)
        wanted = {name: choice(request, name, ("true", "false")) for name in ("active", "admin_managed")}
        rows = [
            row
            for row in self.state.event_types.values()
            if row["deleted_at"] is None
            and (not user or user in self.state.hosts[row["uri"]])
            and all(value in ("", str(row[name]).lower()) for name, value in wanted.items())
        ]
        return page(request, sorted_rows(request, rows, TYPE_ORDER, "name:asc"))

    def _event_type(self, request: Request, uuid: str) -> Response:
        return resource(found(self.state.event_types, at("event_types", uuid)))

    def _type_hosts(self, request: Request) -> Response:
        event_type = found(self.state.event_types, required(request, "event_type"))
        return page(request, Rows([self._type_host(event_type, user) for user in self.state.hosts[event_type["uri"]]]))

    def _type_host(self, event_type: Json, user: str) -> Json:
        return {
            "uri": at("event_type_memberships", f"{uuid_of(event_type['uri'])}-{uuid_of(user)}"),
            "event_type": event_type["uri"],
            "member": self.state.users[user],
            "created_at": event_type["created_at"],
            "updated_at": event_type["created_at"],
        }

    def _available_times(self, request: Request) -> Response:
        event_type = required(request, "event_type")
        start, end = (instant(required(request, name), name) for name in ("start_time", "end_time"))
        if start < self.now():
            raise invalid("start_time", "start_time must be in the future")
        if end <= start:
            raise invalid("start_time", "start_time must be before end_time")
        if end - start > 31 * DAY:
            raise invalid("end_time", "The date range can not be greater than 31 days")
        kind = found(self.state.event_types, event_type)
        slots = [_slot(kind, begins, left) for begins, left in self.bookings.slots.open_times(kind, start, end)]
        return Response(body={"collection": slots})

    def _busy_times(self, request: Request) -> Response:
        user = required(request, "user")
        start, end = (instant(required(request, name), name) for name in ("start_time", "end_time"))
        if end <= start:
            raise invalid("start_time", "start_time must be before end_time")
        if end - start > 7 * DAY:
            raise invalid("end_time", "The date range can not be greater than 7 days")
        if user not in self.state.users:
            raise denied(NOT_IN_ORGANIZATION)
        busy = self.bookings.slots.busy(user, start, end)
        return Response(body={"collection": [_busy_time(event, user) for event in busy]})

    def _locations(self, request: Request) -> Response:
        user = required(request, "user")
        if user not in self.state.users:
            raise denied(NOT_IN_ORGANIZATION)
        conferences = [{"kind": kind, "connected": True} for kind in ("zoom_conference", "google_conference")]
        teams = {"kind": "microsoft_teams_conference", "connected": False}
        others = [{"kind": kind} for kind in ("physical", "outbound_call", "inbound_call", "ask_invitee", "custom")]
        return Response(body={"collection": [*conferences, teams, *others]})

    def _own_organization(self, organization: str) -> None:
        if organization != self.state.organization["uri"]:
            raise denied("You do not have permission")


def _member_matches(membership: Json, user: str, email: str, role: str) -> bool:
    member = membership["user"]
    return user in ("", member["uri"]) and email in ("", member["email"]) and role in ("", membership["role"])


def _slot(event_type: Json, start: float, left: int) -> Json:
    text = stamp(start).replace(".000000Z", "Z")  # slots alone carry no fraction
    address = f"{event_type['scheduling_url']}/{text}?month={text[:7]}&date={text[:10]}"
    return {"status": "available", "invitees_remaining": left, "start_time": text, "scheduling_url": address}


def _busy_time(event: Json, user: str) -> Json:
    host = next(membership for membership in event["event_memberships"] if membership["user"] == user)
    return {
        "type": "calendly",
        "start_time": event["start_time"],
        "end_time": event["end_time"],
        "buffered_start_time": host["buffered_start_time"],
        "buffered_end_time": host["buffered_end_time"],
        "event": {"uri": event["uri"]},
    }
