"""Second half of a reading: the invitees of each noted meeting are read, several at once, and recorded one by one.

A meeting's bookings, the counts and the note that it is read are one transaction: whoever goes on after a kill asks
for no invitees twice.
"""

import time
from collections.abc import Callable, Iterator

from calendly_connector.clients import errors
from calendly_connector.clients.calendly import CalendlyClient
from calendly_connector.clients.calendly_values import Row
from calendly_connector.clients.pace import Pace
from calendly_connector.models import DebugRecord, PendingMeeting, Reading
from calendly_connector.services import connection as connections
from calendly_connector.services import debug, listing, queue, recording, tokens
from calendly_connector.services.fetchers import AT_ONCE, Fetched, Fetchers

PATIENCE = 2.0  # seconds that a wait for Calendly's limit may keep a thread; longer ones go back to the queue
CHUNK = 100  # noted meetings held in memory
REJECTED = 2 * AT_ONCE  # calls in a row with a token that isn't accepted, after which a fresh one is no help
Renew = Callable[[], None]
Rows = tuple[Row, ...]


def read_all(row: Reading, renew: Renew) -> bool:
    """Read every noted meeting of a reading; return False when it was stopped meanwhile.

    Raises ApiError when Calendly refuses or can't be reached, queue.Later when its limit has to be waited for. What
    was under way then is recorded first.
    """
    pace = Pace()
    watched = debug.watched_by(row.connection)
    with Fetchers(pace, _invitees_of, is_watched=bool(watched)) as fetchers:
        reader = _Reader(row, fetchers, pace, renew)
        try:
            return reader.run()
        except (errors.ApiError, queue.Later):
            reader.finish_in_hand()
            raise


def _invitees_of(client: CalendlyClient, meeting_uri: str) -> Rows:
    return tuple(client.list_invitees(meeting_uri))


class _Reader:
    """Keeps the threads busy, and records what they bring."""

    def __init__(self, row: Reading, fetchers: Fetchers[Rows], pace: Pace, renew: Renew) -> None:
        self._row, self._fetchers, self._pace, self._renew = row, fetchers, pace, renew
        self._recorder = recording.Recorder(row)
        self._noted = self._next_noted()
        self._in_hand: dict[int, PendingMeeting] = {}
        self._again: list[PendingMeeting] = []
        self._rejected = 0  # in a row
        self._witness = debug.witness_for(debug.watched_by(row.connection), DebugRecord.Direction.TO_CALENDLY)

    def run(self) -> bool:
        """Read to the end; return False when the reading was stopped."""
        while True:
            self._fill()
            if self._fetchers.is_idle:
                if self._is_over():
                    return True
                self._wait()
                continue
            answers = sorted(self._fetchers.some(), key=lambda fetched: fetched.error is not None)
            for fetched in answers:  # what can be read is recorded before an error ends it
                self._renew()
                if not self._take(fetched):
                    return False

    def finish_in_hand(self) -> None:
        """Record what is under way and can be read."""
        for fetched in self._fetchers.rest():
            if fetched.error is None:
                self._record(fetched)

    def _fill(self) -> None:
        while not self._fetchers.is_full and not self._pace.wait():
            noted = self._again.pop() if self._again else next(self._noted, None)
            if noted is None:
                return
            self._in_hand[noted.pk] = noted
            self._fetchers.ask(noted.pk, noted.uri, token=tokens.access_token(self._row.connection))

    def _is_over(self) -> bool:
        """Return whether nothing is left; else begin anew with what is."""
        if not PendingMeeting.objects.filter(reading=self._row).exists():
            return True
        if not self._pace.wait():
            self._noted = self._next_noted()
        return False

    def _wait(self) -> None:
        seconds = self._pace.wait()
        if seconds > PATIENCE:
            raise queue.Later("Calendly's limit of calls a minute is used up.", seconds=seconds, is_failure=False)
        time.sleep(seconds)

    def _next_noted(self) -> Iterator[PendingMeeting]:
        last = 0
        while rows := list(PendingMeeting.objects.filter(reading=self._row, pk__gt=last).order_by("pk")[:CHUNK]):
            last = rows[-1].pk
            yield from rows

    def _take(self, fetched: Fetched[Rows]) -> bool:
        """Record an answer; return False when the reading was stopped. Raises ApiError for what stops all of it."""
        for exchange in fetched.exchanges:
            if self._witness:
                self._witness(exchange)
        error = fetched.error
        if error is None:
            self._rejected = 0
            return self._record(fetched)
        noted = self._in_hand.pop(fetched.number)
        if isinstance(error, errors.NotFound):
            return self._recorder.leave_out(noted, recording.GONE)
        if isinstance(error, errors.Unauthorized) and self._rejected < REJECTED:
            self._rejected += 1
            tokens.refresh_now(self._row.connection, rejected=fetched.token)  # raises when staff are needed
            self._again.append(noted)
            return True
        if isinstance(error, errors.RateLimited):
            self._pace.block(error.wait or 60.0)
        if isinstance(error, errors.Forbidden) and not error.required_scopes and self._is_listing_allowed():
            return self._recorder.leave_out(noted, recording.HIDDEN)
        raise error

    def _record(self, fetched: Fetched[Rows]) -> bool:
        return self._recorder.record(self._in_hand.pop(fetched.number), fetched.result or (), taken_at=fetched.taken_at)

    def _is_listing_allowed(self) -> bool:
        """Return whether Calendly hides one meeting only, and not everything after a change of role."""
        client = connections.calendly_client(self._row.connection)
        try:
            client.get_scheduled_events(listing.first_place(self._row), **listing.whose(self._row.connection))
        except errors.Forbidden:
            return False
        return True
