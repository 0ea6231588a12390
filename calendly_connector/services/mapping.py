"""Mapping rows → the core's RuleSet, and the default mapping of a new connection (design.md §8)."""

import time
from datetime import timedelta

from calendly_connector import conf
from calendly_connector.core.rules import FieldRule, Overwrite, RuleSet, TriggerRule
from calendly_connector.core.trigger import Trigger
from calendly_connector.models import BrevoAttribute, Connection, EventType, FieldMapping, TriggerMapping
from calendly_connector.services import normalise

DEFAULT_FIELDS = {
    "FIRSTNAME": "first_name",
    "LASTNAME": "last_name",
    "COMPANY": "answer:company",
    "JOB_TITLE": "answer:role",
    "SMS": "phone",
    "CALENDLY_EVENT_TYPE": "event_type_name",
    "MEETING_DATE": "meeting_date",
    "BOOKING_STATUS": "status",
}
"""Brevo attribute → source."""


def create_defaults(connection: Connection) -> None:
    """Give a connection the default field mapping; rows that exist stay as they are."""
    rows = [
        FieldMapping(connection=connection, attribute=name, source=source) for name, source in DEFAULT_FIELDS.items()
    ]
    FieldMapping.objects.bulk_create(rows, ignore_conflicts=True)


def rules_of(connection: Connection) -> RuleSet:
    """Return the whole configuration of a connection, read at most RULES_KEPT_SECONDS ago by this process."""
    kept = _kept.get(connection.pk)
    if kept and kept[0] > time.monotonic():
        return kept[1]
    rules = _read(connection)
    _kept[connection.pk] = (time.monotonic() + conf.rules_kept_seconds(), rules)
    return rules


def forget() -> None:
    """Read every configuration afresh, since this process has just changed something in it."""
    _kept.clear()


_kept: dict[int, tuple[float, RuleSet]] = {}  # connection → until when (monotonic), and its rules


def _read(connection: Connection) -> RuleSet:
    types = list(EventType.objects.filter(connection=connection).values_list("uri", "name", "is_ignored"))
    account = connection.brevo_account
    rows = BrevoAttribute.objects.filter(account=account)
    return RuleSet(
        fields=tuple(
            FieldRule(source=source, attribute=attribute, overwrite=Overwrite(overwrite))
            for source, attribute, overwrite in FieldMapping.objects.filter(connection=connection)
            .order_by("pk")
            .values_list("source", "attribute", "overwrite")
        ),
        grid={(row.event_type, Trigger(row.trigger)): _rule(row) for row in connection.trigger_mappings.all()},
        ignored_types=frozenset(uri for uri, _, is_ignored in types if is_ignored),
        attributes={row.name: row.to_value() for row in rows} if account.attributes_read_at else None,
        type_names={uri: name for uri, name, _ in types},
        grace=timedelta(hours=connection.grace_hours),
        timezone=connection.timezone,
        to_e164=normalise.e164_for(connection.phone_region),
    )


def _rule(row: TriggerMapping) -> TriggerRule:
    return TriggerRule(
        join_lists=tuple(row.join_lists),
        leave_lists=tuple(row.leave_lists),
        sends_event=row.sends_event,
        event_name=row.event_name,
    )
