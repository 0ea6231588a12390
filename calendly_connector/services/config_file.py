"""A connection's configuration as a file: what an import would change and what is wrong with it, and the export.

Both formats are read: our own (core/config_file.py) and the old platform's (core/config_old.py). Either everything in
a file is applied or nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from calendly_connector import conf
from calendly_connector.core import config_file, config_old
from calendly_connector.core.config_file import Config, Content
from calendly_connector.core.config_reader import Path, Problem, Surroundings
from calendly_connector.models import BrevoList, Connection, EventType
from calendly_connector.models.fields import SecretUnreadableError
from calendly_connector.services import config_check, debug, mapping, snapshot, versions, yaml_text
from calendly_connector.services.connection import SECRETS
from calendly_connector.services.yaml_text import Line, Parsed

WHY = "Imported from file"
ORDER = {"grid": ("event_type", "trigger"), "consents": ("event_type",)}


@dataclass(frozen=True, kw_only=True)
class Plan:
    """What a file would change, in words. With errors, it changes nothing."""

    errors: list[Line]
    warnings: list[Line] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)
    config: Config | None = None


def plan(connection: Connection, text: bytes | str, *, may_fill_in: bool = True) -> Plan:
    """Return what a file would change, without changing it.

    `may_fill_in` lets it copy variables of the environment into the configuration: for operators, who can read them.
    """
    parsed = yaml_text.parse(text)
    if parsed.problems and not parsed.values:
        return Plan(errors=parsed.problems)
    around = Surroundings(variables=conf.variables(), may_fill_in=may_fill_in)
    current = snapshot.take(connection)
    read = config_old.read if config_old.is_old(parsed.values) else config_file.read
    config = read(parsed.values, around, current=current)
    around.problems.extend(config_check.check(connection, config, around.mentions))
    errors = [*parsed.problems, *_lines(parsed, around.problems, is_error=True)]
    warnings = _lines(parsed, around.problems, is_error=False)
    if errors:
        return Plan(errors=_sorted(errors), warnings=warnings)
    config = _settled(connection, config)
    return Plan(errors=[], warnings=warnings, changes=_changes(connection, current, config), config=config)


def apply(connection: Connection, text: bytes | str, *, by: versions.Who, may_fill_in: bool = True) -> Plan:
    """Do what a file says, all of it, and return what was changed; with errors, nothing."""
    with transaction.atomic():
        row = Connection.objects.select_for_update().defer(*SECRETS).get(pk=connection.pk)
        found = plan(row, text, may_fill_in=may_fill_in)
        if found.config is None:
            return found
        if found.config.settings:
            Connection.objects.filter(pk=row.pk).update(**found.config.settings)
        _make_types(row, found.config.content)
        versions.replace(row, found.config.content, by=by, why=WHY)
        if found.config.debug is not None:
            debug.switch(row, is_on=found.config.debug)
    mapping.forget()
    return found


def export(connection: Connection) -> str:
    """Return a connection's whole configuration as a file, without its secrets."""
    content = snapshot.take(connection)
    settings = {name: getattr(connection, name) for name in config_file.SETTINGS}
    values = config_file.lay_out(settings, _secrets_in_use(connection), content)
    head = _(
        "Configuration of “%(name)s”. Read it again with: manage.py calendly_config import FILE\n"
        "Secrets are not in here: they are environment variables, or are entered on the connection's page."
    )
    name = yaml_text.one_line(connection.name)
    return yaml_text.write(values, comments=_comments(connection, values), head=head % {"name": name})


def _lines(parsed: Parsed, problems: list[Problem], *, is_error: bool) -> list[Line]:
    return _sorted(
        Line(number=parsed.line_of(each.path), words=_(each.words) % each.values)
        for each in problems
        if each.is_error is is_error
    )


def _sorted(lines: Any) -> list[Line]:
    return sorted(dict.fromkeys(lines), key=lambda line: line.number)


def _settled(connection: Connection, config: Config) -> Config:
    """Return the configuration in the order that the database gives it, with the names that it decides by."""
    content = {**config.content, "types": dict(config.content["types"])}
    names = EventType.objects.filter(connection=connection, uri__in=config.decides).values_list("uri", "name")
    for uri, name in names:
        content["types"][uri] = {"decided_name": name, "is_ignored": False}
    for part, keys in ORDER.items():
        content[part] = sorted(content[part], key=lambda row: [row[key] for key in keys])
    return replace(config, content=content)


def _changes(connection: Connection, current: Content, config: Config) -> list[str]:
    lines = [
        f"{Connection._meta.get_field(name).verbose_name}: {_said(getattr(connection, name))} → {_said(value)}"  # type: ignore[union-attr]
        for name, value in config.settings.items()
        if getattr(connection, name) != value
    ]
    lines += versions.differences(connection, current, config.content)
    old, new = ([row["attribute"] for row in content["fields"]] for content in (current, config.content))
    if old != new and sorted(old) == sorted(new):
        lines.append(_("The fields come in another order."))
    if config.debug is not None and config.debug is not debug.is_on(connection):
        lines.append(_("Debug mode: on for a day") if config.debug else _("Debug mode: off"))
    return lines


def _said(value: Any) -> str:
    if isinstance(value, bool):
        return _("yes") if value else _("no")
    return str(value) or "–"


def _make_types(connection: Connection, content: Content) -> None:
    """Make the event types that were decided elsewhere and are not known here yet: what was decided is kept so."""
    now = timezone.now()
    rows = [
        EventType(connection=connection, uri=uri, name=decision["decided_name"] or uri[-255:], read_at=now)
        for uri, decision in content["types"].items()
    ]
    EventType.objects.bulk_create(rows, ignore_conflicts=True)


def _secrets_in_use(connection: Connection) -> dict[str, str]:
    """Return the variables that hold this connection's secrets, by their key in a file."""
    given = conf.environment_credentials()
    in_use = {
        "calendly_access_token": connection.is_environment and given.calendly_access_token,
        "calendly_signing_key": connection.is_environment and given.calendly_signing_key,
        "brevo_api_key": given.brevo_api_key and not has_own_key(connection),
    }
    return {key: config_file.SECRETS[key] for key, value in in_use.items() if value}


def has_own_key(connection: Connection) -> bool:
    """Return whether the Brevo account has a key of its own, readable or not."""
    try:
        return bool(connection.brevo_account.api_key)
    except (SecretUnreadableError, ImproperlyConfigured):
        return True


def _comments(connection: Connection, values: Mapping[str, Any]) -> dict[Path, str]:
    """Return the names of event types and lists, for the places where a file has their ids."""
    types = dict(EventType.objects.filter(connection=connection).values_list("uri", "name"))
    lists = dict(BrevoList.objects.filter(account=connection.brevo_account_id).values_list("number", "name"))
    rows: list[tuple[Path, Mapping[str, Any]]] = [(("default_row",), values["default_row"])]
    rows += [(("event_types", place), row) for place, row in enumerate(values["event_types"])]
    found: dict[Path, str] = {}
    for path, row in rows:
        if "event_type" in row:
            found[(*path, "event_type")] = types.get(row["event_type"].replace("$${", "${"), "")
        for trigger, cell in row.get("triggers", {}).items():
            for name in ("join_lists", "leave_lists"):
                for place, number in enumerate(cell.get(name, ())):
                    found[(*path, "triggers", trigger, name, place)] = lists.get(number, "")
    return found
