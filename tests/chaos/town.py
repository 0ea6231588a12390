"""Everything that runs: two web servers, three workers, and what is between them."""

import os
import random
import signal
import time
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from django.conf import settings

from calendly_connector.models import Job
from tests.chaos.patience import patiently
from tests.processes.brokers import Beat, CeleryWorker, Redis
from tests.processes.programs import PASSED_ON, WorkerProcess
from tests.processes.test_crash import expire_leases
from tests.web_process import ALSO, free_address

WEBS, WORKERS = 2, 3
LAST_WORDS = 1500  # characters
LOOKS = 100  # for a moment in which it has work in hand
WRONG = 90  # seconds by which the last worker's clock is off, ahead or behind
Started = TypeVar("Started", bound=WorkerProcess)


class WebServer(WorkerProcess):
    """One gunicorn."""

    program = ("-m", "gunicorn", "project.wsgi", "--threads", "4", "--bind")
    ready = "Booting worker"

    def kill(self) -> None:
        """End it as a machine does that loses its power: what it has forked goes too, and holds no port."""
        children = Path(f"/proc/{self.pid}/task/{self.pid}/children").read_text().split()
        super().kill()
        for child in children:
            with suppress(ProcessLookupError):
                os.kill(int(child), signal.SIGKILL)


class Ahead(CeleryWorker):
    """One whose clock is wrong."""

    program: tuple[str, ...] = ("-m", "tests.chaos.wrong_clock", f"+{WRONG}", *CeleryWorker.program[1:])


class Behind(CeleryWorker):
    """One whose clock is wrong the other way."""

    program: tuple[str, ...] = ("-m", "tests.chaos.wrong_clock", f"-{WRONG}", *CeleryWorker.program[1:])


class Town:
    """Starts and ends the programs; none outlives it. With a broker the workers are Celery's."""

    def __init__(
        self, database_url: str, folder: Path, dice: random.Random, *, redis: Redis | None, hurries: bool
    ) -> None:
        self.redis, self.hurries = redis, hurries
        self._folder, self._dice, self._started = folder, dice, 0
        self._environment = {
            **os.environ,
            **{name: str(getattr(settings, name)) for name in (*PASSED_ON, *ALSO)},
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "FOLLOW_DATABASE_CLOCK": "true",
            "DATABASE_URL": database_url,
            "TASK_QUEUE_URL": redis.url if redis else "",
        }
        self.addresses = [free_address() for _ in range(WEBS)]
        self.webs = [self._web(address) for address in self.addresses]
        self.workers = [self._worker(place) for place in range(WORKERS)]
        self.beat = self._beat() if redis else None
        for each in self.everybody():
            each.wait_until_ready()
        self.interrupted = 0

    def everybody(self) -> list[WorkerProcess]:
        """Return all programs that should run."""
        return [*self.webs, *self.workers, *([self.beat] if self.beat else [])]

    def kill_worker(self, place: int) -> None:
        """Kill a worker, if possible with work in hand, and hire another at once."""
        victim = self.workers[place]
        victim.wait_until_ready()
        held = Job.objects.filter(state="running", worker__endswith=f":{victim.pid}")
        for _ in range(LOOKS):
            if patiently(held.exists):
                break
            time.sleep(0.01)
        victim.kill()
        self.interrupted += patiently(held.count)
        if self.hurries:  # as time would
            patiently(lambda: expire_leases(victim))
        self.workers[place] = self._worker(place)

    def restart_web(self, place: int, *, is_polite: bool) -> None:
        """End a web server, by SIGTERM or SIGKILL, and start it again."""
        self.webs[place].wait_until_ready()
        if is_polite:
            self.webs[place].stop()
        else:
            self.webs[place].kill()
        self.webs[place] = self._web(self.addresses[place])

    def restart_beat(self) -> None:
        """Kill the beat and start another."""
        if self.beat:
            self.beat.kill()
            self.beat = self._beat()

    def last_words(self) -> str:
        """Return the end of what each program printed, and which of them has ended."""
        ends = [
            f"{type(each).__name__} {each.pid}, exit status {each.process.poll()}:\n{each.output[-LAST_WORDS:]}"
            for each in self.everybody()
        ]
        return "\n\n".join(ends)

    def close(self) -> None:
        """End whoever is left."""
        for each in self.everybody():
            if each.process.poll() is None:
                each.kill()

    def _web(self, address: str) -> WebServer:
        return self._start(WebServer, address.removeprefix("http://"))

    def _worker(self, place: int) -> WorkerProcess:
        if not self.redis:
            return self._start(WorkerProcess)  # around one file all are on one machine, which has one clock
        kind = self._dice.choice((Ahead, Behind)) if place == WORKERS - 1 else CeleryWorker
        return self._start(kind, "-n", f"w{self._started}@chaos")

    def _beat(self) -> Beat:
        return self._start(Beat, "--schedule", str(self._folder / "beat"), "--pidfile", "")

    def _start(self, kind: type[Started], *options: str) -> Started:
        self._started += 1
        output = self._folder / f"{kind.__name__}-{self._started}.log"
        return kind(*options, environment=self._environment, output=output)
