"""What a reading would find, before it is begun: the meetings are counted, a few of them are read, nothing is kept."""

import math
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any, TypeVar

from django.utils import timezone

from calendly_connector.clients import errors
from calendly_connector.clients.calendly_values import Page, Place, Row, ScheduledEvent
from calendly_connector.core import interpret
from calendly_connector.core.errors import MalformedPayload
from calendly_connector.core.merge import Entry, Merged
from calendly_connector.models import EventType, Reading
from calendly_connector.services import connection as connections
from calendly_connector.services import ledger, listing, recording

SAMPLE, SHOWN = 20, 10  # meetings that are read, from the whole stretch; bookings that are named
LONGEST_WAIT = 65.0  # seconds for Calendly's next minute
PER_MINUTE = 490  # meetings that Calendly lets a paid user read
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Bounds:
    """How far a look goes. `seconds` is when it stops asking for more; half of them are for listing. `patience` is how
    many seconds it waits for Calendly's next minute, each time."""

    pages: float = math.inf
    seconds: float = math.inf
    patience: float = math.inf


UNBOUNDED = Bounds()
QUICK = Bounds(pages=20, seconds=12, patience=2)
"""For a web request: somebody waits for it."""


@dataclass(frozen=True, kw_only=True)
class Example:
    """One booking of the sample. `before` is empty for one that the ledger doesn't know."""

    email: str
    meeting: str
    start_at: str
    before: str
    after: str


@dataclass(frozen=True, kw_only=True)
class Foresight:
    """What a reading would look at, and what a sample of it would change. Cut: there are more meetings than listed."""

    meetings: int
    is_cut: bool
    to_read: int
    skipped: dict[str, int]
    types: dict[str, int]
    sampled: int
    new: int
    changed: int
    unchanged: int
    unreadable: int
    examples: tuple[Example, ...]

    def to_json(self) -> dict[str, Any]:
        """Return it for a report."""
        return {**asdict(self), "examples": [asdict(each) for each in self.examples]}

    @property
    def minutes(self) -> float:
        """Return how long reading takes at least, by Calendly's limit for paid plans."""
        return self.to_read / PER_MINUTE


@dataclass
class _Sample:
    """Every so many meetings one, however many there are: each time the sample is full, every second is let go."""

    size: int
    kept: list[ScheduledEvent] = field(default_factory=list)
    step: int = 1
    seen: int = 0

    def add(self, event: ScheduledEvent) -> None:
        """Take a meeting into the sample, or not."""
        if self.seen % self.step == 0:
            self.kept.append(event)
            if len(self.kept) > self.size:
                self.kept, self.step = self.kept[::2], self.step * 2
        self.seen += 1


def foresee(
    row: Reading,
    *,
    is_whole: bool = False,
    bounds: Bounds = UNBOUNDED,
    told: Callable[[int], None] = lambda count: None,
) -> Foresight:
    """Return what a reading, which need not be saved, would find. `is_whole` reads every meeting, not only a sample.

    `told` hears how many meetings were listed. Raises ApiError, NotConfigured; RateLimited only when the bounds left
    nothing to tell of.
    """
    look = _Look(row, bounds)
    sample, types, skipped, meetings = _Sample(size=10**9 if is_whole else SAMPLE), Counter[str](), Counter[str](), 0
    for events in look.pages():
        wanted, passed_over = listing.choose(row, events)
        skipped, meetings = skipped + passed_over, meetings + len(events)
        for event in wanted:
            types[event.event_type] += 1
            sample.add(event)
        told(meetings)
    found = _Found()
    sampled = look.read(sample.kept, found)
    return Foresight(
        meetings=meetings,
        is_cut=look.is_cut,
        to_read=types.total(),
        skipped=dict(skipped),
        types=_named(row, types),
        sampled=sampled,
        **found.counts(),
    )


