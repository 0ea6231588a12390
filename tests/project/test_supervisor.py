"""The supervisor, tried on real processes: what crashes comes back, what is stopped is gone."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from project.supervisor import GaveUpError, Patience, Program, Supervisor

QUICK = Patience(first_pause=0.05, longest_pause=0.1, at_once=30, tries=3, grace=1)
SLEEPER = "import time; print('up'); time.sleep(600)"
STUBBORN = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up'); time.sleep(600)"


@pytest.fixture
def lines() -> list[str]:
    return []


@pytest.fixture
def supervisor(lines: list[str]) -> Iterator[Supervisor]:
    with Supervisor(patience=QUICK, say=lines.append) as one:
        yield one


def python(name: str, code: str) -> Program:
    return Program(name=name, command=[sys.executable, "-c", code])


def is_alive(pid: int) -> bool:
    """Answer whether a process runs; one that ended and waits for its parent's glance doesn't."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rsplit(")", 1)[1].split()[0] != "Z"


def eventually(condition: Callable[[], bool]) -> bool:
    end = time.monotonic() + 20
    while not condition():
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


def test_lines_of_a_child_carry_its_name(supervisor: Supervisor, lines: list[str]) -> None:
    supervisor.start(python("web", SLEEPER))

    assert supervisor.tend_until(lambda: "    web | up" in lines, seconds=20)


def test_a_crashed_child_comes_back(supervisor: Supervisor, lines: list[str]) -> None:
    supervisor.start(python("worker", SLEEPER))
    first = supervisor.children["worker"].process.pid
    os.kill(first, signal.SIGKILL)

    assert supervisor.tend_until(lambda: supervisor.children["worker"].process.pid != first, seconds=20)

    assert "worker was ended by SIGKILL. Starting it again in 0.05 s." in lines
    assert is_alive(supervisor.children["worker"].process.pid)


def test_a_child_that_always_crashes_at_once_is_given_up_with_its_last_words(supervisor: Supervisor) -> None:
    supervisor.start(python("web", "raise SystemExit('the port is taken')"))

    with pytest.raises(GaveUpError, match="web ended with status 1 3 times") as refusal:
        supervisor.tend_until(lambda: False, seconds=30, step=0.02)

    assert "the port is taken" in str(refusal.value)


def test_the_pause_grows_up_to_its_limit(supervisor: Supervisor, lines: list[str]) -> None:
    supervisor.start(python("web", "raise SystemExit(7)"))

    with pytest.raises(GaveUpError):
        supervisor.tend_until(lambda: False, seconds=30, step=0.02)

    assert [line for line in lines if "again" in line] == [
        "web ended with status 7. Starting it again in 0.05 s.",
        "web ended with status 7. Starting it again in 0.1 s.",
    ]


def test_waiting_in_vain_ends(supervisor: Supervisor) -> None:
    assert not supervisor.tend_until(lambda: False, seconds=0.05)


def test_stopping_ends_every_child_even_a_stubborn_one(lines: list[str]) -> None:
    with Supervisor(patience=QUICK, say=lines.append) as supervisor:
        supervisor.start(python("web", SLEEPER))
        supervisor.start(python("worker", STUBBORN))
        assert supervisor.tend_until(lambda: len(lines) == 2, seconds=20)
        pids = [child.process.pid for child in supervisor.children.values()]

    assert not any(is_alive(pid) for pid in pids)
    assert "worker did not stop within 1 s: ending it." in lines


def test_what_the_others_need_stops_last(lines: list[str]) -> None:
    farewell = (
        "import signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: sys.exit(print('bye'))); print('up'); "
    )
    with Supervisor(patience=QUICK, say=lines.append) as supervisor:
        last = [sys.executable, "-c", farewell + "time.sleep(600)"]
        supervisor.start(Program(name="sandbox", command=last, stops_last=True))
        supervisor.start(python("worker", farewell + "time.sleep(600)"))
        assert supervisor.tend_until(lambda: len(lines) == 2, seconds=20)

    assert lines[2:] == [" worker | bye", "sandbox | bye"]


def test_stopping_ends_what_a_child_started(lines: list[str]) -> None:
    with Supervisor(patience=QUICK, say=lines.append) as supervisor:
        supervisor.start(Program(name="web", command=["sh", "-c", "sleep 600 & echo $!; wait"]))
        assert supervisor.tend_until(lambda: bool(lines), seconds=20)
        grandchild = int(lines[0].split("|")[1])

    assert eventually(lambda: not is_alive(grandchild))


@pytest.mark.skipif(sys.platform != "linux", reason="the promise is the Linux kernel's")
def test_no_child_outlives_a_killed_supervisor() -> None:
    code = (
        "from project.supervisor import Program, Supervisor\n"
        "import sys\n"
        "s = Supervisor()\n"
        f"s.start(Program(name='web', command=[sys.executable, '-c', {SLEEPER!r}]))\n"
        "print(s.children['web'].process.pid, flush=True)\n"
        "s.tend_for_ever()\n"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert is_alive(child)

        parent.kill()
        parent.wait()

        assert eventually(lambda: not is_alive(child))
