"""The backfill: how many calls history costs, how close it comes to Calendly's limit, and how much memory it needs.

`python -m benchmarks.backfill [--full] [--events N] [--invitees N] [--latency S] [--sizes N,N]
[--requests-per-minute N] [--database-url URL]`.

The command runs as a process of its own, against a sandbox and a database of its own.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks import stage as stages
from benchmarks.measure import peak_of
from benchmarks.report import Line, heading, machine, rows, summary
from benchmarks.stage import BASE, Stage, StageError
from project import run
from project.plan import CannotRunError

MARGIN, AGAIN, MIN_USE = 1.05, 0.05, 0.95
CONTACTS_PER_CALL = 1000
MAX_MEGABYTES, FLAT = 200, 1.2  # the largest size may need so many times the memory of the smallest
MINUTE = 60.0
DAYS_BACK, DAYS_AHEAD, SEED = 365, 30, 6
LOOK_EVERY = 0.05  # seconds between two looks at the memory
GENERATING = 600.0  # seconds, at most
LISTS = {"discovery_call": 10, "demo": 11}
TYPES = {
    "discovery_call": "https://api.calendly.com/event_types/2a7d9c44-6e0b-4f6c-9f1e-5d0a8b3c7e21",
    "demo": "https://api.calendly.com/event_types/8e4b1f7a-93c2-4d05-a6e8-0b5f2c9d7a14",
}


@dataclass(frozen=True, kw_only=True)
class Size:
    """What is measured."""

    events: int
    invitees: int
    latency: float  # seconds of both services
    per_minute: int  # Calendly's limit
    sizes: tuple[int, ...]  # of which the memory is compared, without latency and limits


FULL = Size(events=10_000, invitees=12_000, latency=0.1, per_minute=500, sizes=(1_000, 10_000, 100_000))
SHORT = Size(events=1_000, invitees=1_200, latency=0.1, per_minute=500, sizes=(300, 1_000, 3_000))


@dataclass(frozen=True, kw_only=True)
class Run:
    """One run of the command."""

    seconds: float
    megabytes: float  # the most that was ever resident
    report: Mapping[str, Any]


def measure(size: Size, database_url: str) -> list[Line]:
    """Measure and print both parts; return all lines."""
    title = f"History: {size.events:,} meetings, {size.invitees:,} invitees, {size.per_minute}/min, both services real"
    parts = {title: _calls, "Memory, without limits": _memory}
    lines: list[Line] = []
    for name, part in parts.items():
        print(heading(name), flush=True)
        for found in part(size, database_url):
            print(rows(found), flush=True)
            lines += found
    return lines


def _calls(size: Size, database_url: str) -> Iterator[list[Line]]:
    with stages.set_up(database_url, serves=False) as stage:
        people = _fill(stage, events=size.events, invitees=size.invitees)
        stage.sandbox("POST", "/sandbox/brevo/settings", {"limits": True, "import_seconds": 1.0})
        stage.sandbox("POST", "/sandbox/latency", {"calendly": size.latency, "brevo": size.latency})
        stage.sandbox("POST", "/sandbox/calendly/settings", {"requests_per_minute": size.per_minute})  # a new minute
        first, calls = _counted(stage)
        journal = stage.sandbox("GET", "/sandbox/journal?provider=calendly")
        brevo = stage.sandbox("GET", "/sandbox/brevo/state")
        again, calls_again = _counted(stage)
    yield [
        *_request_lines(size, calls, calls_again),
        *_use_lines([call for call in journal if call["status"] != 0], size.per_minute),
        *_brevo_lines(brevo, calls, people=people),
        Line("first run", f"{first.seconds:.0f} s"),
        Line("second run", f"{again.seconds:.0f} s"),
        _peak_line("peak memory of the command", first.megabytes),
        Line("bookings taken in", f"{first.report['new']:,}", aim="all", is_met=first.report["new"] == size.invitees),
        Line("  by the second run", f"{again.report['new'] + again.report['changed']:,} new or changed", aim="none",
             is_met=not again.report["new"] + again.report["changed"]),
    ]  # fmt: skip


def _request_lines(size: Size, calls: Mapping[str, Any], again: Mapping[str, Any]) -> list[Line]:
    made, repeated = _total(calls["calendly"]), _total(again["calendly"])
    allowed = math.ceil(size.events / 100) + size.events
    waits = calls["calendly"]["statuses"].get("429", 0)
    return [
        Line("Calendly requests ÷ allowed", f"{made:,} ÷ {allowed:,} = {made / allowed:.3f}",
             aim=f"at most {MARGIN}", is_met=made <= MARGIN * allowed),
        Line("  of them refused by the limit", str(waits)),
        Line("second run ÷ first run", f"{repeated:,} ÷ {made:,} = {repeated / made:.3f}", aim=f"at most {AGAIN}",
             is_met=repeated <= AGAIN * made),
    ]  # fmt: skip


def _use_lines(calls: Sequence[Mapping[str, Any]], per_minute: int) -> list[Line]:
    """Return how much of Calendly's limit was used from the first call to the last window's beginning."""
    starts = _windows(calls)
    if len(starts) < 2:
        return [Line("use of Calendly's limit", "it was never the bottleneck")]
    accepted = sum(call["status"] != 429 and call["at"] < starts[-1] for call in calls)
    minutes = (starts[-1] - starts[0]) / MINUTE
    use = accepted / (per_minute * minutes)
    figure = f"{use:.1%}   {accepted:,} in {minutes:.2f} minutes"
    return [Line("use of Calendly's limit", figure, aim="at least 95 %", is_met=use >= MIN_USE)]


def _windows(calls: Sequence[Mapping[str, Any]]) -> list[float]:
    """Return when each of Calendly's minutes began: with the first call after the one before was over."""
    starts: list[float] = []
    for at in sorted(call["at"] for call in calls):
        if not starts or at >= starts[-1] + MINUTE:
            starts.append(at)
    return starts


