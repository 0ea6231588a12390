"""The three panels of a connection's page: what we know of Calendly, of Brevo and of the webhooks, and the buttons.

Secrets are shown by their hint alone. One that no key fits doesn't keep the page from opening: it says so.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db.models import QuerySet
from django.urls import reverse
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from calendly_connector import conf
from calendly_connector.admin import parts
from calendly_connector.admin.parts import Cell, Tone
from calendly_connector.admin.steps import STEPS
from calendly_connector.models import BrevoAccount, Connection, DebugRecord, Reread, WebhookDelivery
from calendly_connector.models.fields import SecretUnreadableError, hint
from calendly_connector.services import connection as connections
from calendly_connector.services import debug, oauth, setup, subscription

STEP = "calendly_connector_connection_step"
STATES = {
    Connection.State.NEW: ("Not connected", Tone.QUIET),
    Connection.State.CONNECTED: ("Connected", Tone.GOOD),
    Connection.State.RECONNECT: ("Reconnect needed", Tone.BAD),
}
NO_APPLICATION = (
    "The button needs an OAuth application of Calendly's: set CALENDLY_CLIENT_ID and CALENDLY_CLIENT_SECRET and "
    "restart, or use a personal access token."
)
Kind = Connection.TokenKind


@dataclass(frozen=True, kw_only=True)
class Button:
    """What is pressed; with `why_not` it can't be."""

    label: str
    address: str
    why_not: str = ""
    is_main: bool = False


@dataclass(frozen=True, kw_only=True)
class SecretForm:
    """One write-only input."""

    summary: str
    label: str
    help: str
    name: str
    button: Button
    is_open: bool = False


@dataclass(frozen=True, kw_only=True)
class Panel:
    """One box of the page."""

    name: str
    title: str
    facts: list[tuple[str, Cell]]
    reason: str = ""
    table: SafeString | str = ""
    buttons: list[Button] = field(default_factory=list)
    form: SecretForm | None = None


def readable(rows: QuerySet[Connection]) -> QuerySet[Connection]:
    """Return connections whose secrets are read when they are asked for, so that a lost key hides nothing else."""
    return rows.select_related("brevo_account").defer(*connections.SECRETS, "brevo_account__api_key")


def panels_of(row: Connection, user: Any) -> list[Panel]:
    """Return what a member of staff sees, with the buttons that they may press."""
    return [_calendly(row, user), _brevo(row, user), _webhooks(row, user)]


def secret_hint(row: Connection | BrevoAccount, name: str) -> str:
    """Return the hint of a stored secret, or which key is missing."""
    try:
        return hint(getattr(row, name))
    except (SecretUnreadableError, ImproperlyConfigured) as error:
        return str(error)


def _calendly(row: Connection, user: Any) -> Panel:
    facts: list[tuple[str, Cell]] = [("State", parts.badge(*STATES[Connection.State(row.state)]))]
    facts += [(name, text) for name, text in (("Account", row.user_name), ("Role", row.role)) if text]
    if row.organization:
        facts += [("Organization", parts.code(row.organization)), ("Sees", row.get_scope_display())]
    facts += [("Plan", row.plan)] if row.plan else []
    facts += [("Access", _access(row)), ("Granted scopes", _scopes(row))]
    facts.append(("Redirect URI", parts.code(oauth.redirect_uri())))
    return Panel(
        name="calendly",
        title="Calendly",
        facts=facts,
        reason=row.state_reason,
        table=_capabilities(row),
        buttons=_allowed(user, row, *_calendly_steps(row), first=_connect_button(row)),
        form=_form(
            row, user, "token",
            summary="Use a personal access token instead",
            label="Personal access token",
            help="From Calendly: Integrations & apps → API & webhooks. It is tested, then stored encrypted.",
        ),
    )  # fmt: skip


def _calendly_steps(row: Connection) -> list[str]:
    """Return what makes sense: there may be nothing yet to test or to disconnect."""
    is_given = row.token_kind != Kind.NONE
    return [
        *(["test"] if is_given or row.is_environment else []),
        *(["disconnect"] if is_given or row.subscription else []),
    ]


def _access(row: Connection) -> Cell:
    if row.token_kind == Kind.OAUTH:
        return format_html("{}; {}. Renewed by itself.", row.get_token_kind_display(), secret_hint(row, "access_token"))
    if row.token_kind == Kind.PERSONAL:
        return f"Personal access token; {secret_hint(row, 'access_token')}"
    if row.is_environment:
        return f"CALENDLY_ACCESS_TOKEN; {hint(conf.environment_credentials().calendly_access_token)}"
    return "Not set"


def _scopes(row: Connection) -> Cell:
    if row.scopes is None:
        return "The token doesn't tell." if row.state == Connection.State.CONNECTED else parts.NOTHING
    return format_html_join(" ", "{}", ((parts.code(scope),) for scope in row.scopes)) or "none"


def _capabilities(row: Connection) -> SafeString | str:
    if row.state != Connection.State.CONNECTED:
        return format_html('<p class="cc-quiet">{}</p>', "What works is shown once it is connected.")
    yes, no = parts.badge("Yes", Tone.GOOD), parts.badge("No", Tone.WARN)
    rows = [(each.feature, yes if each.works else no, each.lacks) for each in setup.capabilities_of(row)]
    return parts.table(("Feature", "Works", "What is missing"), rows, empty="")


def _connect_button(row: Connection) -> Button:
    is_new = row.state == Connection.State.NEW
    return Button(
        label="Connect with Calendly" if is_new or row.token_kind != Kind.OAUTH else "Reconnect",
        address=reverse("calendly_connector:oauth_connect", args=[row.pk]),
        why_not="" if oauth.is_offered() else NO_APPLICATION,
        is_main=row.state != Connection.State.CONNECTED,
    )


