"""Everything about a person's bookings that staff may map to a Brevo attribute: one line each.

A source returns text, a number, a boolean, a date, or None for "nothing known", in which case the attribute is
left as it is, unless the source is one of PASSING and it was us who filled the attribute. Answers are sources too:
`answer:<question>`.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, tzinfo
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from calendly_connector.core.booking import Booking, Invitee, Status
from calendly_connector.core.person import Summary
from calendly_connector.core.rules import RuleSet


@dataclass(frozen=True, kw_only=True)
class Context:
    """What a source may look at."""

    person: Summary
    rules: RuleSet

    @property
    def booking(self) -> Booking:
        """Return the current booking."""
        return self.person.current.booking

    @property
    def invitee(self) -> Invitee:
        """Return the current booking's invitee."""
        return self.booking.invitee


@dataclass(frozen=True, kw_only=True)
class Field:
    """One source that staff may pick."""

    label: str
    kind: str  # the attribute type that suits it best
    read: Callable[[Context], Any]


STATUS_VALUES = {
    Status.BOOKED: "booked",
    Status.RESCHEDULED: "booked",  # moved: the person still has a meeting
    Status.CANCELED: "cancelled",
    Status.NO_SHOW: "no_show",
    Status.ATTENDED: "attended",
}
"""Booking status → the value in Brevo, spelt as in the old platform's documents (design.md §8)."""

ANSWER_PREFIX, PHONE = "answer:", "phone"
PHONE_WORDS = (
    "phone",
    "mobile",
    "telefon",
    "mobil",
    "téléphone",
    "portable",
    "handy",
    "whatsapp",
    "telephone",
    "cellphone",
)
SHORT_PHONE_WORDS = frozenset({"cell", "sms", "tel", "tél"})  # whole words: “Tell us…” asks for no phone


def read(source: str, context: Context) -> Any:
    """Return the value of a source, None when nothing is known. Raises KeyError for an unknown source."""
    if source.startswith(ANSWER_PREFIX):
        return answer_to(source.removeprefix(ANSWER_PREFIX), context.invitee)
    value = FIELDS[source].read(context)
    return None if value == "" else value


def answer_to(question: str, invitee: Invitee) -> str | None:
    """Return the answer to a question, compared without case, outer punctuation and doubled spaces."""
    wanted = normalise_question(question)
    found = (answer.answer for answer in invitee.answers if normalise_question(answer.question) == wanted)
    return next((text for text in found if text.strip()), None)


def normalise_question(text: str) -> str:
    """Return a question as it is compared."""
    return " ".join(text.split()).strip(" ?:*.!").casefold()


def local(moment: datetime, booking: Booking, default_timezone: str) -> datetime:
    """Return a moment in the invitee's zone, else in the connection's default zone, else in UTC."""
    return moment.astimezone(_zone(booking.invitee.timezone) or _zone(default_timezone) or UTC)


def _zone(name: str) -> tzinfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return None


def phone(context: Context) -> str:
    """Return the first valid number in E.164: for reminders, in an answer that looks like one, or the one to dial."""
    numbers = (context.rules.to_e164(given) for given in phones_given(context))
    return next((number for number in numbers if number), "")


def phones_given(context: Context) -> list[str]:
    """Return what a person wrote where a phone number is looked for, in the order of preference, valid or not."""
    invitee, meeting = context.invitee, context.booking.meeting
    candidates = [
        invitee.text_reminder_number,
        *(answer.answer for answer in invitee.answers if asks_for_phone(answer.question)),
        meeting.location if meeting.location_kind == "outbound_call" else "",
    ]
    return [candidate for candidate in candidates if candidate.strip()]


def asks_for_phone(question: str) -> bool:
    """Return whether the source "phone" looks at a question's answers."""
    words = re.findall(r"\w+", question.casefold())
    return any(word in SHORT_PHONE_WORDS or word.startswith(PHONE_WORDS) for word in words)


def _day(moment: datetime, booking: Booking, context: Context) -> date:
    return local(moment, booking, context.rules.timezone).date()


