"""What Brevo shows about a person, computed from *all* their bookings (design.md §3)."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from calendly_connector.core.booking import Booking, Status, Tracking
from calendly_connector.core.merge import Entry


@dataclass(frozen=True, kw_only=True)
class Summary:
    """One person at one moment. `current` is the booking that attributes describe."""

    current: Entry
    booked: int  # bookings ever made; a meeting that was moved counts once
    no_shows: int
    moves: int
    canceled: int
    attended: int
    next_meeting: Booking | None
    last_meeting: Booking | None
    first_touch: Tracking
    last_touch: Tracking
    origin: Tracking  # of the current booking; of what it was moved from when it has none of its own
    changes_at: datetime | None  # the next moment at which the clock alone changes this summary


def summarise(entries: Iterable[Entry], *, now: datetime, grace: timedelta) -> Summary | None:
    """Return the summary of a person's bookings at `now` (aware), or None without bookings.

    The current booking is the soonest that is booked and not over; else the one changed most recently. The old half
    of a move is current only while its new half is unknown.
    """
    everything = sorted(entries, key=lambda entry: (entry.booking.invitee.created_at, entry.uri))
    if not everything:
        return None
    known = {entry.uri for entry in everything}
    live = [entry for entry in everything if entry.status is not Status.RESCHEDULED] or everything
    upcoming = sorted(
        (entry for entry in live if entry.status is Status.BOOKED and entry.booking.meeting.end_at > now), key=_start
    )
    off = (Status.CANCELED, Status.RESCHEDULED)
    held = [entry for entry in live if entry.status not in off and entry.booking.meeting.start_at <= now]
    touches = [entry.booking.invitee.tracking for entry in everything if entry.booking.invitee.tracking]
    not_started = [entry for entry in upcoming if entry.booking.meeting.start_at > now]
    current = upcoming[0] if upcoming else max(live, key=lambda entry: (entry.changed_at, *_start(entry)))
    return Summary(
        current=current,
        booked=sum(entry.booking.invitee.old_invitee not in known for entry in everything),
        no_shows=_count(everything, Status.NO_SHOW),
        moves=sum(bool(entry.booking.invitee.old_invitee) for entry in everything),
        canceled=_count(everything, Status.CANCELED),
        attended=_count(everything, Status.ATTENDED),
        next_meeting=not_started[0].booking if not_started else None,
        last_meeting=max(held, key=_start).booking if held else None,
        first_touch=touches[0] if touches else Tracking(),
        last_touch=touches[-1] if touches else Tracking(),
        origin=origin_of(current, everything),
        changes_at=_changes_at(live, now=now, grace=grace),
    )


def origin_of(entry: Entry, entries: Iterable[Entry]) -> Tracking:
    """Return what a booking's page was called with: its own, else that of the nearest booking it was moved from."""
    known = {each.uri: each for each in entries}
    while not entry.booking.invitee.tracking:
        older = known.pop(entry.booking.invitee.old_invitee, None)  # popped, for whoever signs may send a ring
        if older is None:
            return Tracking()
        entry = older
    return entry.booking.invitee.tracking


def _start(entry: Entry) -> tuple[datetime, str]:
    return entry.booking.meeting.start_at, entry.uri


def _count(entries: Iterable[Entry], status: Status) -> int:
    return sum(entry.status is status for entry in entries)


def _changes_at(entries: Iterable[Entry], *, now: datetime, grace: timedelta) -> datetime | None:
    """Return the next start, end or end of grace time of a booked meeting.

    An end of grace time that is past is due now: it came while nobody looked, and the meeting counts as attended yet.
    """
    meetings = [entry.booking.meeting for entry in entries if entry.status is Status.BOOKED]
    coming = [at for meeting in meetings for at in (meeting.start_at, meeting.end_at) if at > now]
    return min([*coming, *(meeting.end_at + grace for meeting in meetings)], default=None)
