"""Event types, times, bookings and links as the API shows them."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from calendly_connector.clients.calendly_scheduling import AvailableTime, BookableType
from calendly_connector.clients.calendly_values import Row
from calendly_connector.models import SchedulingLink
from calendly_connector.services.booking_outcome import Outcome

Json = dict[str, Any]
RENAMED = {"place": "location", "start_at": "start_time", "form": ""}


def event_type(kind: BookableType) -> Json:
    """Return an event type. A pooled one has no places to choose: Calendly chooses."""
    return {
        "uri": kind.uri,
        "name": kind.name,
        "description": kind.description,
        "minutes": kind.minutes,
        "is_group": kind.is_group,
        "locale": kind.locale,
        "scheduling_url": kind.scheduling_url,
        "questions": [
            {
                "position": each.position,
                "text": each.text,
                "kind": each.kind,
                "is_required": each.is_required,
                "choices": list(each.choices),
                "takes_other": each.takes_other,
            }
            for each in kind.questions
        ],
        "places": [] if kind.is_pooled else [{"kind": each.kind, "location": each.text} for each in kind.places],
    }


def time(each: AvailableTime, zone: ZoneInfo) -> Json:
    """Return an open time, in UTC and in a zone."""
    return {
        "start_time": stamp(each.start_at),
        "local_time": each.start_at.astimezone(zone).isoformat(timespec="seconds"),
        "places_left": each.places_left,
    }


def outcome(found: Outcome) -> Json:
    """Return what came of a wish."""
    row = found.request
    return {
        "key": row.key,
        "state": str(found.state),
        "detail": found.words,
        "event_type": row.event_type,
        "start_time": stamp(row.start_at),
        "fallback_url": found.fallback_url,
        "booking": _booking(found.invitee, found.scheduled_event or {}) if found.invitee else None,
    }


def _booking(invitee: Row, meeting: Row) -> Json:
    location = meeting.get("location")
    return {
        "uri": str(invitee.get("uri") or ""),
        "email": str(invitee.get("email") or ""),
        "name": str(invitee.get("name") or ""),
        "status": str(invitee.get("status") or "active"),
        "timezone": str(invitee.get("timezone") or ""),
        "start_time": meeting.get("start_time"),
        "end_time": meeting.get("end_time"),
        "location": dict(location) if isinstance(location, Mapping) else None,
        "cancel_url": invitee.get("cancel_url"),
        "reschedule_url": invitee.get("reschedule_url"),
    }


def link(row: SchedulingLink, address: str) -> Json:
    """Return a link."""
    return {
        "url": address,
        "tag": row.tag,
        "event_type": row.event_type,
        "email": row.email,
        "expires_at": stamp(row.expires_at) if row.expires_at else "",
    }


def problems(found: Mapping[str, str]) -> Json:
    """Return complaints by the body's own fields, those about answers by their question's position."""
    complaints: Json = {}
    for field, words in found.items():
        name, _, rest = field.partition(".")
        key = RENAMED.get(name, name) or "non_field_errors"
        complaints.setdefault(key, []).append(words if not rest or name != "answers" else {rest: words})
    return complaints


def stamp(moment: datetime) -> str:
    """Return a moment in UTC."""
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
