"""How fast calls may follow one another when a service tells in each answer how many are left.

Calendly counts per user and minute, and says `X-RateLimit-Remaining` and `X-RateLimit-Reset` (seconds) on every answer
(calendly-api.md §1.6). What other processes use shows in the same numbers, so nothing has to be shared.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

SPARE = 0.01  # of the limit is left to whoever else calls for this user, such as a webhook's missing half
LONGEST_WINDOW = 120  # seconds; Calendly's is a minute. A moment instead of a span would stop all work for decades
NEW_WINDOW = 1.5  # seconds: a reset that is later by more than the header's rounding begins a new window


class Pace:
    """One user's calls from one process. Safe to share between threads."""

    def __init__(self, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._left: int | None = None  # None: nobody has told yet
        self._spare = 1
        self._resets_at = 0.0
        self._in_flight = 0
        self.per_minute = 0
        """The limit that the last answer named; 0 before one did."""

    def wait(self) -> float:
        """Return the seconds until a call may be made: 0 for now."""
        with self._lock:
            now = self._clock()
            if now >= self._resets_at:
                self._left = None
            if self._left is None or self._left - self._in_flight > self._spare:
                return 0.0
            return self._resets_at - now

    @contextmanager
    def place(self) -> Iterator[None]:
        """Count a call as under way while the block runs."""
        with self._lock:
            self._in_flight += 1
        try:
            yield
        finally:
            with self._lock:
                self._in_flight -= 1

    def observe(self, headers: Mapping[str, str]) -> None:
        """Take in an answer's headers (names in lower case). Answers may come in another order than calls went out."""
        try:
            limit, left, reset = (int(headers[f"x-ratelimit-{name}"]) for name in ("limit", "remaining", "reset"))
        except (KeyError, ValueError):
            return
        with self._lock:
            self.per_minute = limit
            resets_at = self._clock() + min(reset, LONGEST_WINDOW)
            is_new = self._left is None or resets_at > self._resets_at + NEW_WINDOW
            self._left = left if is_new or self._left is None else min(left, self._left)
            self._resets_at = resets_at if is_new else self._resets_at
            self._spare = max(1, int(limit * SPARE))

    def block(self, seconds: float) -> None:
        """Stop for so long: the service answered 429."""
        with self._lock:
            self._left, self._resets_at = 0, self._clock() + seconds
