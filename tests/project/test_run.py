"""`make run`, for real: in a folder of its own, with every process it starts, from the first start to Ctrl-C."""

import fcntl
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import requests

from project import ports
from project.plan import BASE
from project.story import STATE

PARTS = ("calendly_connector", "deploy", "project", "sandbox", "templates", "manage.py")
SECONDS = 120
READY = "Ctrl-C stops everything."


class Run:
    """A running `python -m project.run`, and what it printed so far."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "project.run"],
            cwd=folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.output = ""
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as lines:
            for line in lines:
                self.output += line

    def wait_for(self, words: str) -> None:
        """Wait until it printed these words; fail with its output when it ends or the time runs out first."""
        end = time.monotonic() + SECONDS
        while words not in self.output:
            assert self.process.poll() is None and time.monotonic() < end, self.output
            time.sleep(0.1)

    def stop(self, number: signal.Signals = signal.SIGINT) -> int:
        """Send Ctrl-C (or another signal) and return the exit status."""
        self.process.send_signal(number)
        status = self.process.wait(timeout=SECONDS)
        self._reader.join(timeout=5)
        return status

    def port(self, address: str) -> int:
        """Return the port of the printed address that ends in these words."""
        found = re.search(rf"http://127\.0\.0\.1:(\d+){re.escape(address)}(?!\S)", self.output)
        assert found, self.output
        return int(found[1])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Return a copy of the product, as after a clone."""
    for name in PARTS:
        source = BASE / name
        if source.is_dir():
            shutil.copytree(source, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy(source, tmp_path / name)
    return tmp_path


@pytest.fixture
def environment() -> dict[str, str]:
    """Return what a new user's shell has: a path, and nothing of ours."""
    return {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "LANG": "C.UTF-8"}


@pytest.fixture
def runs(folder: Path, environment: dict[str, str]) -> Iterator[list[Run]]:
    """Return the list of runs of this test; whatever still runs at its end is ended."""
    started: list[Run] = []
    yield started
    for run in started:
        if run.process.poll() is None:
            run.stop(signal.SIGTERM)


def told_by_brevo(sandbox: int) -> list[dict[str, Any]]:
    """Let somebody unsubscribe, and return the webhooks that Brevo has posted, once there are any."""
    contacts = ports.ask(sandbox, "GET", STATE)[1]["contacts"]
    address = f"http://{ports.HOST}:{sandbox}/sandbox/brevo/unsubscribe"
    requests.post(address, json={"email": contacts[0]["email"]}, timeout=30).raise_for_status()
    end = time.monotonic() + SECONDS
    while not (told := ports.ask(sandbox, "GET", STATE)[1]["webhooks"]):
        assert time.monotonic() < end, "Brevo posted nothing."
        time.sleep(0.1)
    return list(told)


def typed(folder: Path, environment: Mapping[str, str], *words: str) -> str:
    """Type a command as README.md has it, in another terminal; return what it printed once it succeeded."""
    command = [sys.executable, "manage.py", *words]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_from_an_empty_folder_to_a_table_and_back(folder: Path, environment: dict[str, str], runs: list[Run]) -> None:
    runs.append(first := Run(folder, environment))
    first.wait_for(READY)
    web, sandbox = first.port("/admin/"), first.port("/sandbox/brevo")

    assert "Playing a story" in first.output
    assert "cancelled" in first.output.split("What Brevo holds now:")[1]
    assert re.search(r"admin, password \S{16} \(shown this once\)", first.output)
    assert ports.ask(web, "GET", "/health/live")[0] == 200
    assert (folder / ".env").stat().st_mode & 0o777 == 0o600
    assert "Brevo tells us of unsubscriptions, bounces and deletions from now on." in first.output
    assert "Connected." in typed(folder, environment, "calendly_connect")

    assert first.stop() == 0
    assert ports.is_free(web)
    assert ports.is_free(sandbox)
    table = first.output.split("What Brevo holds now:")[1].split("Admin")[0]

    runs.append(second := Run(folder, environment))
    second.wait_for(READY)

    assert "Playing a story" not in second.output
    assert "password" not in second.output.replace("changepassword", "")
    assert second.output.split("What Brevo holds now:")[1].split("Admin")[0] == table
    assert {each["status"] for each in told_by_brevo(second.port("/sandbox/brevo"))} == {200}  # and it is believed
    assert second.stop(signal.SIGTERM) == 0


def test_a_port_that_was_asked_for_and_is_taken_ends_it_with_words(
    folder: Path, environment: dict[str, str], runs: list[Run]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        runs.append(run := Run(folder, {**environment, "PORT": str(port)}))

        assert run.process.wait(timeout=SECONDS) == 1

    run.stop()
    assert f"Port {port} is taken, and PORT asks for exactly that one." in run.output
    assert "Traceback" not in run.output


def test_the_same_folder_is_not_run_twice(folder: Path, environment: dict[str, str], runs: list[Run]) -> None:
    memory = folder / ".run"
    memory.mkdir()
    with (memory / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write("4711")
        lock.flush()
        runs.append(run := Run(folder, environment))

        assert run.process.wait(timeout=SECONDS) == 1

    run.stop()
    assert "It is running already, as process 4711." in run.output
