"""Readings of every kind in one table, with a memory of the meetings that were read; and what comes back from Brevo."""

from typing import Any

import django.db.models.deletion
from django.db import migrations, models

from calendly_connector.models.connection import new_webhook_token


def carry_over(apps: Any, schema_editor: Any) -> None:
    """Give old readings their kind and state. Their jobs are asked for again by the next check of the subscription."""
    alias = schema_editor.connection.alias
    rows = apps.get_model("calendly_connector", "Reading").objects.using(alias)
    rows.filter(is_history=True).update(kind="history")
    rows.filter(is_history=False).update(kind="gap", events_since=models.F("since"))
    rows.exclude(finished_at=None).update(state="finished", is_listed=True)
    apps.get_model("calendly_connector", "Job").objects.using(alias).filter(kind__in=["reread", "history"]).delete()


def make_tokens(apps: Any, schema_editor: Any) -> None:
    """Give every Brevo account an address of its own."""
    rows = apps.get_model("calendly_connector", "BrevoAccount").objects.using(schema_editor.connection.alias)
    for number in rows.values_list("pk", flat=True):
        rows.filter(pk=number).update(webhook_token=new_webhook_token())


class Migration(migrations.Migration):
    dependencies = [
        ("calendly_connector", "0007_consent_proof"),
    ]

    operations = [
        migrations.RemoveConstraint(model_name="reread", name="one_open_reread"),
        migrations.RenameModel(old_name="Reread", new_name="Reading"),
        migrations.RenameField(model_name="reading", old_name="reached_at", new_name="listed_to"),
        migrations.AddField(
            model_name="brevoaccount",
            name="webhook_token",
            field=models.CharField(max_length=64, null=True),
        ),
        migrations.AddField(
            model_name="reading",
            name="added",
            field=models.PositiveIntegerField(
                default=0, help_text="Bookings that were not known at all.", verbose_name="new"
            ),
        ),
        migrations.AddField(
            model_name="reading",
            name="asked_by",
            field=models.CharField(blank=True, max_length=150),
        ),
        migrations.AddField(
            model_name="reading",
            name="event_types",
            field=models.JSONField(blank=True, default=list, help_text="Only these event types; empty: all."),
        ),
        migrations.AddField(
            model_name="reading",
            name="events_since",
            field=models.DateTimeField(
                blank=True,
                help_text="Automation events leave for what happened from here on; empty: for none.",
                null=True,
            ),
        ),
        migrations.AddField(
            model_name="reading",
            name="held_back",
            field=models.PositiveIntegerField(
                default=0,
                help_text="Automation events that did not leave because of this reading.",
                verbose_name="events held back",
            ),
        ),
        migrations.AddField(
            model_name="reading",
            name="is_listed",
            field=models.BooleanField(default=False, verbose_name="all listed"),
        ),
        migrations.AddField(
            model_name="reading",
            name="is_thorough",
            field=models.BooleanField(
                default=True,
                help_text="Off: meetings that were read lately are passed over.",
                verbose_name="reads all again",
            ),
        ),
        migrations.AddField(
            model_name="reading",
            name="kind",
            field=models.CharField(
                choices=[("gap", "After a gap"), ("history", "History"), ("check", "Check"), ("drift", "Comparison")],
                default="gap",
                max_length=8,
            ),
        ),
        migrations.AddField(
            model_name="reading",
            name="meetings_read",
            field=models.PositiveIntegerField(default=0, verbose_name="meetings read"),
        ),
        migrations.AddField(
            model_name="reading",
            name="page_token",
            field=models.TextField(blank=True, help_text="Calendly's next page, where a page begins at one moment."),
        ),
        migrations.AddField(
            model_name="reading",
            name="skipped",
            field=models.JSONField(blank=True, default=dict, help_text="What was left out: reason → how often."),
        ),
        migrations.AddField(
            model_name="reading",
            name="state",
            field=models.CharField(
                choices=[
                    ("running", "Running"),
                    ("paused", "Paused"),
                    ("canceled", "Canceled"),
                    ("finished", "Finished"),
                ],
                default="running",
                max_length=8,
            ),
        ),
        migrations.AlterField(
            model_name="reading",
            name="connection",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="readings", to="calendly_connector.connection"
            ),
        ),
        migrations.AlterField(
            model_name="reading",
            name="invitees",
            field=models.PositiveIntegerField(default=0, verbose_name="bookings read"),
        ),
        migrations.AlterField(
            model_name="reading",
            name="listed_to",
            field=models.DateTimeField(blank=True, help_text="Meetings that begin before were listed.", null=True),
        ),
        migrations.AlterField(
            model_name="reading",
            name="news",
            field=models.PositiveIntegerField(
                default=0, help_text="Bookings of which something was news.", verbose_name="found"
            ),
        ),
        migrations.AlterField(
            model_name="reading",
            name="since",
            field=models.DateTimeField(
                help_text="After a gap: what changed from here on. Else: meetings that begin then."
            ),
        ),
        migrations.RunPython(carry_over, migrations.RunPython.noop, elidable=True),
        migrations.RunPython(make_tokens, migrations.RunPython.noop, elidable=True),
    ]
