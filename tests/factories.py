"""Small builders of the core's values with readable defaults: what a test doesn't name doesn't matter to it.

Nothing here reads a clock: Nadia books on 22 November 2026 for half an hour on 3 December, 9:00 UTC.
"""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from calendly_connector.core.attributes import Attribute
from calendly_connector.core.booking import Answer, Booking, Host, Invitee, Meeting
from calendly_connector.core.merge import Entry
from calendly_connector.core.rules import RuleSet

CALENDLY = "https://api.calendly.com"
DISCOVERY_CALL, DEMO = f"{CALENDLY}/event_types/discovery-call", f"{CALENDLY}/event_types/demo"

BOOKED_AT = datetime(2026, 11, 22, 10, 15, 4, 130011, UTC)
START_AT, END_AT = datetime(2026, 12, 3, 9, 0, tzinfo=UTC), datetime(2026, 12, 3, 9, 30, tzinfo=UTC)

ATTRIBUTES = {
    attribute.name: attribute
    for attribute in (
        Attribute(name="FIRSTNAME", kind="text"),
        Attribute(name="LASTNAME", kind="text"),
        Attribute(name="COMPANY", kind="text"),
        Attribute(name="MEETING_DATE", kind="date"),
        Attribute(name="MEETINGS_BOOKED", kind="float"),
        Attribute(name="IS_CUSTOMER", kind="boolean"),
        Attribute(name="BOOKING_STATUS", kind="category", options=(("1", "booked"), ("2", "cancelled"))),
        Attribute(name="INTERESTS", kind="multiple-choice", options=(("Pricing", "Pricing"), ("Security", "Security"))),
        Attribute(name="OWNER", kind="user"),
        Attribute(name="BLACKLIST", kind="calculated"),
    )
}


def invitee_uri(name: str) -> str:
    """Return the URI of an invitee that a test calls by name."""
    return f"{CALENDLY}/scheduled_events/{name}-meeting/invitees/{name}"


def make_invitee(name: str = "nadia", **changes: Any) -> Invitee:
    """Return Nadia's booking; `name` makes another URI. A change of `updated_at` moves `taken_at` with it."""
    updated_at = changes.get("updated_at", changes.get("created_at", BOOKED_AT))
    default = Invitee(
        uri=invitee_uri(name),
        email="nadia.benali@example.com",
        name="Nadia Benali",
        first_name="Nadia",
        last_name="Benali",
        is_canceled=False,
        is_rescheduled=False,
        created_at=BOOKED_AT,
        updated_at=updated_at,
        taken_at=updated_at,
        timezone="Europe/Paris",
        answers=(Answer(question="Company", answer="Benali Conseil"),),
    )
    return replace(default, **changes)


def make_meeting(**changes: Any) -> Meeting:
    """Return a discovery call on 3 December. A change of `start_at` must bring its `end_at`."""
    updated_at = changes.get("updated_at", BOOKED_AT)
    default = Meeting(
        uri=f"{CALENDLY}/scheduled_events/nadia-meeting",
        name="Discovery call",
        event_type=DISCOVERY_CALL,
        start_at=START_AT,
        end_at=END_AT,
        updated_at=updated_at,
        taken_at=updated_at,
        location_kind="zoom",
        location="https://zoom.example/j/81",
        join_url="https://zoom.example/j/81",
        hosts=(Host(uri=f"{CALENDLY}/users/camille", name="Camille Durand", email="camille@example.fr"),),
    )
    return replace(default, **changes)


def make_booking(name: str = "nadia", *, meeting: Meeting | None = None, **invitee_changes: Any) -> Booking:
    """Return a snapshot; changes are the invitee's."""
    return Booking(invitee=make_invitee(name, **invitee_changes), meeting=meeting or make_meeting())


def make_entry(
    name: str = "nadia",
    *,
    meeting: Meeting | None = None,
    successor: str = "",
    moves: int = 0,
    attended_at: datetime | None = None,
    was_undone: bool = False,
    **invitee_changes: Any,
) -> Entry:
    """Return a ledger entry; other changes are the invitee's."""
    booking = make_booking(name, meeting=meeting, **invitee_changes)
    return Entry(booking=booking, successor=successor, moves=moves, attended_at=attended_at, was_undone=was_undone)


def make_rules(**changes: Any) -> RuleSet:
    """Return a configuration that maps nothing, with an attribute of every kind in Brevo."""
    return replace(RuleSet(attributes=ATTRIBUTES), **changes)
