"""python -m sandbox [--port N] [--state-file F]: run the stand-ins until SIGTERM or Ctrl-C."""

import argparse
import signal
import threading
import time
from pathlib import Path

from sandbox.app import Sandbox


def main() -> None:
    """Serve, print the address, keep the state file fresh, leave cleanly."""
    options = _options()
    sandbox = Sandbox(options.port)
    saver = Saver(sandbox, options.state_file) if options.state_file else None
    if saver:
        saver.load()
    stopped = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopped.set())
    sandbox.start()
    print(f"Sandbox on {sandbox.url}/sandbox", flush=True)
    while not stopped.wait(1 if saver else None):
        if saver:
            saver.save_if_changed()
    sandbox.stop()
    if saver:
        saver.save()


class Saver:
    """Writes the state to a file, at most once a second and only after something was asked of the sandbox."""

    def __init__(self, sandbox: Sandbox, path: Path) -> None:
        self._sandbox = sandbox
        self._path = path
        self._saved = b""
        self._requests = 0
        self._not_before = 0.0

    def load(self) -> None:
        """Take over the file of an earlier run, if there is one."""
        if self._path.exists():
            self._sandbox.restore(self._path.read_bytes())

    def save_if_changed(self) -> None:
        """Save when requests came in since the last time; a large state less often: saving holds everything up."""
        if self._sandbox.server.requests != self._requests and time.monotonic() >= self._not_before:
            began = time.monotonic()
            self.save()
            self._not_before = began + 20 * (time.monotonic() - began)

    def save(self) -> None:
        """Write the file whole or not at all."""
        self._requests = self._sandbox.server.requests
        content = self._sandbox.snapshot()
        if content == self._saved:
            return
        fresh = self._path.with_name(self._path.name + ".new")
        fresh.touch(mode=0o600)
        fresh.write_bytes(content)
        fresh.replace(self._path)
        self._saved = content


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1 (0: any free one)")
    parser.add_argument("--state-file", type=Path, help="keep both services' state here across restarts")
    return parser.parse_args()


if __name__ == "__main__":
    main()
