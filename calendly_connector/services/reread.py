"""Reads bookings again after a gap. Calendly can't be asked "what changed since" (calendly-api.md §4.6), so a window of
meetings is listed, and the invitees of those that may have changed are recorded like any delivery: nothing is doubled.

Runs as a job that keeps its place in a `Reread` row: a killed worker, a full minute or an outage of Calendly's only
delays it.
"""

import logging
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F
from django.utils import timezone

from calendly_connector.clients import errors
from calendly_connector.clients.calendly import CalendlyClient, ScheduledEvent
from calendly_connector.core import booking as core_booking
from calendly_connector.core import gap, health, interpret
from calendly_connector.core.errors import MalformedPayload
from calendly_connector.core.rules import RuleSet
from calendly_connector.models import Booking, Connection, Reread
from calendly_connector.services import catalogue, ledger, mapping, notices, queue
from calendly_connector.services import connection as connections

logger = logging.getLogger(__name__)

REREAD = "reread"
LONGEST_WAIT, SHORTEST_WAIT = 300.0, 1.0  # seconds; Calendly's window is a minute
NOTE_EVERY = 100  # meetings looked at between two notes of the place
OVERLAP = timedelta(seconds=1)  # whether Calendly's lower bound counts itself is undocumented
FINAL = (Booking.Status.RESCHEDULED, Booking.Status.CANCELED)

Renew = Callable[[], None]


def reread(connection: Connection, since: datetime, until: datetime | None = None, *, why: str = "") -> Reread:
    """Ask for everything that may have changed `since` to be read again; return the row that shows how far it is.

    `until` leaves out meetings that begin later. While a reading is open, a second wish widens it and begins it anew.
    """
    with transaction.atomic():
        Connection.objects.select_for_update().get(pk=connection.pk)
        row = Reread.objects.filter(connection=connection, finished_at=None).first()
        if row is None:
            row = Reread.objects.create(
                connection=connection, since=since, until=until, why=why[:200], asked_at=timezone.now()
            )
        elif since < row.since or (row.until and (until is None or until > row.until)):
            row.since, row.reached_at = min(since, row.since), None
            row.until = max(until, row.until) if until and row.until else None
            row.save(update_fields=["since", "until", "reached_at"])
        Connection.objects.filter(pk=connection.pk).update(reread_since=row.since)
        queue.enqueue(REREAD, connection.pk)
    return row


def go_on(connection: Connection) -> None:
    """Ask again for the connection's open reading, if there is one: it may have stopped at a refusal."""
    if Reread.objects.filter(connection=connection, finished_at=None).exists():
        queue.enqueue(REREAD, connection.pk)


def advance(connection_id: int, renew: Renew) -> None:
    """Read on where the open reading of a connection stands, to its end; the job's work.

    A refusal stops it with words and a notice, until `go_on`; anything else raises queue.Later.
    """
    row = Reread.objects.select_related("connection__brevo_account").filter(
        connection=connection_id, finished_at=None
    ).first()  # fmt: skip
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


def give_up(connection_id: int, reason: str) -> None:
    """Keep words about a reading whose tries are used up; the next check of the subscription asks for it again."""
    Reread.objects.filter(connection=connection_id, finished_at=None).update(words=f"It failed many times. {reason}")


def _read(row: Reread, renew: Renew) -> None:
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


def _listing(row: Reread, client: CalendlyClient) -> Iterator[ScheduledEvent]:
    connection = row.connection
    is_whole = connection.scope == Connection.Scope.ORGANIZATION
    return client.list_scheduled_events(
        organization=connection.organization if is_whole else "",
        user="" if is_whole else connection.user,
        min_start=row.reached_at - OVERLAP if row.reached_at else gap.first_start(row.since),
        max_start=row.until,
    )


class _Reader:
    """Reads the invitees of meetings into the ledger, and counts."""

    def __init__(self, row: Reread, client: CalendlyClient) -> None:
        self._row, self._client, self._connection = row, client, row.connection
        self._rules: RuleSet = mapping.rules_of(row.connection)
        open_rows = Booking.objects.filter(connection=row.connection).exclude(status__in=FINAL)
        self._open = set(open_rows.values_list("meeting_uri", flat=True))
        self._counts = {"meetings": 0, "invitees": 0, "news": 0}

    def is_worth_reading(self, meeting: ScheduledEvent) -> bool:
        """Count a meeting and return whether its invitees are to be read."""
        self._counts["meetings"] += 1
        return gap.is_worth_reading(
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
        place = {"reached_at": start_at} if start_at else {}
        return _note(self._row, words="", **changes, **place)

    def _record(self, seen: core_booking.Booking) -> bool:
        is_known = Booking.objects.filter(connection=self._connection, uri=seen.invitee.uri).exists()
        if not gap.is_missed(seen, since=self._row.since, is_known=is_known):
            return False
        catalogue.learn_event_type(self._connection, seen.meeting.event_type)
        return ledger.record(self._connection, seen, rules=self._rules, source=ledger.Source()).is_news


def _note(row: Reread, **changes: object) -> bool:
    """Change the open row, unless it was widened meanwhile; return whether it was changed."""
    mine = Reread.objects.filter(pk=row.pk, since=row.since, until=row.until, finished_at=None)
    return bool(mine.update(**changes))


def _stop(row: Reread, refused: errors.Refused) -> None:
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
    key = notices.key_of(row.connection, "reread")
    notices.open_notice(key, f"{row.connection.name}: bookings can't be read again", words)


def _finish(row: Reread, reader: _Reader) -> None:
    reader.keep_place()
    row.refresh_from_db(fields=["meetings", "invitees", "news"])
    words = f"{row.meetings} meetings looked at, {row.invitees} bookings read, {row.news} of them were news."
    with transaction.atomic():
        if not _note(row, words=words, finished_at=timezone.now()):
            return
        mine = Connection.objects.filter(pk=row.connection_id, reread_since__gte=row.since)
        mine.update(reread_since=None)
        notices.close_notice(notices.key_of(row.connection, "reread"), f"The bookings were read again. {words}")
