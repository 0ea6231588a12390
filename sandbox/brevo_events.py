"""Custom events: POST /events, POST /events/batch, GET /events."""

import json
import re
from collections.abc import Callable
from typing import Any

from sandbox.brevo_account import Account
from sandbox.brevo_answers import body_of, day_span, invalid, moment, number_param, object_in, refusal, stamp
from sandbox.brevo_contacts import IDENTIFIER_TYPES
from sandbox.brevo_people import Change, People
from sandbox.brevo_state import Contact, CustomEvent, Json
from sandbox.brevo_values import email_address, phone_number
from sandbox.http import Refusal, Request, Response, Router

NAME = re.compile(r"[A-Za-z0-9_-]{1,255}")
PROPERTIES_SIZE = 50 * 1024
BATCH_SIZE = 512 * 1024
BATCH_MOST = 200
HALF_A_YEAR = 183 * 86400.0


class Events:
    """Takes events and shows them again. Nothing is deduplicated: sent twice is recorded twice."""

    def __init__(self, account: Account, people: People) -> None:
        self.account = account
        self.people = people

    def register(self, router: Router) -> None:
        """Add the routes."""
        router.route("POST", "/events")(self.create)
        router.route("POST", "/events/batch")(self.create_batch)
        router.route("GET", "/events")(self.browse)

    def create(self, request: Request) -> Response:
        """Accept one event: 204 says accepted, not attached to anybody."""
        self._record(body_of(request))
        return Response(status=204)

    def create_batch(self, request: Request) -> Response:
        """Accept the valid events of a batch and name the positions of the others."""
        events = _batch(request)
        errors: dict[str, list[int]] = {}
        for position, event in enumerate(events):
            try:
                if not isinstance(event, dict):
                    raise invalid("event must be an object")
                self._record(event)
            except Refusal as refused:
                errors.setdefault(_message(refused), []).append(position)
        if not errors:
            message = "Batch accepted. Valid events have been added to the processing queue."
            return Response(status=202, body={"message": message, "count": len(events)})
        return _partial(len(events), errors)

    def _record(self, body: Json) -> None:
        event = self._read(body)
        contact = self._contact(event.identifiers)
        if contact is None:
            contact = self._unknown(event)
        if contact is not None:
            event.contact_id, event.orphan = contact.id, False
            self._update(contact, event.contact_properties)
        event.number = self.account.state.next_id("event")
        self.account.state.events.append(event)

    def _read(self, body: Json) -> CustomEvent:
        name, now = body.get("event_name"), self.account.clock.now()
        if not name:
            raise invalid("event_name is required")
        if not isinstance(name, str) or not NAME.fullmatch(name):
            raise invalid("event_name is invalid")
        date, kind = body.get("event_date"), object_in(body, "object").get("type", "")
        if date is not None and not isinstance(date, str):
            raise invalid("event_date is not a valid date")
        return CustomEvent(
            number=0, name=name, date=moment(date, "event_date") if date else now, received_at=now, contact_id=None,
            identifiers=_identifiers(body), event_properties=_event_properties(body),
            contact_properties=_contact_properties(body), orphan=True,
            object_type=kind if isinstance(kind, str) else "",
        )  # fmt: skip

    def _contact(self, identifiers: Json) -> Contact | None:
        """Return the contact meant; `contact_id` wins over all others."""
        if "contact_id" in identifiers:
            return self.account.state.contacts.get(identifiers["contact_id"])
        found = (self.account.state.find(name, value) for name, value in _stored(identifiers).items())
        return next((contact for contact in found if contact), None)

    def _unknown(self, event: CustomEvent) -> Contact | None:
        """Do what the switch says about an event for nobody: its effect is undocumented."""
        answer, stored = self.account.settings.unknown_contact_event, _stored(event.identifiers)
        if answer == "400":
            raise invalid("No contact found for the given identifiers")
        if answer == "create" and stored:
            return self.people.create(Change(identifiers=stored))
        return None

    def _update(self, contact: Contact, properties: Json) -> None:
        """Write the contact properties as far as they fit; the event was accepted, so nothing can be refused."""
        if not properties:
            return
        change = self.people.read_attributes(properties, strict=False)
        for name in self.people.foreign(contact, change.identifiers):
            del change.identifiers[name]
        change.identifiers.pop("email", None)
        self.people.update(contact, change)

    def browse(self, request: Request) -> Response:
        """Return the events attached to contacts, newest first."""
        limit, offset = number_param(request, "limit", 100, low=1, high=10_000), number_param(request, "offset", 0)
        tests = self._tests(request)
        matching = [event for event in self.account.state.events if all(test(event) for test in tests)]
        matching.sort(key=lambda event: (-event.date, -event.number))
        rows = [event_json(event) for event in matching[offset : offset + limit]]
        return Response(body={"events": rows, "count": len(matching)})

    def _tests(self, request: Request) -> list[Callable[[CustomEvent], bool]]:
        start, end = day_span(request)
        now, delay = self.account.clock.now(), self.account.settings.event_delay
        first = now - HALF_A_YEAR if start is None else start
        contacts, names = set(request.query.get("contact_id", [])), set(request.query.get("event_name", []))
        kinds = set(request.query.get("object_type", []))
        if not all(re.fullmatch(r"\d+", number) for number in contacts):
            raise invalid("contact_id must be an integer")
        return [
            lambda event: not event.orphan and event.received_at + delay <= now,
            lambda event: event.date >= first and (end is None or event.date <= end),
            lambda event: not contacts or str(event.contact_id) in contacts,
            lambda event: not names or event.name in names,
            lambda event: not kinds or event.object_type in kinds,
        ]


