"""Keeps a handful of processes running, and takes all of them along when it goes. Knows nothing of what they do.

Each child has a process group of its own, so that Ctrl-C reaches the supervisor alone and the children are asked to
stop in order; and each is told by the kernel when the supervisor dies, so that not even SIGKILL leaves one behind.
Everything here runs in the thread that made the supervisor: the kernel's promise is tied to that thread's life.
"""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import IO

PR_SET_PDEATHSIG = 1  # prctl(2)
LINES_KEPT = 15  # of each child's output, for the message that says why we gave up
_libc = ctypes.CDLL(None) if sys.platform == "linux" else None


class GaveUpError(Exception):
    """A program fell over at once, again and again. The text holds its last words."""


@dataclass(frozen=True, kw_only=True)
class Program:
    """What to run, and under which name its lines appear."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(default_factory=dict)  # on top of our own
    stops_last: bool = False  # the others still need it while they finish their work


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How long we wait for what, in seconds."""

    first_pause: float = 0.5  # before a crashed child is brought back; doubles with every crash in a row
    longest_pause: float = 30
    at_once: float = 10  # a child that lived shorter than this crashed "at once"
    tries: int = 6  # crashes at once in a row before we give up
    grace: float = 15  # between SIGTERM and SIGKILL


class Child:
    """One program and the process that runs it at the moment."""

    def __init__(self, program: Program, say: Callable[[str], None]) -> None:
        self.program = program
        self.crashes = 0
        self.not_before = 0.0
        self.last_words: deque[str] = deque(maxlen=LINES_KEPT)
        self._say = say
        self.start()

    def start(self) -> None:
        """Start the process in a group of its own, with its output passed on line by line."""
        self.started_at = time.monotonic()
        self.process = subprocess.Popen(
            self.program.command,
            env={**os.environ, "PYTHONUNBUFFERED": "1", **self.program.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            process_group=0,
            preexec_fn=_die_with_parent(os.getpid()),
        )
        assert self.process.stdout is not None  # noqa: S101 - we asked for a pipe
        self._reader = threading.Thread(target=self._pass_on, args=(self.process.stdout,), daemon=True)
        self._reader.start()

    def finish_reading(self) -> None:
        """Wait a moment for the last lines of a process that ended."""
        self._reader.join(timeout=1)

    def signal(self, number: signal.Signals) -> None:
        """Send a signal to the child and to whatever it started."""
        with suppress(ProcessLookupError):  # nobody is left, which is what a signal is for
            os.killpg(self.process.pid, number)

    def _pass_on(self, output: IO[bytes]) -> None:
        with output:
            for raw in output:
                line = raw.decode(errors="replace").rstrip()
                self.last_words.append(line)
                self._say(f"{self.program.name:>7} | {line}")


def _die_with_parent(parent: int) -> Callable[[], None]:
    """Return what a child does between fork and exec: ask the kernel for SIGTERM when `parent` dies."""

    def ask() -> None:
        if _libc is not None:
            _libc.prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
            if os.getppid() != parent:  # it died before we asked
                os._exit(1)

    return ask


def say(text: str) -> None:
    """Print a line at once; a reader that went away (`make run | head`) is no reason to stop."""
    with suppress(BrokenPipeError):
        print(text, flush=True)


class Supervisor:
    """Starts programs, brings back what crashed, stops everything. A context manager: leaving it stops all."""

    def __init__(self, *, patience: Patience | None = None, say: Callable[[str], None] = say) -> None:
        self.children: dict[str, Child] = {}
        self._patience = patience or Patience()
        self._say = say

    def __enter__(self) -> "Supervisor":
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def start(self, program: Program) -> None:
        """Start a program and look after it from now on."""
        self.children[program.name] = Child(program, self._say)

    def tend(self) -> None:
        """Bring back whatever crashed and has paused long enough. Raise GaveUpError when it is hopeless."""
        for child in self.children.values():
            if child.not_before:
                self._bring_back(child)
            elif child.process.poll() is not None:
                self._note_crash(child)

    def tend_until(self, done: Callable[[], bool], *, seconds: float, step: float = 0.1) -> bool:
        """Look after the children until `done` says so; return False when the time ran out first."""
        end = time.monotonic() + seconds
        while not done():
            if time.monotonic() > end:
                return False
            self.tend()
            time.sleep(step)
        return True

    def tend_for_ever(self) -> None:
        """Look after the children until an exception (a signal handler's, or GaveUpError) ends it."""
        while True:
            self.tend()
            time.sleep(0.2)

    def stop(self) -> None:
        """Ask every child to stop, and insist when the grace time is over."""
        for last in (False, True):
            self._stop_all([child for child in self.children.values() if child.program.stops_last is last])

    def _stop_all(self, children: Sequence[Child]) -> None:
        for child in children:
            child.signal(signal.SIGTERM)
        end = time.monotonic() + self._patience.grace
        for child in children:
            try:
                child.process.wait(timeout=max(0.0, end - time.monotonic()))
            except subprocess.TimeoutExpired:
                self._say(f"{child.program.name} did not stop within {self._patience.grace:g} s: ending it.")
            child.signal(signal.SIGKILL)  # also what it started and left behind
            child.process.wait()
            child.finish_reading()

    def _note_crash(self, child: Child) -> None:
        child.signal(signal.SIGKILL)  # what it left behind may still hold its port
        child.finish_reading()
        lived = time.monotonic() - child.started_at
        child.crashes = child.crashes + 1 if lived < self._patience.at_once else 1
        ending = describe_ending(child.process.returncode)
        if child.crashes >= self._patience.tries:
            raise GaveUpError(
                f"{child.program.name} {ending} {child.crashes} times in a row right after its start. "
                "Its last words:\n" + "\n".join(f"    {line}" for line in child.last_words)
            )
        pause = min(self._patience.first_pause * 2 ** (child.crashes - 1), self._patience.longest_pause)
        child.not_before = time.monotonic() + pause
        self._say(f"{child.program.name} {ending}. Starting it again in {pause:g} s.")

    def _bring_back(self, child: Child) -> None:
        if time.monotonic() >= child.not_before:
            child.not_before = 0.0
            child.start()


def describe_ending(code: int) -> str:
    """Say in words how a process ended, from its return code."""
    if code < 0:
        return f"was ended by {signal.Signals(-code).name}"
    return f"ended with status {code}"
