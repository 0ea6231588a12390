"""`make chaos` in short: everything breaks once, and nothing is lost or doubled."""

import subprocess
import sys

from django.db import connection

from tests.processes.programs import BASE

BOOKINGS, MINUTES = 120, 8
EVERYWHERE = {"a worker is killed", "a web server is killed", "a web server is restarted", "Brevo answers 500"}
BETWEEN = {"Redis is flushed", "Redis is restarted", "PostgreSQL is restarted", "PostgreSQL crashes"}


def test_nothing_is_lost_or_doubled_while_everything_breaks() -> None:
    on = ["--sqlite"] if connection.vendor == "sqlite" else []
    command = [sys.executable, "-m", "tests.chaos", "--bookings", str(BOOKINGS), "--rounds", "1", "--hurry"]

    ended = subprocess.run(
        [*command, "--minutes", str(MINUTES), *on], cwd=BASE, capture_output=True, text=True, check=False
    )

    said = ended.stdout + ended.stderr
    assert ended.returncode == 0, said
    assert said.endswith("Nothing was lost, nothing doubled.\n"), said
    for deed in EVERYWHERE if on else EVERYWHERE | BETWEEN:
        assert f"1 times {deed}\n" in said, said
