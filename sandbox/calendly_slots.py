"""When a host can be booked: weekdays 9 to 17 in the host's zone, every half hour, unless already busy."""

from bisect import bisect_left
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from sandbox.calendly_state import State
from sandbox.calendly_values import Json, moment, stamp

OPENS, CLOSES, STEP = 9, 17, 30 * 60


class Slots:
    """Free and busy times, read from the bookings."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._searched: dict[str, float] = {}  # per host: where the last search ended

    def reset(self) -> None:
        """Forget where the last search ended."""
        self._searched.clear()

    def open_times(self, event_type: Json, start: float, end: float) -> Iterator[tuple[float, int]]:
        """Yield each bookable start in a window with the places left."""
        host = self._state.hosts[event_type["uri"]][0]
        for at in self._grid(self._state.users[host]["timezone"], start, end):
            left = self.places_left(event_type, at)
            if left:
                yield at, left

    def places_left(self, event_type: Json, start: float) -> int:
        """Return how many people can still book a slot: the rest of a group, or all places when a host is free."""
        running = self.group_event(event_type, start)
        if running:
            counter = running["invitees_counter"]
            return int(counter["limit"]) - int(counter["active"])
        return self._state.places[event_type["uri"]] if self.free_host(event_type, start) else 0

    def is_slot(self, event_type: Json, start: float) -> bool:
        """Say whether a time is one of the grid at all (busy or not)."""
        zone = self._state.users[self._state.hosts[event_type["uri"]][0]]["timezone"]
        return start in self._grid(zone, start, start + 1)

    def group_event(self, event_type: Json, start: float) -> Json | None:
        """Return the active event of a group type that starts at this time."""
        if self._state.places[event_type["uri"]] == 1:
            return None
        for event in self._around(self._state.hosts[event_type["uri"]][0], start, start + 1):
            if event["event_type"] == event_type["uri"] and event["start_time"] == stamp(start):
                return event
        return None

    def free_host(self, event_type: Json, start: float) -> str | None:
        """Return the free host whose turn it is (round robin), or None."""
        hosts = self._state.hosts[event_type["uri"]]
        turn = self._state.turns.get(event_type["uri"], 0) % len(hosts)
        end = start + event_type["duration"] * 60
        return next((host for host in hosts[turn:] + hosts[:turn] if not self.busy(host, start, end)), None)

    def busy(self, host: str, start: float, end: float) -> list[Json]:
        """Return a host's active events that overlap a window."""
        overlapping = self._around(host, start, end)
        return [event for event in overlapping if moment(event["end_time"]) > start]

    def next_free(self, event_type: Json, now: float, other_than: float = 0.0) -> float:
        """Return the soonest open start from tomorrow on; a group slot with places left is open too."""
        host = self._state.hosts[event_type["uri"]][0]
        start = max(now + 86_400, self._searched.get(host, 0.0))
        far = start + 100 * 366 * 86_400
        at = next(at for at, _ in self.open_times(event_type, start, far) if at != other_than)
        self._searched[host] = at
        return at

    def freed(self, event: Json) -> None:
        """Remember that a canceled event's time can be found again."""
        for membership in event["event_memberships"]:
            host, start = membership["user"], moment(event["start_time"])
            self._searched[host] = min(start, self._searched.get(host, start))

    def _around(self, host: str, start: float, end: float) -> Iterator[Json]:
        index = self._state.by_host.get(host, [])
        first = bisect_left(index, (stamp(start - self._state.longest), ""))
        for at in range(first, bisect_left(index, (stamp(end), ""))):
            event = self._state.events[index[at][1]]
            if event["status"] == "active":
                yield event

    def _grid(self, zone: str, start: float, end: float) -> Iterator[float]:
        local = datetime.fromtimestamp(start, UTC).astimezone(ZoneInfo(zone))
        day = local.replace(hour=OPENS, minute=0, second=0, microsecond=0)
        while day.timestamp() < end:
            if day.weekday() < 5:
                opens, closes = day.timestamp(), day.replace(hour=CLOSES).timestamp()
                slots = (opens + STEP * step for step in range(int((closes - opens) // STEP)))
                yield from (at for at in slots if start <= at < end)
            day += timedelta(days=1)
