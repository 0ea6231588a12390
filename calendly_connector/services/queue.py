"""The job table: ask for work, claim it by one statement, settle it. At-least-once; handlers are idempotent."""

import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from django.db import connection
from django.db.models import QuerySet
from django.dispatch import Signal

from calendly_connector.models import Job
from calendly_connector.services import common_clock, limits

FRESH = timedelta(seconds=20)
LEASE = timedelta(seconds=130)  # longer than the longest call (95 s) plus the work around it; renewed between calls
MAX_FAILURES = 20
FIRST_PAUSE, LONGEST_PAUSE = 2.0, 3600.0  # seconds
Parameter = str | int | bool | float | datetime

CHANNEL = "calendly_job"  # PostgreSQL's NOTIFY channel
work_came = Signal()
"""Sent, maybe within a transaction, when there is work that may start at once. Whoever hears it must not fail."""


@dataclass(frozen=True, kw_only=True)
class Claimed:
    """A job in hand. `attempts` is the fence: whoever claims it next raises it, and our writes fall flat."""

    id: int
    kind: str
    subject: int
    attempts: int
    failures: int
    lane: str
    run_after: datetime = field(default_factory=common_clock.now)
    lease: "Lease" = field(default_factory=lambda: Lease())

    def renew(self) -> None:
        """Hold the lease longer, if some of it is spent; raise LeaseLost when somebody else has the job."""
        if self.lease.is_fresh:
            return
        if not _mine(self).update(lease_until=common_clock.now() + LEASE):
            raise LeaseLost(f"{self.kind} {self.subject} was taken over by another worker")
        self.lease.begun_at = common_clock.now()


@dataclass
class Lease:
    """When we last took or renewed a lease."""

    begun_at: datetime = field(default_factory=common_clock.now)

    @property
    def is_fresh(self) -> bool:
        """Return whether what is left covers the longest call and more, so that renewing can wait."""
        return common_clock.now() - self.begun_at < FRESH


class LeaseLost(Exception):
    """We were too slow: the job belongs to another worker now, and nothing more may be written."""


class Later(Exception):
    """Raised by a handler: do it again after `seconds`. `is_failure` counts towards giving up."""

    def __init__(self, reason: str, *, seconds: float | None = None, is_failure: bool = True) -> None:
        super().__init__(reason)
        self.seconds = seconds
        self.is_failure = is_failure


ENQUEUE = """
INSERT INTO calendly_connector_job
  (kind, subject, dedupe_key, lane, state, is_wanted_again, run_after, attempts, failures, last_error, worker,
   created_at)
VALUES (%s, %s, %s, %s, 'ready', %s, %s, 0, 0, '', '', %s)
ON CONFLICT (dedupe_key) DO UPDATE SET
  is_wanted_again = (calendly_connector_job.state = 'running'),
  failures = CASE WHEN calendly_connector_job.state = 'failed' THEN 0 ELSE calendly_connector_job.failures END,
  state = CASE WHEN calendly_connector_job.state = 'failed' THEN 'ready' ELSE calendly_connector_job.state END,
  run_after = CASE WHEN calendly_connector_job.run_after > excluded.run_after
              THEN excluded.run_after ELSE calendly_connector_job.run_after END
"""

DUE = """
  SELECT job.id FROM calendly_connector_job job
  WHERE job.state IN ('ready', 'running') AND job.run_after <= %s {which}
    AND (job.state = 'ready' OR job.lease_until < %s)
    AND NOT EXISTS (SELECT 1 FROM calendly_connector_ratelimit l
                    WHERE l.key = job.lane AND (l.blocked_until > %s OR l.free_at > %s))
  ORDER BY job.run_after, job.id LIMIT 1
"""

# "=" and not "IN": for a table it takes for tiny, PostgreSQL plans IN as a loop that looks for the next due job again
# for every row, and so claims them all.
CLAIM = """
UPDATE calendly_connector_job SET state = 'running', attempts = attempts + 1, lease_until = %s, worker = %s
WHERE id = ({due} {lock})
RETURNING id, kind, subject, attempts, failures, lane, run_after
"""

NEXT = """
SELECT job.run_after, l.blocked_until, l.free_at
FROM calendly_connector_job job LEFT JOIN calendly_connector_ratelimit l ON l.key = job.lane
WHERE job.state = 'ready' ORDER BY job.run_after LIMIT 1
"""

FINISH = """
DELETE FROM calendly_connector_job WHERE id = %s AND attempts = %s AND state = 'running' AND NOT is_wanted_again
"""


