"""Says in a sentence what a person has to put right, instead of a traceback: a bad setting, a database that is away.

Whoever wants the traceback asks for it: `manage.py … --traceback`.
"""

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from django.core.exceptions import ImproperlyConfigured
from django.db import DatabaseError, InterfaceError, OperationalError

ASKED = "--traceback"
AWAY = "See that the database runs, that DATABASE_URL is right, and that this machine may reach it."
FULL = "Make room on the disk of the database, then try again."
TABLES = "The database lacks this version's tables: run `manage.py migrate`."
HINTS = {
    "unable to open database": "DATABASE_URL has to name a file in a folder that is there, and that we may write to.",
    "readonly database": "Let whoever runs this write to the database's file, and to the folder it is in.",
    "database or disk is full": FULL,
    "No space left on device": FULL,
    "disk I/O error": "See that the disk of the database is neither full nor damaged, then try again.",
    "database is locked": "Something else has been writing to the database for long: try again.",
    "not a database": "DATABASE_URL names a file that SQLite didn't write.",
    "no such table": TABLES,
    "no such column": TABLES,
    "UndefinedTable": TABLES,
    "UndefinedColumn": TABLES,
    "InsufficientPrivilege": "Let the user whom DATABASE_URL names own the tables of the database.",
}
"""A part of what a database says → what to do. Everything else is a fault of ours, and keeps its traceback."""
UNREACHED = ("connection", "failed to resolve host")
"""Parts of what is said of a database that is away; a row of ours that is refused may be called a connection too."""


@contextmanager
def plainly(arguments: Sequence[str] = (), *, status: int = 1) -> Iterator[None]:
    """End the process with `status` and a sentence when a setting is bad, or the database doesn't do its part."""
    try:
        yield
    except (ImproperlyConfigured, DatabaseError) as error:
        words = words_for(error)
        if not words or ASKED in arguments:
            raise
        print(words, file=sys.stderr)
        raise SystemExit(status) from error


def words_for(error: Exception) -> str:
    """Return what is wrong and what to do; nothing for what no setting and no operator can put right."""
    said = str(error).strip()
    if not isinstance(error, DatabaseError):
        return said
    named = f"{type(error.__cause__).__name__}: {said}"  # PostgreSQL's own name of it, whatever language it speaks
    remedy = next((hint for part, hint in HINTS.items() if part in named), "")
    if not remedy and isinstance(error, OperationalError | InterfaceError) and any(part in said for part in UNREACHED):
        remedy = AWAY
    first, _, _ = said.partition("\n")
    return remedy and f"The database: {first.rstrip('.')}. {remedy}"
