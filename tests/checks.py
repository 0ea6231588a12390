"""Runs every check of the project: `make test`, or `python -m tests.checks ruff mypy` for some of them.

Reports each one's time and result, and ends with a summary. With CI=true a part that had to be skipped is a failure;
elsewhere it is listed at the end, so that nobody takes "skipped" for "passed". The one exception is `audit`: whether a
database of known holes can be reached is up to the network, not to the project. Where it can't be, that is said, but
fails nothing. Of thousands of tests up to three may fail for want of a processor: `second_look` asks them again.
"""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from tests import audit, languages, second_look
from tests.postgres import PostgresError, find_programs

BASE = Path(__file__).resolve().parent.parent
CI = os.environ.get("CI", "").lower() in ("true", "1")
PYTHON = sys.executable
PYTEST = (PYTHON, "-m", "pytest", "-q")
IN_TWO = ("-n", "2", "--dist", "worksteal")  # long tests differ: idle hands take over
POSTGRES = (PYTHON, "-m", "tests.postgres", "--")
DATABASE_FREE = ("tests/sandbox", "tests/core", "tests/clients", "tests/project")  # never ask which database it is
LIKE_PRODUCTION = {
    "DJANGO_SETTINGS_MODULE": "project.settings",
    "SECRET_KEY": "2mZk0vXw9Qb7tJr4LcYh6Nf1Ds8Ga3Pe5Ui-EoTqWzKxCvBnMl",  # long and varied, and known to everyone
    "FIELD_ENCRYPTION_KEYS": "dGhpcyBrZXkgaXMga25vd24gdG8gZXZlcnlvbmUgISE=",
    "DEBUG": "false",
    "PUBLIC_URL": "https://sync.example.com",
    "DATABASE_URL": "sqlite:///:memory:",
    "CALENDLY_ACCESS_TOKEN": "not-a-token",
    "CALENDLY_WEBHOOK_SIGNING_KEY": "not-a-key-but-as-long-as-one-has-to-be",
    "BREVO_API_KEY": "not-a-key",
}
CREDENTIALS = re.compile(
    r"(CALENDLY|BREVO)_|(SECRET_KEY|FIELD_ENCRYPTION_KEYS|DATABASE_URL|PUBLIC_URL|TASK_QUEUE_URL)$"
)
ADDRESS = re.compile(r"https?://|--(extra-)?index-url|--find-links")
MACHINE_PATH = re.compile(r"(?<![\w.~{}$*-])/(root|work|home/\w+)/")


@dataclass(frozen=True, kw_only=True)
class Check:
    """One question and the command (or function) that answers it."""

    name: str
    run: Sequence[str] | Callable[[], list[str]]  # a function returns what is wrong
    environment: Mapping[str, str] = field(default_factory=dict)
    needs: str = ""  # a program of NEEDED without which it can't be answered
    alone: Sequence[str] = ()  # of a run of tests: the command that runs some of them, named after it


@dataclass(frozen=True, kw_only=True)
class Needed:
    """A program that comes from the system's packages."""

    package: str  # its name in Debian and Ubuntu
    is_there: Callable[[], bool]
    missing_means: str


def has_postgres() -> bool:
    """Answer whether PostgreSQL's server programs are installed."""
    try:
        return bool(find_programs())
    except PostgresError:
        return False


NEEDED = {
    "chromium": Needed(
        package="chromium",
        is_there=lambda: bool(shutil.which("chromium")),
        missing_means="the tests in a browser",
    ),
    "gettext": Needed(
        package="gettext",
        is_there=lambda: bool(shutil.which("msgcmp") and shutil.which("xgettext")),
        missing_means="the check that every language is complete",
    ),
    "postgresql": Needed(
        package="postgresql",
        is_there=has_postgres,
        missing_means="the tests on PostgreSQL",
    ),
    "redis-server": Needed(
        package="redis-server",
        is_there=lambda: bool(shutil.which("redis-server")),
        missing_means="the tests with a Redis broker",
    ),
}


def tracked_files() -> list[Path]:
    """Return the project's own files: what git tracks, and what it would if it were added."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    names = subprocess.run(command, cwd=BASE, capture_output=True, text=True, check=True).stdout.split("\0")
    return [BASE / name for name in names if name and (BASE / name).is_file()]


def find_lines(files: Sequence[Path], pattern: re.Pattern[str]) -> list[str]:
    """Return "file:line: text" of every line that has the pattern; binary files have no lines."""
    found: list[str] = []
    for path in files:
        lines = path.read_bytes().decode(errors="replace").splitlines()
        hits = (
            f"{path.relative_to(BASE)}:{i}: {line.strip()[:150]}"
            for i, line in enumerate(lines, 1)
            if pattern.search(line)
        )
        found.extend(hits)
    return found


def lock_addresses() -> list[str]:
    """Return the addresses in lock files: they would tie everybody to one registry."""
    return find_lines([path for path in tracked_files() if path.suffix == ".lock"], ADDRESS)


def machine_paths() -> list[str]:
    """Return the paths that exist on one developer's machine only."""
    return find_lines(tracked_files(), MACHINE_PATH)


def no_postgres_tests() -> tuple[str, ...]:
    """Return the arguments that leave out what doesn't care which database it is."""
    return tuple(f"--ignore={folder}" for folder in DATABASE_FREE)


