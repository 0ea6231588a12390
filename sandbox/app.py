"""The whole sandbox: Calendly, Brevo, their pages and control routes on one loopback port."""

import pickle
from typing import Any

from sandbox.brevo import Brevo
from sandbox.calendly import Calendly
from sandbox.control import register_control
from sandbox.desk import register_desk
from sandbox.http import Router
from sandbox.server import Server, World


class Sandbox:
    """with Sandbox() as sandbox: …  (or start() and stop())."""

    def __init__(self, port: int = 0) -> None:
        self.world = World.new()
        self.calendly = Calendly(self.world)
        self.brevo = Brevo(self.world)
        self.control = Router()
        register_control(self.control, self)
        register_desk(self.control, self.calendly)
        self.brevo.register_control(self.control)
        self.server = Server(
            self.world, calendly=self.calendly, brevo=self.brevo, control=self.control, port=port
        )  # fmt: skip

    @property
    def url(self) -> str:
        """Return "http://127.0.0.1:<port>": Calendly's and its OAuth's base; Brevo's is it plus "/v3"."""
        return self.server.url

    def start(self) -> "Sandbox":
        """Serve in a daemon thread and return at once."""
        self.server.start()
        return self

    def stop(self) -> None:
        """Stop serving and sending, and free the port."""
        self.server.stop()
        self.calendly.stop()

    def reset(self) -> None:
        """Begin again: fresh accounts, no faults, an empty journal, the machine's time."""
        self.world.faults.clear()
        self.world.journal.clear()
        self.world.clock.reset()
        self.world.latency.clear()
        self.calendly.reset()
        self.brevo.reset()

    def snapshot(self) -> bytes:
        """Return the state of both services (not of the clock, faults and journal) for a later `restore`."""
        with self.brevo.lock:
            brevo = pickle.dumps(self.brevo.state)
        with self.calendly.lock:
            calendly = pickle.dumps(self.calendly.snapshot())
        return pickle.dumps((calendly, brevo))

    def restore(self, snapshot: bytes) -> None:
        """Take over what `snapshot` returned; only ever feed it a file that this program wrote."""
        parts: tuple[Any, Any] = pickle.loads(snapshot)  # noqa: S301
        calendly, brevo = (pickle.loads(part) for part in parts)  # noqa: S301
        self.calendly.restore(calendly)
        self.brevo.state = brevo

    def __enter__(self) -> "Sandbox":
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
