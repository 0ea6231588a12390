"""Single-use links: how many calls a list costs, how close it comes to Calendly's limit, and that it is kept.

`python -m benchmarks.links [--full] [--people N] [--latency S] [--requests-per-minute N] [--database-url URL]`.

The command runs as a process of its own, is killed once in the middle, and goes on, against a sandbox and a database of
its own.
"""

import argparse
import json
import math
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Count

from benchmarks import stage as stages
from benchmarks.measure import peak_of
from benchmarks.report import Line, heading, machine, rows, summary
from benchmarks.stage import BASE, Stage, StageError
from project import run
from project.plan import CannotRunError

MINUTE, AT_ONCE, MIN_USE = 60.0, 8, 0.9
PER_PAGE, PER_IMPORT = 500, 10_000
MAX_MEGABYTES = 150
LOOK_EVERY = 0.1  # seconds between two looks at the memory
LIST = 40
ATTRIBUTE = "BOOKING_LINK"
LINKS = "/scheduling_links"


@dataclass(frozen=True, kw_only=True)
class Size:
    """What is measured."""

    people: int
    latency: float  # seconds of both services
    per_minute: int  # Calendly's limit


FULL = Size(people=5_000, latency=0.1, per_minute=500)
SHORT = Size(people=600, latency=0.1, per_minute=500)


@dataclass(frozen=True, kw_only=True)
class Found:
    """What came of it, as both services, the command and the database tell."""

    journal: Sequence[Mapping[str, Any]]  # Calendly's calls
    brevo: Mapping[str, int]  # template → calls
    contacts: Sequence[Mapping[str, Any]]
    told: Mapping[str, Any]
    killed_after: int  # links
    two_live: int  # people with two links that can be used
    seconds: float
    megabytes: float  # the most that the command ever held, of both its lives

    @property
    def made(self) -> list[float]:
        """Return when links were made, in order."""
        return sorted(call["at"] for call in self.journal if call["template"] == LINKS and call["status"] == 201)