def _brevo(row: Connection, user: Any) -> Panel:
    account = row.brevo_account
    facts: list[tuple[str, Cell]] = [
        ("Account", parts.link_to(account)),
        ("State", parts.badge(*(("Paused", Tone.WARN) if account.is_paused else ("Active", Tone.GOOD)))),
    ]
    if account.is_paused:
        facts.append(("Paused", parts.age(account.paused_at)))
    facts += [(name, text) for name, text in (("E-mail", account.email), ("Plan", account.plan)) if text]
    if account.checked_at:
        automation = parts.badge("On", Tone.GOOD) if account.has_automation else parts.badge("Off", Tone.WARN)
        facts += [("Marketing automation", automation), ("Key tested", parts.age(account.checked_at))]
    facts.append(("API key", _key_hint(account)))
    return Panel(
        name="brevo",
        title="Brevo",
        facts=facts,
        reason=account.pause_reason,
        buttons=_allowed(user, row, "resume" if account.is_paused else "pause"),
        form=_form(
            row, user, "key",
            summary="Put in another API key" if account.checked_at else "Put in an API key",
            label="Brevo API key",
            help="From Brevo: SMTP & API → API keys. It is tested, then stored encrypted.",
            is_open=not account.checked_at,
        ),
    )  # fmt: skip


def _key_hint(account: BrevoAccount) -> str:
    stored = secret_hint(account, "api_key")
    from_environment = conf.environment_credentials().brevo_api_key
    return f"BREVO_API_KEY; {hint(from_environment)}" if stored == hint("") and from_environment else stored


def _webhooks(row: Connection, user: Any) -> Panel:
    deliveries = WebhookDelivery.objects.filter(connection=row).order_by("-received_at")
    facts: list[tuple[str, Cell]] = [
        ("Address", parts.code(subscription.callback_url(row))),
        ("Subscription", subscription_badge(row)),
        ("Signing key", _signing_hint(row)),
        ("Last delivery", parts.age(deliveries.values_list("received_at", flat=True).first())),
    ]
    if row.subscription_checked_at:
        facts.append(("Last found well", parts.age(row.subscription_checked_at)))
    if row.retry_started_at:
        facts.append(("Can't deliver since", parts.moment(row.retry_started_at)))
    if row.is_silent:
        facts.append(("Unusual", parts.badge("Unusually quiet", Tone.WARN)))
    facts += [("Reading again", _reading(row)), ("Debug mode", _debug(row))]
    names = ("subscribe", "reach", "reread", *(("rotate",) if _has_own_key(row) else ()), _debug_step(row))
    return Panel(name="webhooks", title="Webhooks", facts=facts, buttons=_allowed(user, row, *names))


def subscription_badge(row: Connection) -> SafeString:
    """Return whether Calendly was asked to post to us, and still does."""
    if not row.subscription:
        return parts.badge("Missing", Tone.BAD)
    if row.subscription_state == "disabled":
        return parts.badge("Disabled by Calendly", Tone.BAD)
    return parts.badge("Can't deliver", Tone.WARN) if row.retry_started_at else parts.badge("Made", Tone.GOOD)


def _has_own_key(row: Connection) -> bool:
    return not row.is_environment and row.token_kind != Kind.OAUTH


def _signing_hint(row: Connection) -> str:
    from_environment = conf.environment_credentials().calendly_signing_key
    if not _has_own_key(row) and (from_environment or row.is_environment):
        return f"CALENDLY_WEBHOOK_SIGNING_KEY; {hint(from_environment)}"
    overlap = "; the key before it is accepted for a day" if _is_set(row, "previous_signing_key") else ""
    return f"Own; {secret_hint(row, 'signing_key')}{overlap}"


def _is_set(row: Connection, name: str) -> bool:
    return secret_hint(row, name) != hint("")


def _reading(row: Connection) -> Cell:
    found = Reread.objects.filter(connection=row).order_by("-asked_at").first()
    if found is None:
        return "Never asked for"
    counts = f"{found.meetings} meetings seen, {found.invitees} invitees read, {found.news} found"
    state = parts.badge("Done", Tone.GOOD) if found.finished_at else parts.badge("Reading", Tone.WAIT)
    return format_html("{} {}: {}. {}", state, parts.link_to(found), counts, "" if found.finished_at else found.words)


def _debug(row: Connection) -> Cell:
    state = parts.badge(_("On"), Tone.WARN) if debug.is_on(row) else parts.badge(_("Off"), Tone.QUIET)
    ends = parts.age(row.debug_until) if debug.is_on(row) else ""
    records = parts.link_to_list(DebugRecord, _("what was kept"), connection__id__exact=row.pk)
    return format_html("{} {} ({})", state, ends, records)


def _debug_step(row: Connection) -> str:
    return "debug_off" if debug.is_on(row) else "debug_on"


def _allowed(user: Any, row: Connection, *names: str, first: Button | None = None) -> list[Button]:
    """Return the buttons whose steps this member of staff may take."""
    may: Callable[[str], bool] = user.has_perm
    found = [first] if first and may(STEPS["test"].permission) else []
    return found + [_button(row, name) for name in names if may(STEPS[name].permission)]


def _button(row: Connection, name: str) -> Button:
    return Button(label=STEPS[name].label, address=reverse(f"admin:{STEP}", args=[row.pk, name]))


def _form(row: Connection, user: Any, name: str, **words: Any) -> SecretForm | None:
    if not user.has_perm(STEPS[name].permission):
        return None
    return SecretForm(name=f"{name}-secret", button=_button(row, name), **words)
