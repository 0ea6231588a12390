"""Imports that gather people while a reading goes on."""

from typing import Any

import django.db.models.deletion
from django.db import migrations, models


def leave_history_out(apps: Any, schema_editor: Any) -> None:
    """Let readings after a gap go on as they were asked for."""
    rows = apps.get_model("calendly_connector", "Reading").objects.using(schema_editor.connection.alias)
    rows.filter(kind="gap").update(unknown_since=models.F("since"))


class Migration(migrations.Migration):
    dependencies = [
        ("calendly_connector", "0009_back_from_brevo"),
    ]

    operations = [
        migrations.AddField(
            model_name="bulkimport",
            name="reading",
            field=models.ForeignKey(
                blank=True,
                help_text="Whose people.",
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="imports",
                to="calendly_connector.reading",
            ),
        ),
        migrations.AddField(
            model_name="bulkimport",
            name="refused",
            field=models.JSONField(blank=True, default=dict, help_text="Brevo's report → how many addresses it names."),
        ),
        migrations.AddField(
            model_name="reading",
            name="listed_last",
            field=models.JSONField(blank=True, default=list, help_text="Meetings that the next page may show again."),
        ),
        migrations.AddField(
            model_name="reading",
            name="unknown_since",
            field=models.DateTimeField(
                blank=True,
                help_text="Unknown bookings made before are left to a backfill; empty: none are.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="knownmeeting",
            name="is_partial",
            field=models.BooleanField(default=False, help_text="Some of its bookings were left to a backfill."),
        ),
        migrations.RunPython(leave_history_out, migrations.RunPython.noop, elidable=True),
        migrations.AlterField(
            model_name="bulkimport",
            name="state",
            field=models.CharField(
                choices=[
                    ("gathering", "Gathering people"),
                    ("closed", "Gathered; being prepared"),
                    ("prepared", "Prepared"),
                    ("running", "Running at Brevo"),
                    ("imported", "Imported; events follow"),
                    ("done", "Done"),
                    ("failed", "Failed; its people are written one by one"),
                ],
                default="prepared",
                max_length=10,
            ),
        ),
    ]
