"""Where the bookings that are there came from, copied out of their snapshots."""

from typing import Any

from django.db import migrations

BATCH = 500


def fill_in(apps: Any, schema_editor: Any) -> None:
    """Copy where bookings came from out of their snapshots, a batch at a time."""
    rows = apps.get_model("calendly_connector", "Booking").objects.using(schema_editor.connection.alias)
    last = 0
    while batch := list(rows.filter(pk__gt=last).order_by("pk").only("pk", "data")[:BATCH]):
        last = batch[-1].pk
        for row in batch:
            _fill(row)
        rows.bulk_update(batch, ["utm_source", "utm_medium", "utm_campaign", "host"])


def _fill(row: Any) -> None:
    tracking = row.data.get("invitee", {}).get("tracking") or {}
    hosts = row.data.get("meeting", {}).get("hosts") or [{}]
    for name in ("utm_source", "utm_medium", "utm_campaign"):
        setattr(row, name, str(tracking.get(name) or "")[:200])
    row.host = str(hosts[0].get("email") or hosts[0].get("name") or "")[:320]


class Migration(migrations.Migration):
    atomic = False  # each batch is a transaction of its own: nobody waits for a million rows, and it may be begun again

    dependencies = [
        ("calendly_connector", "0014_scheduling"),
    ]

    operations = [
        migrations.RunPython(fill_in, migrations.RunPython.noop, elidable=True),
    ]
