"""Checks both credentials and fills in what they tell us: whose they are, and what the two services offer."""

from dataclasses import dataclass, field

from calendly_connector.clients import brevo, errors
from calendly_connector.clients.calendly import CalendlyClient
from calendly_connector.core import fields
from calendly_connector.models import Connection
from calendly_connector.services import catalogue
from calendly_connector.services import connection as connections


class OtherAccount(Exception):
    """The credential belongs to another account than the one we know."""


@dataclass(kw_only=True)
class Report:
    """What was found, line by line, for a person to read."""

    lines: list[str] = field(default_factory=list)
    missing_attributes: list[tuple[str, str]] = field(default_factory=list)  # name, type


def check(connection: Connection) -> Report:
    """Test both credentials, read the catalogues, and report. Raises ApiError, NotConfigured, OtherAccount."""
    report = Report()
    _check_calendly(connection, report)
    _check_brevo(connection, report)
    return report


def create_attributes(connection: Connection, missing: list[tuple[str, str]]) -> list[str]:
    """Create the attributes that the mapping names and Brevo lacks; return their names. Raises ApiError."""
    account = connection.brevo_account
    client = connections.brevo_client(account)
    for name, kind in missing:
        try:
            client.create_attribute(name, kind=kind)
        except errors.Refused as refused:
            if not brevo.is_existing_attribute(refused):
                raise
    catalogue.refresh_attributes(account, client)
    return [name for name, _ in missing]


def missing_attributes(connection: Connection) -> list[tuple[str, str]]:
    """Return name and best type of every mapped attribute that Brevo lacks."""
    known = set(connection.brevo_account.attributes.values_list("name", flat=True))
    rows = connection.field_mappings.order_by("pk").values_list("attribute", "source")
    return [(name, _best_kind(source)) for name, source in rows if name not in known | BUILT_IN]


BUILT_IN = {"EMAIL", "SMS", "WHATSAPP", "LANDLINE_NUMBER", "EXT_ID"}
"""Brevo's own identifiers: never created."""


def _best_kind(source: str) -> str:
    return fields.FIELDS[source].kind if source in fields.FIELDS else "text"


def _check_calendly(connection: Connection, report: Report) -> None:
    client = connections.calendly_client(connection)
    me = client.get_me()
    if connection.organization and connection.organization != me.organization:
        raise OtherAccount(
            "This Calendly token belongs to another organization than before. Make a second connection for it, "
            "or put the former account's token back."
        )
    role = _role(client, me.uri, me.organization)
    connection.organization, connection.user, connection.user_name = me.organization, me.uri, me.name
    connection.role = role
    connection.scope = Connection.Scope.ORGANIZATION if role in ("owner", "admin") else Connection.Scope.USER
    if connection.timezone == "UTC" and me.timezone:
        connection.timezone = me.timezone
    connection.save()
    whose = "the whole organization's" if connection.scope == Connection.Scope.ORGANIZATION else "only this user's"
    report.lines.append(f"Calendly: {me.name}, {role or 'role unknown'}; we see {whose} bookings.")
    report.lines.append(f"Calendly: {catalogue.refresh_event_types(connection)} event types read.")


def _role(client: CalendlyClient, user: str, organization: str) -> str:
    """Return the role, or "" when the token may not read it: then the narrower scope is the safe one."""
    try:
        return client.get_role(user, organization=organization)
    except errors.Forbidden:
        return ""


def _check_brevo(connection: Connection, report: Report) -> None:
    account = connection.brevo_account
    client = connections.brevo_client(account)
    found = client.get_account()
    if account.organization_id and found.organization_id and account.organization_id != found.organization_id:
        raise OtherAccount("This Brevo key belongs to another account than before. Put the former account's key back.")
    account.organization_id = found.organization_id
    account.name = found.company or account.name
    account.save(update_fields=["organization_id", "name"])
    catalogue.refresh_attributes(account, client)
    catalogue.refresh_lists(account, client)
    automation = "on" if found.has_automation else "off: events are kept, but start no automation"
    report.lines.append(f"Brevo: {account.name}; marketing automation is {automation}.")
    report.lines.append(f"Brevo: {account.attributes.count()} attributes and {account.lists.count()} lists read.")
    report.missing_attributes = missing_attributes(connection)
