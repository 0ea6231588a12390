"""Runs a command against a throw-away PostgreSQL: `python -m tests.postgres -- pytest tests/services`.

The cluster lives in a temporary folder, listens on loopback only and never waits for the disk. It is stopped by its
own process id when the command ends, however it ends, and by the kernel when this process is killed.
"""

import ctypes
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

USER = "calendly"
SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "max_connections": "200",
    "autovacuum_naptime": "10min",
}
START_SECONDS = 60
NO_SERVER = "PostgreSQL's server programs were not found. On Debian and Ubuntu: apt-get install postgresql"


class PostgresError(Exception):
    """The server can't be found or doesn't start; the text says what to do."""


def find_programs() -> Path:
    """Return the folder of the newest installed server's programs. Raise PostgresError when there is none."""
    folders = [path.parent for path in Path("/usr/lib/postgresql").glob("*/bin/postgres")]
    if folders:
        return max(folders, key=lambda folder: int(folder.parent.name))
    if on_path := shutil.which("postgres"):
        return Path(on_path).resolve().parent
    raise PostgresError(NO_SERVER)


@contextmanager
def running_server() -> Iterator[str]:
    """Start a new cluster and yield its DATABASE_URL."""
    programs = find_programs()
    folder = Path(tempfile.mkdtemp(prefix="calendly-connector-postgres-"))
    try:
        if user := _server_user():
            shutil.chown(folder, user=user, group=user)
        _initialise(programs, folder / "data")
        port = _free_port()
        server = _start(programs, folder, port)
        try:
            _wait_until_ready(programs, server, port, folder / "log")
            yield f"postgres://{USER}@127.0.0.1:{port}/{USER}"
        finally:
            server.send_signal(signal.SIGINT)  # "fast shutdown": disconnects everybody and ends cleanly
            server.wait()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _server_user() -> str | None:
    """Return whom the server runs as (it refuses root); None is whoever we are."""
    return "postgres" if os.geteuid() == 0 else None


def _initialise(programs: Path, data: Path) -> None:
    command = [
        str(programs / "initdb"),
        "-D",
        str(data),
        "-U",
        USER,
        "-A",
        "trust",
        "-E",
        "UTF8",
        "--no-locale",
        "--no-sync",
    ]
    done = subprocess.run(
        command, cwd="/", capture_output=True, text=True, check=False, user=_server_user(), group=_server_user()
    )
    if done.returncode:
        raise PostgresError(f"initdb failed:\n{done.stdout}{done.stderr}")


def _start(programs: Path, folder: Path, port: int) -> subprocess.Popen[bytes]:
    settings = [argument for name, value in SETTINGS.items() for argument in ("-c", f"{name}={value}")]
    where = ["-D", str(folder / "data"), "-p", str(port), "-k", str(folder)]
    command = [str(programs / "postgres"), *where, *settings]
    with (folder / "log").open("wb") as log:
        return subprocess.Popen(
            command,
            cwd="/",
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            process_group=0,  # Ctrl-C is for the command; we stop the server when that has ended
            preexec_fn=_stop_with_parent(),
            user=_server_user(),
            group=_server_user(),
        )


def _stop_with_parent() -> Callable[[], None]:
    """Return what the server does before it starts: ask the kernel for SIGINT when this process dies."""
    libc = ctypes.CDLL(None)

    def ask() -> None:
        if sys.platform == "linux":
            libc.prctl(1, signal.SIGINT)  # PR_SET_PDEATHSIG

    return ask


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def _wait_until_ready(programs: Path, server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    create = [str(programs / "createdb"), "-h", "127.0.0.1", "-p", str(port), "-U", USER, USER]
    end = time.monotonic() + START_SECONDS
    while subprocess.run(create, capture_output=True, check=False).returncode:
        if server.poll() is not None or time.monotonic() > end:
            raise PostgresError(f"PostgreSQL did not start:\n{log.read_text(errors='replace')}")
        time.sleep(0.1)


def _stop_on_sigterm(number: int, frame: object) -> None:
    raise SystemExit(128 + number)


def main(arguments: list[str]) -> int:
    """Run the command after `--` with DATABASE_URL set; return its exit status."""
    command = arguments[1:] if arguments[:1] == ["--"] else arguments
    if not command:
        print("usage: python -m tests.postgres -- COMMAND [ARGUMENT…]", file=sys.stderr)
        return 2
    signal.signal(signal.SIGTERM, _stop_on_sigterm)
    try:
        with running_server() as url:
            return subprocess.run(command, env={**os.environ, "DATABASE_URL": url}, check=False).returncode
    except PostgresError as error:
        print(error, file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
