"""What if this happened to a booking? The ledger's values before and after a trigger, through the real merge (pure)."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from calendly_connector.core import merge
from calendly_connector.core.booking import Booking, Cancellation
from calendly_connector.core.merge import Entry, Happening
from calendly_connector.core.trigger import Trigger

MADE_UP = "made-up"
MADE_UP_MARK = f"https://api.calendly.com/invitee_no_shows/{MADE_UP}"
MADE_UP_MEETING = f"https://api.calendly.com/scheduled_events/{MADE_UP}"
MADE_UP_INVITEE = f"{MADE_UP_MEETING}/invitees/{MADE_UP}"
MADE_UP_NEW_HALF = f"{MADE_UP_MEETING}-new/invitees/{MADE_UP}-new"
MOVED_BY = timedelta(days=7)


@dataclass(frozen=True, kw_only=True)
class Supposed:
    """One step of a booking's life. `before` and `after` are its entries, of a move both halves; `now` is when."""

    before: tuple[Entry, ...]
    after: tuple[Entry, ...]
    happenings: tuple[Happening, ...]
    now: datetime


def suppose(known: Entry, trigger: Trigger, *, now: datetime, grace: timedelta) -> Supposed:
    """Return what the ledger would hold, and what would have happened, if `trigger` befell a booking now.

    A booking that could not suffer it any more (a canceled one can't be marked) is taken as if it still could.
    """
    invitee = known.booking.invitee
    now = max(now, invitee.updated_at + timedelta(microseconds=1))
    if trigger is Trigger.BOOKED:
        return _first_seen(_opened(known), now)
    if trigger is Trigger.RESCHEDULED:
        return _moved(_opened(known), now)
    if trigger is Trigger.CANCELED:
        why = Cancellation(canceled_by=invitee.name, reason="", canceler_type="invitee")
        return _changed(_opened(known), now, is_canceled=True, cancellation=invitee.cancellation or why)
    if trigger is Trigger.NO_SHOW:
        return _changed(_opened(known), _after_meeting(known, now), no_show_uri=invitee.no_show_uri or MADE_UP_MARK)
    if trigger is Trigger.NO_SHOW_UNDONE:
        marked = _with(_opened(known), no_show_uri=invitee.no_show_uri or MADE_UP_MARK)
        return _changed(marked, _after_meeting(known, now), no_show_uri="")
    return _attended(_opened(known), now, grace)


def _opened(known: Entry) -> Entry:
    """Return the entry as if it were booked: neither canceled nor moved, no mark, not attended."""
    entry = replace(known, successor="", attended_at=None, was_undone=False)
    return _with(
        entry, is_canceled=False, is_rescheduled=False, cancellation=None, new_invitee="", no_show_uri=""
    )  # fmt: skip


def _with(entry: Entry, **changes: object) -> Entry:
    invitee = replace(entry.booking.invitee, **changes)  # type: ignore[arg-type]
    return replace(entry, booking=replace(entry.booking, invitee=invitee))


def _after_meeting(known: Entry, now: datetime) -> datetime:
    return max(now, known.booking.meeting.end_at)


def _first_seen(entry: Entry, now: datetime) -> Supposed:
    booking = _with(entry, old_invitee="").booking
    merged = merge.merge(None, booking)
    return Supposed(before=(), after=(merged.entry,), happenings=merged.happenings, now=now)


def _changed(entry: Entry, now: datetime, **changes: object) -> Supposed:
    seen = _with(entry, **changes, updated_at=now, taken_at=now).booking
    merged = merge.merge(entry, seen)
    return Supposed(before=(entry,), after=(merged.entry,), happenings=merged.happenings, now=now)


def _moved(entry: Entry, now: datetime) -> Supposed:
    merged = merge.merge(None, _new_half(entry, now), predecessor=entry)
    old = merge.supersede(entry, successor=merged.entry.uri)
    return Supposed(before=(entry,), after=(old, merged.entry), happenings=merged.happenings, now=now)


def _new_half(entry: Entry, now: datetime) -> Booking:
    """Return the booking that a move makes: the same person and answers, a week later."""
    meeting = entry.booking.meeting
    start_at, end_at = meeting.start_at + MOVED_BY, meeting.end_at + MOVED_BY
    times = {"created_at": now, "updated_at": now, "taken_at": now}
    changes = {"uri": MADE_UP_NEW_HALF, "old_invitee": entry.uri, "cancel_url": "", "reschedule_url": "", **times}
    later = replace(meeting, uri=f"{MADE_UP_MEETING}-new", start_at=start_at, end_at=end_at, updated_at=now)
    return replace(_with(entry, **changes).booking, meeting=later)


def _attended(entry: Entry, now: datetime, grace: timedelta) -> Supposed:
    over_at = entry.booking.meeting.end_at + grace
    merged = merge.attend(entry, at=over_at)
    return Supposed(before=(entry,), after=(merged.entry,), happenings=merged.happenings, now=max(now, over_at))
