"""What Calendly's API answers, as values: only what we use of it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

Row = Mapping[str, Any]
"""An invitee or scheduled event as Calendly sends it: `core.interpret` knows its keys, nobody else."""


@dataclass(frozen=True, kw_only=True)
class User:
    """Whose token this is."""

    uri: str
    name: str
    email: str
    timezone: str
    organization: str


@dataclass(frozen=True, kw_only=True)
class Organization:
    """What an account pays for: `stage` is trial, free or paid."""

    name: str
    plan: str
    stage: str


@dataclass(frozen=True, kw_only=True)
class EventType:
    """One kind of meeting. `questions` are the texts of its form, which are also their only keys."""

    uri: str
    name: str
    is_active: bool
    kind: str
    owner: str
    is_team: bool  # the owner is a team, not a host
    questions: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Subscription:
    """One webhook subscription."""

    uri: str
    callback_url: str
    state: str
    scope: str
    events: tuple[str, ...]
    retry_started_at: str


@dataclass(frozen=True, kw_only=True)
class ScheduledEvent:
    """One meeting of a listing: what decides whether its invitees are read, and the row. A time that can't be read
    is None. `mark` changes with the meeting and with its numbers of invitees, though not with a no-show."""

    uri: str
    start_at: datetime | None
    updated_at: datetime | None
    event_type: str
    is_canceled: bool
    mark: str
    row: Row


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a listing of meetings goes on: those that begin after `start`, or the page that `token` names."""

    start: datetime
    token: str = ""
    seen: tuple[str, ...] = ()  # URIs of the page before that the next one may show again


@dataclass(frozen=True, kw_only=True)
class Page:
    """One page of a listing, and where the next begins; None after the last."""

    events: tuple[ScheduledEvent, ...]
    following: Place | None


def event_type(row: Row) -> EventType:
    """Return an event type from its JSON."""
    profile = row.get("profile") or {}
    questions = [str(question.get("name") or "") for question in row.get("custom_questions") or []]
    return EventType(
        uri=str(row["uri"]),
        name=event_type_name(row),
        is_active=bool(row.get("active")) and not row.get("deleted_at"),
        kind=str(row.get("pooling_type") or row.get("kind") or ""),
        owner=str(profile.get("name") or ""),
        is_team=profile.get("type") == "Team",
        questions=tuple(question for question in questions if question),
    )


def event_type_name(row: Row) -> str:
    """Return an event type's name; of one without (calendly-openapi.yaml: nullable), the last part of its page."""
    page = str(row.get("scheduling_url") or "").rstrip("/").rpartition("/")[2]
    return str(row.get("name") or row.get("slug") or page)


def subscription(row: Row) -> Subscription:
    """Return a webhook subscription from its JSON."""
    return Subscription(
        uri=str(row["uri"]),
        callback_url=str(row.get("callback_url") or ""),
        state=str(row.get("state") or ""),
        scope=str(row.get("scope") or ""),
        events=tuple(row.get("events") or ()),
        retry_started_at=str(row.get("retry_started_at") or ""),
    )


def scheduled_event(row: Row) -> ScheduledEvent:
    """Return what a listing tells of one meeting."""
    counter = row.get("invitees_counter")
    total, active = (counter.get("total"), counter.get("active")) if isinstance(counter, Mapping) else (None, None)
    return ScheduledEvent(
        uri=str(row["uri"]),
        start_at=_moment(row.get("start_time")),
        updated_at=_moment(row.get("updated_at")),
        event_type=str(row.get("event_type") or ""),
        is_canceled=row.get("status") == "canceled",
        mark=f"{row.get('updated_at')} {total} {active}"[:64],
        row=row,
    )


def _moment(text: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return None
    return moment if moment.tzinfo else None
