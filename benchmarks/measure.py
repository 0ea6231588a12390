"""What a process costs, read from /proc, and what a list of times says."""

import math
import os
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

TICKS = os.sysconf("SC_CLK_TCK")
CPU_FIELDS = slice(11, 15)  # of /proc/<pid>/stat behind the command's name: utime, stime, and the ended children's


def percentile(values: Sequence[float], percent: float) -> float:
    """Return the smallest value that at least `percent` of all are not above."""
    ordered = sorted(values)
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


@dataclass(frozen=True, kw_only=True)
class Process:
    """One program: its process and whatever that started, such as gunicorn's workers."""

    pid: int

    def cpu_seconds(self) -> float:
        """Return the processor time spent so far, of children that ended too."""
        return sum(_ticks(pid) for pid in self._family()) / TICKS

    def peak_megabytes(self) -> float:
        """Return the most memory that was ever resident, all processes together (shared pages count in each)."""
        return sum(_kilobytes(pid, "VmHWM") for pid in self._family()) / 1024

    def resident_megabytes(self) -> float:
        """Return the memory that is resident now, all processes together (shared pages count in each)."""
        return sum(_kilobytes(pid, "VmRSS") for pid in self._family()) / 1024

    def cpu_share(self, seconds: float) -> float:
        """Return the share of one processor that is used during the next seconds."""
        before, begun = self.cpu_seconds(), time.monotonic()
        time.sleep(seconds)
        return (self.cpu_seconds() - before) / (time.monotonic() - begun)

    def _family(self) -> list[int]:
        found = [self.pid]
        for pid in found:  # grows while we walk: children, their children, …
            found += _children(pid)
        return found


def peak_of(pid: int) -> float:
    """Return the most memory that a program ever held, in megabytes; 0 when it ends just now."""
    try:
        return Process(pid=pid).peak_megabytes()
    except OSError:
        return 0.0


def _children(pid: int) -> list[int]:
    tasks = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text().split()]


def _ticks(pid: int) -> int:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(int(field) for field in fields[CPU_FIELDS])


def _kilobytes(pid: int, what: str) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next((int(line.split()[1]) for line in lines if line.startswith(what)), 0)  # none: it ends just now