def measure(size: Size, database_url: str) -> list[Line]:
    """Make links for a list, killed once in the middle; return what it cost."""
    with stages.set_up(database_url, serves=False) as stage:
        _fill(stage, size.people)
        stage.sandbox("POST", "/sandbox/brevo/settings", {"limits": True, "import_seconds": 1.0})
        stage.sandbox("POST", "/sandbox/latency", {"calendly": size.latency, "brevo": size.latency})
        stage.sandbox("DELETE", "/sandbox/journal")
        stage.sandbox("POST", "/sandbox/calendly/settings", {"requests_per_minute": size.per_minute})  # a new minute
        begun = time.monotonic()
        killed_after, first_peak = _kill_in_the_middle(stage, size.people // 3)
        told, second_peak = _finish(stage)
        found = Found(
            journal=stage.sandbox("GET", "/sandbox/journal?provider=calendly"),
            brevo=stage.sandbox("GET", "/sandbox/calls")["brevo"]["templates"],
            contacts=stage.sandbox("GET", "/sandbox/brevo/state")["contacts"],
            told=told,
            killed_after=killed_after,
            two_live=_people_with_two(),
            seconds=time.monotonic() - begun,
            megabytes=max(first_peak, second_peak),
        )
    return [*_calendly_lines(size, found), *_brevo_lines(size, found), *_link_lines(size, found)]


def _calendly_lines(size: Size, found: Found) -> list[Line]:
    most, refused = size.people + AT_ONCE, sum(call["status"] == 429 for call in found.journal)
    windows = _windows(found.journal)
    busiest = max(windows, default=0)
    whole = windows[:-1]  # the last one ends with the work, not with the limit
    use = sum(whole) / (size.per_minute * len(whole)) if whole else 0.0
    figure = f"{use:.1%} of {len(whole)} whole minutes" if whole else "it was never the bottleneck"
    return [
        Line("links made at Calendly", f"{len(found.made):,} for {size.people:,} people", aim=f"at most {most:,}",
             is_met=len(found.made) <= most),
        Line("  calls in the busiest minute", f"{busiest} of {size.per_minute} = {busiest / size.per_minute:.0%}",
             aim="at most 100%", is_met=busiest <= size.per_minute),
        Line("  calls refused by the limit", str(refused), aim="at most one for each minute and thread",
             is_met=refused <= AT_ONCE * len(windows)),
        Line("  use of the limit", figure, aim=f"at least {MIN_USE:.0%}", is_met=not whole or use >= MIN_USE),
    ]  # fmt: skip


def _windows(journal: Sequence[Mapping[str, Any]]) -> list[int]:
    """Return the calls that Calendly took in each of its minutes: one begins with the first call after the last."""
    begun, counts = -MINUTE, list[int]()
    for call in sorted(journal, key=lambda call: float(call["at"])):
        if call["at"] >= begun + MINUTE:
            begun = call["at"]
            counts.append(0)
        counts[-1] += call["status"] != 429
    return counts


def _brevo_lines(size: Size, found: Found) -> list[Line]:
    imports, allowed = found.brevo.get("POST /contacts/import", 0), math.ceil(size.people / PER_IMPORT)
    calls = sum(found.brevo.values())
    pages = 2 * (math.ceil(size.people / PER_PAGE) + 1)  # looked at, then listed; both overlap a little
    listed = ", ".join(f"{count} {template}" for template, count in found.brevo.items())
    return [
        Line("Brevo calls", str(calls), aim=f"at most {pages} pages of the list, and 20", is_met=calls <= pages + 20),
        Line("  imports among them", str(imports), aim=f"at most {allowed}", is_met=imports <= allowed),
        Line("  all of them", listed),
    ]


def _link_lines(size: Size, found: Found) -> list[Line]:
    written = [str(each["attributes"].get(ATTRIBUTE) or "").split("?")[0] for each in found.contacts]
    different = len({address for address in written if address})
    told, minutes = found.told, found.seconds / MINUTE
    return [
        Line("contacts with a link", f"{different:,} different ones", aim="one each", is_met=different == size.people),
        Line("  with two that can be used", str(found.two_live), aim="none", is_met=not found.two_live),
        Line("  as the command tells", f"{told['made']:,} made, {told['written']:,} written", aim="all",
             is_met=told["made"] == told["written"] == size.people),
        Line("killed after", f"{found.killed_after:,} links; {len(found.made) - size.people} were made in vain"),
        Line("took", f"{found.seconds:.0f} s   {size.people / minutes:.0f} links a minute"),
        Line("peak memory of the command", f"{found.megabytes:.0f} MB", aim=f"below {MAX_MEGABYTES} MB",
             is_met=found.megabytes < MAX_MEGABYTES),
    ]  # fmt: skip


def _people_with_two() -> int:
    """Return how many people have two links for an event type that can be used, as the database has it."""
    stages.prepare_django()
    from calendly_connector.models import SchedulingLink  # noqa: PLC0415 - reads settings, which the stage has made

    live = SchedulingLink.objects.filter(state=SchedulingLink.State.LIVE).order_by()
    people = live.values("connection", "event_type", "email").annotate(links=Count("pk"))
    try:
        return people.filter(links__gt=1).count()
    finally:
        connection.close()


def _fill(stage: Stage, people: int) -> None:
    stage.sandbox("POST", "/sandbox/brevo/lists", {"name": "Campaign", "id": LIST})
    for number in range(people):
        body = {"email": f"p{number}@example.com", "attributes": {"FIRSTNAME": "Ada"}, "list_ids": [LIST]}
        stage.sandbox("POST", "/sandbox/brevo/contacts", body)


def _begin(stage: Stage) -> "subprocess.Popen[bytes]":
    command = [sys.executable, run.MANAGE, "calendly_links", "--event-type", "Discovery call"]
    with (stage.folder / "report.json").open("wb") as out, (stage.folder / "progress").open("wb") as err:
        return subprocess.Popen(
            [*command, "--brevo-list", str(LIST), "--attribute", ATTRIBUTE, "--yes", "--json"],
            cwd=BASE, env={**os.environ, **stage.plan.environment}, stdin=subprocess.DEVNULL, stdout=out, stderr=err,
        )  # fmt: skip


def _kill_in_the_middle(stage: Stage, links: int) -> tuple[int, float]:
    """Kill the command by SIGKILL once it has made so many links; return how many it had made, and its memory."""
    process, made, peak = _begin(stage), 0, 0.0
    while process.poll() is None and made < links:
        made = stage.sandbox("GET", "/sandbox/calls")["calendly"]["templates"].get(f"POST {LINKS}", 0)
        peak = max(peak, peak_of(process.pid))
        time.sleep(LOOK_EVERY)
    process.kill()
    process.wait()
    return made, peak


def _finish(stage: Stage) -> tuple[Mapping[str, Any], float]:
    """Run the command again, to its end; return its report and memory. Raise StageError when it stops before."""
    process, peak = _begin(stage), 0.0
    try:
        while process.poll() is None:
            peak = max(peak, peak_of(process.pid))
            time.sleep(LOOK_EVERY)
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    report, progress = (stage.folder / "report.json").read_text(), (stage.folder / "progress").read_text()
    if process.returncode:
        raise StageError(f"calendly_links ended with {process.returncode}:\n{report}{progress[-3000:]}")
    found: Mapping[str, Any] = json.loads(report)
    return found, peak


def main() -> int:
    """Measure, print; return the exit status: 0 also when an aim is missed, for machines differ."""
    options = _options()
    print(machine(), flush=True)
    usual = FULL if options.full else SHORT
    size = Size(
        people=options.people or usual.people,
        latency=usual.latency if options.latency is None else options.latency,
        per_minute=options.requests_per_minute or usual.per_minute,
    )
    print(heading(f"Links: {size.people:,} people, {size.per_minute}/min, both services real"), flush=True)
    try:
        lines = measure(size, options.database_url)
    except (StageError, CannotRunError) as error:
        print(error, file=sys.stderr)
        return 1
    print(rows(lines))
    print(summary(lines))
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.links", description=__doc__)
    parser.add_argument("--full", action="store_true", help="the size that is promised: about twelve minutes")
    parser.add_argument("--people", type=int, help="contacts on the list")
    parser.add_argument("--latency", type=float, help="seconds that both services take for an answer")
    parser.add_argument("--requests-per-minute", type=int, help="Calendly's limit")
    parser.add_argument("--database-url", default="", help="a PostgreSQL server on which a database is made")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
