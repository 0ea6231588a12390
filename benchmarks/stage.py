"""Sets the stage: a temporary folder, a database of its own, and the real processes as `make run` starts them."""

import http.client
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import django
import psycopg
from django.core.management import call_command
from django.db import connection
from psycopg import sql

from project import plan, ports, run
from project.plan import Plan
from project.supervisor import Program, Supervisor

BASE = Path(__file__).resolve().parent.parent
START_SECONDS, STOP_SECONDS = 60, 30
NEVER_TOGETHER = {"PEOPLE_AT_ONCE_FROM": "1000000"}
"""What keeps a worker from writing many people by one import, where what one of them costs is measured."""
SECRETS = {
    "SECRET_KEY": "known-to-everyone-and-good-for-a-benchmark-alone",
    "FIELD_ENCRYPTION_KEYS": "YmVuY2htYXJrcy1vbmx5LWtleS0zMi1ieXRlcy1vayE=",
    "DEBUG": "false",
    "ALLOWED_HOSTS": "127.0.0.1",
    "LOG_LEVEL": "WARNING",
    "LOG_WEBHOOKS": "false",
    "TASK_QUEUE_URL": "",
    "CALENDLY_CLIENT_ID": "",
    "CALENDLY_CLIENT_SECRET": "",
}


class StageError(Exception):
    """Something did not start; the text says what."""


@dataclass(frozen=True, kw_only=True)
class Stage:
    """Where everything listens. `supervisor` holds the processes by name."""

    supervisor: Supervisor
    plan: Plan
    floor_port: int
    signing_key: str
    folder: Path

    def start_worker(self, environment: Mapping[str, str] | None = None, *, name: str = "worker") -> None:
        """Start a worker; `environment` is what it is to have besides."""
        program = run.worker_program(self.plan)
        environment = {**program.environment, **(environment or {})}
        self.supervisor.start(replace(program, name=name, environment=environment))

    def stop(self, name: str) -> None:
        """Ask one of our processes to stop, and wait until it has finished what it has in hand."""
        child = self.supervisor.children[name]
        child.signal(signal.SIGTERM)
        child.process.wait(timeout=STOP_SECONDS)

    def pid(self, name: str) -> int:
        """Return the process id of one of our processes. Raise StageError when it has ended."""
        child = self.supervisor.children[name]
        if child.process.poll() is not None:
            raise StageError(f"{name} ended in the middle. Its last words:\n" + "\n".join(child.last_words))
        return child.process.pid

    def sandbox(self, method: str, path: str, body: object = None, *, seconds: float = 60) -> Any:
        """Ask the sandbox's control routes."""
        connection = http.client.HTTPConnection(ports.HOST, self.plan.sandbox_port, timeout=seconds)
        try:
            headers = {"Content-Type": "application/json"}
            connection.request(method, path, body=json.dumps(body) if body is not None else None, headers=headers)
            response = connection.getresponse()
            content = response.read()
        finally:
            connection.close()
        if response.status >= 300:
            raise StageError(f"The sandbox answered {response.status} to {path}: {content.decode()[:300]}")
        return json.loads(content) if content else None


@contextmanager
def set_up(database_url: str, *, serves: bool = True) -> Iterator[Stage]:
    """Start sandbox, web and floor, connect the accounts, and take all of it down afterwards.

    Without `serves` there is neither web nor floor, for measuring a command. Our own environment is changed too, so
    that this process can open the same database.
    """
    with (
        tempfile.TemporaryDirectory(prefix="calendly-connector-bench-") as name,
        new_database(database_url, name) as url,
    ):
        folder = Path(name)
        web, sandbox, floor = _free_ports(3)
        environment = plan.sandbox_environment(folder, web_port=web, sandbox_port=sandbox)
        _become({**SECRETS, **environment, "DATABASE_URL": url})
        ours = Plan(sandbox=True, web_port=web, sandbox_port=sandbox, environment=environment)
        with Supervisor(say=_Log(folder / "log")) as supervisor:
            stage = Stage(
                supervisor=supervisor,
                plan=ours,
                floor_port=floor,
                signing_key=environment["CALENDLY_WEBHOOK_SIGNING_KEY"],
                folder=folder,
            )
            _connect(stage)
            if serves:
                _serve(stage, floor_url=url if url.startswith("postgres") else f"sqlite:///{folder / 'floor.sqlite3'}")
            yield stage


