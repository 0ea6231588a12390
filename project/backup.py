"""Copies the database while everything goes on: `python -m project.backup FILE`. docs/backup.md tells the rest.

SQLite writes a whole new file of one moment (never copy the file itself: what was written last is beside it, in the
-wal file). PostgreSQL's pg_dump does the same, in its own format, for pg_restore. FILE must not be there yet.
"""

import os
import shutil
import sqlite3
import subprocess
import sys
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import quote

import django
from django.conf import settings

from project.plainly import plainly

USAGE = "usage: python -m project.backup FILE"
WAIT = 60.0  # seconds for SQLite's lock
PG = {"HOST": "PGHOST", "PORT": "PGPORT", "USER": "PGUSER", "PASSWORD": "PGPASSWORD", "NAME": "PGDATABASE"}


class BackupError(Exception):
    """There is no backup; the text says why."""


def back_up(database: Mapping[str, Any], target: Path) -> None:
    """Write a backup of a database (one of Django's DATABASES) that only we may read. Raises BackupError.

    It is written beside its place and moved there when it is whole, so that a file of this name is always a good one.
    """
    if target.exists():
        raise BackupError(f"{target} is there already.")
    part = target.with_name(f"{target.name}.part")
    try:
        part.unlink(missing_ok=True)
        part.touch(mode=0o600, exist_ok=False)
        (_sqlite if database["ENGINE"].endswith("sqlite3") else _postgres)(database, part)
        part.rename(target)
    except OSError as error:
        raise BackupError(f"{error.filename or target}: {error.strerror}") from error
    finally:
        part.unlink(missing_ok=True)


def _sqlite(database: Mapping[str, Any], part: Path) -> None:
    source = f"file:{quote(str(database['NAME']))}?mode=rw"  # rw: a missing file is an error, not an empty database
    try:
        with closing(sqlite3.connect(source, uri=True, timeout=WAIT)) as found:
            found.execute("VACUUM INTO ?", [str(part)])
        with closing(sqlite3.connect(part)) as copy:
            (said,) = copy.execute("PRAGMA integrity_check").fetchone()
    except sqlite3.Error as error:
        raise BackupError(f"SQLite: {error}") from error
    if said != "ok":
        raise BackupError(f"The copy is damaged: {said}")


def _postgres(database: Mapping[str, Any], part: Path) -> None:
    program = shutil.which("pg_dump")
    if program is None:
        raise BackupError("pg_dump was not found. On Debian and Ubuntu: apt-get install postgresql-client")
    names = {variable: str(database[name]) for name, variable in PG.items() if database.get(name)}
    command = [program, "--format=custom", "--no-owner", "--no-privileges", "--no-password", "--file", str(part)]
    done = subprocess.run(command, env={**os.environ, **names}, capture_output=True, text=True, check=False)
    if done.returncode:
        raise BackupError(f"pg_dump: {done.stderr.strip()}")


def main(arguments: list[str]) -> int:
    """Back up the database of the settings; return the exit status."""
    if len(arguments) != 1 or arguments[0].startswith("-"):
        print(USAGE, file=sys.stderr)
        return 2
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    with plainly():
        django.setup()
    target = Path(arguments[0])
    try:
        back_up(settings.DATABASES["default"], target)
    except BackupError as error:
        print(error, file=sys.stderr)
        return 1
    print(f"{target}: {target.stat().st_size:,} bytes. Keep FIELD_ENCRYPTION_KEYS elsewhere: it is no use without.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
