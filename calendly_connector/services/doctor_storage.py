"""The doctor looks at what everything stands on: the database, the disk, and the versions."""

import shutil
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import django
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.migrations.executor import MigrationExecutor
from django.utils.translation import gettext as _

from calendly_connector import checks
from calendly_connector.core.diagnosis import Finding, Symptom, bad, good, note, warn
from calendly_connector.services.doctor_check import Check, Visit

HERE = Symptom.INSTALLATION
GIGABYTE = 1024**3
LITTLE, NOTHING = 1 * GIGABYTE, GIGABYTE // 5  # bytes of free disk
LARGE_SQLITE = 10 * GIGABYTE

Version = tuple[int, ...]
PYTHON: tuple[Version, Version] = (3, 11), (3, 14)
DJANGO: tuple[Version, Version] = (5, 2), (6, 1)
POSTGRESQL: tuple[Version, Version] = (14,), (18,)
"""Oldest and newest version that this release was made for, both included."""


def migrations(visit: Visit) -> Iterator[Finding]:
    """The tables have to be those that the code expects: neither older nor newer."""
    executor = MigrationExecutor(connection)
    loader = executor.loader
    ours = "calendly_connector" in loader.migrated_apps
    newer = {
        name for name in loader.applied_migrations if name[0] == "calendly_connector"
    } - loader.disk_migrations.keys()
    if missing := executor.migration_plan(loader.graph.leaf_nodes()):
        yield bad(
            _("The database lacks %(count)s migrations.") % {"count": len(missing)},
            _("Stop web and worker, run `manage.py migrate`, and start them again."),
            HERE,
        )
    elif ours and newer:
        yield bad(
            _("The database was upgraded by a newer version of this software than the one that runs."),
            _("Start the newer version again, or restore the backup from before the upgrade."),
            HERE,
        )
    else:
        yield good(_("All migrations are applied; no upgrade is pending."))


def isolation(visit: Visit) -> Iterator[Finding]:
    """SQLite needs its write-ahead log and IMMEDIATE transactions; PostgreSQL needs READ COMMITTED."""
    if connection.vendor == "sqlite":
        mode = str(_value("PRAGMA journal_mode"))
        begins = str(connection.settings_dict["OPTIONS"].get("transaction_mode", "DEFERRED"))
        is_right, found = (mode, begins.upper()) == ("wal", "IMMEDIATE"), f"{mode}, {begins}"
        remedy = _("Keep the SQLite file on a local disk, not a network share, and leave its OPTIONS in the settings.")
    else:
        found = str(_value("SHOW transaction_isolation"))
        is_right = found == "read committed"
        remedy = _("Set default_transaction_isolation to “read committed” for this database.")
    if is_right:
        yield good(_("The database's mode is right (%(found)s).") % {"found": found})
    else:
        words = _("The database's mode is “%(found)s”: workers would wait for, or overtake, each other.")
        yield bad(words % {"found": found}, remedy, HERE)


def size(visit: Visit) -> Iterator[Finding]:
    """How large the database is."""
    if connection.vendor == "sqlite":
        count = sum(path.stat().st_size for path in _sqlite_files())
    else:
        count = int(_value("SELECT pg_database_size(current_database())"))
    words = _("The database holds %(size)s MB.") % {"size": round(count / 1024**2)}
    if connection.vendor == "sqlite" and count > LARGE_SQLITE:
        yield note(words, _("SQLite goes on, but backups and clean-ups get slow: PostgreSQL suits this size."))
    else:
        yield good(words)


def disk(visit: Visit) -> Iterator[Finding]:
    """A full disk stops everything: the database's own, and where temporary files go."""
    folders = [(_("for temporary files"), Path(tempfile.gettempdir()))]
    if connection.vendor == "sqlite" and _sqlite_files():
        folders.insert(0, (_("of the database"), _sqlite_files()[0].parent))
    for what, folder in folders:
        free = shutil.disk_usage(folder).free
        words = _("The disk %(what)s has %(free)s MB left.") % {"what": what, "free": round(free / 1024**2)}
        if free < LITTLE:
            make = bad if free < NOTHING else warn
            yield make(words, _("Delete what isn't needed there, such as old backups, or enlarge the disk."), HERE)
        else:
            yield good(words)


def versions(visit: Visit) -> Iterator[Finding]:
    """What runs should be what this release was made for."""
    found: list[tuple[str, Version, tuple[Version, Version]]] = [
        ("Python", sys.version_info[:2], PYTHON),
        ("Django", django.VERSION[:2], DJANGO),
    ]
    if connection.vendor == "postgresql":
        found.append(("PostgreSQL", (_postgresql_version(connection),), POSTGRESQL))
    for name, version, (oldest, newest) in found:
        said = {"name": name, "version": _dotted(version), "oldest": _dotted(oldest), "newest": _dotted(newest)}
        if oldest <= version <= newest:
            yield good(_("%(name)s is %(version)s.") % said)
        else:
            words = _("%(name)s is %(version)s; this release was made for %(oldest)s to %(newest)s.")
            yield warn(words % said, _("Install a version in that range, or the release that names yours."), HERE)
    for each in checks.sqlite_version(databases=["default"]):
        yield bad(str(each.msg), str(each.hint or ""), HERE)


def _postgresql_version(database: BaseDatabaseWrapper) -> int:
    return int(_value("SHOW server_version_num")) // 10_000


def _dotted(version: Version) -> str:
    return ".".join(map(str, version))


def _value(statement: str) -> str:
    with connection.cursor() as cursor:
        cursor.execute(statement)
        row = cursor.fetchone()
    return str(row[0])


def _sqlite_files() -> list[Path]:
    """Return the database's file and what SQLite keeps beside it; none for a database in memory."""
    main = Path(str(connection.settings_dict["NAME"]))
    return [path for path in (main, Path(f"{main}-wal")) if path.is_file()]


DISK = Check(name="disk", run=disk)
CHECKS = (
    Check(name="migrations", run=migrations),
    Check(name="isolation", run=isolation),
    Check(name="size", run=size),
    DISK,
    Check(name="versions", run=versions),
)
