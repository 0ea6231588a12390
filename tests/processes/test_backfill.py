"""`calendly_backfill` as a process: killed at twenty moments, interrupted, doubled, and the end is always the same."""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings as configured
from django.core.management import call_command
from pytest_django.fixtures import Settings

from calendly_connector.models import Booking, Person, StatusChange, SyncLogEntry
from sandbox.app import Sandbox
from sandbox.world import Call
from tests.journeys.history import ledger, make_up, truth
from tests.journeys.river import River
from tests.processes.nursery import Child, Nursery
from tests.processes.programs import BASE, PASSED_ON, wait_for

MEETINGS, INVITEES = 110, 135  # two pages
KILLS = 20
LATENCY = 0.1  # seconds of every answer, so that a kill often falls into a request
MOST_IN_FLIGHT = 8  # requests that a process may have under way when it is ended
OURS = ("id", "person_id", "booking_id", "connection_id", "created_at", "settled_at", "sent_at", "pushed_at", "data")
Json = dict[str, Any]


class Backfill:
    """One `calendly_backfill` that reports in JSON; ended by its own id."""

    def __init__(self, process: subprocess.Popen[bytes] | Child, out: Path, err: Path) -> None:
        self.process, self._out, self._err = process, out, err

    @property
    def is_over(self) -> bool:
        """Return whether it has ended."""
        return self.process.poll() is not None

    @property
    def words(self) -> str:
        """Return what it said on standard error."""
        return self._err.read_text(errors="replace")

    @property
    def report(self) -> Json:
        """Return its report."""
        report: Json = json.loads(self._out.read_text())
        return report

    def wait(self) -> int:
        """Return its exit status."""
        return self.process.wait(60)

    def kill(self) -> None:
        """End it without a chance to tidy up."""
        self.process.kill()
        self.process.wait(60)


class Runs:
    """Starts the command any number of times against one river; none outlives the test."""

    def __init__(self, river: River, database_url: str, folder: Path) -> None:
        self.river, self._folder = river, folder
        self._environment = {
            **os.environ,
            **{name: str(getattr(configured, name)) for name in PASSED_ON},
            "DJANGO_SETTINGS_MODULE": "tests.settings",
            "DATABASE_URL": database_url,
        }
        since = (datetime.now(UTC) - timedelta(days=500)).strftime("%Y-%m-%d")
        self._argv = ["calendly_backfill", "--since", since, "--json"]
        self._nursery = Nursery(self._environment)
        self._all: list[Backfill] = []

    def start(self) -> Backfill:
        """Start the command as a program and return at once."""
        out, err = self._outputs()
        with out.open("wb") as report, err.open("wb") as words:
            process = subprocess.Popen(
                [sys.executable, str(BASE / "manage.py"), *self._argv],
                cwd=BASE, env=self._environment, stdin=subprocess.DEVNULL, stdout=report, stderr=words,
            )  # fmt: skip
        return self._kept(Backfill(process, out, err))

    def fork(self) -> Backfill:
        """Start the command in a process that needs no second for loading Django; one at a time."""
        out, err = self._outputs()
        return self._kept(Backfill(self._nursery.start(*self._argv, out=out, err=err), out, err))

    def finish(self) -> Json:
        """Run the command to its end; return its report."""
        run = self.fork()
        assert run.wait() == 0, run.words
        return run.report

    def dismiss(self) -> None:
        """End whoever is left."""
        for run in self._all:
            if not run.is_over:
                run.kill()
        self._nursery.close()

    def _outputs(self) -> tuple[Path, Path]:
        number = len(self._all)
        return self._folder / f"report-{number}.json", self._folder / f"progress-{number}.txt"

    def _kept(self, run: Backfill) -> Backfill:
        self._all.append(run)
        return run


@pytest.fixture
def runs(settings: Settings, database_url: str, tmp_path: Path) -> Iterator[Runs]:
    """Return what runs the command against an installation whose Calendly has a history."""
    with Sandbox() as sandbox:
        runs = Runs(River(sandbox, settings), database_url, tmp_path)
        try:
            begin(runs.river)
            yield runs
        finally:
            runs.dismiss()


def begin(river: River) -> None:
    """Connect, map a list to two triggers, and make up the same history each time."""
    river.connect()
    number = river.brevo.add_list("Bookers")
    river.map_lists("booked", join=[number])
    river.map_lists("canceled", leave=[number])
    make_up(river.calendly, MEETINGS, INVITEES, seed=7, around=AROUND)
    river.sandbox.world.latency |= {"calendly": LATENCY, "brevo": LATENCY}
    river.sandbox.world.journal.clear()


AROUND = datetime.now(UTC).strftime("%Y-%m-%dT00:00:00Z")


def begin_anew(runs: Runs, settings: Settings) -> None:
    """Empty the database and the sandbox, and begin again with the same history."""
    call_command("flush", interactive=False, verbosity=0)
    runs.river = River(runs.river.sandbox, settings)
    begin(runs.river)


@dataclass(frozen=True, kw_only=True)
class End:
    """Everything that a backfill leaves behind, in an order that doesn't depend on how it came about."""

    bookings: list[Json]
    people: list[Json]
    log: Counter[tuple[str, ...]]
    statuses: Counter[tuple[str, ...]]
    contacts: list[Json]
    lists: list[list[str]]
    events: list[Json]


@dataclass(frozen=True, kw_only=True)
class Uninterrupted:
    """What one run comes to that nothing disturbs, and what it asks for; worked out once for all tests here."""

    end: End
    reads: Counter[str]


_uninterrupted: list[Uninterrupted] = []


