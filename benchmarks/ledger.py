"""What a booking costs as the ledger grows, what more workers gain, and whether memory stays flat.

`python -m benchmarks.ledger [--rows 1000000] [--quick] [--database-url URL]`. Three ledgers, the smallest of a thousand
rows, each with web and worker of its own, are given the same load in turns, so that a busy machine hits all alike.
"""

import argparse
import json
import statistics
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from django.db import connection

from benchmarks import stage as stages
from benchmarks.report import Line, heading, machine, rows, summary
from benchmarks.stage import BASE, StageError
from project.plan import CannotRunError

SMALLEST, MANY, FEWER = 1_000, 1_000_000, 100_000
MAX_CPU = 1.3  # times what it costs at the smallest ledger
PER_SECOND = 5  # bookings, with their moves and cancellations: what a busy machine manages too
PLANNED = 100_000  # rows: PostgreSQL reads smaller tables from end to end, and is right to
Cost = Callable[[Mapping[str, Any]], float]


@dataclass(frozen=True, kw_only=True)
class Size:
    """How much of everything."""

    turns: int
    bookings: int  # a turn
    backlog: int  # for one, two and four workers
    hour: int  # bookings that are an hour's worth


FULL = Size(turns=8, bookings=50, backlog=240, hour=3600)
QUICK = Size(turns=2, bookings=25, backlog=80, hour=600)


class Ledger:
    """A ledger in a process of its own. A context manager: leaving it takes the processes down."""

    def __init__(self, count: int, database_url: str) -> None:
        command = [sys.executable, "-W", "ignore", "-m", "benchmarks.ledger", "--serve", str(count)]
        self._process = subprocess.Popen(
            [*command, "--database-url", database_url], cwd=BASE, text=True, bufsize=1,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        )  # fmt: skip
        self.count = count

    def __enter__(self) -> "Ledger":
        return self

    def __exit__(self, *exception: object) -> None:
        self._process.communicate()  # nothing more to read is what it ends at

    def hear(self) -> Mapping[str, Any]:
        """Return what it found next. Raise StageError when it has ended."""
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            raise StageError(f"The ledger of {self.count:,} rows ended in the middle.")
        found: Mapping[str, Any] = json.loads(line)
        return found

    def one_round(self, bookings: int) -> Mapping[str, Any]:
        """Let it be given a load; return what that cost."""
        assert self._process.stdin
        self._process.stdin.write(f"{bookings}\n")
        return self.hear()


def serve(count: int, database_url: str) -> None:
    """Be one ledger: print what was found of it, then one line for each number of bookings that is read."""
    with stages.set_up(database_url) as stage:
        stages.prepare_django()
        from benchmarks import one_ledger  # noqa: PLC0415 - reads the models, for which Django has to be ready

        try:
            print(json.dumps(one_ledger.prepare(stage, count)), flush=True)
            for line in sys.stdin:
                found = one_ledger.one_round(stage, bookings=int(line), per_second=PER_SECOND)
                print(json.dumps(found), flush=True)
        finally:
            connection.close()


def compare(counts: Sequence[int], size: Size, database_url: str) -> list[Line]:
    """Measure the same load at every size of the ledger."""
    with ExitStack() as running:
        ledgers, prepared = [], {}
        for count in counts:
            ledger = running.enter_context(Ledger(count, database_url))
            prepared[count] = ledger.hear()
            ledgers.append(ledger)
        rounds: dict[int, list[Mapping[str, Any]]] = {count: [] for count in counts}
        for turn in range(size.turns):
            for ledger in reversed(ledgers) if turn % 2 else ledgers:  # none is always the first
                rounds[ledger.count].append(ledger.one_round(size.bookings))
    lines: list[Line] = []
    for count in counts:
        lines += [*_counted_lines(count, prepared), *_round_lines(count, rounds)]
    return [*lines, *(_plan_lines(prepared[max(counts)]) if max(counts) >= PLANNED else [])]


def _counted_lines(count: int, prepared: Mapping[int, Mapping[str, Any]]) -> list[Line]:
    found, smallest = prepared[count], prepared[min(prepared)]
    told = ", ".join(f"{kind} {number}" for kind, number in found["statements"].items())
    is_same = found["statements"] == smallest["statements"]
    minute = ", ".join(f"{name} {_ms(seconds)}" for name, seconds in found["repeating"].items())
    return [
        Line(f"{count:,} rows", f"filled in {found['filled']:.0f} s"),
        Line("  SQL statements", told, aim="" if found is smallest else "the same", is_met=is_same),
        Line("  CPU of what each minute repeats", minute),
    ]


