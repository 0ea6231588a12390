"""Start-up checks: what would otherwise fail later, with an id and a hint."""

import sqlite3
from collections.abc import Sequence
from typing import Any

from cryptography.fernet import Fernet
from django.core import checks
from django.db import DatabaseError, connections

from calendly_connector import conf
from calendly_connector.services import secrets

OLDEST_SQLITE = (3, 35)  # UPDATE … RETURNING: the job table's claim
NEW_KEY = "A key is 32 random bytes in URL-safe base64, such as `openssl rand -base64 32 | tr +/ -_` prints."


@checks.register(checks.Tags.security)
def encryption_keys(**options: Any) -> list[checks.CheckMessage]:
    """Each of FIELD_ENCRYPTION_KEYS has to be a Fernet key. Says which isn't, never what it is."""
    keys = conf.encryption_keys()
    if not keys:
        words = "FIELD_ENCRYPTION_KEYS is empty: tokens and keys can't be stored, only read from the environment."
        return [checks.Warning(words, hint=NEW_KEY, id="calendly_connector.W001")]
    bad = [str(number) for number, key in enumerate(keys, 1) if not _is_key(key)]
    if not bad:
        return []
    words = f"FIELD_ENCRYPTION_KEYS: number {', '.join(bad)} of {len(keys)} is no Fernet key."
    return [checks.Error(words, hint=NEW_KEY, id="calendly_connector.E001")]


@checks.register(checks.Tags.database)
def stored_secrets(databases: Sequence[str] | None = None, **options: Any) -> list[checks.CheckMessage]:
    """Every stored secret has to be readable with one of the keys. Runs before migrations too: no table, no secret."""
    keys = conf.encryption_keys()
    if not databases or "default" not in databases or not all(map(_is_key, keys)):
        return []
    try:
        lost = secrets.unreadable() if keys else [str(secret) for secret in secrets.stored()]
    except DatabaseError:
        return []
    if not lost:
        return []
    return [
        checks.Error(
            f"None of the {len(keys)} FIELD_ENCRYPTION_KEYS fits {', '.join(lost[:5])}"
            + (f" and {len(lost) - 5} more." if len(lost) > 5 else "."),
            hint="Put the key back that encrypted them (behind the newest), or enter these secrets anew in the admin.",
            id="calendly_connector.E002",
        )
    ]


@checks.register(checks.Tags.database)
def sqlite_version(databases: Sequence[str] | None = None, **options: Any) -> list[checks.CheckMessage]:
    """The claim of a job needs SQLite 3.35."""
    uses_it = any(connections[alias].vendor == "sqlite" for alias in databases or ())
    if not uses_it or sqlite3.sqlite_version_info >= OLDEST_SQLITE:
        return []
    words = f"SQLite is {sqlite3.sqlite_version}; the job table needs 3.35 or newer."
    return [checks.Error(words, hint="Use a newer Python, or PostgreSQL.", id="calendly_connector.E003")]


def _is_key(key: str) -> bool:
    try:
        Fernet(key)
    except ValueError:
        return False
    return True
