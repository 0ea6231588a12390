"""Where bookings come from and what became of them: a few aggregate queries of the ledger, whatever its size.

A chain of moves is one booking: it counts on the day of its first half, with the outcome of its last one. Its source is
that of the last half, or of the first one where the last has none.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, fields, replace
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection as database
from django.db import transaction
from django.db.models import Max, Min
from django.utils import timezone

from calendly_connector.models import Booking, Connection, EventType
from calendly_connector.services import attribution_sql as sql

TOP = 50  # groups shown; the rest is summed up
MOST_BARS = 92  # from there on, a bar stands for a week
LONGEST = 3653  # days
MOST = 1_000_000  # bookings counted at once
BOOKINGS = Booking._meta.db_table
DAY, WEEK = timedelta(days=1), timedelta(days=7)


class By(StrEnum):
    """What bookings are grouped by."""

    SOURCE = "source"
    MEDIUM = "medium"
    CAMPAIGN = "campaign"
    EVENT_TYPE = "event_type"
    HOST = "host"


class Touch(StrEnum):
    """Whose source, medium and campaign counts."""

    BOOKING = "booking"
    FIRST = "first"  # the person's first booking that had any
    LAST = "last"  # the person's newest that had any


TOUCHED = (By.SOURCE, By.MEDIUM, By.CAMPAIGN)
"""What a person's first or newest touch says something about."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """What is asked. Days are those of `zone`, both inclusive; without a connection, all of them."""

    first: date
    last: date
    zone: ZoneInfo | Any
    by: By = By.SOURCE
    touch: Touch = Touch.BOOKING
    connection: int | None = None

    @property
    def start(self) -> datetime:
        """Return when the first day begins."""
        return _midnight(self.first, self.zone)

    @property
    def end(self) -> datetime:
        """Return when the last day is over."""
        return _midnight(self.last + DAY, self.zone)


@dataclass(frozen=True, kw_only=True)
class Counts:
    """What became of some bookings: each is in exactly one of those after `bookings`, but for `moves`."""

    bookings: int = 0
    upcoming: int = 0
    open: int = 0  # over, and whether the person came isn't settled; or moved, and the new half isn't known
    attended: int = 0
    no_shows: int = 0
    canceled: int = 0
    moves: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(**{each.name: getattr(self, each.name) + getattr(other, each.name) for each in fields(self)})

    @property
    def attendance(self) -> float | None:
        """Return the share of those who came, of all whose meeting took place or should have; None without any."""
        return _share(self.attended, self.attended + self.no_shows)

    @property
    def cancellation(self) -> float | None:
        """Return the share of bookings that were canceled."""
        return _share(self.canceled, self.bookings)


@dataclass(frozen=True, kw_only=True)
class Group:
    """One line. `key` is "" where nothing is known; `name` is an event type's name, else the key."""

    key: str
    name: str
    counts: Counts


@dataclass(frozen=True, kw_only=True)
class Report:
    """The answer. `others` sums up `other_groups` groups that aren't shown."""

    question: Question
    groups: Sequence[Group]
    others: Counts
    other_groups: int
    total: Counts


@dataclass(frozen=True, kw_only=True)
class Bar:
    """The bookings of a day, or of the week that begins on it."""

    day: date
    bookings: int


def bounded(question: Question) -> Question:
    """Return what is asked, of the newest MOST bookings of its period alone: it begins later, with a whole day, where
    there are more. One query, and another of an index where the ledger has as many rows as that."""
    ends = Booking.objects.aggregate(first=Min("pk"), last=Max("pk"))
    numbers = _connections(question)
    if not numbers or (ends["last"] or 0) - (ends["first"] or 0) < MOST:
        return question
    one = sql.NEWEST.format(bookings=BOOKINGS, most=MOST)
    values = [value for number in numbers for value in (number, *_adapted(question.start, question.end))]
    with database.cursor() as cursor:
        cursor.execute(sql.NEXT_NEWEST.format(newest=" UNION ALL ".join([one] * len(numbers)), most=MOST), values)
        row = cursor.fetchone()
    if row is None:
        return question
    found = datetime.fromisoformat(row[0]).replace(tzinfo=UTC) if isinstance(row[0], str) else row[0]
    return replace(question, first=min(found.astimezone(question.zone).date() + DAY, question.last))


def report(question: Question, *, top: int | None = TOP) -> Report:
    """Return the groups with most bookings, all of them without `top`; the rest and the total. One query of the ledger,
    one for the connections, and one for the names of event types."""
    with _uncompiled() as cursor:
        cursor.execute(*_groups(question, "place" if top is None else sql.LINE.format(top=int(top))))
        rows = cursor.fetchall()
    shown = rows if top is None else rows[:top]
    names = _type_names([row[-2] for row in shown]) if question.by is By.EVENT_TYPE else {}
    rest = rows[len(shown) :]
    return Report(
        question=question,
        groups=[Group(key=row[-2], name=names.get(row[-2], row[-2]), counts=_counts(row)) for row in shown],
        others=sum(map(_counts, rest), Counts()),
        other_groups=sum(int(row[-3]) for row in rest),
        total=sum(map(_counts, rows), Counts()),
    )


