"""Deletes what is kept for a while only, as `retention.RULES` says, in pieces that keep nobody waiting.

A piece is one transaction, and ends when it has lasted long enough, however few rows that were: how long a row takes
depends on what was posted, and on the disk. Between two pieces it rests for as long as the piece took, so that others
get their turn on SQLite, which has one writer. Killed at any moment it has lost nothing: the next run looks for what is
still there.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Max, Min
from django.utils import timezone

from calendly_connector.services import retention, schedule
from calendly_connector.services.retention import Act, Rule

NAME = "prune"  # of the schedule
PIECE = 200  # rows at most
HANDFUL = 20  # rows of a piece's first statement: after each a piece may end, and twice as many are tried
HOLD = 0.1  # seconds after which a piece ends: nobody else can write on SQLite meanwhile
SECONDS = 20.0  # that the scheduled run takes at once: then others may have the thread, and the next tick goes on


@dataclass(frozen=True, kw_only=True)
class Purged:
    """What became of one rule's rows, or would; `before` is None where they are kept for ever."""

    rule: Rule
    before: datetime | None
    rows: int
    is_cut: bool = False  # there may be more


def count(rules: Sequence[Rule] = retention.RULES) -> list[Purged]:
    """Return how many rows each rule would take now. Writes nothing."""
    now = timezone.now()
    return [Purged(rule=rule, before=(before := rule.before(now)), rows=_count(rule, before)) for rule in rules]


def purge(
    rules: Sequence[Rule] = retention.RULES,
    *,
    renew: Callable[[], None] = lambda: None,
    sleep: Callable[[float], None] = time.sleep,
    clock: Callable[[], float] = time.monotonic,
    until: float = float("inf"),
) -> list[Purged]:
    """Take what is old, and return what was taken. Stops between two pieces at `until`, in seconds of `clock`.

    `renew` is called between pieces and may raise; what was taken by then stays taken.
    """
    now, done = timezone.now(), list[Purged]()
    for rule in rules:
        before, rows, is_cut = rule.before(now), 0, False
        if before is None:
            done.append(Purged(rule=rule, before=None, rows=0))
            continue
        for taken, seconds in _pieces(rule, before, clock):
            rows += taken
            renew()
            if clock() >= until:
                is_cut = True
                break
            sleep(seconds)
        done.append(Purged(rule=rule, before=before, rows=rows, is_cut=is_cut))
    return done


def prune(renew: Callable[[], None] = lambda: None) -> str:
    """Take what is old, for a while, and leave the rest to the next tick; return words for the schedule's result."""
    until = time.monotonic() + SECONDS
    Session.objects.filter(expire_date__lt=timezone.now()).delete()
    done = purge(renew=renew, until=until)
    words = words_for(done)
    if not any(each.is_cut for each in done):
        return words
    schedule.soon(NAME)
    return f"{words} There is more: it goes on at once."


def words_for(done: Iterable[Purged]) -> str:
    """Return what was taken in a sentence, without the rules that took nothing."""
    told = [f"{each.rule.name} × {each.rows}" for each in done if each.rows]
    return f"Deleted by age: {', '.join(told)}." if told else "Nothing was old enough."


def _count(rule: Rule, before: datetime | None) -> int:
    return rule.old(before).count() if before else 0


def _pieces(rule: Rule, before: datetime, clock: Callable[[], float]) -> Iterator[tuple[int, float]]:
    """Take everything old, and yield for each piece how many rows it took, and how many seconds."""
    for found in _ranges(rule, before):
        keys = found
        while keys:
            began = clock()
            rows, keys = _take(rule, before, keys, clock)
            yield rows, clock() - began


def _ranges(rule: Rule, before: datetime) -> Iterator[Sequence[int]]:
    """Yield the keys of old rows in the order of the keys, never more than PIECE at once.

    The ends are found once; after that every question is about a range of keys, whatever the planner thinks of ages.
    """
    old = rule.old(before)
    ends = old.order_by().aggregate(first=Min("pk"), last=Max("pk"))
    reached = (ends["first"] or 0) - 1
    everything = old.model._default_manager.order_by("pk").values_list("pk", flat=True)
    while ends["last"] is not None and reached < ends["last"]:
        edge = next(iter(everything.filter(pk__gt=reached)[PIECE - 1 : PIECE]), ends["last"])
        keys = list(old.filter(pk__gt=reached, pk__lte=edge).order_by("pk").values_list("pk", flat=True))
        reached = edge
        if keys:
            yield keys


def _take(rule: Rule, before: datetime, keys: Sequence[int], clock: Callable[[], float]) -> tuple[int, Sequence[int]]:
    """Take rows in one transaction until HOLD is over, a handful at least; return how many, and the keys left."""
    rows, size = 0, HANDFUL
    with transaction.atomic():
        ends = clock() + HOLD  # waiting for the others is over here
        while keys:
            handful, keys = keys[:size], keys[size:]
            rows += _take_handful(rule, before, handful)
            if clock() >= ends:
                break
            size *= 2
    return rows, keys


def _take_handful(rule: Rule, before: datetime, keys: Sequence[int]) -> int:
    """Empty or delete rows, unless they have changed since they were found to be old; return how many."""
    rows = rule.old(before).filter(pk__in=keys)
    if rule.act is Act.EMPTY:
        return rows.update(body=b"")
    return rows.only("pk").delete()[1].get(rows.model._meta.label, 0)  # Django reads what it deletes: never bodies
