"""What should be true, worked out a second time from design.md §3 alone: plain dicts, no code of the app.

The oracle hears exactly what the app hears, in the same order, and keeps its own ledger and its own list of the
automation events that must leave.
"""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

Json = dict[str, Any]
GRACE = timedelta(hours=24)


def when(text: str) -> datetime:
    """Return a moment of Calendly's."""
    return datetime.fromisoformat(text).astimezone(UTC)


@dataclass
class Row:
    """One booking: the newest invitee and meeting, each with what makes it newest."""

    invitee: Json
    meeting: Json
    invitee_key: tuple[datetime, datetime, int]
    meeting_key: tuple[datetime, datetime]
    attended_at: datetime | None = None


@dataclass
class Oracle:
    """The ledger as it must be, and the events as they must have left."""

    rows: dict[str, Row] = field(default_factory=dict)
    events: list[tuple[str, str, str]] = field(default_factory=list)  # booking, name, no-show mark

    def hear(self, invitee: Json, meeting: Json, taken_at: str) -> None:
        """Take in one snapshot."""
        rank = 2 if invitee["status"] == "canceled" else 1 if invitee["no_show"] else 0
        invitee_key = (when(invitee["updated_at"]), when(taken_at), rank)
        meeting_key = (when(meeting["updated_at"]), when(taken_at))
        uri = invitee["uri"]
        known = self.rows.get(uri)
        if known is None:
            self.rows[uri] = Row(invitee, meeting, invitee_key, meeting_key)
            self._first_sight(uri)
            return
        if meeting_key > known.meeting_key:
            known.meeting, known.meeting_key = meeting, meeting_key
        if invitee_key > known.invitee_key:
            before, status = known.invitee, self.status(uri)
            known.invitee, known.invitee_key = invitee, invitee_key
            self._difference(uri, before, status)

    def pass_time(self, now: datetime) -> None:
        """Let the meetings whose grace time is over count as attended."""
        for uri, row in self.rows.items():
            end = when(row.meeting["end_time"])
            if self.status(uri) == "booked" and end + GRACE <= now:
                row.attended_at = end + GRACE
                self.events.append((uri, "attended", ""))

    def lost_halves(self) -> list[str]:
        """Return new halves of moves that were never seen."""
        named = [row.invitee["new_invitee"] for row in self.rows.values() if row.invitee["rescheduled"]]
        return [uri for uri in named if uri and uri not in self.rows]

    def status(self, uri: str) -> str:
        """Return where a booking stands."""
        row = self.rows[uri]
        is_replaced = any(other.invitee["old_invitee"] == uri for other in self.rows.values())
        if is_replaced or (row.invitee["status"] == "canceled" and row.invitee["rescheduled"]):
            return "rescheduled"
        if row.invitee["status"] == "canceled":
            return "canceled"
        if row.invitee["no_show"]:
            return "no_show"
        return "attended" if row.attended_at else "booked"

    def moves(self, uri: str) -> int:
        """Return how often a booking's chain was moved, as far as it is known."""
        old = self.rows[uri].invitee["old_invitee"]
        if not old:
            return 0
        return 1 + (self.moves(old) if old in self.rows else 0)

    def emails(self) -> set[str]:
        """Return everybody who booked."""
        return {row.invitee["email"] for row in self.rows.values()}

    def contact(self, email: str, now: datetime) -> Json:
        """Return the attributes and kinds of list that Brevo must show."""
        mine = {uri: row for uri, row in self.rows.items() if row.invitee["email"] == email}
        statuses = {uri: self.status(uri) for uri in mine}
        live = [uri for uri in mine if statuses[uri] != "rescheduled"] or list(mine)
        coming = [uri for uri in live if statuses[uri] == "booked" and self._end(uri) > now]
        current = min(coming, key=self._start) if coming else max(live, key=self._changed)
        values = {"booked": "booked", "rescheduled": "booked", "canceled": "cancelled"}
        start = when(mine[current].meeting["start_time"]).astimezone(ZoneInfo("Europe/Paris"))
        marked = any(row.invitee["no_show"] for row in mine.values())
        return {
            "BOOKING_STATUS": values.get(statuses[current], statuses[current]),
            "MEETING_DATE": start.date().isoformat(),
            "BOOKINGS": sum(row.invitee["old_invitee"] not in mine for row in mine.values()),
            "NO_SHOWS": sum(status == "no_show" for status in statuses.values()),
            "MOVES": sum(bool(row.invitee["old_invitee"]) for row in mine.values()),
            "lists": {"bookers"}
            | ({"canceled"} if "canceled" in statuses.values() else set())
            | ({"no-shows"} if marked else set()),
        }

    def _first_sight(self, uri: str) -> None:
        invitee, status = self.rows[uri].invitee, self.status(uri)
        if status == "canceled":
            self.events.append((uri, "canceled", ""))
        elif status != "rescheduled":
            self.events.append((uri, "rescheduled" if invitee["old_invitee"] else "booked", ""))
            if invitee["no_show"]:
                self.events.append((uri, "no_show", invitee["no_show"]["uri"]))

    def _difference(self, uri: str, before: Json, status_before: str) -> None:
        invitee, status = self.rows[uri].invitee, self.status(uri)
        if "rescheduled" in (status, status_before):
            return
        if status == "canceled":
            if status_before != "canceled":
                self.events.append((uri, "canceled", ""))
        elif invitee["no_show"] and not before["no_show"]:
            self.events.append((uri, "no_show", invitee["no_show"]["uri"]))
        elif before["no_show"] and not invitee["no_show"]:
            self.events.append((uri, "no_show_undone", before["no_show"]["uri"]))

    def _start(self, uri: str) -> tuple[datetime, str]:
        return when(self.rows[uri].meeting["start_time"]), uri

    def _end(self, uri: str) -> datetime:
        return when(self.rows[uri].meeting["end_time"])

    def _changed(self, uri: str) -> tuple[datetime, datetime, str]:
        row = self.rows[uri]
        updated = when(row.invitee["updated_at"])
        return (max(updated, row.attended_at) if row.attended_at else updated, *self._start(uri))
