"""The index that finds the oldest delivery nobody has taken in: only what waits is in it, so it is small."""

from django.db import migrations, models

from calendly_connector.migrations_help import AddIndexInPeace


class Migration(migrations.Migration):
    atomic = False  # PostgreSQL makes no index beside the writers within a transaction

    dependencies = [
        ("calendly_connector", "0021_tally"),
    ]

    operations = [
        AddIndexInPeace(
            model_name="webhookdelivery",
            index=models.Index(
                condition=models.Q(state="stored"), fields=["received_at"], name="delivery_oldest_waiting"
            ),
        ),
    ]