def event_json(event: CustomEvent) -> Json:
    """Return an event as GET /events answers it."""
    body: Json = {
        "contact_id": event.contact_id,
        "event_date": stamp(event.date),
        "event_name": event.name,
        "event_properties": event.event_properties,
        "contact_properties": event.contact_properties,
    }
    return {**body, "object_type": event.object_type} if event.object_type else body


def _batch(request: Request) -> list[Any]:
    if len(request.body) > BATCH_SIZE:
        raise invalid("The batch is larger than 512 KB")
    try:
        body = request.json()
    except ValueError:
        raise invalid("Invalid JSON in the request body") from None
    if isinstance(body, list):  # the form of the first weeks; the message was quoted by an integrator
        raise invalid("json: cannot unmarshal array into Go value of type main.unifiedEventsRequest")
    events = body.get("events") if isinstance(body, dict) else None
    if not isinstance(events, list) or not events:
        raise refusal(400, "missing_parameter", "events is missing")
    if len(events) > BATCH_MOST:
        raise refusal(400, "out_of_range", f"events is limited to {BATCH_MOST} events")
    return events


def _partial(total: int, errors: dict[str, list[int]]) -> Response:
    failed = sum(len(positions) for positions in errors.values())
    body = {
        "status": "error" if failed == total else "partial",
        "total_events": total,
        "successful_events": total - failed,
        "failed_events": failed,
        "errors": [{"eventIndex": positions, "message": message} for message, positions in errors.items()],
    }
    return Response(status=400 if failed == total else 207, body=body)


def _message(refused: Refusal) -> str:
    body = refused.response.body
    return str(body["message"]) if isinstance(body, dict) else ""


def _identifiers(body: Json) -> Json:
    given = {name: value for name, value in object_in(body, "identifiers").items() if value not in (None, "")}
    known = {name: value for name, value in given.items() if name in IDENTIFIER_TYPES or name == "contact_id"}
    if not known:
        raise invalid("at least one identifier is required")
    for name, value in known.items():
        if type(value) is not (int if name == "contact_id" else str):
            raise invalid(f"{name} is invalid")
    return known


def _stored(identifiers: Json) -> dict[str, str]:
    """Return the identifiers in the spelling and form of the index."""
    stored: dict[str, str] = {}
    for given, name in IDENTIFIER_TYPES.items():
        value = identifiers.get(given)
        read = value if name == "ext_id" else email_address(value) if name == "email" else phone_number(value)
        if read:
            stored[name] = read
    return stored


def _contact_properties(body: Json) -> Json:
    properties = object_in(body, "contact_properties")
    if not all(isinstance(value, str | int | float | bool) for value in properties.values()):
        raise invalid("contact_properties must be strings, numbers or booleans")
    return properties


def _event_properties(body: Json) -> Json:
    """Return the properties without nulls, which Brevo is reported to drop."""
    properties = object_in(body, "event_properties")
    for key in _keys(properties):
        if not NAME.fullmatch(key):
            raise invalid(f"event_properties has an invalid key: {key[:80]}")
    if len(json.dumps(properties, ensure_ascii=False).encode()) > PROPERTIES_SIZE:
        raise invalid("event_properties is larger than 50 KB")
    return {key: value for key, value in properties.items() if value is not None}


def _keys(value: Any) -> list[str]:
    """Return all keys of nested objects."""
    if isinstance(value, dict):
        return [*value, *(key for each in value.values() for key in _keys(each))]
    return [key for each in value for key in _keys(each)] if isinstance(value, list) else []