def uninterrupted(runs: Runs, settings: Settings) -> Uninterrupted:
    """Return the measure of all other runs, and leave everything as before the first."""
    if not _uninterrupted:
        runs.finish()
        _uninterrupted.append(Uninterrupted(end=end_of(runs.river), reads=reads(runs.river)))
        begin_anew(runs, settings)
    return _uninterrupted[0]


def end_of(river: River) -> End:
    """Return what is there now."""
    log = SyncLogEntry.objects.values_list("person__email", "booking__uri", "kind", "happening", "state", "cause")
    statuses = StatusChange.objects.values_list("booking__uri", "status", "source")
    return End(
        bookings=[{**_plain(row), "data": _facts(row["data"])} for row in Booking.objects.order_by("uri").values()],
        people=[_plain(row) for row in Person.objects.order_by("email").values()],
        log=Counter(_written(row) for row in log),
        statuses=Counter(tuple(map(str, row)) for row in statuses),
        contacts=sorted((_contact(row) for row in river.brevo.contacts()), key=lambda row: str(row["email"])),
        lists=[sorted(river.brevo.list_members(number)) for number in sorted(river.brevo.state.lists)],
        events=river.brevo.events(),
    )


def _written(row: tuple[Any, ...]) -> tuple[str, ...]:
    """Return a step; which one of a person's was done and which went with it depends on the order of the answers."""
    return tuple("done" if value == "merged" else str(value) for value in row)


def _plain(row: Mapping[str, Any]) -> Json:
    return {name: value for name, value in row.items() if name not in OURS}


def _facts(data: Any) -> Any:
    """Return a snapshot without the moments at which it was taken."""
    if not isinstance(data, dict):
        return data
    return {name: _facts(value) for name, value in data.items() if name != "taken_at"}


def _contact(row: Json) -> Json:
    return {name: row[name] for name in ("email", "attributes", "listIds", "emailBlacklisted", "smsBlacklisted")}


def calls_of(river: River) -> list[Call]:
    """Return what either service was asked for, oldest first."""
    return sorted(river.sandbox.world.journal.calls(), key=lambda call: call.at)


def reads(river: River) -> Counter[str]:
    """Return how often each page of meetings and each meeting's invitees were asked for."""
    return Counter(
        f"{call.path}?{sorted(call.query.items())}"
        for call in calls_of(river)
        if call.template in ("/scheduled_events", "/scheduled_events/{uuid}/invitees")
    )


def test_killed_at_twenty_moments_the_end_is_the_same_and_nothing_finished_is_asked_again(
    runs: Runs, settings: Settings
) -> None:
    seed = random.SystemRandom().randrange(10**6)
    print(f"seed {seed}")  # pytest shows it when this fails
    whole = uninterrupted(runs, settings)

    kill_often(runs, random.Random(seed), len(whole.reads))
    runs.finish()

    asked = reads(runs.river)
    assert ledger() == truth(runs.river)
    assert_same(end_of(runs.river), whole.end)
    assert whole.end.events == []
    assert set(whole.reads.values()) == {1}
    assert set(asked) == set(whole.reads)
    print(f"{sum(asked.values())} requests instead of {sum(whole.reads.values())}")
    assert sum(asked.values()) <= sum(whole.reads.values()) + KILLS * MOST_IN_FLIGHT


def kill_often(runs: Runs, dice: random.Random, needed: int) -> None:
    """Kill the command at random moments while it reads, and once while Brevo imports."""
    river = runs.river
    for moment in sorted(dice.randrange(needed * 9 // 10) for _ in range(KILLS - 1)):
        strike(runs, lambda moment=moment: len(reads(river)) >= moment, dice)  # type: ignore[misc]
    strike(runs, lambda: bool(river.calls("/contacts/import")), dice)


def strike(runs: Runs, is_time: Callable[[], bool], dice: random.Random) -> None:
    """Start the command, and kill it once it has asked for something and it is time."""
    before = len(calls_of(runs.river))
    run = runs.fork()
    wait_for(lambda: run.is_over or (len(calls_of(runs.river)) > before and is_time()), step=0.005)
    time.sleep(dice.uniform(0, LATENCY / 4))
    assert not run.is_over, f"It was over before it was killed: {run.words}"
    run.kill()


def assert_same(found: End, wanted: End) -> None:
    """Compare part by part, so that a failure names the part."""
    for part in End.__dataclass_fields__:
        assert getattr(found, part) == getattr(wanted, part), part


def test_two_at_once_come_to_the_same_end_and_share_the_requests(runs: Runs, settings: Settings) -> None:
    whole = uninterrupted(runs, settings)

    both = [runs.start(), runs.start()]
    statuses = [run.wait() for run in both]

    assert statuses == [0, 0], "\n".join(run.words for run in both)
    assert_same(end_of(runs.river), whole.end)
    assert reads(runs.river) == whole.reads


def test_ctrl_c_says_how_to_go_on_and_the_next_run_does(runs: Runs) -> None:
    run = runs.start()
    wait_for(lambda: run.is_over or sum(reads(runs.river).values()) > MEETINGS // 10, step=0.005)

    run.process.send_signal(signal.SIGINT)
    status = run.wait()
    asked = sum(reads(runs.river).values())
    runs.finish()

    assert status in (1, 130), run.words
    assert "goes on where it was" in run.words
    assert "Traceback" not in run.words
    assert asked < MEETINGS
    assert ledger() == truth(runs.river)
    again = reads(runs.river)
    assert sum(again.values()) <= len(again) + MOST_IN_FLIGHT
    assert runs.river.brevo.events() == []
