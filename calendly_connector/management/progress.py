"""How far long work is: a bar on a terminal, a line now and then elsewhere. On stderr: stdout is for the report."""

import sys
import time
from dataclasses import dataclass
from typing import NoReturn, TextIO

from tqdm import tqdm

EVERY = 10.0  # seconds between two lines where there is no terminal


@dataclass(frozen=True, kw_only=True)
class Stand:
    """How far work is. `total`: 0 while it isn't known. `unit`: what is counted; `verb`: what was done to it."""

    stage: str
    done: int
    total: int
    unit: str
    verb: str
    listed: int = 0
    is_listed: bool = True
    words: str = ""


class Progress:
    """Shows what is done, the rate, and the time left."""

    def __init__(self, stream: TextIO | None = None, *, is_quiet: bool = False) -> None:
        self._stream = stream or sys.stderr
        self._is_quiet = is_quiet
        self._is_terminal = self._stream.isatty()
        self._bar: tqdm[NoReturn] | None = None
        self._began_at, self._began_with, self._said_at = time.monotonic(), -1, 0.0

    def show(self, stand: Stand) -> None:
        """Show how far it is."""
        if self._is_quiet:
            return
        if self._began_with < 0:
            self._began_with, self._began_at = stand.done, time.monotonic()
        if self._is_terminal:
            self._draw(stand)
        elif time.monotonic() - self._said_at >= EVERY:
            self._said_at = time.monotonic()
            self._stream.write(f"{self._line(stand)}\n")
            self._stream.flush()

    def close(self) -> None:
        """Leave the last state on the screen."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _draw(self, stand: Stand) -> None:
        bar = self._bar or tqdm(initial=stand.done, unit=f" {stand.unit}", file=self._stream)
        self._bar = bar
        bar.total = stand.total or None
        bar.set_description(stand.stage, refresh=False)
        bar.update(stand.done - bar.n)

    def _line(self, stand: Stand) -> str:
        if not stand.is_listed:
            return f"Listing: {stand.listed} {stand.unit} so far."
        spent, done = time.monotonic() - self._began_at, stand.done - self._began_with
        rate = done / spent * 60 if spent > 1 else 0.0
        left = f", about {_minutes((stand.total - stand.done) / rate)} left" if rate else ""
        words = f" {stand.words}" if stand.words else ""
        return f"{stand.done} of {stand.total} {stand.unit} {stand.verb}, {rate:.0f} a minute{left}.{words}"


def _minutes(minutes: float) -> str:
    if minutes < 1:
        return "less than a minute"
    return f"{minutes / 60:.1f} hours" if minutes >= 120 else f"{minutes:.0f} minutes"
