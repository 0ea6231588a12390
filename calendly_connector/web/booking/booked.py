"""What a visitor is told once it is booked, and the same as a calendar file."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.utils.translation import gettext as _

from calendly_connector.clients.calendly_scheduling import Place
from calendly_connector.core import calendar_file
from calendly_connector.services.booking_outcome import Outcome
from calendly_connector.services.zones import zone_of
from calendly_connector.web.booking import places, timetable

HALF_AN_HOUR = timedelta(minutes=30)  # of a meeting whose end isn't known


@dataclass(frozen=True, kw_only=True)
class Booked:
    """One booking, in the visitor's zone."""

    title: str
    kind: str
    start_at: datetime
    end_at: datetime
    zone: str
    place: str
    join_url: str
    cancel_url: str
    reschedule_url: str
    email: str
    uri: str
    is_canceled: bool
    changed_at: datetime | None  # None: not known

    @property
    def day(self) -> str:
        """Return its day, in words."""
        return timetable.day_words(self.start_at.date())

    @property
    def times(self) -> str:
        """Return from when to when."""
        return f"{timetable.clock(self.start_at)}–{timetable.clock(self.end_at)}"


def read(outcome: Outcome) -> Booked:
    """Return what is known of a booking: Calendly's words, or else what was asked for."""
    row = outcome.request
    invitee: Mapping[str, Any] = outcome.invitee or {}
    meeting: Mapping[str, Any] = outcome.scheduled_event or {}
    zone = zone_of(str(invitee.get("timezone") or ""), str(row.wish.get("timezone") or ""), row.connection.timezone)
    start_at = _moment(meeting.get("start_time")) or row.start_at
    end_at = _moment(meeting.get("end_time")) or start_at + HALF_AN_HOUR
    place, join_url = _place(meeting.get("location"))
    return Booked(
        title=str(meeting.get("name") or _("Meeting")),
        kind=row.event_type,
        start_at=start_at.astimezone(zone),
        end_at=end_at.astimezone(zone),
        zone=str(zone),
        place=place,
        join_url=join_url,
        cancel_url=_link(invitee.get("cancel_url")),
        reschedule_url=_link(invitee.get("reschedule_url")),
        email=row.email,
        uri=row.invitee,
        is_canceled=outcome.is_canceled,
        changed_at=_moment(invitee.get("updated_at")),
    )


def to_file(booked: Booked, *, made_at: datetime) -> str:
    """Return the booking as a calendar file, stamped when it was made or changed: by that calendars know the newer."""
    notes = [
        (_("Join"), booked.join_url),
        (_("Choose another time"), booked.reschedule_url),
        (_("Cancel the meeting"), booked.cancel_url),
    ]
    return calendar_file.write(
        calendar_file.Meeting(
            uid=booked.uri,
            title=booked.title,
            start_at=booked.start_at,
            end_at=booked.end_at,
            stamp_at=max(made_at, booked.changed_at or made_at),
            place=booked.join_url or booked.place,
            notes="\n".join(f"{name}: {address}" for name, address in notes if address),
            url=booked.join_url,
        )
    )


def _place(given: object) -> tuple[str, str]:
    """Return a meeting's place in words, and the link to join by; both may be empty."""
    if not isinstance(given, Mapping):
        return "", ""
    kind, join_url = str(given.get("type") or ""), _link(given.get("join_url"))
    text = str(given.get("location") or "")
    return places.name_of(Place(kind=kind, text=text)) if kind else text, join_url


def _link(address: object) -> str:
    text = str(address or "")
    return text if text.startswith(("https://", "http://")) else ""


def _moment(text: object) -> datetime | None:
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return found if found.tzinfo else None
