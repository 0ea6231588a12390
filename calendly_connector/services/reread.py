"""Reads bookings again after a gap, or brings in history. Calendly can't be asked "what changed since"
(calendly-api.md §4.6), so a window of meetings is listed, and the invitees of those that may have changed are recorded
like any delivery: nothing is doubled.

Runs as a job that keeps its place in a `Reading` row: a killed worker, a full minute or an outage of Calendly's only
delays it.
"""

import logging
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from calendly_connector.clients import errors
from calendly_connector.clients.calendly import CalendlyClient
from calendly_connector.clients.calendly_values import ScheduledEvent
from calendly_connector.core import booking as core_booking
from calendly_connector.core import gap, health, interpret
from calendly_connector.core.errors import MalformedPayload
from calendly_connector.core.rules import RuleSet
from calendly_connector.models import Booking, Connection, Reading
from calendly_connector.services import catalogue, ledger, mapping, notices, queue
from calendly_connector.services import connection as connections

logger = logging.getLogger(__name__)

REREAD, HISTORY = "reread", "history"
IN_FLIGHT = timedelta(minutes=10)  # what changed later than this before history was asked for is its webhook's to tell
LONGEST_WAIT, SHORTEST_WAIT = 300.0, 1.0  # seconds; Calendly's window is a minute
NOTE_EVERY = 100  # meetings looked at between two notes of the place
OVERLAP = timedelta(seconds=1)  # whether Calendly's lower bound counts itself is undocumented
FINAL = (Booking.Status.RESCHEDULED, Booking.Status.CANCELED)

Renew = Callable[[], None]


def reread(connection: Connection, since: datetime, until: datetime | None = None, *, why: str = "") -> Reading:
    """Ask for everything that may have changed `since` to be read again; return the row that shows how far it is.

    `until` leaves out meetings that begin later. While a reading is open, a second wish widens it and begins it anew.
    """
    with transaction.atomic():
        Connection.objects.select_for_update().get(pk=connection.pk)
        row = _open_row(connection.pk)
        if row is None:
            row = Reading.objects.create(
                connection=connection,
                since=since,
                until=until,
                why=why[:200],
                asked_at=timezone.now(),
                events_since=since,
            )
        elif since < row.since or (row.until and (until is None or until > row.until)):
            row.since, row.listed_to = min(since, row.since), None
            row.until = max(until, row.until) if until and row.until else None
            row.save(update_fields=["since", "until", "listed_to"])
        Connection.objects.filter(pk=connection.pk).update(reread_since=row.since)
        queue.enqueue(REREAD, connection.pk)
    return row


def bring_in(connection: Connection, since: datetime, *, why: str = "") -> Reading:
    """Ask for the bookings of all meetings that begin after `since` to be taken in, without any automation event.

    Contacts, lists and attributes are written. While such a reading is open, it is returned as it is.
    """
    with transaction.atomic():
        Connection.objects.select_for_update().get(pk=connection.pk)
        row = _open_row(connection.pk, is_history=True) or Reading.objects.create(
            connection=connection, since=since, kind=Reading.Kind.HISTORY, why=why[:200], asked_at=timezone.now()
        )
        queue.enqueue(HISTORY, connection.pk)
    return row


def go_on(connection: Connection) -> None:
    """Ask again for the connection's open readings, if there are any: they may have stopped at a refusal."""
    for row in Reading.objects.filter(connection=connection, finished_at=None):
        queue.enqueue(HISTORY if _is_history(row) else REREAD, connection.pk)


def advance(connection_id: int, renew: Renew, *, is_history: bool = False) -> None:
    """Read on where the open reading of a connection stands, to its end; the job's work.

    A refusal stops it with words and a notice, until `go_on`; anything else raises queue.Later.
    """
    row = _open_row(connection_id, is_history=is_history)
    if row is None:
        return
    try:
        _read(row, renew)
    except (errors.Forbidden, errors.NotFound) as refused:
        _stop(row, refused)
    except errors.RateLimited as limited:
        seconds = min(max(limited.wait or 60.0, SHORTEST_WAIT), LONGEST_WAIT)
        _note(row, words=f"Waiting for Calendly's rate limit. {limited}")
        raise queue.Later(str(limited), seconds=seconds, is_failure=False) from limited
    except errors.ApiError as error:
        _note(row, words=f"It is tried again. {error}")
        raise queue.Later(str(error)) from error


def give_up(connection_id: int, reason: str, *, is_history: bool = False) -> None:
    """Keep words about a reading whose tries are used up; the next check of the subscription asks for it again."""
    Reading.objects.filter(connection=connection_id, finished_at=None, kind=_kind(is_history)).update(
        words=f"It failed many times. {reason}"
    )


def _kind(is_history: bool) -> Reading.Kind:
    return Reading.Kind.HISTORY if is_history else Reading.Kind.GAP


def _is_history(row: Reading) -> bool:
    return row.kind == Reading.Kind.HISTORY


def _open_row(connection_id: int, *, is_history: bool = False) -> Reading | None:
    rows = Reading.objects.select_related("connection__brevo_account")
    return rows.filter(connection=connection_id, finished_at=None, kind=_kind(is_history)).first()