class _Look:
    """Asks Calendly, within bounds."""

    def __init__(self, row: Reading, bounds: Bounds) -> None:
        self._row, self._bounds = row, bounds
        self._client = connections.calendly_client(row.connection)
        self._began_at = time.monotonic()
        self.is_cut = False

    def pages(self) -> Iterator[tuple[ScheduledEvent, ...]]:
        """Yield the meetings page by page. `is_cut` afterwards: there are more."""
        place: Place | None = listing.first_place(self._row)
        count = 0
        while place:
            self.is_cut = count >= self._bounds.pages or self._is_late(self._bounds.seconds / 2)
            if self.is_cut:
                return
            try:
                page = self._patiently(partial(self._list, place))
            except errors.RateLimited:
                if not count:
                    raise
                self.is_cut = True
                return
            yield page.events
            place, count = page.following, count + 1

    def read(self, meetings: Sequence[ScheduledEvent], found: "_Found") -> int:
        """Read the invitees of meetings; return of how many."""
        for count, event in enumerate(meetings):
            if self._is_late(self._bounds.seconds):
                return count
            try:
                rows = self._patiently(partial(self._invitees, event))
            except errors.NotFound:
                continue
            except errors.RateLimited:
                return count
            found.look_at(self._row, event, rows)
        return len(meetings)

    def _list(self, place: Place) -> Page:
        row = self._row
        return self._client.get_scheduled_events(place, max_start=row.until, **listing.whose(row.connection))

    def _invitees(self, event: ScheduledEvent) -> list[Row]:
        return list(self._client.list_invitees(event.uri))

    def _is_late(self, seconds: float) -> bool:
        return time.monotonic() - self._began_at >= seconds

    def _patiently(self, work: Callable[[], T]) -> T:
        """Return what Calendly answers, however often its minute is used up; raise when that would take too long."""
        while True:
            try:
                return work()
            except errors.RateLimited as limited:
                wait = min(limited.wait or LONGEST_WAIT, LONGEST_WAIT)
                if wait > self._bounds.patience:
                    raise
                time.sleep(wait)


@dataclass
class _Found:
    """Counts what the bookings of the sample would change."""

    kinds: Counter[str] = field(default_factory=Counter)
    examples: list[Example] = field(default_factory=list)

    def look_at(self, row: Reading, event: ScheduledEvent, rows: Iterable[Row]) -> None:
        """See what the ledger would make of a meeting's invitees."""
        news: list[tuple[Entry | None, Merged]] = []
        for invitee in rows:
            try:
                seen = interpret.interpret_listing(invitee, event.row, taken_at=timezone.now())
            except MalformedPayload:
                self.kinds["unreadable"] += 1
                continue
            if not recording.is_wanted(row, seen):
                continue
            known, merged = ledger.foresee(row.connection, seen)
            kind = "new" if known is None else "changed" if merged.is_news else "unchanged"
            self.kinds[kind] += 1
            news += [(known, merged)] if merged.is_news else []
        if news:
            self._note(*news[0])

    def _note(self, known: Entry | None, merged: Merged) -> None:
        if len(self.examples) == SHOWN:
            return
        booking = merged.entry.booking
        example = Example(
            email=booking.invitee.email,
            meeting=booking.meeting.name,
            start_at=f"{booking.meeting.start_at:%Y-%m-%d %H:%M} UTC",
            before=str(known.status) if known else "",
            after=str(merged.entry.status),
        )
        self.examples.append(example)

    def counts(self) -> dict[str, Any]:
        """Return what `Foresight` wants to know."""
        names = ("new", "changed", "unchanged", "unreadable")
        return {**{name: self.kinds[name] for name in names}, "examples": tuple(self.examples)}


def _named(row: Reading, types: Counter[str]) -> dict[str, int]:
    """Return the numbers of meetings by the event type's name, most first."""
    names = dict(EventType.objects.filter(connection=row.connection, uri__in=types).values_list("uri", "name"))
    named: Counter[str] = Counter()
    for uri, count in types.items():
        named[names.get(uri) or uri.rsplit("/", 1)[-1] or "no event type"] += count
    return dict(named.most_common())
