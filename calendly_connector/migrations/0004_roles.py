"""Makes the groups of services/roles.py, which sets after every `migrate` what each of them may do.

A group that has the name already is somebody's own, and left alone: a permission marks those that we made.
"""

from typing import Any

from django.db import migrations

ROLES = {"Viewer": "is_role_viewer", "Operator": "is_role_operator", "Manager": "is_role_manager"}


def make_groups(apps: Any, schema_editor: Any) -> None:
    """Make the three groups, with nothing but their marks as yet."""
    kinds, groups = apps.get_model("contenttypes", "ContentType").objects, apps.get_model("auth", "Group").objects
    kind, _is_new = kinds.get_or_create(app_label="calendly_connector", model="connection")
    for role, mark in ROLES.items():
        mark, _is_new = apps.get_model("auth", "Permission").objects.get_or_create(
            content_type=kind, codename=mark, defaults={"name": f"Is the connector's role {role}"}
        )
        if not mark.group_set.exists():
            names = (role, f"{role} (Calendly)", *(f"{role} (Calendly {number})" for number in range(2, 10)))
            taken = set(groups.filter(name__in=names).values_list("name", flat=True))
            groups.create(name=next(name for name in names if name not in taken)).permissions.add(mark)


class Migration(migrations.Migration):
    dependencies = [
        ("calendly_connector", "0003_desk"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("contenttypes", "0002_remove_content_type_name"),
    ]

    operations = [migrations.RunPython(make_groups, migrations.RunPython.noop)]
