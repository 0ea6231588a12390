"""Indexes from which the attribution report is counted, however wide the ledger's rows are."""

from django.db import migrations, models
from django.db.models import Q

from calendly_connector.migrations_help import AddIndexInPeace

COUNTED = ["connection", "booked_at", "old_invitee", "status", "end_at"]
UTM = ["utm_source", "utm_medium", "utm_campaign"]
UNMOVED = Q(("old_invitee", ""), Q(("status", "rescheduled"), _negated=True))
MOVED = Q(Q(("old_invitee", ""), _negated=True), ("status", "rescheduled"), _connector="OR")
CAME = Q(*(Q((name, ""), _negated=True) for name in UTM), _connector="OR")


def _index(name: str, fields: list[str], condition: Q) -> AddIndexInPeace:
    return AddIndexInPeace("booking", models.Index(fields=fields, condition=condition, name=name))


class Migration(migrations.Migration):
    atomic = False

    dependencies = [
        ("calendly_connector", "0018_desk_said_by_staff"),
    ]

    operations = [
        _index("booking_by_source", [*COUNTED, *UTM, "person"], UNMOVED),
        _index("booking_by_type", [*COUNTED, "event_type", "host"], UNMOVED),
        _index("booking_moved", ["connection", "booked_at"], MOVED),
        _index("booking_touch", ["person", "booked_at", "id", *UTM], CAME),
    ]