def enqueue(kind: str, subject: int = 0, *, lane: str = "", delay: float = 0, key: str = "") -> None:
    """Ask for a job `delay` seconds from now; while the same is waiting, nothing is added.

    Asked for again while it runs, it will run once more. Takes part in the caller's transaction.
    """
    now = common_clock.now()
    values: list[Parameter] = [
        kind,
        subject,
        key or f"{kind}:{subject}",
        lane,
        False,
        _adapt(now + timedelta(seconds=delay)),
        _adapt(now),
    ]
    with connection.cursor() as cursor:
        cursor.execute(ENQUEUE, values)
        if connection.vendor == "postgresql":
            cursor.execute(f"NOTIFY {CHANNEL}")
    if delay <= 0:
        work_came.send(sender=None)


def claim(worker: str, *, key: str = "") -> Claimed | None:
    """Return the next due job whose lane is open, now ours for the length of a lease; None when there is none.

    With `key`, only the job of that name is looked at.
    """
    now = common_clock.now()
    seconds = now.timestamp()
    lock = "FOR UPDATE SKIP LOCKED" if connection.vendor == "postgresql" else ""
    statement = DUE.format(which="AND job.dedupe_key = %s" if key else "")
    due: list[Parameter] = [_adapt(now), *([key] if key else []), _adapt(now), seconds, seconds + limits.EARLY]
    with connection.cursor() as cursor:
        cursor.execute(statement, due)  # to look takes no lock, so who finds nothing never stands in a writer's way
        if cursor.fetchone() is None:
            return None
        cursor.execute(CLAIM.format(due=statement, lock=lock), [_adapt(now + LEASE), worker, *due])
        row = cursor.fetchone()
    if row is None:
        return None
    *rest, run_after = row
    names = ("id", "kind", "subject", "attempts", "failures", "lane")
    return Claimed(**dict(zip(names, rest, strict=True)), run_after=_aware(run_after))


def count_due(most: int) -> int:
    """Return how many jobs are due and may start, their lanes being open, counted up to `most`."""
    now = common_clock.now()
    seconds = now.timestamp()
    statement = DUE.format(which="").replace("LIMIT 1", "LIMIT %s")
    with connection.cursor() as cursor:
        cursor.execute(statement, [_adapt(now), _adapt(now), seconds, seconds + limits.EARLY, most])
        return len(cursor.fetchall())


def let_go(worker: str) -> None:
    """Put back what a worker that stops, or is known to be dead, has in hand: nobody has to wait for its leases."""
    Job.objects.filter(worker=worker, state=Job.State.RUNNING).update(
        state=Job.State.READY, run_after=common_clock.now(), lease_until=None
    )


def finish(job: Claimed) -> None:
    """Remove a job that is done, or put it back when it was asked for again meanwhile."""
    with connection.cursor() as cursor:  # one statement: the ORM would read first, and add a transaction
        cursor.execute(FINISH, [job.id, job.attempts])
        is_gone = cursor.rowcount > 0
    if not is_gone:
        _mine(job).update(
            state=Job.State.READY, is_wanted_again=False, run_after=common_clock.now(), lease_until=None, failures=0
        )


def postpone(job: Claimed, later: Later) -> bool:
    """Put a job back for later; return False when it has failed too often and is given up."""
    failures = job.failures + later.is_failure
    if failures >= MAX_FAILURES:
        _mine(job).update(state=Job.State.FAILED, failures=failures, last_error=str(later), lease_until=None)
        return False
    seconds = pause(failures) if later.seconds is None else later.seconds
    _mine(job).update(
        state=Job.State.READY,
        is_wanted_again=False,
        failures=failures,
        last_error=str(later),
        run_after=common_clock.now() + timedelta(seconds=seconds),
        lease_until=None,
    )
    return True


def pause(failures: int) -> float:
    """Return the seconds to wait after this many failures: doubling, capped, with a fifth of jitter."""
    seconds = min(FIRST_PAUSE * 2.0 ** max(0, failures - 1), LONGEST_PAUSE)
    return seconds * random.uniform(0.8, 1.2)  # noqa: S311 - jitter, not a secret


def next_opening(now: datetime) -> float | None:
    """Return in how many seconds the next waiting job may start, its lane considered; None when nothing waits."""
    with connection.cursor() as cursor:
        cursor.execute(NEXT)
        row = cursor.fetchone()
    if row is None:
        return None
    run_after, blocked_until, free_at = row
    opening = max(_aware(run_after).timestamp(), blocked_until or 0.0, (free_at or 0.0) - limits.EARLY)
    return max(0.001, float(opening) - now.timestamp())


def _mine(job: Claimed) -> QuerySet[Job]:
    return Job.objects.filter(pk=job.id, attempts=job.attempts, state=Job.State.RUNNING)


def _aware(moment: datetime | str) -> datetime:
    """Return a moment of the database's with its zone, which SQLite leaves out; it is UTC."""
    return (datetime.fromisoformat(moment) if isinstance(moment, str) else moment).replace(tzinfo=UTC)


def _adapt(moment: datetime) -> str | datetime:
    """Return a moment as the database's own parameter (SQLite keeps times as text)."""
    return connection.ops.adapt_datetimefield_value(moment) or moment
