"""What a Celery worker does with a message: a stint of the work that every worker does."""

from typing import Any

from celery.signals import worker_process_init, worker_shutting_down

from calendly_connector import tasks
from calendly_connector.services import queue, schedule
from calendly_connector.services.bell import Bell
from calendly_connector.services.worker import Worker
from project.celery import TICK, WORK, app

STINT = 5.0  # seconds that one message keeps a thread; then the tick gets its turn
NEAR = 1.0  # seconds: work that may start so soon is waited for
MOST_MESSAGES = 16  # of one tick: as many threads as may be idle

_worker = Worker(tasks.TASKS, concurrency=1, bell=Bell())


@app.task(name=WORK)
def work() -> None:
    """Work for one stint; when that is over before the work is, ask for another."""
    if _worker.stint(seconds=STINT, near=NEAR):
        work.delay()


@app.task(name=TICK)
def tick() -> None:
    """Ask for what repeats, make the jobs of new deliveries, and send a message for each due job, up to a few."""
    schedule.install(tasks.SCHEDULES)
    schedule.tick()
    _worker.adopter.adopt()
    for _ in range(queue.count_due(MOST_MESSAGES)):
        work.delay()


@worker_process_init.connect
def _take_name(**_: Any) -> None:
    _worker.take_name()


@worker_shutting_down.connect
def _stop(**_: Any) -> None:
    """Let the job in hand finish, and begin no other."""
    _worker.stop()
