"""A booking → the task in Brevo's CRM that stands for it, or none (brevo-api.md §7.2). Pure."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from calendly_connector.core.booking import Invitee, Status
from calendly_connector.core.merge import Entry

NOTES_LENGTH = 3000  # documented for notes alone (brevo-api.md §7.2), and kept to here
REFERENCE = "Calendly booking: {}"
DONE = frozenset({Status.CANCELED, Status.NO_SHOW, Status.ATTENDED})
OUTCOMES = {Status.NO_SHOW: "The invitee didn't come (no-show).", Status.ATTENDED: "The meeting took place."}


@dataclass(frozen=True, kw_only=True)
class Task:
    """What a task should say. `owner` is a host's e-mail; empty: nobody's."""

    name: str
    at: str  # UTC with milliseconds, as Brevo writes it
    duration: int  # milliseconds
    notes: str
    is_done: bool
    owner: str

    @property
    def digest(self) -> str:
        """Return a fingerprint: equal tasks need no call."""
        return hashlib.sha256(json.dumps(asdict(self), sort_keys=True).encode()).hexdigest()


def describe(entry: Entry, *, type_names: Mapping[str, str]) -> Task | None:
    """Return what the task of a booking should say; None for the old half of a move, whose new half speaks for it."""
    invitee, meeting = entry.booking.invitee, entry.booking.meeting
    if entry.status is Status.RESCHEDULED:
        return None
    about = type_names.get(meeting.event_type) or meeting.name or "Meeting"
    return Task(
        name=f"{about} with {invitee.name or invitee.email}"[:255],
        at=_instant(meeting.start_at),
        duration=max(0, int((meeting.end_at - meeting.start_at).total_seconds())) * 1000,
        notes=_notes(entry),
        is_done=entry.status in DONE,
        owner=next((host.email for host in meeting.hosts if host.email), ""),
    )


def may_begin(entry: Entry, *, now: datetime) -> bool:
    """Return whether a task is made for a booking that has none: it takes place, and isn't over."""
    return entry.status is Status.BOOKED and entry.booking.meeting.end_at > now


def reference(uri: str) -> str:
    """Return the line of the notes by which a booking's task is found again."""
    return REFERENCE.format(uri.rsplit("/", 1)[-1])


def _notes(entry: Entry) -> str:
    invitee, meeting = entry.booking.invitee, entry.booking.meeting
    lines = [
        _outcome(entry),
        f"Where: {meeting.join_url or meeting.location}" if meeting.join_url or meeting.location else "",
        *(f"{answer.question}: {_one_line(answer.answer)}" for answer in invitee.answers if answer.answer.strip()),
        f"Moved {entry.moves} times" if entry.moves > 1 else "Moved once" if entry.moves else "",
        f"Move: {invitee.reschedule_url}" if invitee.reschedule_url and entry.status is Status.BOOKED else "",
        f"Cancel: {invitee.cancel_url}" if invitee.cancel_url and entry.status is Status.BOOKED else "",
    ]
    last = reference(entry.uri)
    return "\n".join([*filter(None, lines)])[: NOTES_LENGTH - len(last) - 1].strip() + f"\n{last}"


def _outcome(entry: Entry) -> str:
    if entry.status is Status.CANCELED:
        return _canceled(entry.booking.invitee)
    return OUTCOMES.get(entry.status, "Booked through Calendly.")


def _canceled(invitee: Invitee) -> str:
    canceled = invitee.cancellation
    if canceled is None:
        return "Canceled."
    by = f" by {canceled.canceled_by}" if canceled.canceled_by else ""
    return f"Canceled{by}: {_one_line(canceled.reason)}" if canceled.reason.strip() else f"Canceled{by}."


def _one_line(text: str) -> str:
    return ", ".join(line.strip() for line in text.splitlines() if line.strip())


def _instant(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
