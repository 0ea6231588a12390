"""The three roles of staff, as groups: who looks, who repairs, who decides. None of them manages users.

A migration makes the groups, so that one which was deleted stays away. What they may do is set after every `migrate`:
Django makes the permissions of new tables only then. A permission of its own marks each of our groups, for somebody
else's may have the same name. For other rights, make another group, or take the mark away.
"""

from typing import Any

from django.apps import apps
from django.contrib.auth.models import Group, Permission
from django.contrib.contenttypes.models import ContentType
from django.db import DEFAULT_DB_ALIAS, connections

APP = "calendly_connector"
VIEWER, OPERATOR, MANAGER = "Viewer", "Operator", "Manager"

OPERATES = (
    "view_addresses",
    "pause_brevoaccount",
    "change_booking",
    "change_brevodelivery",
    "change_drift",
    "change_job",
    "change_linkrun",
    "change_person",
    "change_replay",
    "change_synclogentry",
    "change_webhookdelivery",
)
"""What repairs: try again, replay, skip, compare and sync a person, mend differences, pause, mark who came."""

SCHEDULES = ("add_bookingrequest", "add_schedulinglink")
"""To book for somebody and to make one person's link, by the API: whoever may cancel a meeting may make one. Links for
a whole Brevo list, which write to every contact of it, are a manager's (`add_linkrun`)."""

KEEPS = (
    "bookingpage", "brevoaccount", "connection", "consentrule", "eventtype", "fieldmapping", "linkrun",
    "mappingversion", "notice",
    "reading", "schedule", "triggermapping",
)  # fmt: skip
"""What a manager adds and changes."""

REMOVES = ("delete_bookingpage", "delete_consentrule", "delete_fieldmapping", "delete_triggermapping")
TOKENS = ("add_apitoken", "delete_apitoken")
"""A manager's own keys to the API, which may what the manager may; and to revoke anybody's."""

AUDITS = "view_logentry"


MARKS = {VIEWER: "is_role_viewer", OPERATOR: "is_role_operator", MANAGER: "is_role_manager"}
"""Role → the permission that marks its group as ours, and allows nothing."""


def make_groups() -> None:
    """Make the groups that are missing, under another name where one isn't free, and set what each may do."""
    kind = ContentType.objects.get(app_label=APP, model="connection")
    for role, mark in MARKS.items():
        marking, _is_new = Permission.objects.get_or_create(
            content_type=kind, codename=mark, defaults={"name": f"Is the connector's role {role}"}
        )
        if not marking.group_set.exists():
            names = (role, f"{role} (Calendly)", *(f"{role} (Calendly {number})" for number in range(2, 10)))
            taken = set(Group.objects.filter(name__in=names).values_list("name", flat=True))
            Group.objects.create(name=next(name for name in names if name not in taken)).permissions.add(marking)
    set_permissions()


def set_permissions(*, using: str = DEFAULT_DB_ALIAS, **signal: Any) -> None:
    """Set what each of our groups may do; a group that was deleted is left alone. Takes what `post_migrate` sends."""
    if Group.permissions.through._meta.db_table not in connections[using].introspection.table_names():
        return  # a database that is migrated step by step has no groups at first
    permissions = _permissions(using)
    for role, mark in MARKS.items():
        names = codenames_of(role)
        for group in Group.objects.using(using).filter(permissions=permissions.get(mark, 0)):
            group.permissions.set([key for codename, key in permissions.items() if codename in names])


def codenames_of(role: str) -> set[str]:
    """Return the permissions of a role, with its mark."""
    looks = {f"view_{model._meta.model_name}" for model in apps.get_app_config(APP).get_models()}
    decides = {f"{verb}_{model}" for verb in ("add", "change") for model in KEEPS}
    operates = looks | {*OPERATES, *SCHEDULES}
    rights = {VIEWER: looks, OPERATOR: operates, MANAGER: operates | decides | {*REMOVES, *TOKENS, AUDITS}}
    return {MARKS[role], *rights[role]}


def _permissions(using: str) -> dict[str, int]:
    """Return codename → key of our permissions, and of the one that opens the audit."""
    known = Permission.objects.using(using)
    ours = known.filter(content_type__app_label=APP)
    audit = known.filter(content_type__app_label="admin", codename=AUDITS)
    return dict((ours | audit).values_list("codename", "pk"))
