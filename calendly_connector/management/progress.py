"""How far a reading is: a bar on a terminal, a line now and then elsewhere. On stderr: stdout is for the report."""

import sys
import time
from typing import NoReturn, TextIO

from tqdm import tqdm

from calendly_connector.models import Reading

EVERY = 10.0  # seconds between two lines where there is no terminal


class Progress:
    """Shows meetings read, the rate, and the time left."""

    def __init__(self, stream: TextIO | None = None, *, is_quiet: bool = False) -> None:
        self._stream = stream or sys.stderr
        self._is_quiet = is_quiet
        self._is_terminal = self._stream.isatty()
        self._bar: tqdm[NoReturn] | None = None
        self._began_at, self._began_with, self._said_at = time.monotonic(), -1, 0.0

    def show(self, row: Reading, noted: int) -> None:
        """Show a reading of which `noted` meetings are read in all, as far as is known yet."""
        if self._is_quiet:
            return
        if self._began_with < 0:
            self._began_with, self._began_at = row.meetings_read, time.monotonic()
        if self._is_terminal:
            self._draw(row, noted)
        elif time.monotonic() - self._said_at >= EVERY:
            self._said_at = time.monotonic()
            self._stream.write(f"{self._line(row, noted)}\n")
            self._stream.flush()

    def close(self) -> None:
        """Leave the last state on the screen."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None

    def _draw(self, row: Reading, noted: int) -> None:
        bar = self._bar or tqdm(initial=row.meetings_read, unit=" meetings", file=self._stream)
        self._bar = bar
        bar.total = noted or None
        bar.set_description(_stage(row), refresh=False)
        bar.update(row.meetings_read - bar.n)

    def _line(self, row: Reading, noted: int) -> str:
        if not row.is_listed:
            return f"Listing: {row.meetings} meetings so far."
        spent, done = time.monotonic() - self._began_at, row.meetings_read - self._began_with
        rate = done / spent * 60 if spent > 1 else 0.0
        left = f", about {_minutes((noted - row.meetings_read) / rate)} left" if rate else ""
        words = f" {row.words}" if row.words and row.state == Reading.State.RUNNING else ""
        return f"{row.meetings_read} of {noted} meetings read, {rate:.0f} a minute{left}.{words}"


def _stage(row: Reading) -> str:
    if row.state == Reading.State.FINISHED:
        return "Writing to Brevo"
    return "Reading" if row.is_listed else "Listing"


def _minutes(minutes: float) -> str:
    if minutes < 1:
        return "less than a minute"
    return f"{minutes / 60:.1f} hours" if minutes >= 120 else f"{minutes:.0f} minutes"
