"""What all parts of the Brevo stand-in share: the state, the switches, the lock, the clock and the news of changes."""

import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sandbox.brevo_state import Contact, Json, State, new_state
from sandbox.world import Clock

API_KEY = "sandbox-brevo-key"


@dataclass(kw_only=True)
class Settings:
    """The switches: how the account behaves where it can be in trouble, or where the reference is undecided."""

    api_key: str = API_KEY
    dead_key: bool = False  # 401 "Key not found", as after 90 quiet days
    unknown_ip: str = ""  # an address: 401 with the long message; "" knows every address
    not_enough_credits: bool = False  # 402
    forbidden: bool = False  # 403
    too_early: bool = False  # 425 on POST /contacts and PUT /contacts/{identifier}
    latency: float = 0.0  # seconds before each answer
    duplicate_code: str = "duplicate_parameter"  # or "invalid_parameter", seen since about May 2026
    unknown_attribute: str = "drop"  # or "400": the sources disagree
    unknown_contact_event: str = "ignore"  # or "create", "400": undocumented
    event_delay: float = 0.0  # seconds until an accepted event shows in GET /events
    import_seconds: float = 0.3  # until an import is done
    import_outcome: str = "completed"  # or "failed", "cancelled"
    # What joining again does to an unsubscription from that list is undocumented. The default is the harmful reading,
    # so that a connector that ignores `listUnsubscribed` is caught.
    rejoin_resubscribes: bool = True
    optin_templates: list[int] = field(default_factory=list)  # ids of valid templates; empty: every id is

    def update(self, changes: Json) -> None:
        """Set switches by name; raise ValueError for an unknown name or a value of another type."""
        for name, value in changes.items():
            if not hasattr(self, name) or name == "update":
                raise ValueError(f"no such setting: {name}")
            if not _fits(value, getattr(Settings(), name)):
                raise ValueError(f"{name} cannot be {value!r}")
        for name, value in changes.items():
            setattr(self, name, value)


def _fits(value: Any, example: Any) -> bool:
    if isinstance(example, float):
        return isinstance(value, int | float) and not isinstance(value, bool)
    return type(value) is type(example)


Listener = Callable[[str, Contact, Json], None]


class Account:
    """One Brevo account. Everything that reads or writes `state` holds `lock`."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self.lock = threading.RLock()
        self.settings = Settings()
        self.state: State = new_state(clock.now())
        self._listeners: list[Listener] = []
        self.notify: Callable[[str, Json], None] = lambda url, body: None  # set by whoever can post

    def reset(self) -> None:
        """Return to a fresh account with all switches at rest."""
        with self.lock:
            self.settings = Settings()
            self.state = new_state(self.clock.now())

    def listen(self, listener: Listener) -> None:
        """Have a function called for each change that Brevo reports by webhook."""
        self._listeners.append(listener)

    def announce(self, name: str, contact: Contact, **details: Any) -> None:
        """Tell the listeners; `name` is the word a webhook is subscribed with (`contactUpdated`, …)."""
        for listener in self._listeners:
            listener(name, contact, details)
