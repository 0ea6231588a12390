"""Deleting by age at a million rows: how long the half of it takes, and for how long one piece holds the database.

`python -m benchmarks.purge [--rows 1000000] [--body BYTES] [--first deliveries] [--database-url URL]`, on a database of
its own, as `calendly_purge` does. On SQLite, which has one writer, another one asks for the database meanwhile.
"""

import argparse
import os
import sqlite3
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager

from benchmarks.measure import percentile
from benchmarks.report import Line, heading, machine, rows, summary
from benchmarks.stage import a_database
from tests import payload_files

MANY, KEPT = 1_000_000, "200"  # days, of the 400 over which the rows are spread
TABLES = ("bodies", "log", "deliveries")
MAX_PIECE = 0.5  # seconds that a webhook may have to wait for SQLite's only writer


def measure(many: int, *, body: bytes, tables: tuple[str, ...] = TABLES) -> list[Line]:
    """Fill the tables, then empty or delete the older half of each; the database has to be migrated."""
    from benchmarks import rows_of  # noqa: PLC0415 - reads the models, for which Django has to be ready

    begun = time.monotonic()
    rows_of.fill(many, every=1, body=body)
    print(f"  filled in {time.monotonic() - begun:.0f} s", flush=True)
    lines: list[Line] = []
    for number, table in enumerate((*tables, *tables[:1])):
        found = _purge(table, is_again=number == len(tables))
        print(rows(found), flush=True)
        lines += found
    return lines


def _purge(table: str, *, is_again: bool) -> list[Line]:
    from calendly_connector.services import prune, retention  # noqa: PLC0415 - as above

    pieces: list[float] = []

    def rest(seconds: float) -> None:
        pieces.append(seconds)
        time.sleep(seconds)

    begun = time.monotonic()
    with _another_writer() as waits:
        (done,) = prune.purge(retention.find([table]), sleep=rest)
    seconds = time.monotonic() - begun
    title = f"{table}, again" if is_again else table
    lines = [Line(title, f"{done.rows:,} {done.rule.act} in {seconds:.0f} s   {done.rows / seconds:,.0f}/s")]
    if not pieces:
        return lines
    worst = max(pieces)
    return [
        *lines,
        Line("  pieces, 99 of 100 within", f"{len(pieces):,}, {_ms(percentile(pieces, 99))}"),
        Line("  longest", _ms(worst), aim=f"below {_ms(MAX_PIECE)}", is_met=worst < MAX_PIECE),
        *_waited(waits),
    ]


def _waited(waits: list[float]) -> list[Line]:
    if not waits:
        return []
    words = f"{len(waits):,} times, 99 of 100 within {_ms(percentile(waits, 99))}, at most {_ms(max(waits))}"
    return [Line("  another writer waited", words, aim=f"below {_ms(MAX_PIECE)}", is_met=max(waits) < MAX_PIECE)]


@contextmanager
def _another_writer() -> Iterator[list[float]]:
    """Ask for SQLite's write lock every 20 ms, and keep the seconds that each took; nothing on PostgreSQL."""
    from django.db import connection  # noqa: PLC0415 - Django has to be ready

    waits, is_over = list[float](), threading.Event()
    if connection.vendor != "sqlite":
        yield waits
        return
    writer = threading.Thread(target=_ask, args=(str(connection.settings_dict["NAME"]), waits, is_over))
    writer.start()
    try:
        yield waits
    finally:
        is_over.set()
        writer.join()


def _ask(database: str, waits: list[float], is_over: threading.Event) -> None:
    with closing(sqlite3.connect(database, timeout=60, isolation_level=None)) as ours:
        while not is_over.wait(0.02):
            begun = time.monotonic()
            ours.execute("BEGIN IMMEDIATE")
            waits.append(time.monotonic() - begun)
            ours.execute("ROLLBACK")


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"


def main() -> int:
    """Make a database, measure, print."""
    parser = argparse.ArgumentParser(prog="benchmarks.purge", description=__doc__)
    parser.add_argument("--rows", type=int, default=MANY, help="bookings, log entries and deliveries")
    parser.add_argument("--body", type=int, default=0, help="bytes of each delivery; without it, a real one's")
    parser.add_argument("--first", choices=TABLES, default=TABLES[0], help="so that deliveries still have their bodies")
    parser.add_argument("--database-url", default="", help="a PostgreSQL server on which a database is made")
    options = parser.parse_args()
    print(machine() + heading(f"Deleting by age, of {options.rows:,} rows"), flush=True)
    os.environ |= {"KEEP_RAW_BODIES_DAYS": KEPT, "KEEP_LOG_DAYS": KEPT}
    body = b"x" * options.body or payload_files.raw("invitee.created__discovery_call")
    tables = (options.first, *(table for table in TABLES if table != options.first))
    with a_database(options.database_url):
        print(summary(measure(options.rows, body=body, tables=tables)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
