"""What to read again after a gap: Calendly can't be asked "what changed since", so these rules choose. Pure."""

from datetime import datetime, timedelta

from calendly_connector.core.booking import Booking

LOOK_BACK = timedelta(days=30)
"""How far before the gap a meeting may have begun and still get a no-show mark within it."""


def first_start(since: datetime) -> datetime:
    """Return the start of the earliest meeting that may have changed since."""
    return since - LOOK_BACK


def is_worth_reading(
    start_at: datetime | None, updated_at: datetime | None, *, since: datetime, now: datetime, is_open: bool
) -> bool:
    """Return whether a scheduled event's invitees are to be read.

    It changed since; or the meeting has begun, so that people may have been marked as no-shows, which doesn't change
    the event's own time; or the ledger holds bookings of it that may still change (`is_open`). A time that can't be
    read counts as changed.
    """
    if start_at is None or updated_at is None or is_open:
        return True
    return updated_at >= since or first_start(since) <= start_at <= now


def is_missed(seen: Booking, *, since: datetime, is_known: bool) -> bool:
    """Return whether a booking is ours to take in: known ones always, for whatever is different; an unknown one when
    it was made or changed in the gap. Older unknown ones are history, and no "booked" may leave for them now."""
    return is_known or max(seen.invitee.updated_at, seen.invitee.created_at) >= since
