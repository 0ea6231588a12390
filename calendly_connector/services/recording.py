"""What a reading makes of the bookings it reads, by its kind.

A meeting's bookings, the counts and the note that it is read are one transaction: whoever goes on after a kill asks
for no invitees twice.
"""

import logging
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from django.db import transaction
from django.db.models import F

from calendly_connector.clients.calendly_values import Row, ScheduledEvent, scheduled_event
from calendly_connector.core import booking as core_booking
from calendly_connector.core import decide, gap, interpret
from calendly_connector.core.errors import MalformedPayload
from calendly_connector.core.merge import Happening, Merged
from calendly_connector.core.steps import Skip
from calendly_connector.models import Booking, Connection, KnownMeeting, PendingMeeting, Reading
from calendly_connector.services import catalogue, drift, gathering, ledger, mapping

logger = logging.getLogger(__name__)

CLOSE_EVERY = 500  # meetings, after which it is seen whether enough people for an import are gathered
GONE, UNREADABLE, HIDDEN, BEFORE = (
    "deleted at Calendly meanwhile",
    "can't be read",
    "Calendly doesn't show this meeting",
    "made before, and left to a backfill",
)
"""Why a meeting or a booking is left out."""

Kind = Reading.Kind


@dataclass
class _Counts:
    """What one meeting adds to the reading's numbers."""

    invitees: int = 0
    news: int = 0
    added: int = 0
    held_back: int = 0
    skipped: Counter[str] = field(default_factory=Counter)


class Recorder:
    """Takes bookings into the ledger as the reading's kind wants it, and counts."""

    def __init__(self, row: Reading) -> None:
        self._row, self._connection = row, row.connection
        self._meetings = 0

    def leave_out(self, noted: PendingMeeting, reason: str) -> bool:
        """Count a meeting whose invitees can't be read; return False when the reading was stopped."""
        logger.info("A meeting is left out, %s: %s", reason, noted)
        with transaction.atomic():
            return self._settle(noted, _Counts(skipped=Counter({reason: 1})))

    def record(self, noted: PendingMeeting, rows: tuple[Row, ...], *, taken_at: datetime) -> bool:
        """Record a meeting's invitees; return False when the reading was stopped, and nothing was recorded."""
        listed = scheduled_event(noted.row)
        catalogue.learn_event_type(self._connection, listed.event_type)  # may ask Calendly: not inside a transaction
        with transaction.atomic():
            counts = _Counts()
            for invitee in rows:
                self._count(counts, invitee, noted.row, taken_at)
            if not self._settle(noted, counts):
                return False
            if self._row.kind != Kind.DRIFT and not counts.skipped[UNREADABLE]:
                _remember(self._connection, listed, is_partial=bool(counts.skipped[BEFORE]), read_at=taken_at)
        self._close_sometimes()
        return True

    def _count(self, counts: _Counts, invitee: Row, meeting: Mapping[str, object], taken_at: datetime) -> None:
        counts.invitees += 1
        try:
            seen = interpret.interpret_listing(invitee, meeting, taken_at=taken_at)
        except MalformedPayload as error:
            logger.warning("A booking can't be read: %s", error)
            counts.skipped[UNREADABLE] += 1
            return
        if not is_wanted(self._row, seen):
            counts.skipped[BEFORE] += 1
            return
        is_known = _is_known(self._row, seen)
        merged, source = self._merge(seen)
        counts.news += merged.is_news
        counts.added += merged.is_news and not is_known
        if self._row.kind == Kind.DRIFT:
            return
        counts.held_back += sum(self._is_held(happening, source) for happening in merged.happenings)

    def _merge(self, seen: core_booking.Booking) -> tuple[Merged, ledger.Source]:
        source = self._source()
        if self._row.kind == Kind.DRIFT:
            known, merged = ledger.foresee(self._connection, seen)
            drift.note_calendly(self._connection, seen, known, merged)
            return merged, source
        return ledger.record(self._connection, seen, rules=mapping.rules_of(self._connection), source=source), source

    def _source(self) -> ledger.Source:
        if self._row.kind == Kind.GAP:
            return ledger.Source()
        if self._row.kind == Kind.HISTORY:
            number = gathering.gathering_of(self._row)
            return ledger.Source(is_quiet=self._row.events_since is None, gathering=number)
        return ledger.Source(events_since=self._row.events_since)

    def _is_held(self, happening: Happening, source: ledger.Source) -> bool:
        rules = mapping.rules_of(self._connection)
        event_type = happening.entry.booking.meeting.event_type
        wanted = decide.event_name(event_type, happening.trigger, rules=rules)
        return bool(source.why_held(happening)) and not isinstance(wanted, Skip)

    def _settle(self, noted: PendingMeeting, counts: _Counts) -> bool:
        """Note that a meeting is read; return False when the reading was stopped or begun anew meanwhile."""
        mine = Reading.objects.filter(pk=self._row.pk, state=Reading.State.RUNNING)
        changed = mine.update(
            meetings_read=F("meetings_read") + 1,
            invitees=F("invitees") + counts.invitees,
            news=F("news") + counts.news,
            added=F("added") + counts.added,
            held_back=F("held_back") + counts.held_back,
            words="",
        )
        if not changed or not PendingMeeting.objects.filter(pk=noted.pk).delete()[0]:
            transaction.set_rollback(True)
            return False
        if counts.skipped:
            skipped = Counter(mine.values_list("skipped", flat=True).get())
            mine.update(skipped=dict(skipped + counts.skipped))
        return True

    def _close_sometimes(self) -> None:
        self._meetings += 1
        if self._row.kind == Kind.HISTORY and self._meetings % CLOSE_EVERY == 0:
            gathering.close_when_full(self._row)


def is_wanted(row: Reading, seen: core_booking.Booking) -> bool:
    """Return whether a booking is a reading's to take in: unless it is asked for, history is left to a backfill."""
    since = row.unknown_since
    return since is None or gap.is_missed(seen, since=since, is_known=_is_known(row, seen))


def _is_known(row: Reading, seen: core_booking.Booking) -> bool:
    return Booking.objects.filter(connection=row.connection_id, uri=seen.invitee.uri).exists()


def _remember(connection: Connection, listed: ScheduledEvent, *, is_partial: bool, read_at: datetime) -> None:
    row = KnownMeeting(connection=connection, uri=listed.uri, mark=listed.mark, is_partial=is_partial, read_at=read_at)
    KnownMeeting.objects.bulk_create(
        [row],
        update_conflicts=True,
        unique_fields=["connection", "uri"],
        update_fields=["mark", "is_partial", "read_at"],
    )
