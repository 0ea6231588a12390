"""The report of a connection's differences as plain values, for a command or a program."""

from typing import Any

from calendly_connector.models import Connection, Drift, DriftRun
from calendly_connector.services import drift_run

MOST = 1000  # people named


def report(connection: Connection) -> dict[str, Any]:
    """Return the last comparison's outcome, and each person with differences, as JSON has it. Asks neither service."""
    rows = Drift.objects.filter(connection=connection).order_by("pk")
    run = DriftRun.objects.filter(connection=connection).order_by("-asked_at").first()
    return {
        "connection": connection.name,
        "comparison": _run(run) if run else None,
        **drift_run.count(connection),
        "people": [_person(row) for row in rows[:MOST]],
        "is_cut": len(rows.values_list("pk")[: MOST + 1]) > MOST,
    }


def _run(run: DriftRun) -> dict[str, Any]:
    seconds = (run.finished_at - run.asked_at).total_seconds() if run.finished_at else None
    return {
        "asked_at": run.asked_at.isoformat(),
        "finished_at": run.finished_at.isoformat() if run.finished_at else None,
        "seconds": seconds,
        "stage": run.stage,
        "compared": run.people,
        "same": drift_run.same_of(run),
        "waiting": run.waiting,
        "calls": run.calls,
        "words": run.words,
    }


def _person(row: Drift) -> dict[str, Any]:
    return {
        "email": row.email,
        "state": row.state,
        "kinds": row.kinds,
        "is_fixable": row.is_fixable,
        "found_at": row.found_at.isoformat(),
        "lines": [{name: value for name, value in line.items() if name != "run"} for line in row.lines],
    }
