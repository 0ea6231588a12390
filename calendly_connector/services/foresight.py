"""What a reading would find, before it is begun: the meetings are counted, a few of them are read, nothing is kept."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import Any, TypeVar

from django.utils import timezone

from calendly_connector.clients import errors
from calendly_connector.clients.calendly import CalendlyClient
from calendly_connector.clients.calendly_values import Place, ScheduledEvent
from calendly_connector.core import interpret
from calendly_connector.core.errors import MalformedPayload
from calendly_connector.core.merge import Entry, Merged
from calendly_connector.models import EventType, Reading
from calendly_connector.services import connection as connections
from calendly_connector.services import ledger, listing, recording

SAMPLE, SHOWN = 20, 10  # meetings that are read, from the whole stretch; bookings that are named
LONGEST_WAIT = 65.0  # seconds for Calendly's next minute
T = TypeVar("T")


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
    """What a reading would look at, and what a sample of it would change."""

    meetings: int
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


def foresee(row: Reading, *, is_whole: bool = False, told: Callable[[int], None] = lambda count: None) -> Foresight:
    """Return what a reading, which need not be saved, would find. `is_whole` reads every meeting, not only a sample.

    `told` hears how many meetings were listed. Raises ApiError, NotConfigured.
    """
    client = connections.calendly_client(row.connection)
    sample, types, skipped, meetings = _Sample(size=10**9 if is_whole else SAMPLE), Counter[str](), Counter[str](), 0
    for events in _pages(row, client):
        wanted, passed_over = listing.choose(row, events)
        skipped, meetings = skipped + passed_over, meetings + len(events)
        for event in wanted:
            types[event.event_type] += 1
            sample.add(event)
        told(meetings)
    found = _Found()
    for event in sample.kept:
        found.look_at(row, client, event)
    return Foresight(
        meetings=meetings,
        to_read=types.total(),
        skipped=dict(skipped),
        types=_named(row, types),
        sampled=len(sample.kept),
        **found.counts(),
    )


def _pages(row: Reading, client: CalendlyClient) -> Iterator[tuple[ScheduledEvent, ...]]:
    place: Place | None = listing.first_place(row)
    while place:
        page = _patiently(
            partial(client.get_scheduled_events, place, max_start=row.until, **listing.whose(row.connection))
        )
        yield page.events
        place = page.following


def _patiently(work: Callable[[], T]) -> T:
    """Return what Calendly answers, however often its minute is used up."""
    while True:
        try:
            return work()
        except errors.RateLimited as limited:
            time.sleep(min(limited.wait or LONGEST_WAIT, LONGEST_WAIT))


@dataclass
class _Found:
    """Counts what the bookings of the sample would change."""

    kinds: Counter[str] = field(default_factory=Counter)
    examples: list[Example] = field(default_factory=list)

    def look_at(self, row: Reading, client: CalendlyClient, event: ScheduledEvent) -> None:
        """Read the invitees of a meeting, and see what the ledger would make of them."""
        try:
            rows = _patiently(lambda: list(client.list_invitees(event.uri)))
        except errors.NotFound:
            return
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