def _round_lines(count: int, rounds: Mapping[int, Sequence[Mapping[str, Any]]]) -> list[Line]:
    ours, smallest = rounds[count], rounds[min(rounds)]
    who = " + ".join(f"{name} {_ms(statistics.median(each['cpu'][name] for each in ours))}" for name in ours[0]["cpu"])
    most, left = (max(each[what] for each in ours) for what in ("most", "left"))
    mean = statistics.mean(each["waiting"] for each in ours)
    lines = [
        Line("  CPU per booking", who),
        Line("  end to end, p50", _ms(statistics.median(each["p50"] for each in ours))),
        Line("  waiting on average, at most", f"{mean:.2f}, {most}"),
        Line("  waiting when the last was sent", str(left), aim="no growing queue", is_met=left <= PER_SECOND),
    ]
    if ours is smallest:
        return lines
    cpu = _times(ours, smallest, lambda each: sum(each["cpu"].values()))
    p50 = _times(ours, smallest, lambda each: each["p50"])
    at_smallest = statistics.mean(each["waiting"] for each in smallest)
    return [
        *lines,
        Line("  CPU ÷ smallest ledger", f"{cpu:.2f}", aim=f"at most {MAX_CPU}", is_met=cpu <= MAX_CPU),
        Line("  p50, and what waits on average, ÷", f"{p50:.2f}, {mean / max(at_smallest, 0.01):.2f}"),
    ]


def _times(ours: Sequence[Mapping[str, Any]], theirs: Sequence[Mapping[str, Any]], of: Cost) -> float:
    """Return how many times more ours is than theirs, in the middle of the turns."""
    return statistics.median(of(one) / of(other) for one, other in zip(ours, theirs, strict=True))


def _plan_lines(found: Mapping[str, Any]) -> list[Line]:
    whole = found["whole"]
    for sql, plan in whole.items():
        print(f"  reads a whole table: {sql[:600]}\n    {plan}")
    figure = f"{len(whole)} of {found['heard']} different ones"
    return [Line("statements that read a whole table", figure, aim="none", is_met=not whole)]


def _ms(seconds: float) -> str:
    return f"{seconds * 1000:.1f} ms"


def measure(counts: Sequence[int], size: Size, database_url: str) -> list[Line]:
    """Measure all three parts, and print each as soon as it is there."""
    lines = compare(counts, size, database_url)
    print(heading(f"The same bookings at {', '.join(f'{count:,}' for count in counts)} rows") + "\n" + rows(lines))
    with stages.set_up(database_url) as stage:
        stages.prepare_django()
        from benchmarks import hour, workers  # noqa: PLC0415 - read the models, for which Django has to be ready

        parts: dict[str, Callable[[], list[Line]]] = {
            f"Memory over {size.hour:,} bookings, as fast as they are written": lambda: hour.hour(stage, size.hour),
            "More workers on one backlog": lambda: workers.workers(stage, size.backlog),
        }
        try:
            for title, part in parts.items():
                print(heading(title), flush=True)
                found = part()
                print(rows(found), flush=True)
                lines += found
        finally:
            connection.close()
    return lines


def main() -> int:
    """Measure, print; return the exit status: 0 also when an aim is missed, for machines differ."""
    options = _options()
    if options.serve:
        serve(options.serve, options.database_url)
        return 0
    many = options.rows or (FEWER if options.quick else MANY)
    counts = sorted({SMALLEST, many // 10, many} - {0}) if many > SMALLEST else [many]
    print(machine(), flush=True)
    try:
        lines = measure(counts, QUICK if options.quick else FULL, options.database_url)
    except (StageError, CannotRunError) as error:
        print(error, file=sys.stderr)
        return 1
    print(summary(lines))
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.ledger", description=__doc__)
    parser.add_argument("--rows", type=int, help="how many the largest ledger holds")
    parser.add_argument("--quick", action="store_true", help="smaller ledgers, and shorter loads")
    parser.add_argument("--database-url", default="", help="a PostgreSQL server on which databases are made")
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
