"""Holds the jobs that write a person to Brevo, so that nothing is written beside what is being done to the person.

A held job looks like one that some worker runs: nobody else begins it until it is let go, or its lease ends.
"""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import timedelta

from django.db.models import F, Q

from calendly_connector.models import Job
from calendly_connector.services import common_clock, queue

LEASE = timedelta(minutes=3)
PATIENCE, LOOK_EVERY = 10.0, 0.2  # seconds
FAR_AWAY = 3600.0  # seconds: a job that is made only to be held isn't to begin before that

Key = tuple[str, int, str]  # kind, subject and lane


class Busy(Exception):
    """Somebody is at it right now, and still was after PATIENCE; the text says what to do."""


@contextmanager
def held(keys: Iterable[Key]) -> Iterator[None]:
    """Hold jobs while the block runs; afterwards they are done once, in case anything was asked of them meanwhile.

    Raises Busy when one of them is run by a worker and doesn't end in time.
    """
    taken: list[tuple[str, int, int]] = []
    until = time.monotonic() + PATIENCE
    try:
        for kind, subject, lane in keys:
            taken.append((kind, subject, _take(kind, subject, lane, until)))
        yield
    finally:
        for kind, subject, attempts in taken:
            Job.objects.filter(kind=kind, subject=subject, attempts=attempts, state=Job.State.RUNNING).update(
                state=Job.State.READY, is_wanted_again=False, run_after=common_clock.now(), lease_until=None
            )


def _take(kind: str, subject: int, lane: str, until: float) -> int:
    """Return the fence of a job that is ours now (`queue.Claimed.attempts`)."""
    while True:
        queue.enqueue(kind, subject, lane=lane, delay=FAR_AWAY)
        now = common_clock.now()
        free = Q(lease_until=None) | Q(lease_until__lt=now) | ~Q(state=Job.State.RUNNING)
        mine = Job.objects.filter(free, kind=kind, subject=subject)
        taken = mine.update(state=Job.State.RUNNING, attempts=F("attempts") + 1, lease_until=now + LEASE, worker="held")
        if taken:
            return Job.objects.values_list("attempts", flat=True).get(kind=kind, subject=subject)
        if time.monotonic() > until:
            raise Busy("Something is being written to Brevo for this person right now. Try again in a minute.")
        time.sleep(LOOK_EVERY)
