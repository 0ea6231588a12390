"""How the database means to answer: EXPLAIN, on SQLite and PostgreSQL."""

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from django.db import connection as database
from django.db import transaction

from benchmarks import rows_of
from calendly_connector.models import Booking, Connection, Person, StatusChange, SyncLogEntry, WebhookDelivery

BIG = {model._meta.db_table for model in (Booking, Person, StatusChange, SyncLogEntry, WebhookDelivery)}
"""What grows by the million."""

ROWS = 50_000  # are enough for PostgreSQL to plan as at a million

SMALL = {
    *{"log_open", "log_cause", "log_person_cause", "person_clock"},
    *{"delivery_waiting", "delivery_left_behind", "delivery_oldest_waiting"},
}
"""Indexes of the few rows that wait for something."""

ALIAS = re.compile(r'"?(calendly_connector_\w+)"?\s+(?:AS\s+)?"?([A-Za-z]\w*)')
CONDITION = re.compile(r"(Index|Recheck) Cond: ")
OF_A_CONNECTION = re.compile(CONDITION.pattern + r"\(connection_id = \S+\)$")
Statement = tuple[str, Any]


@contextmanager
def heard() -> Iterator[list[Statement]]:
    """Yield the list that will hold each statement that names a big table, with its parameters."""
    said: list[Statement] = []

    def note(execute: Any, sql: str, params: Any, many: bool, context: Any) -> Any:
        if any(table in sql for table in BIG) and not many:
            said.append((sql, params))
        return execute(sql, params, many, context)

    with database.execute_wrapper(note):
        yield said


PRETENDED = "UPDATE pg_class SET relallvisible = 1000000, reltuples = 1000000, relpages = 1 WHERE relname = ANY(%s)"
FORGET = "DELETE FROM pg_statistic WHERE starelid IN (SELECT oid FROM pg_class WHERE relname = ANY(%s))"


@contextmanager
def pretended() -> Iterator[None]:
    """Let PostgreSQL take the big tables for big, and vacuumed, and forget what it learned of their few rows.

    It would read a table of three rows from end to end whatever its indexes: forbidden here, so that it does so only
    where nothing else is left.
    """
    with _for_now():
        if database.vendor == "postgresql":
            _run("SET LOCAL enable_seqscan = off")
            _run("SET LOCAL enable_bitmapscan = off")
            _run(PRETENDED, [list(BIG)])
            _run(FORGET, [list(BIG)])
        yield


@contextmanager
def grown() -> Iterator[None]:
    """Let the big tables be big on PostgreSQL, which plans by what it has learned of them: real rows, and ANALYZE."""
    with _for_now():
        if database.vendor == "postgresql":
            rows_of.add(ROWS, Connection.objects.latest("pk"))
            _run(f"ANALYZE {', '.join(sorted(BIG))}")
        yield
    if database.vendor == "postgresql":
        _run(f"VACUUM ANALYZE {', '.join(sorted(BIG))}")  # rolled back rows take space, and what was learned stays


@contextmanager
def _for_now() -> Iterator[None]:
    with transaction.atomic():
        yield
        transaction.set_rollback(True)


def _run(statement: str, parameters: Sequence[Any] = ()) -> None:
    with database.cursor() as cursor:
        cursor.execute(statement, parameters or None)


def plan(sql: str, params: Any) -> Sequence[str]:
    """Return the plan's lines."""
    with transaction.atomic(), database.cursor() as cursor:
        cursor.execute(f"{'EXPLAIN' if database.vendor == 'postgresql' else 'EXPLAIN QUERY PLAN'} {sql}", params)
        return [str(row[-1]) for row in cursor.fetchall()]


def whole_tables(sql: str, params: Any) -> list[str]:
    """Return the lines of a statement's plan that read a big table, or an index of all of it, from end to end. What is
    read by its connection alone is all of it, where there is one connection."""
    lines, aliases = plan(sql, params), ALIAS.findall(sql)
    names = BIG | {alias for table, alias in aliases if table in BIG}
    names -= {alias for table, alias in aliases if table not in BIG}  # Django calls several tables alike
    return [line for at, line in enumerate(lines) if _reads_all(line, "".join(lines[at + 1 : at + 2]), names)]


def _reads_all(line: str, following: str, names: set[str]) -> bool:
    if any(index in line for index in SMALL):
        return False
    if database.vendor == "sqlite":
        is_whole = line.startswith("SCAN ") or line.endswith(" (connection_id=?)")
        return is_whole and line.split()[1] in names
    is_big = " Scan" in line and any(f" on {table} " in line for table in BIG)
    is_whole = "Seq Scan" in line or not CONDITION.search(following) or bool(OF_A_CONNECTION.search(following))
    return is_big and is_whole
