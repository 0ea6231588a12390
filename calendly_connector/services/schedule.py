"""Repeating work: rows advanced by one statement, so there is one tick however many workers look."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.utils import timezone

from calendly_connector.models import Schedule
from calendly_connector.services import queue

TICK = """
UPDATE calendly_connector_schedule SET next_run_at = %s, last_started_at = %s
WHERE id = %s AND is_enabled AND next_run_at <= %s
"""


def install(schedules: Mapping[str, int]) -> None:
    """Make the rows that are missing; those that staff changed stay as they are."""
    now = timezone.now()
    rows = [Schedule(name=name, every_seconds=every, next_run_at=now) for name, every in schedules.items()]
    Schedule.objects.bulk_create(rows, ignore_conflicts=True)


def tick() -> None:
    """Ask for every piece of repeating work that is due. Late ticks are not made up for."""
    now = timezone.now()
    for row in Schedule.objects.filter(is_enabled=True, next_run_at__lte=now):
        following = now + timedelta(seconds=row.every_seconds)
        with transaction.atomic(), connection.cursor() as cursor:
            adapt = connection.ops.adapt_datetimefield_value
            cursor.execute(TICK, [adapt(following), adapt(now), row.pk, adapt(now)])
            if cursor.rowcount:
                queue.enqueue(row.name)


def next_tick() -> datetime | None:
    """Return when the next piece of repeating work is due."""
    return (
        Schedule.objects.filter(is_enabled=True).order_by("next_run_at").values_list("next_run_at", flat=True).first()
    )


def note_result(name: str, result: str) -> None:
    """Keep what a run said, for staff."""
    Schedule.objects.filter(name=name).update(last_finished_at=timezone.now(), last_result=result[:1000])
