"""Empties the database after a test that needed real transactions: only what has rows, in one go.

Django's `flush` truncates every table and then makes content types, permissions and our own first rows again: on
PostgreSQL that takes longer than most tests. Here those first rows stay, or come back when a test changed them.
"""

from typing import Any

from django.db import connection, transaction

Rows = list[tuple[Any, ...]]


class Emptier:
    """Brings the database back to how it was when this was made."""

    def __init__(self) -> None:
        self._tables = connection.introspection.django_table_names(only_existing=True, include_views=False)
        self._first = {table: _rows(table) for table in self._filled()}

    def empty(self) -> None:
        """Delete every row that wasn't there at first, and bring back those that were."""
        if connection.needs_rollback or not connection.is_usable():
            connection.close()
        with transaction.atomic(), connection.constraint_checks_disabled():
            filled = set(self._filled())
            changed = [table for table, rows in self._first.items() if _rows(table) != rows]
            for table in (filled - self._first.keys()) | (filled & set(changed)):
                _run(f"DELETE FROM {_name(table)}")
            for table in changed:
                self._bring_back(table)

    def _bring_back(self, table: str) -> None:
        rows = self._first[table]
        values = ", ".join(["%s"] * len(rows[0]))
        with connection.cursor() as cursor:
            cursor.executemany(f"INSERT INTO {_name(table)} VALUES ({values})", rows)

    def _filled(self) -> list[str]:
        looks = (f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM {_name(table)})" for table in self._tables)
        with connection.cursor() as cursor:
            cursor.execute(" UNION ALL ".join(looks))
            return [table for (table,) in cursor.fetchall()]


def _rows(table: str) -> Rows:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {_name(table)} ORDER BY 1")
        return [tuple(row) for row in cursor.fetchall()]


def _run(statement: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute(statement)


def _name(table: str) -> str:
    return connection.ops.quote_name(table)
