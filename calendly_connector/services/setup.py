"""Tests both credentials, keeps them, and fills in what they tell us: whose they are, and what the services offer."""

from dataclasses import dataclass, field

from django.utils import timezone

from calendly_connector import conf
from calendly_connector.clients import brevo, brevo_refusals, errors
from calendly_connector.clients.brevo import BrevoClient
from calendly_connector.clients.calendly_oauth import Tokens
from calendly_connector.core import capabilities, fields
from calendly_connector.core.capabilities import Capability
from calendly_connector.models import BrevoAccount, Connection, FieldMapping
from calendly_connector.services import accounts, catalogue, grants, introduction, schedule, tokens
from calendly_connector.services import connection as connections
from calendly_connector.services.introduction import TokenReport

AFTER_CONNECTING = ("catalogues", "keep_alive", "watch")
"""Repeating work that has said "Nothing is connected yet.", which would stand for hours."""

NO_APP_KEY = (
    "CALENDLY_WEBHOOK_SIGNING_KEY is not set: Calendly signs the webhooks of an OAuth application with the key that it "
    "showed when the application was created. Without it every delivery is refused."
)


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


def test_calendly_token(token: str) -> TokenReport:
    """Return whose token this is and what it may do, without keeping anything; raise ApiError, such as Unauthorized."""
    return introduction.introduce(token)


def test_brevo_key(key: str) -> brevo.Account:
    """Return whose key this is, without keeping anything; raise ApiError (`accounts.words_for` explains refusals)."""
    return BrevoClient(api_key=key, base_url=conf.brevo_api_url()).get_account()


def save_calendly_token(connection: Connection, token: str) -> TokenReport:
    """Test a personal access token and keep it; read the event types.

    Raises ApiError, NotConfigured or OtherAccount, and then nothing has changed.
    """
    tokens.need_keyring()
    token = token.strip()
    report = test_calendly_token(token)
    refuse_other_organization(connection, report)
    kept = {**grants.NONE_LEFT, "token_kind": Connection.TokenKind.PERSONAL, "access_token": token}
    _keep(connection, {**_facts(connection, report), **kept})
    schedule.soon(*AFTER_CONNECTING)
    return report.with_notes(_read_event_types(connection))


def save_grant(connection: Connection, grant: Tokens) -> TokenReport:
    """Test the tokens that came with the button and keep them; read the event types.

    Raises ApiError, NotConfigured or OtherAccount, and then nothing has changed.
    """
    report = introduction.introduce(grant.access_token, grant=grant)
    refuse_other_organization(connection, report)
    grants.store(connection, grant, **_facts(connection, report))
    schedule.soon(*AFTER_CONNECTING)
    notes = [_read_event_types(connection)]
    if not conf.environment_credentials().calendly_signing_key:
        notes.append(NO_APP_KEY)
    return report.with_notes(*notes)


def save_brevo_key(account: BrevoAccount, key: str) -> brevo.Account:
    """Test a Brevo key and keep it; read lists and attributes; go on writing if that waited for a key.

    `account` may be a new row that isn't saved yet. Raises ApiError, NotConfigured or OtherAccount, and then nothing
    has changed.
    """
    tokens.need_keyring()
    key = key.strip()
    found = test_brevo_key(key)
    refuse_other_account(account, found)
    account.api_key = key
    if account._state.adding:
        account.save()
    _keep_account(account, found, "api_key")
    schedule.soon(*AFTER_CONNECTING)
    account.refresh_from_db(fields=accounts.STANDING)  # staff may have paused it while Brevo answered
    if accounts.is_paused_for_key(account):
        accounts.resume(account)
    client = connections.brevo_client(account)
    catalogue.refresh_attributes(account, client)
    catalogue.refresh_lists(account, client)
    return found


def greet_brevo(account: BrevoAccount, client: BrevoClient) -> brevo.Account:
    """Ask whose key the account has and note it; raise ApiError, or OtherAccount for another account's key."""
    found = client.get_account()
    refuse_other_account(account, found)
    _keep_account(account, found)
    return found


def capabilities_of(connection: Connection) -> list[Capability]:
    """Return what works and what doesn't for a connection, each with the scope or role that it lacks."""
    return capabilities.capabilities(connection.scopes, role=connection.role)


def note_missing_scopes(connection: Connection, refused: errors.Forbidden) -> None:
    """Remember the scopes that Calendly's 403 named, so that the capability list shows them."""
    if refused.required_scopes:
        scopes = sorted(capabilities.without(connection.scopes, refused.required_scopes))
        _keep(connection, {"scopes": scopes})


def create_attributes(connection: Connection, missing: list[tuple[str, str]]) -> list[str]:
    """Create the attributes that the mapping names and Brevo lacks; return their names. Raises ApiError."""
    account = connection.brevo_account
    client = connections.brevo_client(account)
    for name, kind in missing:
        create_attribute(client, name, kind=kind)
    catalogue.refresh_attributes(account, client)
    return [name for name, _ in missing]


