"""Comparisons that keep their place, and which differences somebody has asked to be mended."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("calendly_connector", "0011_mirror_heard"),
    ]

    operations = [
        migrations.AddField(
            model_name="drift",
            name="is_asked",
            field=models.BooleanField(default=False, help_text="While it is being fixed: what mends it was asked for."),
        ),
        migrations.CreateModel(
            name="DriftRun",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "stage",
                    models.CharField(
                        choices=[
                            ("listing", "Reading all contacts of Brevo"),
                            ("asking", "Asking Brevo for single contacts"),
                            ("calendly", "Reading Calendly"),
                            ("finished", "Finished"),
                        ],
                        default="listing",
                        max_length=8,
                    ),
                ),
                (
                    "offset",
                    models.PositiveIntegerField(default=0, help_text="Contacts of Brevo's listing that were read."),
                ),
                (
                    "tail",
                    models.JSONField(
                        blank=True, default=list, help_text="The last contacts read, to tell whether rows moved."
                    ),
                ),
                ("total", models.PositiveIntegerField(default=0, help_text="Contacts in Brevo.")),
                ("reached", models.BigIntegerField(default=0, help_text="The last person who was asked for by name.")),
                ("calls", models.PositiveIntegerField(default=0, help_text="To Brevo.")),
                ("people", models.PositiveIntegerField(default=0, help_text="Compared.")),
                (
                    "waiting",
                    models.PositiveIntegerField(default=0, help_text="Left out, for they are about to be written."),
                ),
                (
                    "counts",
                    models.JSONField(blank=True, default=dict, help_text="What was found, once it is finished."),
                ),
                (
                    "words",
                    models.TextField(blank=True, help_text="Why it doesn't go on, for staff; or what came of it."),
                ),
                ("asked_by", models.CharField(blank=True, max_length=150)),
                ("asked_at", models.DateTimeField()),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
                (
                    "connection",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="drift_runs",
                        to="calendly_connector.connection",
                    ),
                ),
                (
                    "reading",
                    models.ForeignKey(
                        blank=True,
                        help_text="Calendly's part.",
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to="calendly_connector.reading",
                    ),
                ),
            ],
            options={
                "verbose_name": "comparison",
                "verbose_name_plural": "comparisons",
                "ordering": ["-asked_at"],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("finished_at", None)), fields=("connection",), name="one_open_run"
                    )
                ],
            },
        ),
    ]