def bars(question: Question) -> list[Bar]:
    """Return the bookings of each day, or of each week of a long period. One query, a range of an index for each."""
    days = (question.last - question.first).days + 1
    step = DAY if days <= MOST_BARS else WEEK * -(-days // (7 * MOST_BARS))
    starts = [question.first + step * number for number in range(-(-days // step.days))]
    edges = [
        (_midnight(day, question.zone), _midnight(min(day + step, question.last + DAY), question.zone))
        for day in starts
    ]
    numbers = _connections(question)
    if not numbers:
        return [Bar(day=day, bookings=0) for day in starts]
    lines = ", ".join(["(%s, " + sql.MOMENT[database.vendor] + ", " + sql.MOMENT[database.vendor] + ")"] * len(edges))
    values = [value for number, (start, end) in enumerate(edges) for value in (number, *_adapted(start, end))]
    statement = _filled(sql.BARS, numbers, lines=lines)
    with database.cursor() as cursor:
        cursor.execute(statement, [*values, *numbers, *numbers])
        found = dict(cursor.fetchall())
    return [Bar(day=day, bookings=found.get(number, 0)) for number, day in enumerate(starts)]


@contextmanager
def _uncompiled() -> Iterator[Any]:
    """Yield a cursor of which PostgreSQL compiles nothing: that takes as long as counting does."""
    if database.vendor != "postgresql":
        with database.cursor() as cursor:
            yield cursor
        return
    with transaction.atomic(), database.cursor() as cursor:
        cursor.execute("SET LOCAL jit = off")
        yield cursor


def _groups(question: Question, line: str) -> tuple[str, list[Any]]:
    """Return the statement of the report, and its parameters."""
    is_touched = question.touch is not Touch.BOOKING and question.by in TOUCHED
    about = "person" if is_touched else question.by
    numbers = _connections(question) or [0]
    counted = _filled(
        sql.COUNTED,
        numbers,
        column=sql.COLUMNS[about],
        moved_column=sql.MOVED_COLUMNS[about],
        index=sql.INDEX[database.vendor].format(sql.INDEXES[about]),
    )
    order = "ASC" if question.touch is Touch.FIRST else "DESC"
    grouped = sql.TOUCHED if is_touched else sql.GROUPED
    grouped = grouped.format(bookings=BOOKINGS, column=sql.COLUMNS[question.by], order=order, sums=sql.SUMS)
    statement = sql.GROUPS.format(counted=counted, grouped=grouped, line=line)
    period = [*numbers, *_adapted(question.start, question.end)]
    return statement, [*period, *_now(2), *period, *_now(2)]


def _filled(statement: str, numbers: Sequence[int], **parts: str) -> str:
    """Return a statement with our names, and a place for each connection's number."""
    return statement.format(
        bookings=BOOKINGS,
        connections=", ".join(["%s"] * len(numbers)),
        is_first=sql.IS_FIRST.format(bookings=BOOKINGS),
        moved=sql.MOVED,
        unmoved=sql.UNMOVED,
        outcomes=sql.OUTCOMES,
        **parts,
    )


def _connections(question: Question) -> list[int]:
    """Return the connections that are asked about: by them, the index of bookings begins."""
    rows = Connection.objects.order_by("pk")
    if question.connection is not None:
        rows = rows.filter(pk=question.connection)
    return list(rows.values_list("pk", flat=True))


def _counts(row: Sequence[Any]) -> Counts:
    names = [each.name for each in fields(Counts)]
    return Counts(**{name: int(value or 0) for name, value in zip(names, row, strict=False)})


def _type_names(uris: Any) -> dict[str, str]:
    """Return the event types' names, with their owners where several are called alike."""
    rows = list(EventType.objects.filter(uri__in=[uri for uri in uris if uri]).values_list("uri", "name", "owner"))
    alike = [name for _uri, name, _owner in {row[0]: row for row in rows}.values()]
    return {uri: f"{name} ({owner})" if alike.count(name) > 1 and owner else name for uri, name, owner in rows}


def _now(count: int) -> list[Any]:
    return _adapted(*[timezone.now()] * count)


def _adapted(*moments: datetime) -> list[Any]:
    """Return moments as the database's own parameters (SQLite keeps times as text)."""
    return [database.ops.adapt_datetimefield_value(moment) for moment in moments]


def _midnight(day: date, zone: Any) -> datetime:
    return datetime.combine(day, time.min, zone).astimezone(UTC)


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
