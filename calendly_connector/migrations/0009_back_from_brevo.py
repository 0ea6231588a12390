"""The memory of meetings that were read, what comes back from Brevo, differences, erasures and keys to our API."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

import calendly_connector.models.connection
import calendly_connector.models.fields


class Migration(migrations.Migration):
    dependencies = [
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
        ("calendly_connector", "0008_readings"),
    ]

    operations = [
        migrations.CreateModel(
            name="ApiToken",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(help_text="What uses it.", max_length=100)),
                ("digest", models.CharField(editable=False, max_length=64, unique=True)),
                (
                    "hint",
                    models.CharField(editable=False, help_text="Its first characters, to tell it by.", max_length=8),
                ),
                ("created_at", models.DateTimeField(auto_now_add=True)),
                ("expires_at", models.DateTimeField(blank=True, help_text="Empty: never.", null=True)),
                ("last_used_at", models.DateTimeField(blank=True, editable=False, null=True)),
            ],
            options={
                "verbose_name": "API token",
                "verbose_name_plural": "API tokens",
                "ordering": ["-created_at"],
            },
        ),
        migrations.CreateModel(
            name="BrevoDelivery",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("digest", models.BinaryField(help_text="SHA-256 of the body.", max_length=32)),
                ("body", models.BinaryField()),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("stored", "Waiting"),
                            ("processed", "Taken in"),
                            ("ignored", "Ignored"),
                            ("malformed", "Can't be read"),
                        ],
                        default="stored",
                        max_length=10,
                    ),
                ),
                ("reason", models.TextField(blank=True, help_text="Why it was ignored, for staff; or what was done.")),
                ("received_at", models.DateTimeField()),
                ("processed_at", models.DateTimeField(blank=True, null=True)),
            ],
            options={
                "verbose_name": "delivery from Brevo",
                "verbose_name_plural": "deliveries from Brevo",
            },
        ),
        migrations.CreateModel(
            name="ContactMirror",
            fields=[
                (
                    "person",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="mirror",
                        serialize=False,
                        to="calendly_connector.person",
                    ),
                ),
                (
                    "contact_id",
                    models.BigIntegerField(blank=True, help_text="Brevo's number of the contact.", null=True),
                ),
                (
                    "opt_out",
                    models.CharField(
                        blank=True,
                        choices=[
                            ("", "No"),
                            ("unsubscribed", "Unsubscribed"),
                            ("bounced", "The address bounced"),
                            ("complained", "Reported as spam"),
                            ("blocked", "Blocked in Brevo"),
                        ],
                        default="",
                        max_length=12,
                        verbose_name="opted out",
                    ),
                ),
                ("opted_out_at", models.DateTimeField(blank=True, null=True)),
                (
                    "unsubscribed_lists",
                    models.JSONField(blank=True, default=list, help_text="Lists that the person left by mail."),
                ),
                (
                    "deleted_at",
                    models.DateTimeField(
                        blank=True,
                        help_text="When the contact was deleted in Brevo; a booking made later makes it anew.",
                        null=True,
                    ),
                ),
                ("attributes", models.JSONField(blank=True, default=dict, help_text="Values that Brevo told of last.")),
                ("told_at", models.DateTimeField(blank=True, help_text="Brevo's time of its last news.", null=True)),
                (
                    "read_at",
                    models.DateTimeField(blank=True, help_text="When the contact was read there last.", null=True),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Drift",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("email", models.CharField(help_text="Trimmed and lower-cased.", max_length=320)),
                (
                    "state",
                    models.CharField(
                        choices=[("open", "Open"), ("fixing", "Being fixed"), ("ignored", "Ignored")],
                        default="open",
                        max_length=8,
                    ),
                ),
                ("kinds", models.JSONField(default=list, help_text="What differs, as codes.")),
                (
                    "is_fixable",
                    models.BooleanField(
                        default=True, help_text="Off: it is respected, and shown.", verbose_name="can be fixed"
                    ),
                ),
                (
                    "lines",
                    models.JSONField(
                        default=list, help_text="Each difference: where, what, what is wanted, what was found."
                    ),
                ),
                (
                    "digest",
                    models.CharField(
                        help_text="Of the lines: what is ignored stays so until they change.", max_length=64
                    ),
                ),
                ("found_at", models.DateTimeField()),
                ("seen_at", models.DateTimeField(help_text="The last comparison that found it.")),
                ("settled_at", models.DateTimeField(blank=True, null=True)),
                ("settled_by", models.CharField(blank=True, max_length=150)),
            ],
            options={
                "verbose_name": "difference",
                "verbose_name_plural": "differences",
            },
        ),
        migrations.CreateModel(
            name="Erasure",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "digest",
                    models.CharField(
                        help_text="Of the address, with a key of this machine.", max_length=64, unique=True
                    ),
                ),
                ("erased_at", models.DateTimeField()),
                ("asked_by", models.CharField(blank=True, max_length=150)),
                (
                    "words",
                    models.TextField(blank=True, help_text="What was deleted, as counts, and what could not be."),
                ),
            ],
            options={
                "ordering": ["-erased_at"],
            },
        ),
        migrations.CreateModel(
            name="KnownMeeting",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("uri", models.CharField(max_length=255)),
                ("mark", models.CharField(help_text="Its own change time and its numbers of invitees.", max_length=64)),
                ("read_at", models.DateTimeField()),
            ],
        ),
        migrations.CreateModel(
            name="PendingMeeting",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("uri", models.CharField(max_length=255)),
                ("row", models.JSONField(help_text="The scheduled event as Calendly listed it.")),
                ("listed_at", models.DateTimeField()),
            ],
        ),
        migrations.RemoveField(
            model_name="reading",
            name="is_history",
        ),
        migrations.AddField(
            model_name="brevoaccount",
            name="follows_opt_outs",
            field=models.BooleanField(
                default=True,
                help_text="Who unsubscribed in Brevo joins no list here. Nothing is written to Brevo for it.",
                verbose_name="keeps opt-outs in mind",
            ),
        ),
        migrations.AddField(
            model_name="brevoaccount",
            name="webhook_checked_at",
            field=models.DateTimeField(blank=True, help_text="When it was last found good.", null=True),
        ),
        migrations.AddField(
            model_name="brevoaccount",
            name="webhook_id",
            field=models.BigIntegerField(blank=True, help_text="Brevo's number of our webhook.", null=True),
        ),
        migrations.AddField(
            model_name="brevoaccount",
            name="webhook_secret",
            field=calendly_connector.models.fields.EncryptedTextField(
                blank=True, default="", help_text="Brevo proves itself with it."
            ),
        ),
        migrations.AlterField(
            model_name="brevoaccount",
            name="webhook_token",
            field=models.CharField(
                default=calendly_connector.models.connection.new_webhook_token, max_length=64, unique=True
            ),
        ),
        migrations.AddConstraint(
            model_name="reading",
            constraint=models.UniqueConstraint(
                condition=models.Q(("finished_at", None)), fields=("connection", "kind"), name="one_open_reading"
            ),
        ),
        migrations.AddField(
            model_name="apitoken",
            name="user",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="api_tokens", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="brevodelivery",
            name="account",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="deliveries",
                to="calendly_connector.brevoaccount",
            ),
        ),
        migrations.AddIndex(
            model_name="contactmirror",
            index=models.Index(
                condition=models.Q(("opt_out", ""), _negated=True), fields=["opt_out"], name="mirror_opted_out"
            ),
        ),
        migrations.AddIndex(
            model_name="contactmirror",
            index=models.Index(
                condition=models.Q(("deleted_at__isnull", False)), fields=["deleted_at"], name="mirror_deleted"
            ),
        ),
        migrations.AddField(
            model_name="drift",
            name="connection",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="drifts", to="calendly_connector.connection"
            ),
        ),
        migrations.AddField(
            model_name="drift",
            name="person",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="drifts",
                to="calendly_connector.person",
            ),
        ),
        migrations.AddField(
            model_name="knownmeeting",
            name="connection",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="known_meetings",
                to="calendly_connector.connection",
            ),
        ),
        migrations.AddField(
            model_name="pendingmeeting",
            name="reading",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="pending", to="calendly_connector.reading"
            ),
        ),
        migrations.AddIndex(
            model_name="brevodelivery",
            index=models.Index(condition=models.Q(("state", "stored")), fields=["id"], name="brevo_delivery_waiting"),
        ),
        migrations.AddIndex(
            model_name="brevodelivery",
            index=models.Index(fields=["received_at"], name="brevo_delivery_received_at"),
        ),
        migrations.AddConstraint(
            model_name="brevodelivery",
            constraint=models.UniqueConstraint(fields=("account", "digest"), name="brevo_delivery_once"),
        ),
        migrations.AddIndex(
            model_name="drift",
            index=models.Index(fields=["connection", "state"], name="drift_state"),
        ),
        migrations.AddConstraint(
            model_name="drift",
            constraint=models.UniqueConstraint(fields=("connection", "email"), name="drift_once"),
        ),
        migrations.AddConstraint(
            model_name="knownmeeting",
            constraint=models.UniqueConstraint(fields=("connection", "uri"), name="known_meeting_once"),
        ),
        migrations.AddConstraint(
            model_name="pendingmeeting",
            constraint=models.UniqueConstraint(fields=("reading", "uri"), name="pending_once"),
        ),
    ]
