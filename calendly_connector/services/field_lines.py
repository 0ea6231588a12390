"""Saves the lines of a field mapping: all of them at once, as a version, unless somebody else was faster."""

import hashlib
import json
from collections.abc import Sequence

from calendly_connector.core.rules import FieldRule
from calendly_connector.models import Connection, FieldMapping
from calendly_connector.services import versions

CREATED = "Attributes created in Brevo"
"""Why lines are added, for the version: kept in English."""

Row = tuple[str, str, str]
"""Source, attribute, overwrite."""


class ChangedMeanwhile(Exception):
    """Somebody saved other lines since these were shown."""


def rows_of(connection: Connection) -> list[Row]:
    """Return the lines as they are saved, oldest first."""
    rows = connection.field_mappings.order_by("pk")
    return [(row.source, row.attribute, row.overwrite) for row in rows]


def mark_of(rows: Sequence[Row]) -> str:
    """Return a short text that is another one when the lines are."""
    return hashlib.sha256(json.dumps(sorted(rows)).encode()).hexdigest()[:16]


def save(connection: Connection, lines: Sequence[FieldRule], *, by: versions.Who, mark: str, why: str = "") -> bool:
    """Make these the lines of the mapping and return whether that changed anything. Each attribute comes once.

    `mark` is that of the lines that were shown: raises ChangedMeanwhile, and changes nothing, when they are others now.
    """
    wanted = {line.attribute: line for line in lines}
    with versions.changing(connection, by=by, why=why or "The fields were edited"):
        before = rows_of(connection)
        if mark_of(before) != mark:
            raise ChangedMeanwhile
        connection.field_mappings.exclude(attribute__in=wanted).delete()
        _store(connection, wanted, {attribute: (source, overwrite) for source, attribute, overwrite in before})
        return mark_of(rows_of(connection)) != mark


def add(connection: Connection, lines: Sequence[FieldRule], *, by: versions.Who, why: str) -> None:
    """Add lines to the mapping, in place of what was written to the same attributes."""
    with versions.changing(connection, by=by, why=why):
        before = {attribute: (source, overwrite) for source, attribute, overwrite in rows_of(connection)}
        _store(connection, {line.attribute: line for line in lines}, before)


def _store(connection: Connection, wanted: dict[str, FieldRule], before: dict[str, tuple[str, str]]) -> None:
    for attribute, line in wanted.items():
        values = {"source": line.source, "overwrite": line.overwrite.value}
        if attribute not in before:
            FieldMapping.objects.create(connection=connection, attribute=attribute, **values)
        elif before[attribute] != (line.source, line.overwrite.value):
            connection.field_mappings.filter(attribute=attribute).update(**values)
