"""The JSON of events and invitees, built from plain values. Keeps no state."""

import secrets
from collections.abc import Iterable, Mapping
from typing import Any

from sandbox.calendly_values import SITE, TRACKING_KEYS, Json, is_phone, moment, new_uri, shown_phone, stamp, uuid_of

BUFFER = 10 * 60
# What the new half of a move takes over from the old one.
CARRIED = (
    "email", "name", "first_name", "last_name", "timezone", "questions_and_answers", "tracking",
    "text_reminder_number", "routing_form_submission", "payment", "scheduling_method", "invitee_scheduled_by",
)  # fmt: skip
# What `book` may be given beyond its own arguments; stored as it is.
EXTRA = frozenset(
    {
        "payment",
        "text_reminder_number",
        "reconfirmation",
        "routing_form_submission",
        "scheduling_method",
        "invitee_scheduled_by",
    }
)
# Kinds of conference: the location's type in an event is not always the kind of the event type.
CONFERENCES = {
    "zoom_conference": ("zoom", "https://us02web.zoom.us/j/{}"),
    "google_conference": ("google_conference", "https://meet.google.com/{}"),
    "gotomeeting_conference": ("gotomeeting", "https://global.gotomeeting.com/join/{}"),
    "microsoft_teams_conference": ("microsoft_teams_conference", "https://teams.microsoft.com/l/meetup-join/{}"),
    "webex_conference": ("webex_conference", "https://atelier.webex.com/meet/{}"),
}
TYPED = ("physical", "inbound_call", "outbound_call", "ask_invitee", "custom")
_DIAL_IN = {"number": "+33 1 7037 9729", "country": "FR", "type": "toll", "city": "", "country_name": "France"}
_ZOOM_SETTINGS = {"global_dial_in_numbers": [_DIAL_IN]}
_ZOOM_EXTRA = {"intl_numbers_url": "https://us02web.zoom.us/u/kexample"}


def person(email: str, name: str, first_name: str | None, last_name: str | None, timezone: str | None) -> Json:
    """Return who the invitee is; a form with one name field leaves first and last name null."""
    whole = name or " ".join(part for part in (first_name, last_name) if part) or email.partition("@")[0]
    return {
        "email": email,
        "first_name": first_name,
        "last_name": last_name,
        "name": whole,
        "timezone": timezone,
    }


def answers(questions: list[Json], given: Mapping[str, str | list[str]]) -> list[Json]:
    """Return questions with answers as Calendly shows them: several choices on lines, phone numbers grouped."""
    known = {question["name"]: question for question in questions}
    rows = []
    for place, (text, answer) in enumerate(given.items()):
        question = known.get(text, {"position": len(known) + place, "type": "string"})
        joined = answer if isinstance(answer, str) else "\n".join(answer)
        shown = shown_phone(joined) if question["type"] == "phone_number" else joined
        rows.append({"question": text, "answer": shown, "position": question["position"]})
    return sorted(rows, key=lambda row: row["position"])


def tracking(given: Mapping[str, str | None] | None) -> Json:
    """Return the six tracking keys; other URL parameters are dropped."""
    return {key: (given or {}).get(key) for key in TRACKING_KEYS}


def guests(emails: Iterable[str], at: str) -> list[Json]:
    """Return the extra addresses of an event."""
    return [{"email": email, "created_at": at, "updated_at": at} for email in emails]


def location(configured: list[Json] | None, wanted: Json | None, given: Mapping[str, str | list[str]]) -> Json | None:
    """Return the event's location for a wish ({"kind": …}), or for the event type's first choice.

    A wish that has a `type` is already an event's location and stays as it is.
    """
    if wanted and "type" in wanted:
        return wanted
    if not configured and not wanted:
        return None
    chosen = next((place for place in configured or () if wanted and place["kind"] == wanted["kind"]), None)
    place = {**(chosen or {}), **(wanted or {})} if wanted else (configured or [{}])[0]
    if place["kind"] in CONFERENCES:
        return conference(place["kind"])
    return _typed_place(place, given)


