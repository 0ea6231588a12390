"""Real processes that book through the same connection: for one time, up to Calendly's limits, and killed meanwhile."""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import timedelta

import pytest
from django.conf import settings
from django.db.models import F

from calendly_connector.models import Booking, BookingRequest
from tests.journeys.river import River
from tests.processes.programs import BASE, PASSED_ON, wait_for
from tests.services.booking import booked_at, open_times, sent, type_named, wish_for

VISITORS, PROCESSES = 50, 5

Process = subprocess.Popen[str]
Start = Callable[[str, Sequence[str]], Process]


@pytest.fixture
def visit(river: River, database_url: str) -> Iterator[Start]:
    """Return what starts a process of visitors, one for each start; none outlives the test."""
    environment = {
        **os.environ,
        **{name: str(getattr(settings, name)) for name in PASSED_ON},
        "DJANGO_SETTINGS_MODULE": "tests.settings",
        "DATABASE_URL": database_url,
        "PYTHONPATH": str(BASE),
    }
    demo, begun = type_named(river.calendly, "Demo"), []

    def start(name: str, starts: Sequence[str]) -> Process:
        command = [sys.executable, "-m", "tests.processes.visitor", str(river.connection.pk), demo, name, *starts]
        pipe = subprocess.PIPE
        process = subprocess.Popen(command, cwd=BASE, env=environment, stdin=pipe, stdout=pipe, text=True)
        begun.append(process)
        return process

    yield start
    for process in begun:
        if process.poll() is None:
            process.kill()
        process.communicate()


def let_go(processes: Sequence[Process]) -> list[dict[str, str]]:
    """Let all begin at the same moment; return what their visitors heard."""
    for each in processes:
        assert each.stdout and each.stdout.readline() == "ready\n"
    for each in processes:
        assert each.stdin
        each.stdin.write("\n")
        each.stdin.flush()
    outputs = [each.communicate(timeout=120)[0] for each in processes]
    return [heard for output in outputs for heard in json.loads(output)]


def test_of_fifty_visitors_for_one_time_one_books_and_the_others_hear_it(river: River, visit: Start) -> None:
    wish = wish_for(river)
    starts = [wish.start_at.isoformat()] * (VISITORS // PROCESSES)

    heard = let_go([visit(f"rush{number}", starts) for number in range(PROCESSES)])

    assert Counter(each["state"] for each in heard) == {"booked": 1, "taken": VISITORS - 1}
    assert all(each["words"] for each in heard)
    assert len(booked_at(river, wish)) == 1 == Booking.objects.count()
    assert len(sent(river)) <= 2
    listings = river.sandbox.world.journal.calls("calendly", template="/event_type_available_times")
    assert len(listings) <= 4 * PROCESSES  # not one for each visitor


def test_processes_together_keep_within_calendlys_limits(river: River, visit: Start) -> None:
    times = open_times(river.connection, type_named(river.calendly, "Demo"))
    starts = [each.start_at.isoformat() for each in times[::2]]  # 45 minutes on a grid of 30

    heard = let_go([visit(f"many{number}", starts[6 * number : 6 * number + 6]) for number in range(3)])

    assert Counter(each["state"] for each in heard) == {"booked": 10, "limit": 8}
    assert all("email=many" in each["fallback"] for each in heard if each["state"] == "limit")
    assert [call.status for call in sent(river)] == [201] * 10


def test_a_booking_whose_process_was_killed_is_found_later(river: River, visit: Start) -> None:
    wish = wish_for(river)
    river.break_calendly("commit_then_timeout", "/invitees", method="POST", seconds=3.0)

    kill_when(lambda: bool(booked_at(river, wish)), visit("killed", [wish.start_at.isoformat()]))
    settle_later(river)

    row = BookingRequest.objects.get()
    assert (row.state, row.invitee) == ("booked", Booking.objects.get().uri)
    assert len(booked_at(river, wish)) == 1


def test_a_booking_that_died_with_its_process_frees_the_time(river: River, visit: Start) -> None:
    wish = wish_for(river)
    river.break_calendly("timeout", "/invitees", method="POST", seconds=3.0)
    faults = river.sandbox.world.faults

    kill_when(lambda: not faults.planned(), visit("killed", [wish.start_at.isoformat()]))  # the request has arrived
    wait_for(lambda: len(sent(river)) == 1)
    settle_later(river)
    heard = let_go([visit("next", [wish.start_at.isoformat()])])

    assert BookingRequest.objects.get(email__startswith="killed").state == "refused"
    assert [each["state"] for each in heard] == ["booked"]


def kill_when(is_time: Callable[[], bool], process: Process) -> None:
    """Let a process begin, and end it by SIGKILL at that moment."""
    assert process.stdout and process.stdin
    assert process.stdout.readline() == "ready\n"
    process.stdin.write("\n")
    process.stdin.flush()
    wait_for(is_time)
    process.kill()
    process.communicate()


def settle_later(river: River) -> None:
    """Let five minutes pass and the worker look."""
    assert BookingRequest.objects.get().state == "sending"
    BookingRequest.objects.update(sent_at=F("sent_at") - timedelta(minutes=5))
    river.hurry()
    river.work()
