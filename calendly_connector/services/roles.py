"""The three roles of staff, as groups: who looks, who repairs, who decides. None of them manages users.

A migration makes the groups, so that one which was deleted stays away. What they may do is set after every `migrate`:
Django makes the permissions of new tables only then. For other rights, make a group of another name.
"""

from typing import Any

from django.apps import apps
from django.contrib.auth.models import Group, Permission

APP = "calendly_connector"
VIEWER, OPERATOR, MANAGER = "Viewer", "Operator", "Manager"

OPERATES = (
    "view_addresses",
    "pause_brevoaccount",
    "change_job",
    "change_person",
    "change_replay",
    "change_synclogentry",
    "change_webhookdelivery",
)
"""What repairs: try again, replay, skip, compare and sync a person, pause."""

KEEPS = (
    "brevoaccount", "connection", "consentrule", "eventtype", "fieldmapping", "mappingversion", "notice", "reread",
    "schedule", "triggermapping",
)  # fmt: skip
"""What a manager adds and changes."""

REMOVES = ("delete_consentrule", "delete_fieldmapping", "delete_triggermapping")
AUDITS = "view_logentry"


def make_groups() -> None:
    """Make the groups that are missing, and set what each may do."""
    for name in (VIEWER, OPERATOR, MANAGER):
        Group.objects.get_or_create(name=name)
    set_permissions()


def set_permissions(**signal: Any) -> None:
    """Set what each group may do; a group that was deleted is left alone. Takes what `post_migrate` sends."""
    permissions = _permissions()
    for group in Group.objects.filter(name__in=(VIEWER, OPERATOR, MANAGER)):
        names = codenames_of(group.name)
        group.permissions.set([key for codename, key in permissions.items() if codename in names])


def codenames_of(role: str) -> set[str]:
    """Return the permissions of a role."""
    looks = {f"view_{model._meta.model_name}" for model in apps.get_app_config(APP).get_models()}
    decides = {f"{verb}_{model}" for verb in ("add", "change") for model in KEEPS}
    operates = looks | set(OPERATES)
    return {VIEWER: looks, OPERATOR: operates, MANAGER: operates | decides | {*REMOVES, AUDITS}}[role]


def _permissions() -> dict[str, int]:
    """Return codename → key of our permissions, and of the one that opens the audit."""
    ours = Permission.objects.filter(content_type__app_label=APP)
    audit = Permission.objects.filter(content_type__app_label="admin", codename=AUDITS)
    return dict((ours | audit).values_list("codename", "pk"))
