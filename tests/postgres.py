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
from collections.abc import Callable, Iterator, Mapping
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
    with own_server() as server:
        yield server.url


@contextmanager
def own_server(**settings: str) -> Iterator["Server"]:
    """Start a new cluster with settings of its own and yield it; its folder goes with it."""
    programs = find_programs()
    folder = Path(tempfile.mkdtemp(prefix="calendly-connector-postgres-"))
    try:
        server = Server(programs, folder, {**SETTINGS, **settings})
        try:
            server.create()
            yield server
        finally:
            server.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)


class Server:
    """One cluster in a folder, on a port that stays the same when it is ended and started again."""

    def __init__(self, programs: Path, folder: Path, settings: Mapping[str, str]) -> None:
        self._settings = settings
        self._programs, self._folder, self._port = programs, folder, _free_port()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Return its DATABASE_URL."""
        return f"postgres://{USER}@127.0.0.1:{self._port}/{USER}"

    def create(self) -> None:
        """Make the cluster and its database, and start it."""
        if user := _server_user():
            shutil.chown(self._folder, user=user, group=user)
        _initialise(self._programs, self._folder / "data")
        self.start()
        self._ask("createdb", USER)

    def start(self) -> None:
        """Start it and return when it answers. Raise PostgresError when it doesn't."""
        self._process = _start(self._programs, self._folder, self._port, self._settings)
        end = time.monotonic() + START_SECONDS
        while not self._ask("pg_isready", "-q"):
            if self._process.poll() is not None or time.monotonic() > end:
                log = (self._folder / "log").read_text(errors="replace")
                raise PostgresError(f"PostgreSQL did not start:\n{log}")
            time.sleep(0.1)

    def stop(self, how: signal.Signals = signal.SIGINT) -> None:
        """End it: by SIGINT it disconnects everybody and ends cleanly, by SIGQUIT it ends as in a crash."""
        if self._process:
            self._process.send_signal(how)
            self._process.wait()

    def _ask(self, program: str, *arguments: str) -> bool:
        where = ["-h", "127.0.0.1", "-p", str(self._port), "-U", USER]
        command = [str(self._programs / program), *where, *arguments]
        return not subprocess.run(command, capture_output=True, check=False).returncode


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


def _start(programs: Path, folder: Path, port: int, changes: Mapping[str, str]) -> subprocess.Popen[bytes]:
    settings = [argument for name, value in changes.items() for argument in ("-c", f"{name}={value}")]
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
