"""What visitors hear when a booking isn't made, and what Calendly's refusals are about. Kept in plain English."""

from collections.abc import Iterator, Mapping
from typing import Any

from calendly_connector.clients import errors

NO_TYPE = "This kind of meeting can't be booked any more. Please choose another one."
MEND = "Something is missing or can't be right. Please mend it and try again; nothing was booked."
KEY_TAKEN = "This form was used for another booking. Please open the page again."
TAKEN = "Somebody has just taken this time. Please choose another one."
BUSY = "Somebody is booking this time right now. Please choose another one, or try again in a minute."
LIMIT = "No more bookings can be made here for a moment. You can book on Calendly's own page, which is filled in."
FAILED = "This can't be booked here right now. You can book on Calendly's own page, which is filled in."
UNREACHABLE = "Calendly can't be reached right now, so nothing was booked. Please try again in a few minutes."
UNKNOWN = (
    "We couldn't find out whether this was booked. Please look at your e-mail for Calendly's confirmation; if there is"
    " none in ten minutes, book on Calendly's own page."
)
REFUSED = "Calendly didn't accept this. Please mend it and try again; nothing was booked."
CANCELED = "This meeting was canceled."
BOOKED = "It is booked. Calendly sends you a confirmation by e-mail."

ALREADY_FILLED = "already_filled"
START_FIELDS = ("start_time", "event.start_time")
FIELDS = {
    "invitee.email": "email",
    "invitee.name": "name",
    "invitee.first_name": "first_name",
    "invitee.last_name": "last_name",
    "invitee.timezone": "timezone",
    "invitee.text_reminder_number": "text_reminder_number",
    "event_guests": "guests",
    "location": "place",
    "location.location": "place",
    "event.location_configuration.location": "place",
    "questions_and_answers": "answers",
}
"""Calendly's name of a field → ours. Texts that name no field are about the whole form."""


def is_taken(error: errors.ApiError) -> bool:
    """Return whether Calendly refuses a time that is gone (calendly-api.md §4.11), or past by now."""
    rows = list(_details(error.body))
    return any(row.get("code") == ALREADY_FILLED or row.get("parameter") in START_FIELDS for row in rows)


def problems_of(error: errors.ApiError) -> dict[str, str]:
    """Return what Calendly complains about: our field → its words."""
    found: dict[str, str] = {}
    for row in _details(error.body):
        field = FIELDS.get(str(row.get("parameter") or ""), "")
        found.setdefault(field or "form", str(row.get("message") or REFUSED)[:500])
    if not found and error.body.get("message"):
        found["form"] = str(error.body["message"])[:500]
    return found


def refusal(error: errors.ApiError) -> str:
    """Return why Calendly refused, for the request's row."""
    return " ".join((REFUSED, *(f"{field}: {text}." for field, text in problems_of(error).items())))[:1000]


def _details(body: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    details = body.get("details")
    yield from (row for row in details if isinstance(row, Mapping)) if isinstance(details, list) else ()
