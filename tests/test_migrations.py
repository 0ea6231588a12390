"""No migration from now on keeps a big table from being written to for longer than a moment (docs/upgrade.md).

On PostgreSQL a plain AddIndex holds off every writer while it reads the whole table, a new constraint does the same,
and a RunPython inside the migration's transaction holds the rows that it touched to its end. A column without a default
of the database's own refuses the rows of the version before, which goes on writing meanwhile.
"""

import importlib
import pkgutil
from collections.abc import Iterator
from typing import ClassVar

import pytest
from django.db import migrations, models
from django.db.migrations import Migration
from django.db.migrations.operations.base import Operation

from calendly_connector import migrations as ours

APP = "calendly_connector"
OLD = "0018"  # those up to this number are as they are: docs/upgrade.md says what they cost
BIG = {
    *{"booking", "statuschange", "person", "contactmirror", "consentproof", "webhookdelivery", "brevodelivery"},
    *{"synclogentry", "knownmeeting", "schedulinglink", "bookingrequest", "debugrecord"},
}
FEW_ROWS: dict[str, str] = {}
"""Migration whose RunPython or RunSQL may stay in its transaction → why it is over in a moment."""


def new_migrations() -> Iterator[Migration]:
    """Yield those that are checked; read as modules, since a test run without migrations has switched them off."""
    for name in sorted(found.name for found in pkgutil.iter_modules(ours.__path__)):
        if name[:4] > OLD:
            yield importlib.import_module(f"{ours.__name__}.{name}").Migration(name, APP)


def complaints(migration: Migration) -> list[str]:
    """Return what would keep others waiting."""
    made = {each.name_lower for each in migration.operations if isinstance(each, migrations.CreateModel)}
    said = [_complaint(each, migration, BIG - made) for each in migration.operations]
    return [f"{migration.name}: {words}" for words in said if words]


def _complaint(step: Operation, migration: Migration, big: set[str]) -> str:
    if isinstance(step, migrations.RunPython | migrations.RunSQL):
        is_fine = not migration.atomic or migration.name in FEW_ROWS
        return "" if is_fine else "runs in one transaction: `atomic = False` and pieces, or a line in FEW_ROWS"
    table = getattr(step, "model_name", "").lower()
    if table not in big:
        return ""
    if isinstance(step, migrations.AddIndex):
        is_plain = type(step).database_forwards is migrations.AddIndex.database_forwards
        return f"AddIndex on {table}: build it concurrently" if is_plain or migration.atomic else ""
    if isinstance(step, migrations.AddConstraint):
        return f"AddConstraint on {table} reads it under a lock"
    if isinstance(step, migrations.AddField):
        column = step.field
        if getattr(column, "db_index", False) or column.unique:
            return f"{table}.{step.name} comes with an index"
        takes_old_rows = column.null or column.has_db_default()
        return "" if takes_old_rows else f"{table}.{step.name}: the version before can't write rows; give it db_default"
    return ""


def test_new_migrations_keep_nobody_waiting() -> None:
    assert "0023_restored_at" in [each.name for each in new_migrations()]
    assert [words for each in new_migrations() for words in complaints(each)] == []


def of(step: Operation) -> Migration:
    """Return a migration of one step."""

    class MadeUp(Migration):
        operations: ClassVar = [step]

    return MadeUp("9999_made_up", APP)


def nothing(apps: object, schema_editor: object) -> None:
    """Stand in for what a migration does to rows."""


@pytest.mark.parametrize(
    "step",
    [
        migrations.AddIndex("booking", models.Index(fields=["status"], name="x")),
        migrations.AddConstraint("Person", models.UniqueConstraint(fields=["email"], name="x")),
        migrations.AddField("SyncLogEntry", "x", models.CharField(max_length=5, default="", db_index=True)),
        migrations.AddField("booking", "x", models.ForeignKey("booking", models.CASCADE, null=True)),
        migrations.AddField("person", "x", models.CharField(max_length=5, default="")),
        migrations.RunPython(nothing),
        migrations.RunSQL("SELECT 1"),
    ],
)
def test_what_would_hold_a_big_table_is_found(step: Operation) -> None:
    assert len(complaints(of(step))) == 1


@pytest.mark.parametrize(
    "step",
    [
        migrations.AddIndex("notice", models.Index(fields=["title"], name="x")),
        migrations.AddField("booking", "x", models.CharField(max_length=5, default="", db_default="")),
        migrations.AddField("booking", "y", models.DateTimeField(null=True)),
        migrations.AddField("connection", "x", models.CharField(max_length=5, db_index=True)),
    ],
)
def test_what_takes_a_moment_is_let_through(step: Operation) -> None:
    assert complaints(of(step)) == []
