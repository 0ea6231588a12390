"""The one seam between "what" and "when": which function a kind of job runs, and what repeats."""

from collections.abc import Callable
from dataclasses import dataclass

from calendly_connector.services import (
    booking_limits,
    booking_lookup,
    bulk,
    catalogue,
    clock,
    crm_tasks,
    drift_fix,
    drift_run,
    figures,
    guests,
    keep_alive,
    ledger,
    links,
    links_use,
    marking,
    mirror,
    notices,
    prune,
    push,
    reading,
    receive,
    reconcile,
    replay,
    rotation,
    settle,
    staff_sessions,
    sweep,
    sync,
    tokens,
    watch,
)
from calendly_connector.services import connection as connections
from calendly_connector.services.queue import Claimed


@dataclass(frozen=True, kw_only=True)
class Task:
    """`run` does the work of one job; `give_up(subject, reason)` tells staff when all tries are used up.

    `run` may raise queue.Later. What it returns is kept as its schedule's last result. `about` names the job's subject
    in log lines (services.trail).
    """

    run: Callable[[Claimed], str | None]
    give_up: Callable[[int, str], None] | None = None
    about: str = ""


TASKS: dict[str, Task] = {
    receive.TAKE_IN: Task(run=lambda job: sync.take_in(job.subject), give_up=sync.give_up, about="delivery"),
    receive.TAKE_IN_NEWS: Task(run=lambda job: mirror.take_in_all(job.subject, job.renew)),
    ledger.PUSH: Task(run=bulk.push_or_gather, give_up=push.give_up, about="person"),
    bulk.GATHER: Task(run=lambda job: bulk.gather(job.subject, job.renew)),
    bulk.ADVANCE: Task(run=lambda job: bulk.advance(job.subject, job.renew), give_up=bulk.give_up, about="import"),
    ledger.MISSING_HALF: Task(run=lambda job: sync.fetch_missing_half(job.subject), about="booking"),
    marking.CATCH_UP: Task(run=lambda job: marking.catch_up(job.subject), about="booking"),
    ledger.GREET_GUESTS: Task(run=lambda job: guests.greet(job.subject), about="booking"),
    crm_tasks.WRITE: Task(run=crm_tasks.write, give_up=crm_tasks.give_up, about="booking"),
    booking_limits.SETTLE: Task(run=lambda job: booking_lookup.settle(job.subject)),
    settle.SETTLE: Task(run=lambda job: settle.settle(job.subject, job.renew)),
    clock.TURN: Task(run=lambda job: clock.turn(job.subject), about="person"),
    bulk.CLOSE: Task(run=lambda job: bulk.close(job.subject, job.renew)),
    reading.READ: Task(
        run=lambda job: reading.advance(job.subject, job.renew), give_up=reading.give_up, about="reading"
    ),
    links.RUN: Task(run=lambda job: links.advance(job.subject, job.renew), give_up=links.give_up),
    replay.REPLAY: Task(run=lambda job: replay.advance(job.subject, job.renew), give_up=replay.give_up, about="replay"),
    drift_run.RUN: Task(run=lambda job: drift_run.advance(job.subject, job.renew), give_up=drift_run.give_up),
    drift_fix.FIX: Task(run=lambda job: drift_fix.advance(job.subject, job.renew), give_up=drift_fix.give_up),
    drift_fix.LOOK: Task(run=lambda job: drift_fix.look(job.subject, job.renew)),
    drift_fix.AFTER: Task(run=lambda job: drift_fix.after(job.subject)),
    notices.TELL: Task(run=lambda job: notices.tell(job.subject)),
    "sweep": Task(run=lambda job: sweep.sweep()),
    "clock": Task(run=lambda job: clock.find_due()),
    "refresh_tokens": Task(run=lambda job: tokens.refresh_due()),
    "watch": Task(run=lambda job: watch.watch_all(job.renew)),
    "notices": Task(run=lambda job: notices.remind()),
    "catalogues": Task(run=lambda job: catalogue.refresh_all(job.renew)),
    "reconcile": Task(run=lambda job: reconcile.check_all()),
    "expire_links": Task(run=lambda job: links_use.expire_all()),
    "keep_alive": Task(run=lambda job: keep_alive.keep_alive()),
    drift_run.WEEKLY: Task(run=lambda job: drift_run.compare_each()),
    "figures": Task(run=lambda job: figures.count_recent()),
    "past_figures": Task(run=lambda job: figures.count_past(job.renew)),
    rotation.FORGET_KEY: Task(run=lambda job: connections.forget_previous_key(job.subject)),
    prune.NAME: Task(run=lambda job: prune.prune(job.renew)),
    "sessions": Task(run=lambda job: staff_sessions.clear()),
}

SCHEDULES = {
    "sweep": 15,
    "clock": 60,
    "refresh_tokens": 300,
    "notices": 300,
    "figures": 60,
    "watch": 900,
    "reconcile": 3600,
    "catalogues": 21_600,
    "keep_alive": 86_400,
    "past_figures": 86_400,
    prune.NAME: 86_400,
    "sessions": 86_400,
    "expire_links": 86_400,
    "drift": 604_800,
}
"""Name (a kind of job) → seconds between runs; staff may change a schedule's row afterwards."""
