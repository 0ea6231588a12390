"""What is kept about differences: one row per person, made, changed and taken away by what each look finds."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from calendly_connector.core import booking as core_booking
from calendly_connector.core import drift
from calendly_connector.core.drift import Line
from calendly_connector.core.merge import Entry, Merged
from calendly_connector.models import Booking, Connection, Drift, DriftRun, Person

State = Drift.State
AT_ONCE = 200  # rows that are looked through together


def note_calendly(connection: Connection, seen: core_booking.Booking, known: Entry | None, merged: Merged) -> None:
    """Keep that Calendly told something of a booking (`seen`) which the ledger (`known`) hasn't got.

    Nothing is written to the ledger. `merged` is what recording it would make of it.
    """
    if not merged.is_news:
        return
    run = DriftRun.objects.filter(connection=connection, finished_at=None).values_list("pk", flat=True).first()
    line = {**drift.calendly_line(known, merged), "run": run or 0}
    email = seen.invitee.email
    with transaction.atomic():
        rows = {row.email: row for row in _rows(connection, [email])}
        row = rows.get(email) or Drift(connection=connection, email=email)
        row.person = row.person or Person.objects.filter(connection=connection, email=email).first()
        settle(row, drift.with_line(row.lines, line), at=timezone.now())


def keep(connection: Connection, found: Mapping[Person, Sequence[Line]], *, at: datetime) -> None:
    """Keep what was found between the ledger and Brevo for some people; an empty list: nothing any more."""
    with transaction.atomic():
        rows = {row.email: row for row in _rows(connection, [person.email for person in found])}
        for person, lines in found.items():
            row = rows.get(person.email) or Drift(connection=connection, email=person.email)
            row.person = person
            settle(row, drift.with_part(row.lines, drift.BREVO, lines), at=at)


def settle(row: Drift, lines: list[Line], *, at: datetime) -> None:
    """Save a row with all its lines, or take it away when there are none.

    What is ignored stays so until it changes; what was being fixed and still differs is open again.
    """
    if not lines:
        if row.pk:
            row.delete()
        return
    digest = drift.digest_of(lines)
    if row.state != State.IGNORED or row.digest != digest:
        row.state, row.is_asked, row.settled_at, row.settled_by = State.OPEN, False, None, ""
    row.lines, row.digest = lines, digest
    row.kinds, row.is_fixable = drift.kinds_of(lines), drift.is_fixable(lines)
    row.found_at, row.seen_at = row.found_at or at, at
    row.save()


def drop_calendly(connection: Connection, *, run: DriftRun) -> None:
    """Take away what earlier comparisons noted of Calendly and this one, which read it whole, did not; and what the
    ledger has learned since it was noted.
    """
    reached = 0
    while rows := list(Drift.objects.filter(connection=connection, pk__gt=reached).order_by("pk")[:AT_ONCE]):
        reached = rows[-1].pk
        for row in rows:
            lines = still_true(connection, (line for line in row.lines if line.get("run", run.pk) == run.pk))
            if len(lines) < len(row.lines):
                settle(row, lines, at=row.seen_at)


def still_true(connection: Connection, lines: Iterable[Line]) -> list[Line]:
    """Return the lines without what the ledger has learned of Calendly's since; Calendly isn't asked."""
    lines = list(lines)
    uris = [line["booking"] for line in lines if "booking" in line]
    known = {row.uri: row.status for row in Booking.objects.filter(connection=connection, uri__in=uris)} if uris else {}
    return [line for line in lines if not _is_learned(line, known)]


def _is_learned(line: Line, known: Mapping[str, str]) -> bool:
    if line["what"] not in (drift.What.UNKNOWN, drift.What.STATUS):
        return False
    return bool(known.get(line["booking"]) == line["wanted"])


def ignore(row: Drift, *, by: str) -> bool:
    """Say no more of a person's differences until they change; return whether they were open."""
    return bool(ignore_all(Drift.objects.filter(pk=row.pk), by=by))


def unignore(row: Drift, *, by: str) -> bool:
    """Count a person's differences as open again; return whether they were ignored."""
    return bool(unignore_all(Drift.objects.filter(pk=row.pk), by=by))


def ignore_all(rows: QuerySet[Drift], *, by: str) -> int:
    """Ignore the open ones of these rows; return how many."""
    return _change(rows, State.OPEN, State.IGNORED, by)


def unignore_all(rows: QuerySet[Drift], *, by: str) -> int:
    """Open the ignored ones of these rows again; return how many."""
    return _change(rows, State.IGNORED, State.OPEN, by)


def _change(rows: QuerySet[Drift], was: Drift.State, state: Drift.State, by: str) -> int:
    mine = Drift.objects.filter(pk__in=rows.order_by().values("pk"), state=was)
    return mine.update(state=state, settled_at=timezone.now(), settled_by=by[:150])


def _rows(connection: Connection, emails: Sequence[str]) -> QuerySet[Drift]:
    rows = Drift.objects.select_for_update(of=("self",)).filter(connection=connection, email__in=emails)
    return rows.order_by("pk")