def _brevo_lines(brevo: Mapping[str, Any], calls: Mapping[str, Any], *, people: int) -> list[Line]:
    made = _total(calls["brevo"])
    allowed = math.ceil(people / CONTACTS_PER_CALL) + len(LISTS)
    by_template = ", ".join(f"{count} {name}" for name, count in calls["brevo"]["templates"].items())
    return [
        Line("Brevo calls ÷ allowed", f"{made} ÷ {allowed} = {made / allowed:.2f}", aim="at most 1",
             is_met=made <= allowed),
        Line("  imports among them", str(calls["brevo"]["templates"].get("POST /contacts/import", 0))),
        Line("  all of them", by_template),
        Line("contacts in Brevo", f"{len(brevo['contacts']):,} of {people:,}", aim="all",
             is_met=len(brevo["contacts"]) == people),
        Line("automation events in Brevo", str(len(brevo["events"])), aim="none", is_met=not brevo["events"]),
    ]  # fmt: skip


def _memory(size: Size, database_url: str) -> Iterator[list[Line]]:
    peaks: dict[int, float] = {}
    for events in size.sizes:
        with stages.set_up(database_url, serves=False) as stage:
            _fill(stage, events=events, invitees=events * 12 // 10)
            stage.sandbox("POST", "/sandbox/calendly/settings", {"rate_limits": False})
            stage.sandbox("POST", "/sandbox/brevo/settings", {"limits": False, "import_seconds": 0.3})
            done = _backfill(stage)
        peaks[events] = done.megabytes
        yield [
            _peak_line(f"peak memory, {events:,} meetings", done.megabytes),
            Line("  took", f"{done.seconds:.0f} s   {events / done.seconds:.0f} meetings/s"),
        ]
    ratio = max(peaks.values()) / peaks[min(peaks)]
    yield [Line("  the most ÷ the smallest size", f"{ratio:.2f}", aim=f"at most {FLAT}", is_met=ratio <= FLAT)]


def _peak_line(what: str, megabytes: float) -> Line:
    return Line(what, f"{megabytes:.0f} MB", aim=f"below {MAX_MEGABYTES} MB", is_met=megabytes < MAX_MEGABYTES)


def _fill(stage: Stage, *, events: int, invitees: int) -> int:
    """Map two types to lists and make up a history; return how many people are in it."""
    for name, number in LISTS.items():
        stage.sandbox("POST", "/sandbox/brevo/lists", {"name": name, "id": number})
    mapping = {name: {"list_id": number, "event_type_uri": TYPES[name]} for name, number in LISTS.items()}
    file = stage.folder / "mapping.yaml"
    file.write_text(json.dumps({"connectors": {"calendly": {"enabled": True, "event_mapping": mapping}}}))
    run.command(stage.plan, run.MANAGE, "calendly_config", "import", str(file), quiet=True)
    wish = {"events": events, "invitees": invitees, "days_back": DAYS_BACK, "days_ahead": DAYS_AHEAD, "seed": SEED}
    made = stage.sandbox("POST", "/sandbox/calendly/generate", wish, seconds=GENERATING)
    return int(made["people"])


def _counted(stage: Stage) -> tuple[Run, Mapping[str, Any]]:
    """Run the command; return the run and the sandbox's counts of its calls."""
    stage.sandbox("DELETE", "/sandbox/journal")
    done = _backfill(stage)
    counts: Mapping[str, Any] = stage.sandbox("GET", "/sandbox/calls")
    return done, counts


def _total(counts: Mapping[str, Any]) -> int:
    return sum(counts["statuses"].values())


def _backfill(stage: Stage) -> Run:
    """Run the command to its end. Raise StageError when it stops before."""
    since = time.strftime("%Y-%m-%d", time.gmtime(time.time() - (DAYS_BACK + 2) * 86_400))
    report, progress = stage.folder / "report.json", stage.folder / "progress"
    begun, peak = time.monotonic(), 0.0
    with report.open("w") as out, progress.open("w") as err:
        process = subprocess.Popen(
            [sys.executable, run.MANAGE, "calendly_backfill", "--since", since, "--json"],
            cwd=BASE, env={**os.environ, **stage.plan.environment}, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
        )  # fmt: skip
    try:
        while process.poll() is None:
            peak = max(peak, peak_of(process.pid))
            time.sleep(LOOK_EVERY)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    if process.returncode:
        last_words = report.read_text() + progress.read_text()[-3000:]
        raise StageError(f"calendly_backfill ended with {process.returncode}:\n{last_words}")
    return Run(seconds=time.monotonic() - begun, megabytes=peak, report=json.loads(report.read_text()))


def main() -> int:
    """Measure, print; return the exit status: 0 also when an aim is missed, for machines differ."""
    options = _options()
    print(machine(), flush=True)
    usual = FULL if options.full else SHORT
    size = Size(
        events=options.events or usual.events,
        invitees=options.invitees or (options.events or usual.events) * usual.invitees // usual.events,
        latency=usual.latency if options.latency is None else options.latency,
        per_minute=options.requests_per_minute or usual.per_minute,
        sizes=options.sizes or usual.sizes,
    )
    begun = time.monotonic()
    try:
        lines = measure(size, options.database_url)
    except (StageError, CannotRunError) as error:
        print(error, file=sys.stderr)
        return 1
    print(summary(lines))
    print(f"Took {time.monotonic() - begun:.0f} s.")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.backfill", description=__doc__)
    parser.add_argument("--full", action="store_true", help="the sizes that are promised: more than an hour")
    parser.add_argument("--events", type=int, help="meetings of the timed part")
    parser.add_argument("--invitees", type=int, help="invitees of them (default: 12 for 10 meetings)")
    parser.add_argument("--latency", type=float, help="seconds that both services take for an answer")
    parser.add_argument("--requests-per-minute", type=int, help="Calendly's limit")
    parser.add_argument("--sizes", type=_numbers, help="numbers of meetings whose memory is compared")
    parser.add_argument("--database-url", default="", help="a PostgreSQL server on which databases are made")
    return parser.parse_args()


def _numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


if __name__ == "__main__":
    sys.exit(main())
