"""Starts management commands as processes of their own, without loading Django anew for each.

As a program it reads one line of JSON for each, {"argv", "out", "err"}; it prints the new process's id, and its exit
status once that has ended, and then reads the next.
"""

import json
import os
import select
import signal
import subprocess
import sys
import traceback
from collections.abc import Mapping
from pathlib import Path

import django
from django.core.management import execute_from_command_line

BASE = Path(__file__).resolve().parents[2]


class Child:
    """One command under way, ended by its own id. Has what is needed of `subprocess.Popen`."""

    def __init__(self, nursery: "Nursery", wish: Mapping[str, object]) -> None:
        self._nursery = nursery
        nursery.say(wish)
        self.pid = nursery.hear()
        self.returncode: int | None = None

    def poll(self) -> int | None:
        """Return its exit status, negative for the signal that ended it; None while it runs."""
        if self.returncode is None and self._nursery.has_spoken():
            self.returncode = self._nursery.hear()
        return self.returncode

    def wait(self, timeout: float) -> int:
        """Return its exit status. Raise TimeoutError when that takes longer than so many seconds."""
        if self.returncode is None and not self._nursery.has_spoken(timeout):
            raise TimeoutError
        return self.poll() or 0

    def send_signal(self, number: int) -> None:
        """Send it a signal."""
        if self.poll() is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        """End it without a chance to tidy up."""
        self.send_signal(signal.SIGKILL)


class Nursery:
    """The program from outside. Its children run one after the other."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        command = [sys.executable, "-m", "tests.processes.nursery"]
        self._process = subprocess.Popen(
            command, cwd=BASE, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0
        )
        assert self._process.stdin and self._process.stdout
        self._in, self._out = self._process.stdin, self._process.stdout

    def start(self, *argv: str, out: Path, err: Path) -> Child:
        """Start a command; the one before must be over."""
        return Child(self, {"argv": argv, "out": str(out), "err": str(err)})

    def say(self, wish: Mapping[str, object]) -> None:
        """Send one line."""
        self._in.write(json.dumps(wish).encode() + b"\n")

    def hear(self) -> int:
        """Return the number of the next line."""
        return int(self._out.readline())

    def has_spoken(self, seconds: float = 0) -> bool:
        """Return whether a line has come, or does within so many seconds."""
        return bool(select.select([self._out], [], [], seconds)[0])

    def close(self) -> None:
        """End the program, which its last child must have done before."""
        self._in.close()
        self._process.wait(60)
        self._out.close()


def main() -> None:
    """Fork for each line until there are no more."""
    django.setup()
    for line in sys.stdin:
        wish = json.loads(line)
        pid = os.fork()
        if not pid:
            _become(wish["argv"], wish["out"], wish["err"])
        print(pid, flush=True)
        print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)


def _become(argv: list[str], out: str, err: str) -> None:
    """Be the command from here on: with its own output, to its own end."""
    for path, number in ((os.devnull, 0), (out, 1), (err, 2)):
        os.dup2(os.open(path, os.O_RDWR | os.O_CREAT), number)
    status = 1
    try:
        execute_from_command_line(["manage.py", *argv])
        status = 0
    except SystemExit as end:
        status = int(end.code or 0)
    except BaseException:  # noqa: BLE001 - whatever it is, it is printed, and the process ends here
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    main()
