"""Prints the figures as a table, each beside its aim where it has one."""

import os
import platform
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Line:
    """One figure in words. `is_met` counts only where there is an aim."""

    what: str
    figure: str
    aim: str = ""
    is_met: bool = True


def heading(title: str) -> str:
    """Return the head of one part of the report."""
    return f"\n── {title} {'─' * (86 - len(title))}"


def rows(lines: Iterable[Line]) -> str:
    """Return lines as rows of the table."""
    return "\n".join(f"  {line.what:<36} {line.figure:<37} {_verdict(line)}".rstrip() for line in lines)


def summary(lines: Iterable[Line]) -> str:
    """Return how many aims were met, and name the others."""
    aimed = [line for line in lines if line.aim]
    missed = [line for line in aimed if not line.is_met]
    text = f"\n{len(aimed) - len(missed)} of {len(aimed)} aims met."
    return text + "".join(f"\n  missed: {line.what.strip()} was {line.figure} ({line.aim})" for line in missed)


def machine() -> str:
    """Return what this ran on, and how busy it was before we began."""
    load = os.getloadavg()[0]
    return f"Python {platform.python_version()}, {os.cpu_count()} processors, load {load:.1f} before we began"


def _verdict(line: Line) -> str:
    if not line.aim:
        return ""
    return f"{'✓' if line.is_met else '✗'} {line.aim}"
