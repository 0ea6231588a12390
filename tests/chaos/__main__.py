"""`python -m tests.chaos [--bookings N] [--rounds N] [--sqlite] [--hurry] [--minutes N] [--seed N]`, or `make chaos`.

Starts PostgreSQL, Redis, two web servers, three workers and the beat as processes (with `--sqlite`: two web servers and
three workers around one file), lets people book, move, cancel and stay away, breaks everything in turns, and compares
what Brevo and the ledger hold in the end with what must be. Exit status 1: something was lost or doubled.
"""

import argparse
import os
import random
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import django

from tests.network import loopback_only
from tests.postgres import PostgresError, Server, own_server

BOOKINGS, ROUNDS, MINUTES = 10_000, 4, 40


def main() -> int:
    """Run, print, and return the exit status."""
    options = _options()
    os.environ["DJANGO_SETTINGS_MODULE"] = "tests.settings"
    with loopback_only(), tempfile.TemporaryDirectory(prefix="calendly-connector-chaos-") as name:
        try:
            with _database(Path(name), is_sqlite=options.sqlite) as (url, server):
                os.environ |= {"DATABASE_URL": url, "FOLLOW_DATABASE_CLOCK": "true"}
                django.setup()
                from tests.chaos import play  # noqa: PLC0415 - reads the models, for which Django has to be ready

                return play.play(options, Path(name), url, server)
        except PostgresError as error:
            print(error, file=sys.stderr)
            return 1


@contextmanager
def _database(folder: Path, *, is_sqlite: bool) -> Iterator[tuple[str, Server | None]]:
    with ExitStack() as stack:
        if is_sqlite:
            yield f"sqlite:///{folder / 'chaos.sqlite3'}", None
        else:
            # What was committed outlives a crash of the server, as in real life; a crash of the machine isn't played.
            server = stack.enter_context(own_server(synchronous_commit="on"))
            yield server.url, server


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="tests.chaos", description=__doc__)
    parser.add_argument("--bookings", type=int, default=BOOKINGS, help="how many, both halves of a move counted")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="how often each kind of mischief is done")
    parser.add_argument("--sqlite", action="store_true", help="one SQLite file and no broker")
    parser.add_argument("--hurry", action="store_true", help="let leases and pauses end early, as if time passed")
    parser.add_argument("--minutes", type=float, default=MINUTES, help="give up after so many")
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10**6), help="repeats the lives")
    options = parser.parse_args()
    options.end = time.monotonic() + options.minutes * 60
    return options


if __name__ == "__main__":
    sys.exit(main())
