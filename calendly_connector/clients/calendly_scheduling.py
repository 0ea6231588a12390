"""Calendly's writing half: times to book, bookings without a redirect, links, cancellations and no-show marks."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol
from urllib.parse import urlencode

from calendly_connector.clients import errors
from calendly_connector.clients.calendly_values import Row, event_type_name
from calendly_connector.clients.http import Answer

UTM_KEYS = ("utm_campaign", "utm_source", "utm_medium", "utm_content", "utm_term", "salesforce_uuid")


@dataclass(frozen=True, kw_only=True)
class Question:
    """One question of an event type's form. Its text is its only key."""

    text: str
    kind: str  # string, text, phone_number, single_select or multi_select
    position: int
    is_required: bool
    choices: tuple[str, ...]
    takes_other: bool  # beside the choices, any text


@dataclass(frozen=True, kw_only=True)
class Place:
    """One place that an event type may be held at: its kind in requests (calendly-api.md §4.11), and what is set."""

    kind: str
    text: str


@dataclass(frozen=True, kw_only=True)
class BookableType:
    """An event type as a booking page needs it. `minutes` is its usual length."""

    uri: str
    name: str
    description: str
    minutes: int
    is_active: bool
    is_group: bool
    is_pooled: bool  # round robin and the like: no place may be sent
    scheduling_url: str
    locale: str
    questions: tuple[Question, ...]
    places: tuple[Place, ...]


@dataclass(frozen=True, kw_only=True)
class AvailableTime:
    """One open slot. `places_left` exceeds 1 for group types only."""

    start_at: datetime
    places_left: int
    scheduling_url: str


@dataclass(frozen=True, kw_only=True)
class Wish:
    """What is to be booked. `name` or `first_name` is needed; times are aware; `timezone` is an IANA name."""

    event_type: str
    start_at: datetime
    email: str
    timezone: str
    name: str = ""
    first_name: str = ""
    last_name: str = ""
    text_reminder_number: str = ""
    place: Place | None = None
    answers: tuple[tuple[str, str, int], ...] = ()  # question, answer, position
    tracking: Mapping[str, str] = field(default_factory=dict)
    guests: tuple[str, ...] = ()


class Calls(Protocol):
    """What these calls need of the client that they are part of."""

    def _call(self, method: str, path: str, **options: Any) -> Answer: ...
    def _resource(self, path: str) -> Row: ...
    def _path_of(self, uri: str) -> str: ...
    def _pages(self, path: str, params: Mapping[str, Any]) -> Iterator[Row]: ...


class Scheduling:
    """The methods, for `CalendlyClient`. Those that change something are NOT to be repeated after a lost answer,
    unless they say so."""

    def get_bookable_type(self: Calls, uri: str) -> BookableType:
        """Return an event type with its questions and places; raise NotFound. Scope event_types:read.

        https://developer.calendly.com/api-docs/calendly-api/event-types/get-event-type
        """
        return bookable_type(self._resource(self._path_of(uri)))

    def list_available_times(
        self: Calls, event_type: str, *, since: datetime, until: datetime
    ) -> tuple[AvailableTime, ...]:
        """Return the open slots of at most 31 days; `since` must be in the future. Scopes availability:read and
        event_types:read.

        https://developer.calendly.com/release-notes/2026/7/9
        """
        params = {"event_type": event_type, "start_time": _stamp(since), "end_time": _stamp(until)}
        data = self._call("GET", "/event_type_available_times", params=params).json
        rows = data.get("collection") if isinstance(data, Mapping) else None
        if not isinstance(rows, list):
            raise errors.BadAnswer("Calendly answered without a collection of times.")
        return tuple(_available_time(row) for row in rows if row.get("status", "available") == "available")

    def create_invitee(self: Calls, wish: Wish) -> Row:
        """Book, and return the invitee as a row. Scope scheduled_events:write.

        There is no idempotency key: after a lost answer, look the booking up before trying again (`invitee_email`).

        https://developer.calendly.com/api-docs/calendly-api/scheduled-events/create-event-invitee
        """
        return _resource_of(self._call("POST", "/invitees", json=invitee_body(wish)))

    def cancel_scheduled_event(self: Calls, uri: str, *, reason: str = "") -> None:
        """Cancel a meeting for everybody who booked it. Forbidden says that it is over or canceled already.
        Scope scheduled_events:write.

        https://developer.calendly.com/api-docs/calendly-api/scheduled-events/create-scheduled-event-cancellation
        """
        self._call("POST", f"{self._path_of(uri)}/cancellation", json={"reason": reason[:10_000]} if reason else {})

    def create_no_show(self: Calls, invitee: str) -> str:
        """Mark an invitee as a no-show and return the mark's URI. Scope scheduled_events:write.

        https://developer.calendly.com/api-docs/calendly-api/scheduled-events/create-invitee-no-show
        """
        return str(_resource_of(self._call("POST", "/invitee_no_shows", json={"invitee": invitee})).get("uri") or "")

    def delete_no_show(self: Calls, mark: str) -> None:
        """Withdraw a no-show mark; one that is gone already counts as withdrawn. Scope scheduled_events:write.

        https://developer.calendly.com/api-docs/calendly-api/scheduled-events/delete-invitee-no-show
        """
        try:
            self._call("DELETE", self._path_of(mark))
        except errors.NotFound:
            return

    def create_link(self: Calls, event_type: str) -> str:
        """Make a single-use link and return its address. It lives for 90 days. Scope scheduling_links:write.

        https://developer.calendly.com/api-docs/calendly-api/scheduling-links/create-single-use-scheduling-link
        """
        body = {"max_event_count": 1, "owner": event_type, "owner_type": "EventType"}
        return str(_resource_of(self._call("POST", "/scheduling_links", json=body)).get("booking_url") or "")

    def list_events_of(
        self: Calls, email: str, *, organization: str = "", user: str = "", since: datetime, until: datetime
    ) -> Sequence[Row]:
        """Return the active meetings of an address that begin in between, of all pages: what isn't found may be booked
        again. Raises BadAnswer.

        https://developer.calendly.com/api-docs/calendly-api/scheduled-events/list-scheduled-events
        """
        whose = {"organization": organization} if organization else {"user": user}
        params = {
            **whose,
            "invitee_email": email,
            "status": "active",
            "min_start_time": _stamp(since),
            "max_start_time": _stamp(until),
            "sort": "start_time:asc",
        }
        return tuple(self._pages("/scheduled_events", params))


