"""What can happen to a booking, in our words, and the webhook names that Calendly sends."""

from enum import StrEnum


class Trigger(StrEnum):
    """A real change in a booking's life. The stored value never changes; design.md §3 says when each fires."""

    BOOKED = "booked"
    RESCHEDULED = "rescheduled"
    CANCELED = "canceled"
    NO_SHOW = "no_show"
    NO_SHOW_UNDONE = "no_show_undone"
    ATTENDED = "attended"


NO_SHOW_DELETED = "invitee_no_show.deleted"

SPOKEN_FOR = {
    "invitee.created": (Trigger.BOOKED, Trigger.RESCHEDULED),
    "invitee.canceled": (Trigger.CANCELED,),
    "invitee_no_show.created": (Trigger.NO_SHOW,),
    NO_SHOW_DELETED: (Trigger.NO_SHOW_UNDONE,),
}
"""What each delivery was made to tell."""

INVITEE_WEBHOOKS = frozenset(SPOKEN_FOR)
"""The deliveries whose payload is a whole invitee (calendly-api.md §5.1)."""

OTHER_WEBHOOKS = {
    "routing_form_submission.created": "a routing form's answers are not used",
    "event_type.created": "event types are read from Calendly when they are needed",
    "event_type.updated": "event types are read from Calendly when they are needed",
    "event_type.deleted": "event types are read from Calendly when they are needed",
    "contact.created": "Calendly's address book is not used",
    "contact.updated": "Calendly's address book is not used",
    "contact.deleted": "Calendly's address book is not used",
    "meeting_recap.created": "meeting recaps are not used",
    "meeting_recap.updated": "meeting recaps are not used",
    "meeting_recap.deleted": "meeting recaps are not used",
}
"""Deliveries that Calendly documents and we leave alone, each with the reason that staff read."""
