"""The key that erased addresses are known by."""

from django.db import migrations, models

import calendly_connector.models.fields


class Migration(migrations.Migration):
    dependencies = [
        ("calendly_connector", "0012_drift_run"),
    ]

    operations = [
        migrations.CreateModel(
            name="ErasureKey",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("key", calendly_connector.models.fields.EncryptedTextField(default="")),
            ],
        ),
    ]
