"""What we want of a destination, and what we decided not to want, with words for staff."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

Value = str | int | float | bool | tuple[str, ...]
"""What a Brevo attribute may hold (brevo-api.md §4.3)."""


@dataclass(frozen=True, kw_only=True)
class UpsertContact:
    """Create or update one contact, and let it join lists, in one call."""

    email: str
    attributes: dict[str, Value]
    join_lists: tuple[int, ...] = ()
    only_if_empty: frozenset[str] = frozenset()  # attributes not to be overwritten
    clears: frozenset[str] = frozenset()  # attributes that we filled, and that have no value any more
    warnings: tuple[str, ...] = ()  # what didn't fit, in staff's words
    causes: tuple[str, ...] = ()  # the same as codes (core.cause), for staff to mend many alike
    notes: tuple[str, ...] = ()  # what was deliberately not done
    records_opt_out: bool = False  # the contact is made anew, and its person had opted out


@dataclass(frozen=True, kw_only=True)
class LeaveLists:
    """Take one contact out of lists that the mapping names."""

    email: str
    lists: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class AskConsent:
    """Let Brevo ask by mail whether the person wants to be on lists; the click joins them (double opt-in)."""

    email: str
    lists: tuple[int, ...]
    template: int
    redirect_url: str


@dataclass(frozen=True, kw_only=True)
class ConsentProof:
    """Why lists may be joined: to be kept."""

    booking: str  # invitee URI
    mode: str
    question: str
    answer: str
    template: int
    lists: tuple[int, ...]
    given_at: datetime


@dataclass(frozen=True, kw_only=True)
class TrackEvent:
    """Record one automation event. Never repeated after a lost answer without looking first."""

    name: str
    email: str
    at: datetime
    properties: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Skip:
    """Something that could have been done and deliberately isn't."""

    what: str  # in words, such as "No event calendly_meeting_booked"
    reason: str


Step = UpsertContact | LeaveLists | AskConsent | TrackEvent
