"""Claims due jobs, runs them, settles them; sleeps without cost and wakes at once when work arrives."""

import logging
import os
import socket
import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Protocol, TypeVar

from django.db import OperationalError, close_old_connections, connection

from calendly_connector.services import common_clock, queue, schedule, tally, trail
from calendly_connector.services.bell import Bell
from calendly_connector.services.queue import Claimed, Later, LeaseLost
from calendly_connector.services.receive import Adopter

logger = logging.getLogger(__name__)

LONGEST_NAP = 2.0  # seconds; bounds the wait for what no bell announces: a lane that opens, a lease that ends
ADOPT_SECONDS = 0.1
DATABASE_PAUSE = 1.0


T = TypeVar("T")


class TaskLike(Protocol):
    """What the worker needs of a task (`tasks.Task`)."""

    @property
    def run(self) -> Callable[[Claimed], str | None]:
        """Return what does the work of one job."""

    @property
    def about(self) -> str:
        """Return what a job's subject is in the log, such as "delivery"; empty: nothing that a booking belongs to."""

    @property
    def give_up(self) -> Callable[[int, str], None] | None:
        """Return what tells staff that all tries are used up."""


class Worker:
    """A number of threads that share one bell. `stop` lets the work in hand finish."""

    def __init__(self, tasks: Mapping[str, TaskLike], *, concurrency: int, bell: Bell) -> None:
        self.tasks = tasks
        self.concurrency = concurrency
        self.bell = bell
        self.adopter = Adopter()
        self._adopts_at = 0.0  # monotonic: deliveries get their jobs this often even while there is other work
        self.take_name()
        self._is_stopping = False  # a plain flag: a signal handler that takes a lock may wait for itself for ever

    def take_name(self) -> None:
        """Call it after this process, so that a job's row says who has it in hand."""
        self.name = f"{socket.gethostname()}:{os.getpid()}"

    def run(self) -> None:
        """Work until `stop`."""
        threads = [threading.Thread(target=self._work, name=f"worker-{n}") for n in range(self.concurrency)]
        for thread in threads:
            thread.start()
        while not self._is_stopping:
            self._guarded(schedule.tick)
            self._guarded(tally.write)
            until = time.monotonic() + self._seconds_to_tick()
            self._guarded(partial(self.bell.listen, until=until, is_over=lambda: self._is_stopping))
        connection.close()
        self.bell.ring(everybody=True)
        for thread in threads:
            thread.join()
        tally.write()
        connection.close()

    def stop(self) -> None:
        """Begin no new job. May be called by a signal handler."""
        self._is_stopping = True

    def drain(self) -> int:
        """Do what is due now in this thread, ticks included, and return the number of jobs done."""
        schedule.tick()
        count = 0
        while not self._is_stopping and (job := self.next_job()):
            self.do(job)
            count += 1
        tally.write()
        return count

    def stint(self, *, seconds: float, near: float) -> bool:
        """Do in this thread what is due, and wait for what is due in less than `near` seconds; return whether the time
        was over before the work."""
        end = time.monotonic() + seconds
        while (is_early := time.monotonic() < end) and not self._is_stopping:
            if job := self._guarded(self.next_job):
                self._guarded(partial(self.do, job))
                continue
            opening = self._guarded(lambda: queue.next_opening(common_clock.now()))
            if opening is None or opening > near:
                break
            time.sleep(opening)
        self._guarded(tally.write)
        return not is_early

    def next_job(self) -> Claimed | None:
        """Return the next due job, after making the jobs of deliveries that came in."""
        if time.monotonic() >= self._adopts_at:
            self._adopt()
        return queue.claim(self.name) or (queue.claim(self.name) if self._adopt() else None)

    def _adopt(self) -> int:
        self._adopts_at = time.monotonic() + ADOPT_SECONDS
        return self.adopter.adopt()

    def do(self, job: Claimed) -> None:
        """Run one claimed job and settle it. One bad job never stops the river."""
        task = self.tasks.get(job.kind)
        about = {task.about: job.subject} if task and task.about else {}
        with trail.scope(job=f"{job.kind}/{job.id}", attempt=job.attempts, **about):
            self._do(job, task)

    def _do(self, job: Claimed, task: TaskLike | None) -> None:
        try:
            if task is None:
                raise Later(f"This version knows no job “{job.kind}”.", seconds=300)
            result = task.run(job)
        except Later as later:
            self._postpone(job, later)
        except LeaseLost as lost:
            logger.warning("%s", lost)
        except Exception as error:
            logger.exception("Job %s %s failed", job.kind, job.subject)
            self._postpone(job, Later(f"{type(error).__name__}: {error}"[:500]))
        else:
            queue.finish(job)
            if result:
                schedule.note_result(job.kind, result)

    def _postpone(self, job: Claimed, later: Later) -> None:
        task = self.tasks.get(job.kind)
        if not job.subject:  # repeating work: staff see its last result
            schedule.note_result(job.kind, f"{schedule.FAILED} {later}")
        if not queue.postpone(job, later) and task and task.give_up:
            task.give_up(job.subject, str(later))

    def _work(self) -> None:
        try:
            while not self._is_stopping:
                heard = self.bell.rings
                job = self._guarded(self.next_job)
                if job:
                    self.bell.ring()  # there may be more: whoever sleeps may look
                    self._guarded(partial(self.do, job))
                else:
                    self.bell.wait(heard, seconds=self._seconds_to_job())
        finally:
            connection.close()

    def _seconds_to_job(self) -> float:
        due = self._guarded(lambda: queue.next_opening(common_clock.now()))
        return LONGEST_NAP if due is None else min(LONGEST_NAP, due)

    def _seconds_to_tick(self) -> float:
        due = self._guarded(schedule.next_tick)
        return LONGEST_NAP if due is None else max(0.01, min(LONGEST_NAP, (due - common_clock.now()).total_seconds()))

    def _guarded(self, work: Callable[[], T]) -> T | None:
        """Run something; when that fails, wait a moment and return None: the database comes back, the thread lives."""
        try:
            return work()
        except OperationalError as error:
            logger.warning("The database doesn't answer: %s", error)
        except Exception:
            logger.exception("The worker stumbled and goes on")
        close_old_connections()
        time.sleep(DATABASE_PAUSE)
        return None
