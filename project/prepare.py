"""Brings the database and the static files up to date before anything is started: `python -m project.prepare`."""

import hashlib
import os
import sys
from pathlib import Path

import django
from django.conf import settings
from django.contrib.staticfiles import finders
from django.core.management import call_command
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from project.plainly import plainly


def migrate() -> None:
    """Apply whatever migrations are missing."""
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        print("Bringing the database up to date …")
        call_command("migrate", interactive=False, verbosity=0)


def collect_static(stamp: Path) -> None:
    """Collect the static files when one of them changed since the last time."""
    fingerprint = fingerprint_of_static_files()
    if stamp.is_file() and stamp.read_text() == fingerprint and Path(settings.STATIC_ROOT).is_dir():
        return
    print("Collecting the static files …")
    call_command("collectstatic", interactive=False, verbosity=0, clear=True)
    stamp.parent.mkdir(exist_ok=True)
    stamp.write_text(fingerprint)


def fingerprint_of_static_files() -> str:
    """Return a digest that changes when a static file is added, removed or written."""
    seen = hashlib.sha256()
    for finder in finders.get_finders():
        for name, storage in sorted(finder.list([]), key=lambda found: str(found[0])):
            status = Path(storage.path(name)).stat()
            seen.update(f"{name} {status.st_size} {status.st_mtime_ns}\n".encode())
    return seen.hexdigest()


def main() -> int:
    """Do what is needed, and say so."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "project.settings")
    with plainly():
        django.setup()
        migrate()
        collect_static(Path(settings.BASE_DIR) / ".run" / "static-files")
    return 0


if __name__ == "__main__":
    sys.exit(main())
