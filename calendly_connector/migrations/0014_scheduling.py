"""Booking pages, links for single people, tasks in Brevo, and where bookings came from."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("calendly_connector", "0013_erasure_key"),
    ]

    operations = [
        migrations.CreateModel(
            name="BookingPage",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("slug", models.SlugField(help_text="The last part of its address.", max_length=80, unique=True)),
                ("title", models.CharField(help_text="What visitors read on top.", max_length=200)),
                ("intro", models.TextField(blank=True, help_text="A sentence or two below the title.")),
                ("event_types", models.JSONField(default=list, help_text="What may be booked, in this order.")),
                ("is_active", models.BooleanField(default=True)),
                (
                    "days_ahead",
                    models.PositiveSmallIntegerField(default=60, help_text="How far ahead times are offered."),
                ),
                ("asks_for_guests", models.BooleanField(default=True, verbose_name="visitors may bring guests")),
                (
                    "consent_text",
                    models.TextField(
                        blank=True,
                        help_text="Beside the consent box; empty: the mapping's question, or no box where it asks none.",
                    ),
                ),
                (
                    "allowed_origins",
                    models.JSONField(
                        blank=True,
                        default=list,
                        help_text="Sites that may embed it, such as https://www.example.com; empty: none.",
                    ),
                ),
                ("theme", models.JSONField(blank=True, default=dict, help_text="CSS variable → value.")),
                ("created_at", models.DateTimeField(auto_now_add=True)),
            ],
            options={
                "verbose_name": "booking page",
                "verbose_name_plural": "booking pages",
                "ordering": ["title"],
            },
        ),
        migrations.CreateModel(
            name="BookingRequest",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "key",
                    models.CharField(
                        help_text="Of the form, so that a double click books once.", max_length=64, unique=True
                    ),
                ),
                ("event_type", models.CharField(max_length=255)),
                ("start_at", models.DateTimeField()),
                ("email", models.CharField(help_text="Trimmed and lower-cased.", max_length=320)),
                ("wish", models.JSONField(help_text="What was asked for.")),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("asked", "Waiting"),
                            ("sending", "Being booked"),
                            ("booked", "Booked"),
                            ("taken", "The time was taken"),
                            ("refused", "Refused"),
                            ("unknown", "Outcome unknown"),
                        ],
                        default="asked",
                        max_length=8,
                    ),
                ),
                ("reason", models.TextField(blank=True)),
                (
                    "invitee",
                    models.CharField(blank=True, help_text="The booking's address at Calendly.", max_length=255),
                ),
                ("asked_at", models.DateTimeField()),
                (
                    "sent_at",
                    models.DateTimeField(blank=True, help_text="When it was counted towards the limits.", null=True),
                ),
                ("settled_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "verbose_name": "booking request",
                "verbose_name_plural": "booking requests",
                "ordering": ["-asked_at"],
            },
        ),
        migrations.CreateModel(
            name="CrmTask",
            fields=[
                (
                    "booking",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="crm_task",
                        serialize=False,
                        to="calendly_connector.booking",
                    ),
                ),
                ("number", models.CharField(blank=True, max_length=64, verbose_name="Brevo's id")),
                ("digest", models.CharField(blank=True, help_text="What was written last.", max_length=64)),
                ("words", models.TextField(blank=True, help_text="Why it couldn't be written.")),
                ("written_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "verbose_name": "CRM task",
                "verbose_name_plural": "CRM tasks",
            },
        ),
        migrations.CreateModel(
            name="LinkRun",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("event_type", models.CharField(max_length=255)),
                (
                    "list_number",
                    models.BigIntegerField(
                        blank=True, help_text="Empty: one address.", null=True, verbose_name="Brevo list"
                    ),
                ),
                ("attribute", models.CharField(help_text="Where each contact's link is written.", max_length=100)),
                ("tracking", models.JSONField(blank=True, default=dict, help_text="UTM parameters of every link.")),
                (
                    "state",
                    models.CharField(
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
                ("is_refill", models.BooleanField(default=False, help_text="Only in place of used and expired ones.")),
                ("total", models.PositiveIntegerField(default=0)),
                ("offset", models.PositiveIntegerField(default=0, help_text="Contacts of the list that were read.")),
                ("is_listed", models.BooleanField(default=False)),
                ("made", models.PositiveIntegerField(default=0)),
                ("written", models.PositiveIntegerField(default=0)),
                ("left_out", models.JSONField(blank=True, default=dict, help_text="Why not → how many.")),
                ("words", models.TextField(blank=True)),
                ("asked_by", models.CharField(blank=True, max_length=150)),
                ("asked_at", models.DateTimeField()),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "ordering": ["-asked_at"],
            },
        ),
        migrations.CreateModel(
            name="SchedulingLink",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("event_type", models.CharField(max_length=255)),
                ("email", models.CharField(help_text="Trimmed and lower-cased.", max_length=320)),
                ("name", models.CharField(blank=True, max_length=255)),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("wanted", "To be made"),
                            ("live", "Can be used"),
                            ("used", "Used"),
                            ("expired", "Expired"),
                            ("replaced", "Replaced"),
                        ],
                        default="wanted",
                        max_length=8,
                    ),
                ),
                ("url", models.CharField(blank=True, help_text="Calendly's own address.", max_length=500)),
                (
                    "tag",
                    models.CharField(
                        help_text="Comes back with the booking, as utm_content.", max_length=40, unique=True
                    ),
                ),
                ("made_at", models.DateTimeField(blank=True, null=True)),
                ("expires_at", models.DateTimeField(blank=True, null=True)),
                ("written_at", models.DateTimeField(blank=True, help_text="When Brevo had it.", null=True)),
                ("used_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "verbose_name": "scheduling link",
                "verbose_name_plural": "scheduling links",
                "ordering": ["-pk"],
            },
        ),
        migrations.AddField(
            model_name="booking",
            name="host",
            field=models.CharField(blank=True, help_text="The first host's e-mail, else name.", max_length=320),
        ),
        migrations.AddField(
            model_name="booking",
            name="utm_campaign",
            field=models.CharField(blank=True, max_length=255),
        ),
        migrations.AddField(
            model_name="booking",
            name="utm_medium",
            field=models.CharField(blank=True, max_length=255),
        ),
        migrations.AddField(
            model_name="booking",
            name="utm_source",
            field=models.CharField(blank=True, max_length=255),
        ),
        migrations.AddField(
            model_name="connection",
            name="makes_tasks",
            field=models.BooleanField(
                default=False,
                help_text="A task in Brevo's CRM for each meeting, moved and closed with it. At most 100 an hour.",
                verbose_name="makes CRM tasks",
            ),
        ),
        migrations.AddIndex(
            model_name="booking",
            index=models.Index(fields=["connection", "booked_at"], name="booking_booked"),
        ),
        migrations.AddField(
            model_name="bookingpage",
            name="connection",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="booking_pages",
                to="calendly_connector.connection",
            ),
        ),
        migrations.AddField(
            model_name="bookingrequest",
            name="connection",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="booking_requests",
                to="calendly_connector.connection",
            ),
        ),
        migrations.AddField(
            model_name="bookingrequest",
            name="page",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="requests",
                to="calendly_connector.bookingpage",
            ),
        ),
        migrations.AddField(
            model_name="linkrun",
            name="connection",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="link_runs",
                to="calendly_connector.connection",
            ),
        ),
        migrations.AddField(
            model_name="schedulinglink",
            name="booking",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="links",
                to="calendly_connector.booking",
            ),
        ),
        migrations.AddField(
            model_name="schedulinglink",
            name="connection",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="links", to="calendly_connector.connection"
            ),
        ),
        migrations.AddField(
            model_name="schedulinglink",
            name="person",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="links",
                to="calendly_connector.person",
            ),
        ),
        migrations.AddField(
            model_name="schedulinglink",
            name="run",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="links",
                to="calendly_connector.linkrun",
            ),
        ),
        migrations.AddIndex(
            model_name="bookingrequest",
            index=models.Index(fields=["connection", "sent_at"], name="request_sent"),
        ),
        migrations.AddIndex(
            model_name="bookingrequest",
            index=models.Index(
                condition=models.Q(("state__in", ["sending", "unknown"])), fields=["state"], name="request_open"
            ),
        ),
        migrations.AddIndex(
            model_name="schedulinglink",
            index=models.Index(condition=models.Q(("state", "live")), fields=["expires_at"], name="link_expires"),
        ),
        migrations.AddIndex(
            model_name="schedulinglink",
            index=models.Index(fields=["run", "state"], name="link_run"),
        ),
        migrations.AddConstraint(
            model_name="schedulinglink",
            constraint=models.UniqueConstraint(
                condition=models.Q(("state__in", ["wanted", "live"])),
                fields=("connection", "event_type", "email"),
                name="one_live_link",
            ),
        ),
    ]
