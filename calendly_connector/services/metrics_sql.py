"""The statements behind /metrics that look at tables with a million rows: each goes by an index, and counts up to CAP.

States stand in the statements as text: an index of some states is used only when it is seen which are asked for.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from django.db import connection
from django.utils import timezone

from calendly_connector.core import cause as causes

CAP = 5000
"""Counting stops here: that there are so many says enough, and a scrape costs the same."""

DELIVERIES = f"""
SELECT
  (SELECT COUNT(*) FROM (SELECT 1 FROM calendly_connector_webhookdelivery WHERE state = 'stored' LIMIT {CAP}) w),
  (SELECT received_at FROM calendly_connector_webhookdelivery WHERE state = 'stored' ORDER BY received_at LIMIT 1),
  (SELECT COUNT(*) FROM (SELECT 1 FROM calendly_connector_webhookdelivery
                         WHERE state IN ('failed', 'malformed') LIMIT {CAP}) f),
  (SELECT received_at FROM calendly_connector_webhookdelivery ORDER BY received_at DESC LIMIT 1)
"""  # noqa: S608 - a number of ours

JOBS_IN = """
SELECT * FROM (SELECT state, kind, run_after FROM calendly_connector_job
               WHERE state = '{state}' {which} ORDER BY run_after LIMIT {cap}) {state}
"""
_EACH_JOB = "UNION ALL".join(
    JOBS_IN.format(state=state, which="AND run_after <= %s" if state == "ready" else "", cap=CAP)
    for state in ("ready", "running", "failed")
)
JOBS = f"SELECT state, kind, COUNT(*), MIN(run_after) FROM ({_EACH_JOB}) j GROUP BY state, kind"  # noqa: S608

STEPS_IN = """
SELECT * FROM (SELECT state, created_at FROM calendly_connector_synclogentry
               WHERE state = '{state}' ORDER BY created_at LIMIT {cap}) {state}
"""
_EACH_STEP = "UNION ALL".join(STEPS_IN.format(state=state, cap=CAP) for state in ("waiting", "sending", "unknown"))
STEPS = f"SELECT state, COUNT(*), MIN(created_at) FROM ({_EACH_STEP}) s GROUP BY state"  # noqa: S608

FAILURES = f"""
SELECT cause, COUNT(*) FROM (SELECT cause FROM calendly_connector_synclogentry
                             WHERE state = 'failed' ORDER BY created_at DESC LIMIT {CAP}) f
GROUP BY cause
"""  # noqa: S608 - a number of ours


@dataclass(frozen=True, kw_only=True)
class Deliveries:
    """How many wait, since when the oldest does, how many were given up, and when the last one came."""

    waiting: int
    oldest: datetime | None
    left_behind: int
    last: datetime | None


def deliveries() -> Deliveries:
    """Return how Calendly's deliveries are."""
    [(waiting, oldest, left_behind, last)] = _rows(DELIVERIES)
    return Deliveries(waiting=waiting, oldest=_aware(oldest), left_behind=left_behind, last=_aware(last))


def jobs() -> Iterator[tuple[str, str, int, datetime | None]]:
    """Yield state, kind, number and the earliest time of jobs; of waiting ones, those that are due."""
    now = connection.ops.adapt_datetimefield_value(timezone.now())
    for state, kind, count, since in _rows(JOBS, now):
        yield state, kind, count, _aware(since)


def open_steps() -> Iterator[tuple[str, int, datetime | None]]:
    """Yield state, number and the earliest time of steps that aren't settled."""
    for state, count, since in _rows(STEPS):
        yield state, count, _aware(since)


def failures() -> Counter[str]:
    """Return how many steps failed, by cause: one of `core.cause`, "none" or "other"."""
    found: Counter[str] = Counter({"none": 0})
    for text, count in _rows(FAILURES):
        found[causes.label_of(causes.split(text)[0])] += count
    return found


def _rows(statement: str, *values: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(statement, values)
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found


def _aware(moment: datetime | str | None) -> datetime | None:
    """Return a moment of the database's with its zone, which SQLite leaves out; it is UTC."""
    if moment is None:
        return None
    return (datetime.fromisoformat(moment) if isinstance(moment, str) else moment).replace(tzinfo=UTC)