def _read(row: Reading, renew: Renew) -> None:
    connection = row.connection
    client = connections.calendly_client(connection)
    reader = _Reader(row, client)
    for count, meeting in enumerate(_listing(row, client), start=1):
        is_news_possible = reader.is_worth_reading(meeting)
        if is_news_possible:
            renew()
            reader.read(meeting)
        if is_news_possible or count % NOTE_EVERY == 0:
            renew()
            if not reader.keep_place(meeting.start_at):
                return  # asked for anew meanwhile, and from an earlier time: the job runs again
    _finish(row, reader)


def _listing(row: Reading, client: CalendlyClient) -> Iterator[ScheduledEvent]:
    connection = row.connection
    is_whole = connection.scope == Connection.Scope.ORGANIZATION
    return client.list_scheduled_events(
        organization=connection.organization if is_whole else "",
        user="" if is_whole else connection.user,
        min_start=row.listed_to - OVERLAP if row.listed_to else _first_start(row),
        max_start=row.until,
    )


def _first_start(row: Reading) -> datetime:
    return row.since if _is_history(row) else gap.first_start(row.since)


class _Reader:
    """Reads the invitees of meetings into the ledger, and counts."""

    def __init__(self, row: Reading, client: CalendlyClient) -> None:
        self._row, self._client, self._connection = row, client, row.connection
        self._rules: RuleSet = mapping.rules_of(row.connection)
        open_rows = Booking.objects.filter(connection=row.connection).exclude(status__in=FINAL)
        self._open = set(open_rows.values_list("meeting_uri", flat=True))
        self._counts = {"meetings": 0, "invitees": 0, "news": 0}

    def is_worth_reading(self, meeting: ScheduledEvent) -> bool:
        """Count a meeting and return whether its invitees are to be read."""
        self._counts["meetings"] += 1
        return _is_history(self._row) or gap.is_worth_reading(
            meeting.start_at,
            meeting.updated_at,
            since=self._row.since,
            now=timezone.now(),
            is_open=meeting.uri in self._open,
        )

    def read(self, meeting: ScheduledEvent) -> None:
        """Record a meeting's invitees; one that was deleted meanwhile has none."""
        taken_at = timezone.now()
        try:
            rows = list(self._client.list_invitees(meeting.uri))
        except errors.NotFound:
            logger.info("A meeting is gone before its invitees were read: %s", meeting.uri.rsplit("/", 1)[-1])
            return
        for invitee in rows:
            self._counts["invitees"] += 1
            try:
                seen = interpret.interpret_listing(invitee, meeting.row, taken_at=taken_at)
            except MalformedPayload as error:
                logger.warning("A booking can't be read again: %s", error)
                continue
            self._counts["news"] += self._record(seen)

    def keep_place(self, start_at: datetime | None = None) -> bool:
        """Note the counts, and how far the reading is; return False when the row has changed meanwhile."""
        counts, self._counts = self._counts, dict.fromkeys(self._counts, 0)
        changes = {name: F(name) + count for name, count in counts.items()}
        place = {"listed_to": start_at} if start_at else {}
        return _note(self._row, words="", **changes, **place)

    def _record(self, seen: core_booking.Booking) -> bool:
        if _is_history(self._row):
            return self._bring_in(seen)
        is_known = Booking.objects.filter(connection=self._connection, uri=seen.invitee.uri).exists()
        if not gap.is_missed(seen, since=self._row.since, is_known=is_known):
            return False
        catalogue.learn_event_type(self._connection, seen.meeting.event_type)
        return ledger.record(self._connection, seen, rules=self._rules, source=ledger.Source()).is_news

    def _bring_in(self, seen: core_booking.Booking) -> bool:
        if seen.invitee.updated_at > self._row.asked_at - IN_FLIGHT:
            return False
        catalogue.learn_event_type(self._connection, seen.meeting.event_type)
        source = ledger.Source(is_quiet=True)
        return ledger.record(self._connection, seen, rules=self._rules, source=source).is_news


def _note(row: Reading, **changes: object) -> bool:
    """Change the open row, unless it was widened meanwhile; return whether it was changed."""
    mine = Reading.objects.filter(pk=row.pk, since=row.since, until=row.until, finished_at=None)
    return bool(mine.update(**changes))


def _stop(row: Reading, refused: errors.Refused) -> None:
    lacking = getattr(refused, "required_scopes", ())
    what = (
        f"The Calendly token lacks the scope {', '.join(lacking)}."
        if lacking
        else "Calendly refuses to show these bookings: has the connected user's role changed?"
    )
    words = (
        f"Bookings since {health.in_words(row.since)} can't be read again. {what} Give the access back, or test the "
        f"connection again; the reading then goes on by itself. {refused}"
    )
    _note(row, words=words)
    notices.open_notice(_notice_key(row), f"{row.connection.name}: bookings can't be read again", words)


def _finish(row: Reading, reader: _Reader) -> None:
    reader.keep_place()
    row.refresh_from_db(fields=["meetings", "invitees", "news"])
    words = f"{row.meetings} meetings looked at, {row.invitees} bookings read, {row.news} of them were news."
    with transaction.atomic():
        if not _note(row, words=words, finished_at=timezone.now()):
            return
        if not _is_history(row):
            mine = Connection.objects.filter(pk=row.connection_id, reread_since__gte=row.since)
            mine.update(reread_since=None)
        notices.close_notice(_notice_key(row), f"The bookings were read again. {words}")


def _notice_key(row: Reading) -> str:
    return notices.key_of(row.connection, HISTORY if _is_history(row) else REREAD)
