"""Which listed meetings a reading looks into: Calendly can't be asked "what changed since". Pure."""

from datetime import datetime, timedelta

from calendly_connector.core.booking import Booking

LOOK_BACK = timedelta(days=30)
"""How far back a meeting may have begun and still get a no-show mark."""

SOONEST, LATEST = timedelta(hours=1), timedelta(days=3)
"""Between two looks for a mark at the same meeting, when only what may be new is read."""


def first_start(since: datetime) -> datetime:
    """Return the start of the earliest meeting that may have changed since."""
    return since - LOOK_BACK


def is_worth_reading(
    start_at: datetime | None, updated_at: datetime | None, *, since: datetime, now: datetime, is_open: bool
) -> bool:
    """Return whether a scheduled event's invitees are to be read after a gap.

    It changed since; or the meeting has begun, so that people may have been marked as no-shows, which doesn't change
    the event's own time; or the ledger holds bookings of it that may still change (`is_open`). A time that can't be
    read counts as changed.
    """
    if start_at is None or updated_at is None or is_open:
        return True
    return updated_at >= since or first_start(since) <= start_at <= now


def may_be_marked(start_at: datetime | None, *, read_at: datetime, now: datetime, is_thorough: bool) -> bool:
    """Return whether an unchanged meeting, last read at `read_at`, is read again for the sake of a no-show mark.

    Nothing but the invitee itself shows a mark. A thorough reading looks at every meeting that began within the last
    30 days. Else the looks at one meeting grow rarer with its age: a mark is found within the time that it took to be
    made, at the latest after three days.
    """
    if start_at is None:
        return True
    if start_at > now or read_at >= start_at + LOOK_BACK:
        return False
    if is_thorough:
        return start_at + LOOK_BACK >= now
    age = max(read_at - start_at, SOONEST)
    return now - read_at >= min(age, LATEST)


def is_missed(seen: Booking, *, since: datetime, is_known: bool) -> bool:
    """Return whether a booking is ours to take in: known ones always, for whatever is different; an unknown one when
    it was made or changed in the gap. Older unknown ones are history, and no "booked" may leave for them now."""
    return is_known or max(seen.invitee.updated_at, seen.invitee.created_at) >= since
