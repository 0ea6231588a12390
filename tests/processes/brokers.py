"""A Redis of the test's own, and Celery's worker and beat between it and the test's database."""

import os
import socket
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import TypeVar

from django.conf import settings

from tests.processes.programs import PASSED_ON, WorkerProcess, wait_for

CELERY = ("-m", "celery", "-A", "project")
Started = TypeVar("Started", bound=WorkerProcess)


class Redis:
    """A broker that keeps nothing on disk; ended and started again by its process id, on the same port."""

    def __init__(self, folder: Path) -> None:
        with socket.create_server(("127.0.0.1", 0)) as listener:
            self.port = int(listener.getsockname()[1])
        self._folder = folder
        self.start()

    @property
    def url(self) -> str:
        """Return what TASK_QUEUE_URL is to be."""
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Start it and return when it answers."""
        command = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        with (self._folder / "redis.log").open("ab") as log:
            self.process = subprocess.Popen(
                command, cwd=self._folder, stdin=subprocess.DEVNULL, stdout=log, stderr=subprocess.STDOUT
            )
        try:
            wait_for(lambda: self._ask(b"PING\r\n") == b"+PONG\r\n")
        except AssertionError:
            self.stop()
            raise

    def stop(self) -> None:
        """End it; what it held is gone."""
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()

    def flush(self) -> None:
        """Let it forget every message."""
        assert self._ask(b"FLUSHALL\r\n") == b"+OK\r\n"

    def _ask(self, command: bytes) -> bytes:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
                connection.sendall(command)
                return connection.recv(1000)
        except OSError:
            return b""


class CeleryWorker(WorkerProcess):
    """One `celery worker` of two threads."""

    program: tuple[str, ...] = (
        "-m",
        "celery",
        "-A",
        "project",
        "worker",
        "--pool",
        "threads",
        "--concurrency",
        "2",
        "--loglevel",
        "INFO",
    )
    ready = " ready."


class Beat(WorkerProcess):
    """The one `celery beat`."""

    program = (*CELERY, "beat", "--loglevel", "INFO")
    ready = "is starting"


class Squad:
    """A broker, and everything that a test starts around it; none of it outlives the test."""

    def __init__(self, database_url: str, folder: Path) -> None:
        self.redis = Redis(folder)
        self._environment = {
            **os.environ,
            **{name: str(getattr(settings, name)) for name in PASSED_ON},
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "DATABASE_URL": database_url,
            "TASK_QUEUE_URL": self.redis.url,
        }
        self._folder = folder
        self._all: list[WorkerProcess] = []

    def hire(self, **more: str) -> CeleryWorker:
        """Start one more worker and return when it works. `more` goes into its environment."""
        return self._begin(CeleryWorker, "-n", f"w{len(self._all)}@test", **more)

    def beat(self) -> Beat:
        """Start the beat."""
        return self._begin(Beat, "--schedule", str(self._folder / "beat"), "--pidfile", "")

    def _begin(self, kind: type[Started], *options: str, **more: str) -> Started:
        environment: Mapping[str, str] = {**self._environment, **more}
        process = kind(*options, environment=environment, output=self._folder / f"celery-{len(self._all)}.log")
        self._all.append(process)
        process.wait_until_ready()
        return process

    def dismiss(self) -> None:
        """End whoever is left."""
        for each in self._all:
            if each.process.poll() is None:
                each.kill()
        self.redis.stop()
