"""Deleting by age at a million rows: how long the half of it takes, and for how long one piece holds the database.

`python -m benchmarks.purge [--rows 1000000] [--database-url URL]`, on a database of its own, as `calendly_purge` does.
"""

import argparse
import os
import sys
import time

from benchmarks.measure import percentile
from benchmarks.report import Line, heading, machine, rows, summary
from benchmarks.stage import a_database
from tests import payload_files

MANY, KEPT = 1_000_000, "200"  # days, of the 400 over which the rows are spread
TABLES = ("bodies", "log", "deliveries")
MAX_PIECE = 0.5  # seconds that a webhook may have to wait for SQLite's only writer


def measure(many: int) -> list[Line]:
    """Fill the tables, then empty or delete the older half of each; the database has to be migrated."""
    from benchmarks import rows_of  # noqa: PLC0415 - reads the models, for which Django has to be ready

    begun = time.monotonic()
    rows_of.fill(many, every=1, body=payload_files.raw("invitee.created__discovery_call"))
    print(f"  filled in {time.monotonic() - begun:.0f} s", flush=True)
    lines: list[Line] = []
    for table in (*TABLES, *TABLES[:1]):
        found = _purge(table, is_again=bool(lines) and table == TABLES[0])
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
    ]


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.0f} ms"


def main() -> int:
    """Make a database, measure, print."""
    parser = argparse.ArgumentParser(prog="benchmarks.purge", description=__doc__)
    parser.add_argument("--rows", type=int, default=MANY, help="bookings, log entries and deliveries")
    parser.add_argument("--database-url", default="", help="a PostgreSQL server on which a database is made")
    options = parser.parse_args()
    print(machine() + heading(f"Deleting by age, of {options.rows:,} rows"), flush=True)
    os.environ |= {"KEEP_RAW_BODIES_DAYS": KEPT, "KEEP_LOG_DAYS": KEPT}
    with a_database(options.database_url):
        print(summary(measure(options.rows)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
