"""Second stage of a run of links: one call to Calendly for each wanted link, several at once, within its limit.

A link is live from the statement on that keeps its address. What was under way when we were killed is lost at
Calendly, where nobody has it, and made again.
"""

import time
from collections.abc import Callable, Iterator

from django.db import transaction
from django.db.models import F, QuerySet

from calendly_connector.clients import errors
from calendly_connector.clients.calendly import CalendlyClient
from calendly_connector.clients.pace import Pace
from calendly_connector.models import DebugRecord, LinkRun, SchedulingLink
from calendly_connector.services import debug, links_one, queue, tokens
from calendly_connector.services.fetchers import AT_ONCE, Fetched, Fetchers

PATIENCE = 2.0  # seconds that a wait for Calendly's limit may keep a thread; longer ones go back to the queue
CHUNK = 100  # wanted links held in memory
REJECTED = 2 * AT_ONCE  # calls in a row with a token that isn't accepted, after which a fresh one is no help
State = SchedulingLink.State


def make_all(row: LinkRun, keep_going: Callable[[], bool]) -> bool:
    """Make every wanted link of a run; return False when it was stopped meanwhile.

    Raises ApiError when Calendly refuses or can't be reached, queue.Later when its limit has to be waited for. What
    was under way then is kept first.
    """
    pace = Pace()
    with Fetchers(pace, _make, is_watched=bool(debug.watched_by(row.connection))) as fetchers:
        maker = _Maker(row, fetchers, pace)
        try:
            return maker.run(keep_going)
        except (errors.ApiError, queue.Later):
            maker.finish_in_hand()
            raise


def _make(client: CalendlyClient, event_type: str) -> str:
    return client.create_link(event_type)


class _Maker:
    """Keeps the threads busy, and keeps what they bring."""

    def __init__(self, row: LinkRun, fetchers: Fetchers[str], pace: Pace) -> None:
        self._row, self._fetchers, self._pace = row, fetchers, pace
        self._wanted = self._next_wanted()
        self._in_hand: dict[int, SchedulingLink] = {}
        self._again: list[SchedulingLink] = []
        self._rejected = 0  # in a row
        self._witness = debug.witness_for(debug.watched_by(row.connection), DebugRecord.Direction.TO_CALENDLY)

    def run(self, keep_going: Callable[[], bool]) -> bool:
        """Make links to the end; return False when the run was stopped."""
        while True:
            if not keep_going():
                self.finish_in_hand()
                return False
            self._fill()
            if self._fetchers.is_idle:
                if not self._mine().exists():
                    return True
                self._wait()
                continue
            answers = sorted(self._fetchers.some(), key=lambda fetched: fetched.error is not None)
            for fetched in answers:  # what was made is kept before an error ends it
                self._take(fetched)

    def finish_in_hand(self) -> None:
        """Keep what is under way and can be kept."""
        for fetched in self._fetchers.rest():
            if fetched.error is None:
                self._keep(fetched)

    def _mine(self) -> QuerySet[SchedulingLink]:
        return SchedulingLink.objects.filter(run=self._row, state=State.WANTED)

    def _next_wanted(self) -> Iterator[SchedulingLink]:
        last = 0
        while rows := list(self._mine().filter(pk__gt=last).order_by("pk")[:CHUNK]):
            last = rows[-1].pk
            yield from rows

    def _fill(self) -> None:
        while not self._fetchers.is_full and not self._pace.wait():
            link = self._again.pop() if self._again else next(self._wanted, None)
            if link is None:
                return
            self._in_hand[link.pk] = link
            self._fetchers.ask(link.pk, link.event_type, token=tokens.access_token(self._row.connection))

    def _wait(self) -> None:
        seconds = self._pace.wait()
        if seconds > PATIENCE:
            raise queue.Later("Calendly's limit of calls a minute is used up.", seconds=seconds, is_failure=False)
        time.sleep(seconds)
        if not seconds:
            self._wanted = self._next_wanted()

    def _take(self, fetched: Fetched[str]) -> None:
        """Keep an answer; raise ApiError for what stops all of it."""
        for exchange in fetched.exchanges:
            if self._witness:
                self._witness(exchange)
        error = fetched.error
        if error is None:
            self._rejected = 0
            self._keep(fetched)
            return
        link = self._in_hand.pop(fetched.number)
        if isinstance(error, errors.Unauthorized) and self._rejected < REJECTED:
            self._rejected += 1
            tokens.refresh_now(self._row.connection, rejected=fetched.token)  # raises when staff are needed
            self._again.append(link)
            return
        if isinstance(error, errors.RateLimited):
            self._pace.block(error.wait or 60.0)
        raise error

    def _keep(self, fetched: Fetched[str]) -> None:
        link = self._in_hand.pop(fetched.number)
        with transaction.atomic():
            if links_one.keep(link, fetched.result or "", made_at=fetched.taken_at):
                LinkRun.objects.filter(pk=self._row.pk).update(made=F("made") + 1, words="")
