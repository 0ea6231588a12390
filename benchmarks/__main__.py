"""Measures speed and size: `python -m benchmarks [--quick] [--database-url URL]`. About forty minutes, or eight."""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence

from django.db import connection

from benchmarks import stage as stages
from benchmarks.report import Line, heading, machine, rows, summary
from benchmarks.stage import Stage, StageError

OTHERS: Mapping[str, Sequence[str]] = {"ledger": (), "home": (), "backfill": (), "links": ()}
OTHERS_QUICK = {"ledger": ("--quick",), "home": ("--rows", "100000"), "links": ("--people", "120")}
"""What is measured afterwards, each as a program of its own: module → arguments."""


def main() -> int:
    """Set the stage, measure, print; return the exit status: 0 also when an aim is missed, for machines differ."""
    options = _options()
    print(machine(), flush=True)
    begun = time.monotonic()
    try:
        with stages.set_up(options.database_url) as stage:
            stages.prepare_django()
            try:
                lines = _measure(stage, quick=options.quick)
            finally:
                connection.close()
    except StageError as error:
        print(error, file=sys.stderr)
        return 1
    print(summary(lines))
    status = 0
    for module, arguments in (OTHERS_QUICK if options.quick else OTHERS).items():
        command = [sys.executable, "-W", "ignore", "-m", f"benchmarks.{module}", *arguments]
        done = subprocess.run([*command, "--database-url", options.database_url], check=False)
        status = done.returncode or status
    print(f"Took {time.monotonic() - begun:.0f} s.")
    return status


def _measure(stage: Stage, *, quick: bool) -> list[Line]:
    from benchmarks import crowd, scenes  # noqa: PLC0415 - reads the models, for which Django has to be ready

    size = scenes.QUICK if quick else scenes.FULL
    parts: dict[str, Callable[[], list[Line]]] = {
        f"Webhooks acknowledged ({connection.vendor}; no worker)": lambda: scenes.acknowledge(stage, size),
        "5 bookings a second": lambda: scenes.at_a_pace(stage, size, 5),
        "20 bookings a second": lambda: scenes.at_a_pace(stage, size, 20),
        "A burst": lambda: scenes.burst(stage, size),
        "Size": lambda: scenes.at_rest(stage, size),
        "A crowd, with Brevo's real limits": lambda: crowd.crowd(stage, singly=size.singly, people=size.crowd),
    }
    all_lines: list[Line] = []
    for number, (title, measure) in enumerate(parts.items()):
        if number == 1:
            scenes.warm_up(stage)
        print(heading(title), flush=True)
        lines = measure()
        print(rows(lines), flush=True)
        all_lines += lines
    return all_lines


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="smaller loads, in about eight minutes")
    parser.add_argument(
        "--database-url",
        default=_postgres_of_environment(),
        help="a PostgreSQL server on which a new database is made and dropped (default: a temporary SQLite file)",
    )
    return parser.parse_args()


def _postgres_of_environment() -> str:
    """Return DATABASE_URL when it names PostgreSQL, as `python -m tests.postgres -- …` sets it."""
    url = os.environ.get("DATABASE_URL", "")
    return url if url.startswith(("postgres://", "postgresql://")) else ""


if __name__ == "__main__":
    sys.exit(main())
