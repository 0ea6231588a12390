"""Automation events: recorded one by one or in batches, and looked up when an answer was lost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from calendly_connector.clients import errors
from calendly_connector.clients.brevo_parts import Part, object_in

EVENTS_PER_BATCH, BATCH_BYTES = 200, 500_000
EVENTS_PER_PAGE = 1000


@dataclass(frozen=True, kw_only=True)
class RecordedEvent:
    """One automation event that Brevo holds."""

    name: str
    at: str
    properties: Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class EventsPage:
    """Some of the recorded events of a name, newest first. `total`: how many there are; None when Brevo doesn't say."""

    events: Sequence[RecordedEvent]
    total: int | None

    def is_last(self, *, read: int) -> bool:
        """Return whether nothing comes after it, `read` being how many were read with it. A short page proves nothing:
        Brevo may give fewer than it was asked for."""
        is_short = len(self.events) < EVENTS_PER_PAGE  # a total that counts the page alone ends no search
        return not self.events or (is_short and self.total is not None and read >= self.total)


class Events(Part):
    """What `BrevoClient` can do with events."""

    def create_event(self, event: Mapping[str, Any]) -> None:
        """Record one event (`bodies.event_body`). NOT to be repeated after a lost answer.

        https://developers.brevo.com/reference/create-event
        """
        self._call("events", "POST", "/events", json=event)

    def create_events(self, events: Sequence[Mapping[str, Any]]) -> dict[int, str]:
        """Record at most 200 events; return what was refused, by position. NOT to be repeated after a lost answer.

        https://developers.brevo.com/reference/create-batch-events (207 and 400 carry the same body)
        """
        try:
            data = self._call("other", "POST", "/events/batch", json={"events": list(events)}).json
        except errors.Refused as refused:
            if refused.status != 400 or not isinstance(refused.body.get("errors"), list):
                raise
            data = refused.body
        return _refused_positions(object_in(data or {}))

    def find_events(self, name: str, *, since: datetime, until: datetime, offset: int = 0) -> EventsPage:
        """Return one page of recorded events of a name. 100 calls an hour.

        https://developers.brevo.com/reference/get-events
        """
        params: dict[str, Any] = {
            "event_name": name,
            "startDate": since.astimezone(UTC).date().isoformat(),
            "endDate": until.astimezone(UTC).date().isoformat(),
            "limit": EVENTS_PER_PAGE,
            "offset": offset,
        }
        data = object_in(self._call("other", "GET", "/events", params=params).json)
        events = [_recorded(object_in(row)) for row in data.get("events") or []]
        total = data.get("count")
        return EventsPage(events=events, total=total if isinstance(total, int) else None)


def _recorded(row: Mapping[str, Any]) -> RecordedEvent:
    return RecordedEvent(
        name=str(row.get("event_name") or ""),
        at=str(row.get("event_date") or ""),
        properties=object_in(row.get("event_properties") or {}),
    )


def _refused_positions(data: Mapping[str, Any]) -> dict[int, str]:
    """Return why which events were refused; raise BadAnswer when it doesn't show which: no key of a row is promised."""
    refused: dict[int, str] = {}
    is_clear = True
    for row in data.get("errors") or []:
        given = row.get("eventIndex") if isinstance(row, Mapping) else None
        positions = [_position(each) for each in (given if isinstance(given, list) else [given])]
        is_clear = is_clear and bool(positions) and None not in positions
        for position in positions:
            if position is not None:
                refused[position] = str(row.get("message") or "refused without a reason")
    failed = data.get("failed_events")
    if not is_clear or (isinstance(failed, int) and failed > len(refused)):
        raise errors.BadAnswer("Brevo refused events of a batch and doesn't say which.")
    return refused


def _position(value: Any) -> int | None:
    try:
        return int(value)
    except (TypeError, ValueError):
        return None
