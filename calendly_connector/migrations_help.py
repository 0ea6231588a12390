"""Operations for migrations of big tables."""

from typing import Any

from django.db.migrations.operations import AddIndex

DROP = "DROP INDEX CONCURRENTLY IF EXISTS {}"


class AddIndexInPeace(AddIndex):
    """Adds an index while others go on writing, on PostgreSQL; on SQLite, which has one writer anyway, as usual.

    The migration must say `atomic = False`. Whatever a build that was interrupted left behind is removed first, so the
    migration may simply be run again.
    """

    atomic = False

    def database_forwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Build the index."""
        if schema_editor.connection.vendor != "postgresql":
            super().database_forwards(app_label, schema_editor, from_state, to_state)
            return
        model = to_state.apps.get_model(app_label, self.model_name)
        schema_editor.execute(DROP.format(schema_editor.quote_name(self.index.name)))
        schema_editor.add_index(model, self.index, concurrently=True)

    def database_backwards(self, app_label: str, schema_editor: Any, from_state: Any, to_state: Any) -> None:
        """Remove it."""
        if schema_editor.connection.vendor != "postgresql":
            super().database_backwards(app_label, schema_editor, from_state, to_state)
            return
        schema_editor.execute(DROP.format(schema_editor.quote_name(self.index.name)))
