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

from benchmarks import stage as stages
from benchmarks.report import Line, heading, machine, rows, summary
from benchmarks.stage import BASE, Stage, StageError
from project import run
from project.plan import CannotRunError

MINUTE, AT_ONCE, MIN_USE = 60.0, 8, 0.9
PER_PAGE = 500
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


def measure(size: Size, database_url: str) -> list[Line]:
    """Make links for a list, killed once in the middle; return what it cost."""
    with stages.set_up(database_url, serves=False) as stage:
        _fill(stage, size.people)
        stage.sandbox("POST", "/sandbox/calendly/settings", {"requests_per_minute": size.per_minute})
        stage.sandbox("POST", "/sandbox/brevo/settings", {"limits": True, "import_seconds": 1.0})
        stage.sandbox("POST", "/sandbox/latency", {"calendly": size.latency, "brevo": size.latency})
        stage.sandbox("DELETE", "/sandbox/journal")
        begun = time.monotonic()
        _kill_in_the_middle(stage, size.people // 3)
        told = _finish(stage)
        seconds = time.monotonic() - begun
        journal = stage.sandbox("GET", "/sandbox/journal?provider=calendly")
        calls = stage.sandbox("GET", "/sandbox/calls")
        contacts = stage.sandbox("GET", "/sandbox/brevo/state")["contacts"]
    return [
        *_call_lines(size, journal, calls),
        *_link_lines(size, told, contacts),
        Line("took", f"{seconds:.0f} s   {size.people / seconds * MINUTE:.0f} links a minute"),
    ]


def _call_lines(size: Size, journal: Sequence[Mapping[str, Any]], calls: Mapping[str, Any]) -> list[Line]:
    made = [call for call in journal if call["template"] == LINKS and call["status"] == 201]
    refused = sum(call["status"] == 429 for call in journal)
    most, brevo = size.people + AT_ONCE, sum(calls["brevo"]["statuses"].values())
    listed = 2 * (math.ceil(size.people / PER_PAGE) + 1)  # looked at, then listed; both overlap a little
    starts = sorted(call["at"] for call in made)
    minutes = (starts[-1] - starts[0]) / MINUTE if len(starts) > 1 else 0.0
    windows = max(1, math.ceil(minutes))
    return [
        Line("links made at Calendly", f"{len(made):,} for {size.people:,} people", aim=f"at most {most:,}",
             is_met=len(made) <= most),
        Line("  calls refused by the limit", str(refused), aim="at most one for each minute and thread",
             is_met=refused <= AT_ONCE * windows),
        Line("  use of the limit", f"{len(made) / (size.per_minute * windows):.0%} in {windows} minutes",
             aim=f"at least {MIN_USE:.0%} of the whole minutes",
             is_met=windows == 1 or len(made) >= MIN_USE * size.per_minute * (windows - 1)),
        Line("Brevo calls", f"{brevo}, {listed} of them pages of the list at most", aim=f"at most {listed + 40}",
             is_met=brevo <= listed + 40),
    ]  # fmt: skip


def _link_lines(size: Size, told: Mapping[str, Any], contacts: Sequence[Mapping[str, Any]]) -> list[Line]:
    written = [str(each["attributes"].get(ATTRIBUTE) or "").split("?")[0] for each in contacts]
    different = len({address for address in written if address})
    return [
        Line("contacts with a link", f"{different:,} different ones", aim="one each", is_met=different == size.people),
        Line("  as the command tells", f"{told['made']:,} made, {told['written']:,} written", aim="all",
             is_met=told["made"] == told["written"] == size.people),
    ]  # fmt: skip


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


def _kill_in_the_middle(stage: Stage, links: int) -> None:
    """Kill the command by SIGKILL once it has made so many links."""
    process = _begin(stage)
    while process.poll() is None:
        if stage.sandbox("GET", "/sandbox/calls")["calendly"]["templates"].get(f"POST {LINKS}", 0) >= links:
            process.kill()
            break
        time.sleep(0.2)
    process.wait()


def _finish(stage: Stage) -> Mapping[str, Any]:
    """Run the command again, to its end. Raise StageError when it stops before."""
    process = _begin(stage)
    try:
        process.wait()
    finally:
        if process.poll() is None:
            process.kill()
            process.wait()
    report = (stage.folder / "report.json").read_text()
    if process.returncode:
        raise StageError(f"calendly_links ended with {process.returncode}:\n{report}")
    found: Mapping[str, Any] = json.loads(report)
    return found


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
