"""A booking as Calendly told it: frozen values in our words, and their JSON form for the ledger."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from enum import StrEnum
from typing import Any, Self, TypeVar

T = TypeVar("T")


class Status(StrEnum):
    """Where a booking stands (design.md §3)."""

    BOOKED = "booked"
    RESCHEDULED = "rescheduled"
    CANCELED = "canceled"
    NO_SHOW = "no_show"
    ATTENDED = "attended"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """One question of the booking form and what the invitee wrote; several choices are joined by newlines."""

    question: str
    answer: str
    position: int = 0


@dataclass(frozen=True, kw_only=True)
class Tracking:
    """The UTM parameters and the Salesforce id of the page that was booked through; empty when absent."""

    utm_campaign: str = ""
    utm_source: str = ""
    utm_medium: str = ""
    utm_content: str = ""
    utm_term: str = ""
    salesforce_uuid: str = ""

    def __bool__(self) -> bool:
        """Return whether anything is known."""
        return any(getattr(self, field.name) for field in fields(self))


@dataclass(frozen=True, kw_only=True)
class Cancellation:
    """Who canceled, and why. `canceler_type` is "host" or "invitee"."""

    canceled_by: str
    reason: str
    canceler_type: str


@dataclass(frozen=True, kw_only=True)
class Payment:
    """What was paid at booking; `amount` in units of `currency`."""

    provider: str
    amount: float
    currency: str
    successful: bool


@dataclass(frozen=True, kw_only=True)
class Host:
    """One of the company's people in the meeting."""

    uri: str
    name: str = ""
    email: str = ""


@dataclass(frozen=True, kw_only=True)
class Invitee:
    """One person on one scheduled event, as one snapshot showed them. All times are aware."""

    uri: str
    email: str  # trimmed and lower-cased: the key of a person
    name: str
    first_name: str
    last_name: str
    is_canceled: bool
    is_rescheduled: bool  # canceled because it was moved
    created_at: datetime
    updated_at: datetime
    taken_at: datetime  # when Calendly made the snapshot (delivery's created_at, listing's fetch time)
    timezone: str = ""
    answers: tuple[Answer, ...] = ()
    tracking: Tracking = Tracking()
    text_reminder_number: str = ""
    old_invitee: str = ""
    new_invitee: str = ""
    cancel_url: str = ""
    reschedule_url: str = ""
    cancellation: Cancellation | None = None
    payment: Payment | None = None
    no_show_uri: str = ""  # the mark; empty when there is none
    scheduling_method: str = ""
    routing_form_submission: str = ""

    @property
    def rank(self) -> int:
        """Return the last tie-breaker between two snapshots of the same instant: the further along wins."""
        return 2 if self.is_canceled else 1 if self.no_show_uri else 0

    @property
    def freshness(self) -> tuple[datetime, datetime, int]:
        """Return what makes one snapshot newer than another (design.md §3, merge rule)."""
        return self.updated_at, self.taken_at, self.rank


@dataclass(frozen=True, kw_only=True)
class Meeting:
    """The scheduled event around an invitee: times, place, hosts. All times are aware."""

    uri: str
    name: str
    event_type: str  # URI
    start_at: datetime
    end_at: datetime
    updated_at: datetime
    taken_at: datetime
    is_canceled: bool = False
    location_kind: str = ""
    location: str = ""
    join_url: str = ""
    hosts: tuple[Host, ...] = ()
    guests: tuple[str, ...] = ()

    @property
    def freshness(self) -> tuple[datetime, datetime]:
        """Return what makes one snapshot newer than another."""
        return self.updated_at, self.taken_at


@dataclass(frozen=True, kw_only=True)
class Booking:
    """A snapshot: one invitee and their meeting, the same value by webhook or by listing."""

    invitee: Invitee
    meeting: Meeting

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON types; times as ISO 8601 text."""
        return asdict(self, dict_factory=_plain)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Return the booking that `to_json` wrote. Keys unknown to this version are left out."""
        return cls(invitee=_invitee(data["invitee"]), meeting=_meeting(data["meeting"]))


def _plain(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in pairs}


def _known(kind: type[T], data: Mapping[str, Any], **replaced: Any) -> T:
    names = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    values = {name: value for name, value in data.items() if name in names} | replaced
    times = {name: datetime.fromisoformat(values[name]) for name in values if name.endswith("_at")}
    return kind(**(values | times))


def _invitee(data: Mapping[str, Any]) -> Invitee:
    return _known(
        Invitee,
        data,
        answers=tuple(_known(Answer, answer) for answer in data["answers"]),
        tracking=_known(Tracking, data["tracking"]),
        cancellation=_known(Cancellation, data["cancellation"]) if data.get("cancellation") else None,
        payment=_known(Payment, data["payment"]) if data.get("payment") else None,
    )


def _meeting(data: Mapping[str, Any]) -> Meeting:
    return _known(
        Meeting, data, hosts=tuple(_known(Host, host) for host in data["hosts"]), guests=tuple(data["guests"])
    )
