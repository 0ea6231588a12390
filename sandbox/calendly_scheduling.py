"""Endpoints that change bookings: POST /invitees with its refusals, cancellation, no-shows, scheduling links."""

import secrets
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sandbox.calendly_answers import denied, invalid, not_found, resource
from sandbox.calendly_parts import CONFERENCES
from sandbox.calendly_route import Endpoints, at, body, found, instant
from sandbox.calendly_values import SITE, TRACKING_KEYS, Json, is_email, is_phone, moment, shown_phone
from sandbox.http import Handler, Request, Response

LONGEST_REASON = 10_000
MOST_GUESTS = 10
WRONG_LOCATION = "Specified location kind is not configured for this event type."


class Scheduling(Endpoints):
    """Writes to bookings."""

    def routes(self) -> dict[tuple[str, str], Handler]:
        """Return the handlers by method and template."""
        return {
            ("POST", "/invitees"): self._book,
            ("POST", "/scheduled_events/{uuid}/cancellation"): self._cancel,
            ("POST", "/invitee_no_shows"): self._mark,
            ("GET", "/invitee_no_shows/{uuid}"): self._no_show,
            ("DELETE", "/invitee_no_shows/{uuid}"): self._unmark,
            ("POST", "/scheduling_links"): self._link,
        }

    def _book(self, request: Request) -> Response:
        wish, caller = body(request), self.access.caller(request)
        self.access.count_booking(caller)
        kind = self._bookable(wish)
        start = instant(wish.get("start_time"), "start_time")
        person = _person(wish.get("invitee"))
        answers = _answers(kind, wish.get("questions_and_answers"))
        location = _location(kind, wish.get("location"))
        guests, tracking = _guests(wish.get("event_guests")), _tracking(wish.get("tracking"))
        self._open_slot(kind, start)
        uri = self.bookings.book(
            event_type=kind["uri"], start_time=start, answers=answers, location=location, guests=guests,
            tracking=tracking, scheduling_method="api", invitee_scheduled_by=caller, **person,
        )  # fmt: skip
        return resource(self.bookings.invitee(uri), 201)

    def _bookable(self, wish: Json) -> Json:
        uri = wish.get("event_type")
        if not isinstance(uri, str) or not uri:
            raise invalid("event_type", "event_type is missing")
        kind = found(self.state.event_types, uri)
        if not kind["active"] or kind["deleted_at"]:
            raise not_found()
        return kind

    def _open_slot(self, kind: Json, start: float) -> None:
        if start <= self.now():
            raise invalid("event.start_time", "start_time must be in the future")
        if not self.bookings.slots.is_slot(kind, start) or not self.bookings.slots.places_left(kind, start):
            raise invalid("event.start_time", "That start time has been filled", code="already_filled")

    def _cancel(self, request: Request, uuid: str) -> Response:
        event = found(self.state.events, at("scheduled_events", uuid))
        reason, caller = body(request).get("reason", ""), self.access.caller(request)
        if not isinstance(reason, str) or len(reason) > LONGEST_REASON:
            raise invalid("reason", f"reason is too long (maximum is {LONGEST_REASON} characters)")
        hosts = [membership["user"] for membership in event["event_memberships"]]
        if caller not in hosts and not self.state.is_admin(caller):
            raise denied("You are not allowed to cancel this event")
        if event["status"] == "canceled":
            raise denied("Event is already canceled")
        if moment(event["start_time"]) <= self.now():
            raise denied("Event in the past")
        self.bookings.cancel_event(event["uri"], "host", reason, self.state.users[caller]["name"])
        return resource(self.bookings.event(event["uri"])["cancellation"], 201)

    def _mark(self, request: Request) -> Response:
        uri = body(request).get("invitee")
        if not isinstance(uri, str) or not uri:
            raise invalid("invitee", "invitee is missing")
        invitee = found(self.state.invitees, uri)
        self._own(request, invitee)
        # What follows is undocumented; a 400 is the safe assumption for each.
        if invitee["status"] == "canceled":
            raise invalid("invitee", "invitee is canceled")
        if invitee["no_show"]:
            raise invalid("invitee", "invitee is already marked as a no show")
        if moment(self.state.events[invitee["event"]]["start_time"]) > self.now():
            raise invalid("invitee", "the event has not started yet")
        mark = self.bookings.mark_no_show(uri)
        return resource(self.state.no_shows[mark], 201)

    def _no_show(self, request: Request, uuid: str) -> Response:
        mark = found(self.state.no_shows, at("invitee_no_shows", uuid))
        self._own(request, self.state.invitees[mark["invitee"]])
        return resource(mark)

    def _unmark(self, request: Request, uuid: str) -> Response:
        mark = found(self.state.no_shows, at("invitee_no_shows", uuid))
        self._own(request, self.state.invitees[mark["invitee"]])
        self.bookings.undo_no_show(mark["invitee"])
        return Response(status=204)

    def _own(self, request: Request, invitee: Json) -> None:
        caller = self.access.caller(request)
        hosts = [membership["user"] for membership in self.state.events[invitee["event"]]["event_memberships"]]
        if caller not in hosts and not self.state.is_admin(caller):
            raise denied()

    def _link(self, request: Request) -> Response:
        wish = body(request)
        if wish.get("max_event_count") != 1 or wish.get("max_event_count") is True:
            raise invalid("max_event_count", "max_event_count must be 1")
        if wish.get("owner_type") != "EventType":
            raise invalid("owner_type", "owner_type must be EventType")
        owner = wish.get("owner")
        if not isinstance(owner, str) or not owner:
            raise invalid("owner", "owner is missing")
        kind = found(self.state.event_types, owner)
        address = f"{SITE}/d/{secrets.token_hex(2)}-{secrets.token_hex(2)}/{kind['slug']}"
        return resource({"booking_url": address, "owner": owner, "owner_type": "EventType"}, 201)


