"""What the two stand-ins share besides HTTP: the simulated clock, the faults to play, and the journal of calls."""

import threading
import time
from collections import Counter, deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

Provider = Literal["calendly", "brevo"]


class Clock:
    """The sandbox's own time: the machine's clock plus an offset that tests and the desk may push forward."""

    def __init__(self) -> None:
        self._offset = 0.0
        self._watchers: list[Callable[[], None]] = []

    def watch(self, on_advance: Callable[[], None]) -> None:
        """Call `on_advance` after every jump of the time, so that waiting threads look again at what is due."""
        self._watchers.append(on_advance)

    def now(self) -> float:
        """Return simulated Unix seconds."""
        return time.time() + self._offset

    def utc(self) -> datetime:
        """Return the simulated time as an aware UTC datetime."""
        return datetime.fromtimestamp(self.now(), UTC)

    def advance(self, seconds: float) -> None:
        """Move the simulated time forward."""
        self._offset += seconds
        for on_advance in self._watchers:
            on_advance()

    def reset(self) -> None:
        """Return to the machine's time."""
        self._offset = 0.0


@dataclass(kw_only=True)
class Fault:
    """One planned misbehaviour.

    kind: `status` (answer `status`/`body`/`headers` without doing anything) · `reset` (close the socket without an
    answer, nothing done) · `timeout` (nothing done, silence for `seconds`, then close) · `commit_then_reset` and
    `commit_then_timeout` (the work is done, the answer never arrives) · `slow` (normal answer after `seconds`) ·
    `meanwhile` (normal answer, but before it is sent something else happens: `body` is posted to the control route
    `act`, such as "/sandbox/calendly/cancel". So rows come and go between two pages of a listing.)
    """

    provider: Provider
    kind: Literal["status", "reset", "timeout", "commit_then_reset", "commit_then_timeout", "slow", "meanwhile"]
    method: str = ""  # empty: any
    path: str = ""  # a template such as "/contacts/{identifier}" or a literal path; empty: any
    status: int = 503
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.0
    skip: int = 0  # let this many matching requests through first
    times: int | None = 1  # None: for ever
    every: int = 1  # hit only each nth matching request
    act: str = ""  # of `meanwhile`


class Faults:
    """The faults still to be played, in the order they were added."""

    def __init__(self) -> None:
        self._faults: list[Fault] = []
        self._seen: dict[int, int] = {}
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> None:
        """Plan one more fault."""
        with self._lock:
            self._faults.append(fault)

    def clear(self) -> None:
        """Forget all planned faults."""
        with self._lock:
            self._faults.clear()
            self._seen.clear()

    def planned(self) -> list[Fault]:
        """Return the faults not yet used up."""
        with self._lock:
            return list(self._faults)

    def take(self, provider: Provider, method: str, path: str, template: str) -> Fault | None:
        """Return the fault that this request must suffer, using it up."""
        with self._lock:
            for fault in self._faults:
                if fault.provider != provider or (fault.method and fault.method != method):
                    continue
                if fault.path and fault.path not in (path, template):
                    continue
                seen = self._seen[id(fault)] = self._seen.get(id(fault), 0) + 1
                if seen <= fault.skip or (seen - fault.skip) % fault.every:
                    continue
                if fault.times is not None:
                    fault.times -= 1
                    if fault.times <= 0:
                        self._faults.remove(fault)
                        self._seen.pop(id(fault), None)
                return fault
        return None


@dataclass(frozen=True, kw_only=True)
class Call:
    """One request that reached the sandbox and what it answered."""

    number: int
    at: float  # machine time (Unix seconds) at which the request was read
    provider: Provider
    method: str
    path: str
    template: str
    query: dict[str, list[str]]
    body: Any  # decoded JSON or form where possible, else text
    status: int  # 0: no answer was sent
    fault: str = ""


class Journal:
    """The calls received, newest last; bounded, so a long-running sandbox does not grow."""

    def __init__(self, keep: int = 50_000) -> None:
        self._calls: deque[Call] = deque(maxlen=keep)
        self._counts: Counter[tuple[Provider, str, int]] = Counter()
        self._number = 0
        self._lock = threading.Lock()

    def record(self, **details: Any) -> None:
        """Append one call."""
        with self._lock:
            self._number += 1
            call = Call(number=self._number, **details)
            self._calls.append(call)
            self._counts[call.provider, f"{call.method} {call.template or call.path}", call.status] += 1

    def counts(self, provider: Provider) -> dict[str, dict[str, int]]:
        """Return how many calls a provider got, those that are no longer kept too: by template, and by status."""
        templates: Counter[str] = Counter()
        statuses: Counter[str] = Counter()
        with self._lock:
            for (whose, template, status), count in self._counts.items():
                if whose == provider:
                    templates[template] += count
                    statuses[str(status)] += count
        return {"templates": dict(templates), "statuses": dict(statuses)}

    def calls(
        self, provider: Provider | None = None, *, method: str = "", template: str = "", since: int = 0
    ) -> list[Call]:
        """Return calls after number `since`, filtered."""
        with self._lock:
            return [
                call
                for call in self._calls
                if call.number > since
                and provider in (None, call.provider)
                and method in ("", call.method)
                and template in ("", call.template)
            ]

    def clear(self) -> None:
        """Forget all calls and counts (numbers go on)."""
        with self._lock:
            self._calls.clear()
            self._counts.clear()