UNDER_TEST = {"DJANGO_SETTINGS_MODULE": "tests.settings"}
CHECKS = (
    Check(name="format", run=(PYTHON, "-m", "ruff", "format", "--check", ".")),
    Check(name="ruff", run=(PYTHON, "-m", "ruff", "check", ".")),
    Check(name="imports", run=(str(Path(PYTHON).parent / "lint-imports"), "--no-logo")),
    Check(name="mypy", run=(PYTHON, "-m", "mypy")),
    Check(name="dependencies", run=(PYTHON, "-m", "deptry", ".")),
    Check(name="languages", run=languages.check, needs="gettext"),
    Check(name="lock-files", run=lock_addresses),
    Check(name="audit", run=audit.audit),
    Check(name="machine-paths", run=machine_paths),
    Check(
        name="migrations", run=(PYTHON, "manage.py", "makemigrations", "--check", "--dry-run"), environment=UNDER_TEST
    ),
    Check(
        name="deploy",
        run=(PYTHON, "manage.py", "check", "--deploy", "--fail-level", "WARNING"),
        environment=LIKE_PRODUCTION,
    ),
    Check(name="sqlite", run=(*PYTEST, *IN_TWO, "-m", "not browser"), alone=PYTEST),
    Check(name="browser", run=(*PYTEST, "-m", "browser"), alone=PYTEST, needs="chromium"),
    Check(
        name="postgresql",
        run=(*POSTGRES, *PYTEST, *IN_TWO, "-m", "not browser", *no_postgres_tests()),
        alone=(*POSTGRES, *PYTEST),
        environment={"HISTORIES": "100"},  # all 500 of them on SQLite
        needs="postgresql",
    ),
)


def install_missing() -> None:
    """Install missing system packages when we may, else say what to install."""
    missing = [needed.package for needed in NEEDED.values() if not needed.is_there()]
    if not missing:
        return
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        print(f"Not installed: {', '.join(missing)}. On Debian and Ubuntu: sudo apt-get install {' '.join(missing)}")
        return
    print(f"Installing {', '.join(missing)} …", flush=True)
    quiet = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", *missing]):
        subprocess.run(
            ["apt-get", *command], env=quiet, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, check=False
        )


def clean_environment() -> dict[str, str]:
    """Return our environment without anything that could reach a real account or a real database."""
    return {name: value for name, value in os.environ.items() if not CREDENTIALS.match(name)}


def ask(check: Check) -> str:
    """Run one check; return "passed", "failed", "skipped", of what asks the network "unreachable", and of tests that
    failed once, and never again when they were alone, "unsteady"."""
    print(f"\n── {check.name} {'─' * (100 - len(check.name))}", flush=True)
    if check.needs and not NEEDED[check.needs].is_there():
        print(f"{check.needs} is not installed.")
        return "skipped"
    if callable(check.run):
        try:
            wrong = check.run()
        except audit.NotReached as reason:
            print(f"Not reached: {reason}")
            return "unreachable"
        print("\n".join(wrong) or "Nothing found.")
        return "failed" if wrong else "passed"
    environment = {**clean_environment(), **check.environment}
    command = [*check.run, *(second_look.cache_options(check.name) if check.alone else ())]
    done = subprocess.run(command, cwd=BASE, env=environment, stdin=subprocess.DEVNULL, check=False)
    if not done.returncode:
        return "passed"
    is_over = done.returncode == 1  # of pytest: tests failed, and it neither broke off nor broke down
    if check.alone and is_over and second_look.passes(check.alone, second_look.failed_in(check.name), environment):
        return "unsteady"
    return "failed"


def main(wanted: Sequence[str]) -> int:
    """Run all checks, or the named ones; return the exit status."""
    unknown = set(wanted) - {check.name for check in CHECKS}
    if unknown:
        print(f"No such check: {', '.join(sorted(unknown))}. There are: {', '.join(check.name for check in CHECKS)}")
        return 2
    chosen = [check for check in CHECKS if not wanted or check.name in wanted]
    if not wanted or any(check.needs for check in chosen):
        install_missing()
    results = []
    for check in chosen:
        start = time.monotonic()
        result = ask(check)
        results.append((check, result, time.monotonic() - start))
    return report(results)


def report(results: Sequence[tuple[Check, str, float]]) -> int:
    """Print the summary; return the exit status."""
    print(f"\n── summary {'─' * 93}")
    for check, result, seconds in results:
        print(f"  {check.name:<14} {seconds:7.1f} s  {result}{remark(check, result)}")
    found = [result for _, result, _ in results]
    skipped, unreachable = found.count("skipped"), found.count("unreachable")
    passed = found.count("passed") + found.count("unsteady")
    print(f"\nchecks: {passed} passed, {found.count('failed')} failed, {skipped + unreachable} skipped")
    if CI and skipped:
        print("With CI=true a skipped part is a failure.")
    if unreachable:  # no failure: CI's own machine reaches package indexes, but no database of holes
        print("What couldn't be reached was NOT checked: run `make test ONLY=audit` where the internet is.")
    return 1 if "failed" in found or (CI and skipped) else 0


def remark(check: Check, result: str) -> str:
    """Return what nobody looked at, for a check that was not run; and which tests have to be looked at by somebody."""
    if result == "unsteady":
        names = ", ".join(second_look.failed_in(check.name))
        return f"  FAILED ONCE, then passed {second_look.TIMES} times alone: {names}"
    if result == "skipped":
        return f"  NOT RUN: {NEEDED[check.needs].missing_means}"
    return "  NOT RUN: no database of known holes could be reached" if result == "unreachable" else ""


if __name__ == "__main__":
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr] # one order with what the checks print
    sys.exit(main(sys.argv[1:]))