def _readable(context: Context) -> str:
    start = local(context.booking.meeting.start_at, context.booking, context.rules.timezone)
    return f"{start:%Y-%m-%d %H:%M} ({start.tzname()})"


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _minutes(context: Context) -> int:
    meeting = context.booking.meeting
    return int((meeting.end_at - meeting.start_at).total_seconds() // 60)


def _host(context: Context, part: str) -> str:
    return ", ".join(value for value in (getattr(host, part) for host in context.booking.meeting.hosts) if value)


def _next_day(context: Context) -> date | None:
    booking = context.person.next_meeting
    return _day(booking.meeting.start_at, booking, context) if booking else None


def _last_day(context: Context) -> date | None:
    booking = context.person.last_meeting
    return _day(booking.meeting.start_at, booking, context) if booking else None


def _cancellation(context: Context, part: str) -> str:
    cancellation = context.invitee.cancellation
    is_real = context.person.current.status is Status.CANCELED
    return str(getattr(cancellation, part)) if cancellation and is_real else ""


def type_name(context: Context) -> str:
    """Return the event type's name; the meeting's own name while the type has not been read."""
    meeting = context.booking.meeting
    return context.rules.type_names.get(meeting.event_type) or meeting.name


def _owner(context: Context) -> str:
    return context.rules.type_owners.get(context.booking.meeting.event_type, "")


def _link(part: str) -> Callable[[Context], str]:
    """Return what reads a part of the link that the current booking was made through."""

    def read(context: Context) -> str:
        tag = context.person.origin.utm_content
        link = context.rules.find_link(tag) if tag else None
        return str(getattr(link, part)) if link else ""

    return read


def _utm(touch: str, part: str) -> Callable[[Context], str]:
    return lambda context: str(getattr(getattr(context.person, f"{touch}_touch"), f"utm_{part}"))


FIELDS: dict[str, Field] = {
    "first_name": Field(label="First name", kind="text", read=lambda c: c.invitee.first_name),
    "last_name": Field(label="Last name", kind="text", read=lambda c: c.invitee.last_name),
    "name": Field(label="Whole name", kind="text", read=lambda c: c.invitee.name),
    "phone": Field(label="Phone number (international format)", kind="text", read=phone),
    "timezone": Field(label="Invitee's time zone", kind="text", read=lambda c: c.invitee.timezone),
    "event_type_name": Field(label="Event type: name", kind="text", read=type_name),
    "event_type_uri": Field(label="Event type: address", kind="text", read=lambda c: c.booking.meeting.event_type),
    "event_type_owner": Field(label="Event type: owner", kind="text", read=_owner),
    "meeting_name": Field(label="Meeting: its own name", kind="text", read=lambda c: c.booking.meeting.name),
    "meeting_date": Field(
        label="Meeting: date, in the invitee's zone",
        kind="date",
        read=lambda c: _day(c.booking.meeting.start_at, c.booking, c),
    ),
    "meeting_start": Field(
        label="Meeting: start (UTC, exact)", kind="text", read=lambda c: _instant(c.booking.meeting.start_at)
    ),
    "meeting_end": Field(
        label="Meeting: end (UTC, exact)", kind="text", read=lambda c: _instant(c.booking.meeting.end_at)
    ),
    "meeting_start_local": Field(label="Meeting: start, to read, in the invitee's zone", kind="text", read=_readable),
    "meeting_minutes": Field(label="Meeting: duration in minutes", kind="float", read=_minutes),
    "booked_at": Field(label="Booked at (UTC, exact)", kind="text", read=lambda c: _instant(c.invitee.created_at)),
    "host_name": Field(label="Host: name", kind="text", read=lambda c: _host(c, "name")),
    "host_email": Field(label="Host: e-mail", kind="text", read=lambda c: _host(c, "email")),
    "location": Field(label="Location", kind="text", read=lambda c: c.booking.meeting.location),
    "join_url": Field(label="Join link", kind="text", read=lambda c: c.booking.meeting.join_url),
    "status": Field(label="Booking status", kind="text", read=lambda c: STATUS_VALUES[c.person.current.status]),
    "canceled_by": Field(label="Canceled by", kind="text", read=lambda c: _cancellation(c, "canceled_by")),
    "canceler_type": Field(
        label="Canceled by host or invitee", kind="text", read=lambda c: _cancellation(c, "canceler_type")
    ),
    "cancel_reason": Field(label="Reason of cancellation", kind="text", read=lambda c: _cancellation(c, "reason")),
    "cancel_url": Field(label="Cancel link", kind="text", read=lambda c: c.invitee.cancel_url),
    "reschedule_url": Field(label="Reschedule link", kind="text", read=lambda c: c.invitee.reschedule_url),
    "payment_amount": Field(
        label="Payment: amount", kind="float", read=lambda c: c.invitee.payment.amount if c.invitee.payment else None
    ),
    "payment_currency": Field(
        label="Payment: currency", kind="text", read=lambda c: c.invitee.payment.currency if c.invitee.payment else ""
    ),
    "bookings": Field(label="Number of bookings", kind="float", read=lambda c: c.person.booked),
    "no_shows": Field(label="Number of no-shows", kind="float", read=lambda c: c.person.no_shows),
    "moves": Field(label="Number of moves", kind="float", read=lambda c: c.person.moves),
    "cancellations": Field(label="Number of cancellations", kind="float", read=lambda c: c.person.canceled),
    "meetings_attended": Field(label="Number of meetings attended", kind="float", read=lambda c: c.person.attended),
    "next_meeting_date": Field(label="Next meeting: date", kind="date", read=_next_day),
    "last_meeting_date": Field(label="Last meeting: date", kind="date", read=_last_day),
    "link_tag": Field(label="Booked through link: its tag", kind="text", read=_link("tag")),
    "link_campaign": Field(label="Booked through link: campaign", kind="text", read=_link("campaign")),
    "link_run": Field(label="Booked through link: run that made it", kind="text", read=_link("run")),
    **{
        f"{touch}_utm_{part}": Field(
            label=f"{touch.capitalize()} touch: UTM {part}", kind="text", read=_utm(touch, part)
        )
        for touch in ("first", "last")
        for part in ("source", "medium", "campaign", "term", "content")
    },
}

PASSING = frozenset(
    {
        "location",
        "join_url",
        "canceled_by",
        "canceler_type",
        "cancel_reason",
        "cancel_url",
        "reschedule_url",
        "payment_amount",
        "payment_currency",
        "next_meeting_date",
        "last_meeting_date",
        "link_tag",
        "link_campaign",
        "link_run",
    }
)
"""Sources of what is true of the current booking, or at present, alone: nothing there means that there is nothing (a
canceled meeting is no next one any more), not that nothing is known."""
