"""Lets a command that is typed beside a running `make run` talk to the same sandbox: `manage.py calendly_doctor`.

Only then. Whoever has credentials, another database, or no `make run` that runs gets the settings as they are.
"""

import fcntl
import json
import os
import sys
from collections.abc import Mapping
from pathlib import Path

from project.environment import Environment

BASE = Path(__file__).resolve().parent.parent
NOTE, LOCK = "sandbox-environment.json", "lock"
CREDENTIALS = ("CALENDLY_ACCESS_TOKEN", "CALENDLY_CLIENT_ID", "BREVO_API_KEY")
DATABASE = "DATABASE_URL"


def note_sandbox(memory: Path, env: Environment, environment: Mapping[str, str]) -> None:
    """Write down what makes a process talk to the sandbox of this run, and with which database it does."""
    note = memory / NOTE
    note.unlink(missing_ok=True)
    note.touch(mode=0o600)
    note.write_text(json.dumps({**environment, DATABASE: env.text(DATABASE)}))


def forget_sandbox(memory: Path) -> None:
    """Throw the note away."""
    (memory / NOTE).unlink(missing_ok=True)


def borrow_sandbox(base: Path = BASE) -> bool:
    """Put what the running `make run` noted into our environment; return whether there was anything to borrow."""
    note = base / ".run" / NOTE
    if not note.is_file() or not _is_running(base / ".run" / LOCK):
        return False
    env = Environment(base / ".env")
    noted: dict[str, str] = json.loads(note.read_text())
    if any(env.text(name) for name in CREDENTIALS) or env.text(DATABASE) != noted.pop(DATABASE):
        return False
    os.environ.update(noted)
    print("(with the sandbox of the `make run` that is running)", file=sys.stderr)
    return True


def _is_running(lock: Path) -> bool:
    """Answer whether a `make run` holds its lock."""
    if not lock.is_file():
        return False
    with lock.open() as holder:
        try:
            fcntl.flock(holder, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False
