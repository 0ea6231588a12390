"""Does long work in the process of a command, shows how far it is, and stays until Brevo has what came of it.

The work is a job like any other: a worker may have it already, then its progress is watched. While there is nothing
of its own to do, it does whatever else is due: no worker needs to run.
"""

import os
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Generic, TypeVar

from calendly_connector import tasks
from calendly_connector.management.progress import Progress, Stand
from calendly_connector.models import Job, LinkRun, Reading
from calendly_connector.services import backfill, links, queue, reading
from calendly_connector.services import connection as connections
from calendly_connector.services.bell import Bell
from calendly_connector.services.queue import Claimed
from calendly_connector.services.worker import Worker

NAP = 0.2  # seconds between two looks while others work, or a limit has to be waited for
SHOW_EVERY = 0.2
FINISHED, RUNNING = "finished", "running"
PATIENCE = 300.0  # seconds without anything done, after which nobody waits for Brevo any more


Row = TypeVar("Row", Reading, LinkRun)
Renew = Callable[[], None]


@dataclass(frozen=True, kw_only=True)
class Work(Generic[Row]):
    """What kind of work it is: its job, how to pause it, how far it is, and whether Brevo has what came of it."""

    kind: str
    key_of: Callable[[int], str]
    advance: Callable[[int, Renew], None]
    give_up: Callable[[int, str], None]
    pause: Callable[[Row], bool]
    stand_of: Callable[[Row], Stand]
    is_settled: Callable[[Row], bool] = lambda row: True


class Foreground(Generic[Row]):
    """One piece of work, from where it stands to its end."""

    def __init__(self, row: Row, work: Work[Row], progress: Progress) -> None:
        self.row: Row = row
        self._work: Work[Row] = work
        self._progress = progress
        self._shown_at, self._busy_at = 0.0, time.monotonic()
        self._refusal: queue.Later | None = None
        mine = tasks.Task(run=self._advance, give_up=work.give_up)
        self._worker = Worker({**tasks.TASKS, work.kind: mine}, concurrency=1, bell=Bell())
        self._key = work.key_of(row.pk)

    def run(self) -> None:
        """Work to the end, or until it stops with words; then wait for Brevo. Ctrl-C pauses it."""
        with _interruptible():
            try:
                self._until(self._is_over)
                self._until(self._is_written)
            except KeyboardInterrupt:
                queue.let_go(self._worker.name)
                self._work.pause(self.row)
                raise
            finally:
                self._show(is_forced=True)
                self._progress.close()

    @property
    def why_stopped(self) -> str:
        """Return why it isn't over; empty when it is."""
        self.row.refresh_from_db()
        if self.row.state == FINISHED:
            return ""
        return self.row.words or f"It is {self.row.get_state_display()}."

    def _until(self, is_over: Callable[[], bool]) -> None:
        while not is_over():
            if not self._do_something():
                time.sleep(NAP)
            self._show()

    def _do_something(self) -> bool:
        """Do its own job, else any other that is due; return whether there was one."""
        self._free_from_the_dead()
        job = queue.claim(self._worker.name, key=self._key) or self._worker.next_job()
        if job is None:
            return False
        self._worker.do(job)
        self._busy_at = time.monotonic()
        return True

    def _advance(self, job: Claimed) -> None:
        def renew() -> None:
            job.renew()
            self._show()

        try:
            self._work.advance(job.subject, renew)
        except connections.NotConfigured as refused:  # work would wait for it: a person should hear of it now
            self._refusal = refused
            raise

    def _is_over(self) -> bool:
        """Return whether it is over, or can't go on by itself."""
        self.row.refresh_from_db()
        if self._refusal or self.row.state != RUNNING:
            return True
        job = Job.objects.filter(dedupe_key=self._key).first()
        return job is None or job.state == Job.State.FAILED

    def _is_written(self) -> bool:
        """Return whether Brevo has everything, or is not to be written to at present."""
        account = self.row.connection.brevo_account
        account.refresh_from_db()
        is_stuck = time.monotonic() - self._busy_at > PATIENCE
        return account.is_paused or is_stuck or self._work.is_settled(self.row)

    def _free_from_the_dead(self) -> None:
        """Take over from processes of this machine that were killed, without waiting for their leases."""
        for name in Job.objects.filter(state=Job.State.RUNNING).values_list("worker", flat=True).distinct():
            host, _, number = name.rpartition(":")
            if host == socket.gethostname() and number.isdigit() and not _is_alive(int(number)):
                queue.let_go(name)

    def _show(self, *, is_forced: bool = False) -> None:
        now = time.monotonic()
        if is_forced or now - self._shown_at >= SHOW_EVERY:
            self._shown_at = now
            self.row.refresh_from_db()
            self._progress.show(self._work.stand_of(self.row))


def _reading_stand(row: Reading) -> Stand:
    is_over, is_running = row.state == FINISHED, row.state == RUNNING
    return Stand(
        stage="Writing to Brevo" if is_over else "Reading" if row.is_listed else "Listing",
        done=row.meetings_read,
        total=backfill.noted(row),
        unit="meetings",
        verb="read",
        listed=row.meetings,
        is_listed=row.is_listed,
        words=row.words if is_running else "",
    )


def _links_stand(row: LinkRun) -> Stand:
    is_made = row.is_listed and row.made >= row.total
    return Stand(
        stage="Writing to Brevo" if is_made else "Making" if row.is_listed else "Listing",
        done=row.made,
        total=row.total,
        unit="links",
        verb="made",
        listed=row.total,
        is_listed=row.is_listed,
        words=row.words if row.state == RUNNING else "",
    )


READING = Work[Reading](
    kind=reading.READ,
    key_of=reading.key_of,
    advance=reading.advance,
    give_up=reading.give_up,
    pause=reading.pause,
    stand_of=_reading_stand,
    is_settled=backfill.is_settled,
)
LINKS = Work[LinkRun](
    kind=links.RUN,
    key_of=links.key_of,
    advance=links.advance,
    give_up=links.give_up,
    pause=links.pause,
    stand_of=_links_stand,
)


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


@contextmanager
def _interruptible() -> Iterator[None]:
    """Let SIGTERM do what Ctrl-C does."""

    def interrupt(number: int, frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    if threading.current_thread() is not threading.main_thread():  # Python gives signals to the main thread alone
        yield
        return
    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)
