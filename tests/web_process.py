"""A real web server as a process of its own, on the test's database, at an address known before it starts."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import requests
from django.conf import settings

from tests.processes.programs import PASSED_ON, wait_for

BASE = Path(__file__).resolve().parents[1]
ALSO = ("CALENDLY_CLIENT_ID", "CALENDLY_CLIENT_SECRET", "CALENDLY_WEBHOOK_SIGNING_KEY")


def free_address() -> str:
    """Return an address on which nobody listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return f"http://127.0.0.1:{listener.getsockname()[1]}"


@contextmanager
def web_process(
    address: str,
    *,
    database_url: str,
    output: Path,
    environment: Mapping[str, str] | None = None,
    application: str = "project.wsgi",
) -> Iterator[subprocess.Popen[bytes]]:
    """Serve the project with gunicorn and the test's settings, from when it answers to the end of the block."""
    variables = {
        **os.environ,
        **{name: str(getattr(settings, name)) for name in (*PASSED_ON, *ALSO)},
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "DATABASE_URL": database_url,
        "PUBLIC_URL": address,
        **(environment or {}),
    }
    place = ["--bind", address.removeprefix("http://"), "--threads", "4", "--chdir", str(BASE)]
    with output.open("wb") as file:
        process = subprocess.Popen(
            [sys.executable, "-m", "gunicorn", *place, application],
            cwd=BASE, env=variables, stdin=subprocess.DEVNULL, stdout=file, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        wait_for(lambda: _answers(address) or process.poll() is not None, seconds=30)
        assert process.poll() is None, output.read_text(errors="replace")
        yield process
    finally:
        process.terminate()
        process.wait(20)


def _answers(address: str) -> bool:
    try:
        return requests.get(f"{address}/health/live", timeout=5).ok
    except (requests.ConnectionError, requests.Timeout):  # it still loads
        return False
