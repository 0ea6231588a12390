"""A connection's whole mapping as one JSON value: what versions keep, what a file holds, what a roll-back applies."""

from collections.abc import Mapping
from typing import Any

from django.db import transaction

from calendly_connector.core.rules import ConsentMode, ConsentRule, FieldRule, Overwrite, TriggerRule
from calendly_connector.core.trigger import Trigger
from calendly_connector.models import Connection, EventType, FieldMapping, TriggerMapping
from calendly_connector.models import ConsentRule as ConsentRow

Content = dict[str, Any]
"""{"grid": [cells], "fields": [lines], "consents": [rules], "types": {uri: {"decided_name", "is_ignored"}}}."""

CELL = ("event_type", "trigger", "join_lists", "leave_lists", "sends_event", "event_name")
LINE = ("source", "attribute", "overwrite")
CONSENT = ("event_type", "mode", "question", "answer", "template", "redirect_url")


def take(connection: Connection) -> Content:
    """Return the mapping as it is now. Equal mappings give equal values."""
    types = EventType.objects.filter(connection=connection).exclude(decided_name="", is_ignored=False)
    return {
        "grid": list(connection.trigger_mappings.order_by("event_type", "trigger").values(*CELL)),
        "fields": list(connection.field_mappings.order_by("pk").values(*LINE)),
        "consents": list(connection.consent_rules.order_by("event_type").values(*CONSENT)),
        "types": {
            uri: {"decided_name": name, "is_ignored": is_ignored}
            for uri, name, is_ignored in types.order_by("uri").values_list("uri", "decided_name", "is_ignored")
        },
    }


def apply(connection: Connection, content: Content) -> None:
    """Replace the whole mapping by `content`, all of it or nothing. Event types unknown here are passed over.

    Called by `versions` alone, which keeps what was there before.
    """
    with transaction.atomic():
        connection.trigger_mappings.all().delete()
        connection.field_mappings.all().delete()
        connection.consent_rules.all().delete()
        TriggerMapping.objects.bulk_create(
            TriggerMapping(connection=connection, **_only(row, CELL)) for row in content["grid"]
        )
        FieldMapping.objects.bulk_create(
            FieldMapping(connection=connection, **_only(row, LINE)) for row in content["fields"]
        )
        ConsentRow.objects.bulk_create(
            ConsentRow(connection=connection, **_only(row, CONSENT)) for row in content["consents"]
        )
        types = EventType.objects.filter(connection=connection)
        types.exclude(uri__in=content["types"]).update(decided_name="", is_ignored=False)
        for uri, decision in content["types"].items():
            types.filter(uri=uri).update(**_only(decision, ("decided_name", "is_ignored")))


def values_of(content: Content) -> dict[str, Any]:
    """Return the fields of a RuleSet that a mapping decides."""
    return {
        "fields": tuple(
            FieldRule(source=row["source"], attribute=row["attribute"], overwrite=Overwrite(row["overwrite"]))
            for row in content["fields"]
        ),
        "grid": {(row["event_type"], Trigger(row["trigger"])): cell(row) for row in content["grid"]},
        "consents": {row["event_type"]: consent(row) for row in content["consents"]},
        "ignored_types": frozenset(uri for uri, decision in content["types"].items() if decision["is_ignored"]),
    }


def cell(row: Mapping[str, Any]) -> TriggerRule:
    """Return one cell of the grid as the core's value."""
    return TriggerRule(
        join_lists=tuple(row["join_lists"]),
        leave_lists=tuple(row["leave_lists"]),
        sends_event=row["sends_event"],
        event_name=row["event_name"],
    )


def consent(row: Mapping[str, Any]) -> ConsentRule:
    """Return one consent rule as the core's value."""
    return ConsentRule(
        mode=ConsentMode(row["mode"]),
        question=row["question"],
        answer=row["answer"],
        template=row["template"] or 0,
        redirect_url=row["redirect_url"],
    )


def _only(row: Mapping[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    return {name: row[name] for name in names}
