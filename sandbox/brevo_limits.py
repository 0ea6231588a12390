"""Brevo's rate limits: one fixed window per group of endpoints, on real time (reference 6)."""

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from sandbox.brevo_answers import refusal
from sandbox.brevo_state import Json

Clock = Callable[[], float]


@dataclass
class _Window:
    ends_at: float = 0.0
    used: int = 0


class Limits:
    """Counts calls. `sizes` maps a group to (calls, seconds): `contacts`, `events` and `other`.

    The reference leaves paths open; this is its cautious reading: everything under /contacts is in the fast group,
    POST /events has its own, all the rest (also /events/batch) shares 100 per hour.
    """

    DEFAULTS = {"contacts": (10, 1.0), "events": (10, 1.0), "other": (100, 3600.0)}

    def __init__(self, now: Clock = time.monotonic) -> None:
        self.enabled = True
        self.sizes = dict(self.DEFAULTS)
        self.reset_in_milliseconds = False  # one published client reads the header so
        self._now = now
        self._windows: dict[str, _Window] = {}
        self._lock = threading.Lock()

    def reset(self) -> None:
        """Begin fresh windows; the sizes and the main switch stay."""
        with self._lock:
            self._windows.clear()

    def update(self, changes: Json) -> None:
        """Set the limits from JSON: enabled, reset_in_milliseconds, or a group with [calls, seconds]."""
        sizes = {name: _size(name, value) for name, value in changes.items() if name not in _SWITCHES}
        switches = {name: value for name, value in changes.items() if name in _SWITCHES}
        if not all(isinstance(value, bool) for value in switches.values()):
            raise ValueError("enabled and reset_in_milliseconds are true or false")
        self.sizes.update(sizes)
        for name, value in switches.items():
            setattr(self, name, value)
        if changes:
            self.reset()

    def as_json(self) -> Json:
        """Return the limits in the form that `update` reads."""
        sizes = {name: list(size) for name, size in self.sizes.items()}
        return {"enabled": self.enabled, "reset_in_milliseconds": self.reset_in_milliseconds, **sizes}

    def take(self, method: str, template: str) -> None:
        """Count a call; raise the 429 when the window is full."""
        if not self.enabled:
            return
        group = group_of(method, template)
        with self._lock:
            window = self._current(group)
            if window.used >= self.sizes[group][0]:
                raise refusal(429, "too_many_requests", "Too Many Requests")  # code and message are undocumented
            window.used += 1

    def headers(self, method: str, template: str) -> dict[str, str]:
        """Return the three headers that describe the window of the endpoint called."""
        if not self.enabled:
            return {}
        group = group_of(method, template)
        with self._lock:
            window, size = self._current(group), self.sizes[group][0]
            left = window.ends_at - self._now()
        reset = math.ceil(left * 1000) if self.reset_in_milliseconds else math.ceil(left)
        return {
            "x-sib-ratelimit-limit": str(size),
            "x-sib-ratelimit-remaining": str(max(0, size - window.used)),
            "x-sib-ratelimit-reset": str(max(0, reset)),
        }

    def _current(self, group: str) -> _Window:
        now = self._now()
        window = self._windows.get(group)
        if window is None or window.ends_at <= now:
            window = self._windows[group] = _Window(ends_at=now + self.sizes[group][1])
        return window


_SWITCHES = ("enabled", "reset_in_milliseconds")


def _size(name: str, value: object) -> tuple[int, float]:
    if name not in Limits.DEFAULTS:
        raise ValueError(f"no such limit: {name}")
    if not isinstance(value, list) or len(value) != 2 or not all(isinstance(each, int | float) for each in value):
        raise ValueError(f"{name} must be [calls, seconds]")
    return int(value[0]), float(value[1])


def group_of(method: str, template: str) -> str:
    """Return the group an endpoint is counted in."""
    if template == "/contacts" or template.startswith("/contacts/"):
        return "contacts"
    return "events" if (method, template) == ("POST", "/events") else "other"
