from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("calendly_connector", "0020_booking_page_words"),
    ]

    operations = [
        migrations.CreateModel(
            name="Tally",
            fields=[
                (
                    "key",
                    models.CharField(
                        help_text="What is counted, such as api_calls|Brevo|2xx.",
                        max_length=160,
                        primary_key=True,
                        serialize=False,
                        verbose_name="key",
                    ),
                ),
                ("value", models.FloatField(default=0, verbose_name="value")),
                ("changed_at", models.FloatField(default=0, help_text="Unix seconds.", verbose_name="changed at")),
            ],
            options={"verbose_name": "tally", "verbose_name_plural": "tallies"},
        ),
    ]