def conference(kind: str, number: str = "") -> Json:
    """Return a conference that is ready to join, by default with a number of its own."""
    type_, address = CONFERENCES[kind]
    number = number or str(80_000_000_000 + secrets.randbelow(9_999_999_999))
    place: Json = {"type": type_, "status": "pushed", "join_url": address.format(number)}
    if type_ == "zoom":
        data = {"id": number, "settings": _ZOOM_SETTINGS, "extra": _ZOOM_EXTRA, "password": number[:6]}
        return {**place, "data": data}
    return place if type_ == "google_conference" else {**place, "data": None}


def fresh_conference(old: Json | None) -> Json | None:
    """Return the place of a moved event: a conference gets a new link, anything else stays."""
    kinds = {type_: kind for kind, (type_, _) in CONFERENCES.items()}
    return conference(kinds[old["type"]]) if old and old["type"] in kinds else old


def _typed_place(place: Json, given: Mapping[str, str | list[str]]) -> Json:
    text = place.get("location") or place.get("phone_number")
    if place["kind"] == "outbound_call" and not text:
        text = next((answer for answer in given.values() if isinstance(answer, str) and is_phone(answer)), None)
    if text is None and place["kind"] in ("physical", "inbound_call", "ask_invitee"):
        text = ""
    shown = shown_phone(text) if text and place["kind"] == "outbound_call" else text
    more = {"additional_info": place["additional_info"]} if place.get("additional_info") else {}
    return {"type": place["kind"], "location": shown, **more}


def membership(user: Json, event: Mapping[str, Any]) -> Json:
    """Return a host of an event, with ten minutes kept free on each side."""
    from_, until = event["start_time"], event["end_time"]
    return {
        "user": user["uri"],
        "user_email": user["email"],
        "user_name": user["name"],
        "buffered_start_time": _shifted(from_, -BUFFER),
        "buffered_end_time": _shifted(until, BUFFER),
    }


def scheduled_event(kind: Json, user: Json, at: float, place: Json | None, limit: int, now: str) -> Json:
    """Return a new event without invitees."""
    times = {"start_time": stamp(at), "end_time": stamp(at + kind["duration"] * 60)}
    return {
        "uri": new_uri("scheduled_events"),
        "name": kind["name"],
        "meeting_notes_plain": None,
        "meeting_notes_html": None,
        "status": "active",
        **times,
        "event_type": kind["uri"],
        "location": place,
        "invitees_counter": {"total": 0, "active": 0, "limit": limit},
        "created_at": now,
        "updated_at": now,
        "event_memberships": [membership(user, times)],
        "event_guests": [],
        "calendar_event": {"kind": "google", "external_id": secrets.token_hex(13)},
    }


def invitee(event_uri: str, details: Json, now: str) -> Json:
    """Return a new active invitee with every key that the API has."""
    uri = new_uri(f"scheduled_events/{uuid_of(event_uri)}/invitees")
    return {
        "uri": uri,
        "status": "active",
        "event": event_uri,
        "created_at": now,
        "updated_at": now,
        "text_reminder_number": None,
        "rescheduled": False,
        "old_invitee": None,
        "new_invitee": None,
        "cancel_url": f"{SITE}/cancellations/{uuid_of(uri)}",
        "reschedule_url": f"{SITE}/reschedulings/{uuid_of(uri)}",
        "routing_form_submission": None,
        "payment": None,
        "no_show": None,
        "reconfirmation": None,
        "scheduling_method": None,
        "invitee_scheduled_by": None,
        **details,
    }


def webhook_payload(invitee: Json, event: Json) -> Json:
    """Return the invitee with its event expanded, as deliveries carry it: no calendar entry, no buffered times."""
    hosts = [{key: host[key] for key in ("user", "user_email", "user_name")} for host in event["event_memberships"]]
    expanded = {key: value for key, value in event.items() if key != "calendar_event"}
    return {**invitee, "scheduled_event": {**expanded, "event_memberships": hosts}}


def _shifted(time: str, seconds: float) -> str:
    return stamp(moment(time) + seconds)
