"""Ledger + snapshot → new ledger row and the triggers that really happened (design.md §3).

Everything here depends on what is known, never on the order in which it became known: that is what makes every
arrival order of the same deliveries end in the same ledger.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from calendly_connector.core.booking import Booking, Status
from calendly_connector.core.trigger import Trigger


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One booking as the ledger holds it: the newest snapshot, and what only we know."""

    booking: Booking
    successor: str = ""  # invitee URI of the booking that replaced this one
    moves: int = 0  # how often this chain was moved to get here
    attended_at: datetime | None = None  # when grace time ended without a mark
    was_undone: bool = False  # a no-show mark was once withdrawn

    @property
    def uri(self) -> str:
        """Return the key: the invitee URI."""
        return self.booking.invitee.uri

    @property
    def status(self) -> Status:
        """Return where the booking stands. A known successor means moved, even before the old half arrives."""
        invitee = self.booking.invitee
        if self.successor or (invitee.is_canceled and invitee.is_rescheduled):
            return Status.RESCHEDULED
        if invitee.is_canceled:
            return Status.CANCELED
        if invitee.no_show_uri:
            return Status.NO_SHOW
        return Status.ATTENDED if self.attended_at else Status.BOOKED

    @property
    def changed_at(self) -> datetime:
        """Return when the person's side of the booking last changed."""
        updated_at = self.booking.invitee.updated_at
        return max(updated_at, self.attended_at) if self.attended_at else updated_at


@dataclass(frozen=True, kw_only=True)
class Happening:
    """A trigger that really fired. `occurrence` tells two no-shows of one booking apart; else it is empty."""

    trigger: Trigger
    entry: Entry
    at: datetime  # when it happened at Calendly
    occurrence: str = ""

    @property
    def key(self) -> str:
        """Return what may happen only once in a booking's life."""
        return f"{self.trigger}:{self.occurrence}" if self.occurrence else str(self.trigger)


@dataclass(frozen=True, kw_only=True)
class Merged:
    """The outcome of one merge. `is_news`: whether anything that we keep has changed. `is_erased`: nothing is kept,
    since the person asked for that after this booking was made."""

    entry: Entry
    happenings: tuple[Happening, ...]
    is_news: bool
    is_erased: bool = False


def merge(
    known: Entry | None,
    seen: Booking,
    *,
    successor: str = "",
    predecessor: Entry | None = None,
    is_withdrawal: bool = False,
    is_quiet: bool = False,
) -> Merged:
    """Return the new ledger row for a snapshot and the triggers that it fires.

    `successor` is the URI of a known booking whose `old_invitee` is this one; `predecessor` the entry of this one's
    `old_invitee`, if known; `is_withdrawal` when the delivery said that a no-show mark was taken back; `is_quiet`
    when the snapshot is history (backfill), of which a first sight of a cancellation is no news to anybody.
    """
    booking = seen if known is None else _newest(known.booking, seen)
    entry = Entry(
        booking=booking,
        successor=successor or (known.successor if known else "") or _named_successor(booking),
        moves=_moves(booking, known, predecessor),
        attended_at=known.attended_at if known else None,
        was_undone=is_withdrawal or bool(known and known.was_undone) or _is_unmarked(known, booking),
    )
    if known is None:
        return Merged(entry=entry, happenings=_first_sight(entry, is_quiet=is_quiet), is_news=True)
    return Merged(entry=entry, happenings=_difference(known, entry), is_news=_content(known) != _content(entry))


def supersede(known: Entry, *, successor: str) -> Entry:
    """Return the old half of a move once the new half is known; silent, for the new half speaks for both."""
    return replace(known, successor=successor)


def attend(known: Entry, *, at: datetime) -> Merged:
    """Return the entry after grace time: attended, unless it is canceled, moved, marked or was attended already."""
    if known.status is not Status.BOOKED:
        return Merged(entry=known, happenings=(), is_news=False)
    entry = replace(known, attended_at=at)
    happening = Happening(trigger=Trigger.ATTENDED, entry=entry, at=known.booking.meeting.end_at)
    return Merged(entry=entry, happenings=(happening,), is_news=True)


def _newest(known: Booking, seen: Booking) -> Booking:
    """Return each half from the newer snapshot; on a tie what we have stays."""
    return Booking(
        invitee=seen.invitee if seen.invitee.freshness > known.invitee.freshness else known.invitee,
        meeting=seen.meeting if seen.meeting.freshness > known.meeting.freshness else known.meeting,
    )


def _named_successor(booking: Booking) -> str:
    return booking.invitee.new_invitee if booking.invitee.is_rescheduled else ""


def _moves(booking: Booking, known: Entry | None, predecessor: Entry | None) -> int:
    """Return one more than the old booking's moves; a link to a booking that we never saw counts as one."""
    if not booking.invitee.old_invitee:
        return 0
    if predecessor:
        return predecessor.moves + 1
    return max(1, known.moves if known else 1)


def _is_unmarked(known: Entry | None, booking: Booking) -> bool:
    return bool(known and known.booking.invitee.no_show_uri and _is_open(booking) and not booking.invitee.no_show_uri)


def _is_open(booking: Booking) -> bool:
    return not booking.invitee.is_canceled


def _first_sight(entry: Entry, *, is_quiet: bool) -> tuple[Happening, ...]:
    invitee = entry.booking.invitee
    if entry.status is Status.CANCELED:
        return () if is_quiet else (_happening(Trigger.CANCELED, entry),)
    if entry.status is Status.RESCHEDULED:
        return ()
    trigger = Trigger.RESCHEDULED if invitee.old_invitee else Trigger.BOOKED
    first = Happening(trigger=trigger, entry=entry, at=invitee.created_at)
    return (first, _no_show(entry)) if invitee.no_show_uri else (first,)


def _difference(known: Entry, entry: Entry) -> tuple[Happening, ...]:
    before, after = known.booking.invitee, entry.booking.invitee
    if entry.status is Status.RESCHEDULED or known.status is Status.RESCHEDULED:
        return ()
    if entry.status is Status.CANCELED:
        return () if known.status is Status.CANCELED else (_happening(Trigger.CANCELED, entry),)
    if after.no_show_uri and not before.no_show_uri:
        return (_no_show(entry),)
    if before.no_show_uri and not after.no_show_uri:
        return (_happening(Trigger.NO_SHOW_UNDONE, entry, before.no_show_uri),)
    return ()


def _no_show(entry: Entry) -> Happening:
    return _happening(Trigger.NO_SHOW, entry, entry.booking.invitee.no_show_uri)


def _happening(trigger: Trigger, entry: Entry, occurrence: str = "") -> Happening:
    return Happening(trigger=trigger, entry=entry, at=entry.booking.invitee.updated_at, occurrence=occurrence)


def _content(entry: Entry) -> Entry:
    """Return the entry without the time of its snapshots: a later look at the same facts is no news."""
    booking = entry.booking
    return replace(
        entry,
        booking=Booking(
            invitee=replace(booking.invitee, taken_at=booking.invitee.updated_at),
            meeting=replace(booking.meeting, taken_at=booking.meeting.updated_at),
        ),
    )
