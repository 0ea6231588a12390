"""The index that finds the oldest delivery nobody has taken in: only what waits is in it, so it is small."""

from typing import Any

from django.db import migrations, models


class AddIndexMeanwhile(migrations.AddIndex):
    """Adds an index while others go on writing; on SQLite, which can't, it takes the usual way."""

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Make the index."""
        model = to_state.apps.get_model(app_label, self.model_name)
        how = {"concurrently": True} if schema_editor.connection.vendor == "postgresql" else {}
        schema_editor.add_index(model, self.index, **how)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Take it away."""
        model = from_state.apps.get_model(app_label, self.model_name)
        how = {"concurrently": True} if schema_editor.connection.vendor == "postgresql" else {}
        schema_editor.remove_index(model, self.index, **how)


class Migration(migrations.Migration):
    atomic = False  # PostgreSQL makes no index beside the writers within a transaction

    dependencies = [
        ("calendly_connector", "0045_tally"),
    ]

    operations = [
        AddIndexMeanwhile(
            model_name="webhookdelivery",
            index=models.Index(
                condition=models.Q(state="stored"), fields=["received_at"], name="delivery_oldest_waiting"
            ),
        ),
    ]
