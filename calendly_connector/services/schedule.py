"""Repeating work: rows advanced by one statement, so there is one tick however many workers look."""

import logging
import random
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from django.db import connection, transaction

from calendly_connector.models import Schedule
from calendly_connector.services import common_clock, queue

logger = logging.getLogger(__name__)

FAILED = "Failed:"
RARE = 300  # seconds between runs
TICK = """
UPDATE calendly_connector_schedule SET next_run_at = %s, last_started_at = %s
WHERE id = %s AND is_enabled AND next_run_at <= %s
"""


def install(schedules: Mapping[str, int]) -> None:
    """Make the rows that are missing; those that staff changed stay as they are."""
    now = common_clock.now()
    rows = [Schedule(name=name, every_seconds=every, next_run_at=now) for name, every in schedules.items()]
    Schedule.objects.bulk_create(rows, ignore_conflicts=True)


def tick() -> None:
    """Ask for every piece of repeating work that is due. Late ticks are not made up for."""
    now = common_clock.now()
    for row in Schedule.objects.filter(is_enabled=True, next_run_at__lte=now):
        following = now + timedelta(seconds=row.every_seconds * _jitter(row.every_seconds))
        with transaction.atomic(), connection.cursor() as cursor:
            adapt = connection.ops.adapt_datetimefield_value
            cursor.execute(TICK, [adapt(following), adapt(now), row.pk, adapt(now)])
            if cursor.rowcount:
                queue.enqueue(row.name)


def soon(*names: str) -> None:
    """Let pieces of repeating work run at the next tick, for what they said last is true no longer."""
    Schedule.objects.filter(name__in=names).update(next_run_at=common_clock.now())


def _jitter(every_seconds: int) -> float:
    """Return a factor around 1 for rare work, so that installations don't all call the services at the same minute."""
    return random.uniform(0.9, 1.1) if every_seconds >= RARE else 1.0  # noqa: S311 - no secret


def next_tick() -> datetime | None:
    """Return when the next piece of repeating work is due."""
    return (
        Schedule.objects.filter(is_enabled=True).order_by("next_run_at").values_list("next_run_at", flat=True).first()
    )


def run_now(name: str, work: Callable[[queue.Claimed], str | None]) -> str:
    """Do a piece of repeating work here and now, whatever its time, and return what it said; a failure is words too."""
    Schedule.objects.filter(name=name).update(last_started_at=common_clock.now())
    try:
        said = work(_ByHand(id=0, kind=name, subject=0, attempts=0, failures=0, lane="")) or "Done."
    except Exception as error:
        logger.exception("%s failed", name)
        said = f"{FAILED} {error}"
    note_result(name, said)
    return said


def lines() -> list[str]:
    """Return each piece of repeating work with its last result and its next run, for a terminal."""
    return [
        f"{row.name:<16} every {row.every_seconds} s, next {row.next_run_at:%Y-%m-%d %H:%M:%S} UTC"
        f"{'' if row.is_enabled else ' (switched off)'}: {row.last_result or 'never ran'}"
        for row in Schedule.objects.order_by("name")
    ]


class _ByHand(queue.Claimed):
    """No job, but for a handler that holds its lease between calls: there is nobody to lose it to."""

    def renew(self) -> None:
        """Do nothing."""


def note_result(name: str, result: str) -> None:
    """Keep what a run said, for staff."""
    Schedule.objects.filter(name=name).update(last_finished_at=common_clock.now(), last_result=result[:1000])
