"""What is done to the town, each kind in turn and none left out."""

import random
import signal
import time
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from sandbox.app import Sandbox
from sandbox.world import Fault
from tests.chaos.town import WEBS, WORKERS, Town
from tests.postgres import Server

Deed = Callable[[], None]
AWAY = 2.0  # seconds for which a server stays away

FAULTS: Mapping[str, Mapping[str, Any]] = {
    "Brevo answers 500": {"provider": "brevo", "kind": "status", "status": 500, "every": 2, "times": 20},
    "Brevo answers 429": {
        **{"provider": "brevo", "kind": "status", "status": 429, "times": 5},
        "headers": {"x-sib-ratelimit-reset": "2"},
    },
    "Brevo hangs up": {"provider": "brevo", "kind": "reset", "every": 3, "times": 10},
    "Brevo does it, and hangs up": {"provider": "brevo", "kind": "commit_then_reset", "every": 5, "times": 6},
    "Brevo is slow": {"provider": "brevo", "kind": "slow", "seconds": 1.0, "every": 3, "times": 20},
    "Calendly answers 503": {"provider": "calendly", "kind": "status", "status": 503, "every": 2, "times": 10},
    "Calendly hangs up": {"provider": "calendly", "kind": "reset", "every": 2, "times": 5},
    "Calendly is slow": {"provider": "calendly", "kind": "slow", "seconds": 2.0, "times": 10},
}


class Mischief:
    """A shuffled pile of deeds, done one after the other; `done` counts them."""

    def __init__(
        self, town: Town, sandbox: Sandbox, dice: random.Random, *, server: Server | None, rounds: int
    ) -> None:
        self._town, self._sandbox, self._dice, self._server = town, sandbox, dice, server
        self._pile: list[str] = []
        for _ in range(rounds):
            names = list(self._deeds())
            dice.shuffle(names)
            self._pile += names
        self.planned = len(self._pile)
        self.done: Counter[str] = Counter()

    def go_on(self, share: float) -> None:
        """Do what is due when so much of the whole (0 to 1) is over."""
        while self._pile and self.planned - len(self._pile) < share * self.planned:
            name = self._pile.pop()
            begun = time.monotonic()
            self._deeds()[name]()
            print(f"  {share:4.0%} {name} ({time.monotonic() - begun:.1f} s)", flush=True)
            self.done[name] += 1

    def _deeds(self) -> dict[str, Deed]:
        town, pick = self._town, self._dice.randrange
        deeds: dict[str, Deed] = {
            "a worker is killed": lambda: town.kill_worker(pick(WORKERS - 1)),
            "another worker is killed": lambda: town.kill_worker(WORKERS - 1),  # with a broker its clock is wrong
            "a web server is killed": lambda: town.restart_web(pick(WEBS), is_polite=False),
            "a web server is restarted": lambda: town.restart_web(pick(WEBS), is_polite=True),
            **{name: self._breaking(fault) for name, fault in FAULTS.items()},
        }
        if redis := town.redis:
            deeds["Redis is flushed"] = redis.flush
            deeds["Redis is restarted"] = lambda: _restart(redis.stop, redis.start)
            deeds["the beat is killed"] = town.restart_beat
        if server := self._server:
            deeds["PostgreSQL is restarted"] = lambda: _restart(server.stop, server.start)
            deeds["PostgreSQL crashes"] = lambda: _restart(lambda: server.stop(signal.SIGQUIT), server.start)
        return deeds

    def _breaking(self, fault: Mapping[str, Any]) -> Deed:
        return lambda: self._sandbox.world.faults.add(Fault(**fault))


def _restart(stop: Deed, start: Deed) -> None:
    stop()
    time.sleep(AWAY)
    start()
