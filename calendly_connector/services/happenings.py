"""A trigger as it stands in the log, told again with the booking as it is now."""

from calendly_connector.core.merge import Happening
from calendly_connector.core.trigger import Trigger
from calendly_connector.models import SyncLogEntry

MARK = "replay-"
"""Begins what tells a replayed step from the first one."""


def happening_of(row: SyncLogEntry) -> Happening:
    """Return the trigger that an event tells of; raise ValueError when its booking is gone."""
    if row.booking is None:
        raise ValueError(f"Entry {row.pk} has no booking")
    name, _, occurrence = row.happening.partition(f":{MARK}")[0].partition(":")
    trigger, entry = Trigger(name), row.booking.to_entry()
    invitee, meeting = entry.booking.invitee, entry.booking.meeting
    moments = {
        Trigger.BOOKED: invitee.created_at,
        Trigger.RESCHEDULED: invitee.created_at,
        Trigger.ATTENDED: meeting.end_at,
    }
    at = moments.get(trigger, min(invitee.updated_at, row.created_at))
    return Happening(trigger=trigger, entry=entry, at=at, occurrence=occurrence)