def invitee_body(wish: Wish) -> dict[str, Any]:
    """Return the body of `POST /invitees`: all six tracking keys or none, and only what is given."""
    names = {"name": wish.name, "first_name": wish.first_name, "last_name": wish.last_name}
    invitee = {key: value for key, value in names.items() if value}
    invitee |= {"email": wish.email, "timezone": wish.timezone}
    if wish.text_reminder_number:
        invitee["text_reminder_number"] = wish.text_reminder_number
    body: dict[str, Any] = {"event_type": wish.event_type, "start_time": _second(wish.start_at), "invitee": invitee}
    if wish.place:
        body["location"] = {"kind": wish.place.kind} | ({"location": wish.place.text} if wish.place.text else {})
    if wish.answers:
        rows = ({"question": text, "answer": answer, "position": at} for text, answer, at in wish.answers)
        body["questions_and_answers"] = list(rows)
    if wish.tracking:
        body["tracking"] = {key: wish.tracking.get(key) or None for key in UTM_KEYS}
    if wish.guests:
        body["event_guests"] = list(wish.guests)
    return body


def prefilled(url: str, *, name: str = "", email: str = "", tracking: Mapping[str, str] | None = None) -> str:
    """Return the address of Calendly's own page with a person and UTM parameters filled in."""
    values = {"name": name, "email": email, **{key: (tracking or {}).get(key, "") for key in UTM_KEYS[:5]}}
    query = urlencode({key: value for key, value in values.items() if value})
    return f"{url}{'&' if '?' in url else '?'}{query}" if query else url


def bookable_type(row: Row) -> BookableType:
    """Return an event type from its JSON."""
    questions = [each for each in row.get("custom_questions") or [] if each.get("enabled", True) and each.get("name")]
    places = [each for each in row.get("locations") or [] if each.get("kind")]
    return BookableType(
        uri=str(row["uri"]),
        name=event_type_name(row),
        description=str(row.get("description_plain") or ""),
        minutes=int(row.get("duration") or 0),
        is_active=bool(row.get("active")) and not row.get("deleted_at"),
        is_group=row.get("kind") == "group",
        is_pooled=bool(row.get("pooling_type")),
        scheduling_url=str(row.get("scheduling_url") or ""),
        locale=str(row.get("locale") or ""),
        questions=tuple(_question(each, at) for at, each in enumerate(questions)),
        places=tuple(Place(kind=str(each["kind"]), text=_place_text(each)) for each in places),
    )


def _question(row: Row, at: int) -> Question:
    return Question(
        text=str(row["name"]),
        kind=str(row.get("type") or "string"),
        position=row["position"] if isinstance(row.get("position"), int) else at,
        is_required=bool(row.get("required")),
        choices=tuple(str(choice) for choice in row.get("answer_choices") or ()),
        takes_other=bool(row.get("include_other")),
    )


def _place_text(row: Row) -> str:
    return str(row.get("location") or row.get("phone_number") or "")


def _available_time(row: Row) -> AvailableTime:
    try:
        start_at = datetime.fromisoformat(str(row.get("start_time")))
    except ValueError as error:
        raise errors.BadAnswer("Calendly named a time that can't be read.") from error
    return AvailableTime(
        start_at=start_at if start_at.tzinfo else start_at.replace(tzinfo=UTC),
        places_left=int(row.get("invitees_remaining") or 1),
        scheduling_url=str(row.get("scheduling_url") or ""),
    )


def _resource_of(answer: Answer) -> Row:
    data = answer.json
    if not isinstance(data, Mapping) or not isinstance(data.get("resource"), Mapping):
        raise errors.BadAnswer("Calendly answered without a resource.")
    resource: Row = data["resource"]
    return resource


def _stamp(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"


def _second(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
