"""Makes the groups of services/roles.py, which sets after every `migrate` what each of them may do."""

from typing import Any

from django.db import migrations

ROLES = ("Viewer", "Operator", "Manager")


def make_groups(apps: Any, schema_editor: Any) -> None:
    """Make the three groups, empty as yet."""
    for name in ROLES:
        apps.get_model("auth", "Group").objects.get_or_create(name=name)


class Migration(migrations.Migration):
    dependencies = [
        ("calendly_connector", "0003_desk"),
        ("auth", "0012_alter_user_first_name_max_length"),
    ]

    operations = [migrations.RunPython(make_groups, migrations.RunPython.noop)]
