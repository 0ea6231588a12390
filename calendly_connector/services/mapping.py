"""Mapping rows → the core's RuleSet, and the default mapping of a new connection (design.md §8)."""

import time
from datetime import timedelta
from functools import partial

from calendly_connector import conf
from calendly_connector.core.rules import Link, RuleSet
from calendly_connector.models import BrevoAttribute, Connection, EventType, FieldMapping, SchedulingLink
from calendly_connector.services import normalise, snapshot

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
    rules = rules_from(connection, snapshot.take(connection))
    _kept[connection.pk] = (time.monotonic() + conf.rules_kept_seconds(), rules)
    return rules


def forget() -> None:
    """Read every configuration afresh, since this process has just changed something in it."""
    _kept.clear()


_kept: dict[int, tuple[float, RuleSet]] = {}  # connection → until when (monotonic), and its rules


def rules_from(connection: Connection, content: snapshot.Content) -> RuleSet:
    """Return the configuration that a mapping makes together with what is known of both services today."""
    types = list(EventType.objects.filter(connection=connection).values_list("uri", "name", "owner"))
    account = connection.brevo_account
    rows = BrevoAttribute.objects.filter(account=account)
    return RuleSet(
        **snapshot.values_of(content),
        attributes={row.name: row.to_value() for row in rows} if account.attributes_read_at else None,
        type_names={uri: name for uri, name, _owner in types},
        type_owners={uri: owner for uri, _name, owner in types},
        find_link=partial(find_link, connection.pk),
        grace=timedelta(hours=connection.grace_hours),
        timezone=connection.timezone,
        to_e164=normalise.e164_for(connection.phone_region),
    )


def find_link(connection_id: int, tag: str) -> Link | None:
    """Return the connection's single-use link with a tag. One query by a unique index; asked when a field is mapped."""
    found = SchedulingLink.objects.filter(connection=connection_id, tag=tag).select_related("run").first()
    if found is None:
        return None
    campaign = str(found.run.tracking.get("utm_campaign") or "") if found.run else ""
    run = f"{found.run.attribute} {found.run.asked_at:%Y-%m-%d}" if found.run else ""
    return Link(tag=found.tag, campaign=campaign, run=run)