def prepare_django() -> None:
    """Let this process open the database of the stage that was set up."""
    os.environ["DJANGO_SETTINGS_MODULE"] = "project.settings"
    django.setup()


@contextmanager
def a_database(server: str) -> Iterator[None]:
    """Let this process open a new database, with all its tables, whatever the environment names: for measuring without
    other processes. `server` is as in `new_database`."""
    with tempfile.TemporaryDirectory(prefix="calendly-connector-bench-") as folder, new_database(server, folder) as url:
        _become({**SECRETS, "DATABASE_URL": url, "PUBLIC_URL": "http://127.0.0.1:1"})
        prepare_django()
        call_command("migrate", verbosity=0)
        try:
            yield
        finally:
            connection.close()


def _connect(stage: Stage) -> None:
    supervisor, ours = stage.supervisor, stage.plan
    command = [sys.executable, "-m", "sandbox", "--port", str(ours.sandbox_port)]
    supervisor.start(Program(name="sandbox", command=command, stops_last=True))
    _wait_for(stage, "sandbox", ours.sandbox_port, "/sandbox/health")
    stage.sandbox("POST", "/sandbox/brevo/settings", {"limits": False})
    run.command(ours, run.MANAGE, "migrate", "--verbosity", "0")
    run.command(ours, run.MANAGE, "calendly_connect", "--create-attributes", quiet=True)


def _serve(stage: Stage, *, floor_url: str) -> None:
    supervisor, ours = stage.supervisor, stage.plan
    supervisor.start(run.web_program(ours))
    supervisor.start(_floor_program(stage, floor_url))
    _wait_for(stage, "web", ours.web_port, "/health/ready")
    _wait_for(stage, "floor", stage.floor_port, "/health/live")


def _floor_program(stage: Stage, database_url: str) -> Program:
    """Return the floor, served by exactly the command that serves the connector."""
    web = run.web_program(stage.plan)
    changes = {
        "project.wsgi:application": "benchmarks.floor:application",
        f"{ports.HOST}:{stage.plan.web_port}": f"{ports.HOST}:{stage.floor_port}",
    }
    command = [changes.get(argument, argument) for argument in web.command]
    environment = {**web.environment, "DATABASE_URL": database_url}
    return replace(web, name="floor", command=command, environment=environment)


def _wait_for(stage: Stage, name: str, port: int, path: str) -> None:
    end = time.monotonic() + START_SECONDS
    while ports.ask(port, "GET", path, seconds=5)[0] != 200:
        stage.pid(name)
        if time.monotonic() > end:
            raise StageError(f"After a minute {name} still doesn't answer.")
        time.sleep(0.05)


class _Log:
    """Keeps what the processes say out of the report."""

    def __init__(self, path: Path) -> None:
        self._file = path.open("a", encoding="utf-8")

    def __call__(self, text: str) -> None:
        self._file.write(text + "\n")


def _become(environment: Mapping[str, str]) -> None:
    """Take over an environment, so that no `.env` and no `NAME_FILE` can name a real account."""
    for name, value in environment.items():
        os.environ[name] = value
        os.environ[f"{name}_FILE"] = ""


def _free_ports(count: int) -> list[int]:
    found: list[int] = []
    while len(found) < count:
        found.append(ports.choose("PORT", wanted="", default=18400, used=found))
    return found


@contextmanager
def new_database(url: str, folder: str) -> Iterator[str]:
    """Yield the address of a new database: a file in the folder, or one on the server that `url` names."""
    if not url:
        yield f"sqlite:///{Path(folder) / 'db.sqlite3'}"
        return
    name = f"calendly_bench_{os.getpid()}"
    with psycopg.connect(url, autocommit=True) as server:
        server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        yield urlunsplit(urlsplit(url)._replace(path=f"/{name}"))
    finally:
        with psycopg.connect(url, autocommit=True) as server:
            server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))
