"""Asks the databases of known holes about every pinned package (`make test ONLY=audit`).

Three ends, kept apart: nothing is known against any of them; something is known (or a package can't be asked about);
or no database could be reached, and then nothing was looked at. pip-audit alone doesn't keep them apart: where an index
has no such database it reports every package as "not found" and exits with 0.
"""

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

BASE = Path(__file__).resolve().parent.parent
LOCKS = (BASE / "requirements.lock", BASE / "requirements-dev.lock")
SERVICES = (
    ("--vulnerability-service", "pypi"),
    ("--vulnerability-service", "osv"),
)  # the same advisories, by two doors
SECONDS = 240  # for one database and all packages
AWAY = re.compile(
    r"(requests\.exceptions\.(\w*Timeout|\w*ConnectionError|ProxyError|SSLError|JSONDecodeError)"
    r"|pip_audit\._service\.interface\.(ConnectionError|ServiceError))\b"
)


class NotReached(Exception):
    """No database of known holes answered: nothing was looked at."""


def audit(locks: Sequence[Path] = LOCKS, services: Sequence[Sequence[str]] = SERVICES) -> list[str]:
    """Return what is known against the packages of lock files; the first database that answers decides.

    Raises NotReached when none does.
    """
    reasons = []
    for service in services:
        try:
            return _ask(locks, service)
        except NotReached as reason:
            reasons.append(f"{service[-1]}: {reason}")
    raise NotReached("; ".join(reasons))


def _ask(locks: Sequence[Path], service: Sequence[str]) -> list[str]:
    command = [sys.executable, "-m", "pip_audit", "--require-hashes", "--disable-pip", "--progress-spinner", "off"]
    command += ["--format", "json", "--desc", "off", *service]
    for lock in locks:
        command += ["--requirement", str(lock)]
    with tempfile.TemporaryDirectory() as cache:  # yesterday's answers would hide today's holes
        command += ["--cache-dir", cache]
        try:
            done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=SECONDS)
        except subprocess.TimeoutExpired:
            raise NotReached(f"no answer within {SECONDS} seconds") from None
    return judge(done.stdout, done.stderr)


def judge(report: str, errors: str) -> list[str]:
    """Return what is wrong by pip-audit's JSON report and what it wrote to standard error.

    Raises NotReached when the database was away, or had none of the packages.
    """
    if not report.strip():
        last = (errors.strip().splitlines() or ["pip-audit said nothing"])[-1]
        if AWAY.search(errors):
            raise NotReached(last[:200])
        return [f"pip-audit failed: {last}"]
    packages: list[dict[str, Any]] = json.loads(report)["dependencies"]
    asked = [each for each in packages if "skip_reason" not in each]
    if not asked:
        raise NotReached(f"it knows none of the {len(packages)} packages, so it is no database of holes")
    return [line for each in packages for line in _wrong(each)]


def _wrong(package: dict[str, Any]) -> list[str]:
    if "skip_reason" in package:  # the others were found: perhaps it was withdrawn
        return [f"{package['name']}: {package['skip_reason']}"]
    return [
        f"{package['name']} {package['version']}: {hole['id']} ({', '.join(hole['aliases']) or 'no other name'}), "
        f"mended in {', '.join(hole['fix_versions']) or 'no version yet'}"
        for hole in package["vulns"]
    ]