def create_attribute(client: BrevoClient, name: str, *, kind: str) -> None:
    """Create an attribute; one that is there already is as good. Raises ApiError."""
    try:
        client.create_attribute(name, kind=kind)
    except errors.Refused as refused:
        if not brevo_refusals.is_existing_attribute(refused):
            raise


def missing_attributes(connection: Connection) -> list[tuple[str, str]]:
    """Return name and best type of every mapped attribute that Brevo lacks; lines that are switched off need none."""
    known = set(connection.brevo_account.attributes.values_list("name", flat=True))
    on = connection.field_mappings.exclude(overwrite=FieldMapping.Overwrite.NEVER)
    rows = on.order_by("pk").values_list("attribute", "source")
    return [(name, _best_kind(source)) for name, source in rows if name not in known | BUILT_IN]


BUILT_IN = {"EMAIL", "SMS", "WHATSAPP", "LANDLINE_NUMBER", "EXT_ID"}
"""Brevo's own identifiers: never created."""


def _best_kind(source: str) -> str:
    return fields.FIELDS[source].kind if source in fields.FIELDS else "text"


def _check_calendly(connection: Connection, report: Report) -> None:
    found = introduction.introduce(tokens.present_token(connection))
    refuse_other_organization(connection, found)
    if connection.state != Connection.State.CONNECTED:
        schedule.soon(*AFTER_CONNECTING)
    _keep(connection, _facts(connection, found))
    report.lines.extend(found.lines)
    try:
        report.lines.append(f"Calendly: {catalogue.refresh_event_types(connection)} event types read.")
    except errors.Forbidden as refused:
        note_missing_scopes(connection, refused)
        raise


def refuse_other_organization(connection: Connection, found: TokenReport) -> None:
    """Raise OtherAccount when a token is of another Calendly organization than the one we know."""
    if connection.organization and connection.organization != found.organization:
        raise OtherAccount(
            "This Calendly token belongs to another organization than before. Make a second connection for it, "
            "or put the former account's token back."
        )


def _facts(connection: Connection, found: TokenReport) -> dict[str, object]:
    """Return what a token tells, as columns of its connection."""
    is_admin = found.role in ("owner", "admin")
    facts: dict[str, object] = {
        "organization": found.organization,
        "user": found.user,
        "user_name": found.user_name[:255],
        "role": found.role,
        "scope": Connection.Scope.ORGANIZATION if is_admin else Connection.Scope.USER,
        "plan": found.plan[:40],
        "scopes": None if found.scopes is None else sorted(found.scopes),
        "state": Connection.State.CONNECTED,
        "state_reason": "",
    }
    if connection.timezone == "UTC" and found.timezone:
        facts["timezone"] = found.timezone
    if connection.is_environment and connection.token_kind == Connection.TokenKind.NONE:
        facts["token_kind"] = Connection.TokenKind.ENVIRONMENT
    return facts


def _keep(connection: Connection, facts: dict[str, object]) -> None:
    """Write these columns only: others, such as a rotated token, may have changed since the row was read."""
    Connection.objects.filter(pk=connection.pk).update(**facts)
    for name, value in facts.items():
        setattr(connection, name, value)


def _read_event_types(connection: Connection) -> str:
    """Read the event types; what goes wrong doesn't undo the connection, so it comes back as words."""
    try:
        return f"Calendly: {catalogue.refresh_event_types(connection)} event types read."
    except errors.Forbidden as refused:
        note_missing_scopes(connection, refused)
        return f"The event types can't be read: {refused}"
    except (errors.ApiError, connections.NotConfigured) as error:
        return f"The event types can't be read now: {error}"


def _check_brevo(connection: Connection, report: Report) -> None:
    account = connection.brevo_account
    client = connections.brevo_client(account)
    found = greet_brevo(account, client)
    catalogue.refresh_attributes(account, client)
    catalogue.refresh_lists(account, client)
    automation = "on" if found.has_automation else "off: events are kept, but start no automation"
    report.lines.append(f"Brevo: {account.name}; marketing automation is {automation}.")
    report.lines.append(f"Brevo: {account.attributes.count()} attributes and {account.lists.count()} lists read.")
    report.missing_attributes = missing_attributes(connection)


def refuse_other_account(account: BrevoAccount, found: brevo.Account) -> None:
    """Raise OtherAccount when a key is of another Brevo account than the one we know."""
    if not found.organization_id:
        return
    if account.organization_id and account.organization_id != found.organization_id:
        raise OtherAccount("This Brevo key belongs to another account than before. Put the former account's key back.")
    twin = BrevoAccount.objects.filter(organization_id=found.organization_id).exclude(pk=account.pk).first()
    if twin and account._state.adding:
        raise OtherAccount(f"This Brevo account is here already, as “{twin}”. Choose that one.")


def _keep_account(account: BrevoAccount, found: brevo.Account, *also: str) -> None:
    account.organization_id = found.organization_id
    account.name = (found.company or account.name)[:200]
    account.email = found.email[:320]
    account.plan = ", ".join(found.plans)[:100]
    account.has_automation = found.has_automation
    account.checked_at = timezone.now()
    names = ("organization_id", "name", "email", "plan", "has_automation", "checked_at")
    account.save(update_fields=[*names, *also])