def _person(given: Any) -> Json:
    if not isinstance(given, dict):
        raise invalid("invitee", "invitee is missing")
    if not given.get("name") and not given.get("first_name"):
        raise invalid(summary="invitee either name or first_name must be filled")
    if not is_email(given.get("email")):
        raise invalid("invitee.email", "invitee.email is not a valid email")
    try:
        ZoneInfo(given.get("timezone") or "")
    except (ZoneInfoNotFoundError, ValueError, TypeError, OSError) as problem:
        raise invalid("invitee.timezone", "invitee.timezone is not a valid time zone") from problem
    phone = given.get("text_reminder_number")
    if phone and not is_phone(phone):
        raise invalid("invitee.text_reminder_number", "invitee.text_reminder_number is not a valid phone number")
    return {
        "email": given["email"],
        "name": given.get("name") or "",
        "first_name": given.get("first_name"),
        "last_name": given.get("last_name"),
        "timezone": given["timezone"],
        "text_reminder_number": shown_phone(phone) if phone else None,
    }


def _answers(kind: Json, given: Any) -> dict[str, str]:
    rows = given if given is not None else []
    if not isinstance(rows, list) or not all(isinstance(row, dict) and "question" in row for row in rows):
        raise invalid("questions_and_answers", "questions_and_answers is invalid")
    answers = {str(row["question"]): str(row.get("answer") or "") for row in rows}
    questions = {question["name"]: question for question in kind["custom_questions"] if question["enabled"]}
    for text in answers:
        if text not in questions:
            raise invalid("questions_and_answers", f"questions_and_answers {text} is not a question of this event type")
    for text, question in questions.items():
        if question["required"] and not answers.get(text, "").strip():
            raise invalid(summary="Required Questions and Answers cannot be blank.")
        if question["type"] == "phone_number" and answers.get(text) and not is_phone(answers[text]):
            raise invalid(summary=f"questions_and_answers {text} is not a valid phone number")
    return {text: answer for text, answer in answers.items() if answer}


def _location(kind: Json, given: Any) -> Json | None:
    if given is None:
        return None
    configured = [] if kind["pooling_type"] == "round_robin" else kind["locations"] or []
    wanted = given.get("kind") if isinstance(given, dict) else None
    if all(place["kind"] != wanted for place in configured):
        wrong = "event.location_configuration.location", "invalid location choice"
        raise invalid(*wrong, code="invalid_location_choice", summary=WRONG_LOCATION)
    if wanted not in CONFERENCES and wanted != "inbound_call" and not given.get("location"):
        raise invalid("location.location", "location.location is missing")
    return {key: given[key] for key in ("kind", "location") if key in given}


def _guests(given: Any) -> list[str]:
    guests = given if given is not None else []
    if not isinstance(guests, list) or len(guests) > MOST_GUESTS or not all(is_email(guest) for guest in guests):
        raise invalid("event_guests", f"event_guests must be at most {MOST_GUESTS} email addresses")
    return guests


def _tracking(given: Any) -> Json | None:
    if given is None:
        return None
    for key in TRACKING_KEYS:
        if not isinstance(given, dict) or key not in given:
            raise invalid(f"tracking.{key}", f"tracking.{key} is missing")
    return dict(given)
