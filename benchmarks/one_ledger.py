"""A ledger of one size, with web and worker of its own, and what bookings cost there. benchmarks.ledger compares."""

import statistics
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

from django.db import connection as database
from django.test import Client

from benchmarks import lives, rows_of, scenes
from benchmarks.load import PATH, Factory, Load, Webhook
from benchmarks.measure import Process, percentile
from benchmarks.stage import NEVER_TOGETHER, Stage
from calendly_connector import conf, tasks
from calendly_connector.models import BrevoAccount, Connection, RateLimit, Schedule, SyncLogEntry
from calendly_connector.services import clock, figures, limits, schedule, sweep, worker
from calendly_connector.services.bell import Bell
from tests import plans

TURNS = 7  # of each kind of life, whose statements are counted
OFTEN = 60  # seconds: what repeats more rarely is left out, or one round would have it and the next not
LOOK_EVERY = 0.1  # seconds between two looks at what waits
REPEATING: dict[str, Callable[[], object]] = {
    "sweep": sweep.sweep,
    "clock": clock.find_due,
    "figures": figures.count_recent,
}
"""What every minute brings, however many bookings."""


def prepare(stage: Stage, count: int) -> dict[str, Any]:
    """Fill the ledger, count statements, and start the worker; return what was found.

    Nothing of the filled rows waits for anybody: what is written to Brevo afterwards is what was posted afterwards.
    """
    open_limits()
    schedule.install(tasks.SCHEDULES)
    Schedule.objects.update(is_enabled=False)
    begun = time.monotonic()
    rows_of.add(count, Connection.objects.get(), every=1)
    SyncLogEntry.objects.filter(state="waiting").update(state="done")
    rows_of.settle()
    filled = time.monotonic() - begun
    for work in REPEATING.values():
        work()  # the first time, all deliveries that ever came are counted: later only those since
    with plans.heard() as said:
        statements = {kind: _statements(stage, kind) for kind in lives.KINDS}
        repeating = {name: _cost(work) for name, work in REPEATING.items()}
    found = {"filled": filled, "statements": statements, "repeating": repeating, **_plans(said)}
    Schedule.objects.filter(every_seconds__lte=OFTEN).update(is_enabled=True)
    stage.start_worker(NEVER_TOGETHER)
    one_round(stage, bookings=40, per_second=20)  # warm: every thread has its connections
    return found


def open_limits() -> None:
    """Let calls go as fast as they can: what is measured is us, not the pace that Brevo allows."""
    limits.open_buckets(BrevoAccount.objects.get().pk)
    RateLimit.objects.update(interval=0, free_at=0)


def one_round(stage: Stage, *, bookings: int, per_second: float) -> dict[str, Any]:
    """Post what becomes of so many people; return what it cost, how long they took, and how many waited meanwhile."""
    stage.sandbox("DELETE", "/sandbox/journal")
    webhooks = lives.mixed(Factory(stage.signing_key), bookings)
    pace = per_second * len(webhooks) / bookings
    load = Load(stage.plan.web_port, webhooks, at_once=scenes.SENDERS, per_second=pace)
    before, waited = _spent(stage), list[int]()
    with ThreadPoolExecutor(1) as pool:
        posting = pool.submit(load.run)
        while not posting.done():
            waited.append(scenes.waiting())
            time.sleep(LOOK_EVERY)
    left = scenes.waiting()
    scenes.wait_until_drained(stage)
    spent = {name: seconds - before[name] for name, seconds in _spent(stage).items()}
    delays = scenes.delays_of(posting.result(), scenes.brevo_calls(stage))
    return {
        "cpu": {name: seconds / bookings for name, seconds in spent.items()},
        "p50": percentile(delays, 50),
        "waiting": statistics.mean(waited),
        "most": max(waited),
        "left": left,
    }


def _spent(stage: Stage) -> dict[str, float]:
    """Return the processor time of web and worker, and of PostgreSQL's server if it is one of ours."""
    who = {name: Process(pid=stage.pid(name)) for name in scenes.WHO}
    if server := _server():
        who["database"] = server
    return {name: process.cpu_seconds() for name, process in who.items()}


def _server() -> Process | None:
    """Return PostgreSQL with the processes it started; None for SQLite, and for a server on another machine."""
    if database.vendor != "postgresql":
        return None
    with database.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        ours = Path(f"/proc/{cursor.fetchone()[0]}")
    if not ours.exists() or "postgres" not in (ours / "cmdline").read_text():
        return None
    parent = next(line for line in (ours / "status").read_text().splitlines() if line.startswith("PPid"))
    return Process(pid=int(parent.split()[1]))


# -- In this process: statements and plans ----------------------------------------------------------------------


def _statements(stage: Stage, kind: str) -> int:
    """Return how many statements one such life takes from the webhooks to Brevo, as most of some do."""
    factory, client = Factory(stage.signing_key), Client(headers={"host": "127.0.0.1"})
    counts = []
    for _ in range(TURNS):
        first, rest = lives.life(factory, kind)
        with _counted() as said:
            for webhooks in filter(None, ([first], rest)):
                _flow(client, webhooks)
        counts.append(len(said))
    return statistics.mode(counts)


@patch.object(conf, "tally_seconds", lambda: 3600)
@patch.object(worker, "ADOPT_SECONDS", 3600)
def _flow(client: Client, webhooks: list[Webhook]) -> None:
    """Post and do the work, without what is done again after a while: a slow machine would do it more often."""
    for each in webhooks:
        answer = client.post(PATH, data=each.body, content_type="application/json", headers=each.headers)
        assert answer.status_code == 200, answer.content
    worker.Worker(tasks.TASKS, concurrency=1, bell=Bell()).drain()


@contextmanager
def _counted() -> Iterator[list[str]]:
    said: list[str] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        said.append(sql)
        return execute(sql, params, many, context)

    with database.execute_wrapper(note):
        yield said


def _plans(said: list[plans.Statement]) -> dict[str, Any]:
    """Return how many different statements name a table that grows, and which of them read one from end to end."""
    different = dict(said)
    whole = {sql: plans.whole_tables(sql, params) for sql, params in different.items()}
    return {"heard": len(different), "whole": {sql: lines for sql, lines in whole.items() if lines}}


def _cost(work: Callable[[], object]) -> float:
    """Return the processor time that something takes here and in PostgreSQL's server."""
    server = _server()
    before = time.process_time() + (server.cpu_seconds() if server else 0)
    work()
    return time.process_time() + (server.cpu_seconds() if server else 0) - before
