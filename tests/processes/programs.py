"""Starts the real worker as a process of its own, and ends it by its id: politely, or by SIGKILL."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

from django.conf import settings

BASE = Path(__file__).resolve().parents[2]
PATIENCE = 60.0  # seconds; only a broken worker takes this long
PASSED_ON = ("CALENDLY_API_URL", "CALENDLY_AUTH_URL", "BREVO_API_URL", "CALENDLY_ACCESS_TOKEN", "BREVO_API_KEY")

T = TypeVar("T")


class WorkerProcess:
    """One `manage.py calendly_worker`. Its output goes to a file, so it never waits for a reader."""

    program: tuple[str, ...] = (str(BASE / "manage.py"), "calendly_worker")
    ready = "jobs at a time"  # what it prints when it begins to work

    def __init__(self, *options: str, environment: Mapping[str, str], output: Path) -> None:
        self._output = output
        with output.open("wb") as file:
            self.process = subprocess.Popen(
                [sys.executable, *self.program, *options],
                cwd=BASE,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=file,
                stderr=subprocess.STDOUT,
            )

    @property
    def pid(self) -> int:
        """Return the process id."""
        return self.process.pid

    @property
    def output(self) -> str:
        """Return what it printed so far."""
        return self._output.read_text(errors="replace")

    def wait_until_ready(self) -> None:
        """Wait until it begins to work."""
        wait_for(lambda: self.ready in self.output or self.process.poll() is not None)
        assert self.process.poll() is None, self.output

    def signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        self.process.send_signal(number)

    def kill(self) -> None:
        """End it without a chance to tidy up."""
        self.process.kill()
        self.process.wait()

    def stop(self) -> int:
        """Ask it to stop and return its exit status."""
        self.process.terminate()
        return self.process.wait(PATIENCE)


class Crew:
    """All workers of one test; none outlives it."""

    def __init__(self, database_url: str, folder: Path) -> None:
        self.environment = {
            **os.environ,
            **{name: str(getattr(settings, name)) for name in PASSED_ON},
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "DATABASE_URL": database_url,
        }
        self._folder = folder
        self._all: list[WorkerProcess] = []

    def hire(self, *options: str) -> WorkerProcess:
        """Start one more worker and return at once."""
        output = self._folder / f"worker-{len(self._all)}.log"
        worker = WorkerProcess(*options, environment=self.environment, output=output)
        self._all.append(worker)
        return worker

    def hire_ready(self, *options: str) -> WorkerProcess:
        """Start one more worker and return when it works."""
        worker = self.hire(*options)
        worker.wait_until_ready()
        return worker

    @property
    def outputs(self) -> str:
        """Return what all of them printed."""
        return "\n".join(worker.output for worker in self._all)

    def dismiss(self) -> None:
        """End whoever is left."""
        for worker in self._all:
            if worker.process.poll() is None:
                worker.kill()


def wait_for(ask: Callable[[], T], *, seconds: float = PATIENCE, step: float = 0.02) -> T:
    """Return the first true answer; fail when there is none in time."""
    end = time.monotonic() + seconds
    while not (answer := ask()):
        assert time.monotonic() < end, f"Waited {seconds:g} seconds in vain."
        time.sleep(step)
    return answer
