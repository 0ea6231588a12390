"""The worker's loop: one bad job never stops the river, and neither does a bad moment of the database."""

import threading
from collections.abc import Callable

import pytest
from django.db import IntegrityError, OperationalError, connection

from calendly_connector.models import Job, Schedule
from calendly_connector.services import queue, schedule, worker
from calendly_connector.services.bell import Bell
from calendly_connector.services.queue import Claimed, Later, LeaseLost
from calendly_connector.services.worker import Worker
from calendly_connector.tasks import Task


def _worker(**runs: Callable[[Claimed], str | None]) -> Worker:
    return Worker({kind: Task(run=run) for kind, run in runs.items()}, concurrency=1, bell=Bell())


def _fail(job: Claimed) -> str | None:
    raise RuntimeError("out of luck")


def test_a_job_that_crashes_is_tried_again_later_and_the_next_one_runs(db: None) -> None:
    ran: list[int] = []
    queue.enqueue("bad", 1)
    queue.enqueue("good", 2)

    _worker(bad=_fail, good=lambda job: ran.append(job.subject)).drain()

    assert ran == [2]
    job = Job.objects.get()
    assert (job.kind, job.failures, job.last_error) == ("bad", 1, "RuntimeError: out of luck")


def test_a_job_of_a_kind_that_this_version_does_not_know_waits_for_one_that_does(db: None) -> None:
    queue.enqueue("from_the_future", 1)

    _worker().drain()

    assert Job.objects.get().last_error == "This version knows no job “from_the_future”."


def test_a_job_that_asks_for_later_gets_it(db: None) -> None:
    def later(job: Claimed) -> str | None:
        raise Later("not yet", seconds=60, is_failure=False)

    queue.enqueue("slow", 1)

    _worker(slow=later).drain()

    assert (Job.objects.get().last_error, Job.objects.get().failures) == ("not yet", 0)


def test_a_job_that_was_taken_over_is_left_to_its_new_worker(db: None) -> None:
    def lost(job: Claimed) -> str | None:
        Job.objects.update(attempts=job.attempts + 1, worker="heir")
        raise LeaseLost("taken over")

    queue.enqueue("slow", 1)

    _worker(slow=lost).drain()

    assert (Job.objects.get().state, Job.objects.get().worker) == ("running", "heir")


def test_giving_up_is_told_once_with_the_last_reason(db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(queue, "MAX_FAILURES", 1)
    told: list[tuple[int, str]] = []
    task = Task(run=_fail, give_up=lambda subject, reason: told.append((subject, reason)))
    queue.enqueue("bad", 5)

    Worker({"bad": task}, concurrency=1, bell=Bell()).drain()

    assert told == [(5, "RuntimeError: out of luck")]
    assert Job.objects.get().state == "failed"


def test_what_repeating_work_says_is_kept(db: None) -> None:
    schedule.install({"sweep": 60})

    _worker(sweep=lambda job: "all clean").drain()

    assert Schedule.objects.get().last_result == "all clean"


def test_a_stopped_worker_begins_nothing_new(db: None) -> None:
    queue.enqueue("good", 1)
    stopped = _worker(good=lambda job: None)
    stopped.stop()

    assert stopped.drain() == 0
    assert Job.objects.count() == 1


@pytest.mark.parametrize("error", [OperationalError, IntegrityError, ValueError])
def test_a_thread_outlives_whatever_goes_wrong_around_a_job(
    transactional_db: None, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    """The settling fails for the first job; the second is done by the same, only thread."""
    monkeypatch.setattr(worker, "DATABASE_PAUSE", 0.001)
    ran: list[int] = []

    def good(job: Claimed) -> str | None:
        ran.append(job.subject)
        running.stop()
        return None

    def no_postponing(job: Claimed, later: Later) -> bool:
        raise error("the database is out of sorts")

    monkeypatch.setattr(queue, "postpone", no_postponing)
    queue.enqueue("bad", 1)
    queue.enqueue("good", 2)
    running = _worker(bad=_fail, good=good)
    rescue = threading.Timer(20, running.stop)
    rescue.start()

    running.run()

    rescue.cancel()
    assert ran == [2]


def test_a_running_worker_hears_of_new_work_at_once(transactional_db: None) -> None:
    ran: list[int] = []

    def good(job: Claimed) -> str | None:
        ran.append(job.subject)
        running.stop()
        return None

    running = Worker({"good": Task(run=good)}, concurrency=2, bell=Bell())
    late = threading.Timer(0.05, lambda: _enqueue_elsewhere("good", 3))
    rescue = threading.Timer(20, running.stop)
    late.start()
    rescue.start()

    running.run()

    rescue.cancel()
    late.join()
    assert ran == [3]


def _enqueue_elsewhere(kind: str, subject: int) -> None:
    """Ask for work in a thread of its own, with its own connection to the database."""
    try:
        queue.enqueue(kind, subject)
    finally:
        connection.close()
