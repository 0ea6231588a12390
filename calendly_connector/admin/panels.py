"""The three panels of a connection's page: what we know of Calendly, of Brevo and of the webhooks, and the buttons.

Secrets are shown by their hint alone. One that no key fits doesn't keep the page from opening: it says so.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from django.core.exceptions import ImproperlyConfigured
from django.db.models import QuerySet
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from calendly_connector import conf
from calendly_connector.admin import parts, reading_words
from calendly_connector.admin.listening import listening_badge
from calendly_connector.admin.parts import Cell, Tone
from calendly_connector.admin.steps import STEPS
from calendly_connector.models import BrevoAccount, Connection, DebugRecord, Drift, Reading, WebhookDelivery
from calendly_connector.models.fields import SecretUnreadableError, hint
from calendly_connector.services import booking_limits, debug, oauth, setup, subscription
from calendly_connector.services import connection as connections

STEP = "calendly_connector_connection_step"
STATES = {
    Connection.State.NEW: (_("Not connected"), Tone.QUIET),
    Connection.State.CONNECTED: (_("Connected"), Tone.GOOD),
    Connection.State.RECONNECT: (_("Reconnect needed"), Tone.BAD),
}
NO_APPLICATION = _(
    "The button needs an OAuth application of Calendly's: set CALENDLY_CLIENT_ID and CALENDLY_CLIENT_SECRET and "
    "restart, or use a personal access token."
)
Kind = Connection.TokenKind


@dataclass(frozen=True, kw_only=True)
class Button:
    """What is pressed; with `why_not` it can't be."""

    label: str | Promise
    address: str
    why_not: str | Promise = ""
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


def hint_words(stored: str) -> str:
    """Return a hint, or why there is none, in the reader's language."""
    known, mark, end = stored.partition("…")
    if mark and known == "set, ends in ":
        return gettext("set, ends in …%(end)s") % {"end": end}
    return {"set": gettext("set"), "not set": gettext("not set")}.get(stored, parts.said(stored))


def _calendly(row: Connection, user: Any) -> Panel:
    facts: list[tuple[str, Cell]] = [(gettext("State"), parts.badge(*STATES[Connection.State(row.state)]))]
    facts += [(name, text) for name, text in ((gettext("Account"), row.user_name), (gettext("Role"), row.role)) if text]
    if row.organization:
        facts += [(gettext("Organization"), parts.code(row.organization)), (gettext("Sees"), row.get_scope_display())]
    facts += [(gettext("Plan"), row.plan)] if row.plan else []
    facts += [(gettext("Bookings through our pages"), bookings_used(row))] if row.booking_pages.exists() else []
    facts += [(gettext("Access"), _access(row)), (gettext("Granted scopes"), _scopes(row))]
    facts.append((gettext("Redirect URI"), parts.code(oauth.redirect_uri())))
    return Panel(
        name="calendly",
        title="Calendly",
        facts=facts,
        reason=row.state_reason,
        table=_capabilities(row),
        buttons=_allowed(user, row, *_calendly_steps(row), first=_connect_button(row)),
        form=_form(
            row, user, "token",
            summary=gettext("Use a personal access token instead"),
            label=gettext("Personal access token"),
            help=gettext("From Calendly: Integrations & apps → API & webhooks. It is tested, then stored encrypted."),
        ),
    )  # fmt: skip


def _calendly_steps(row: Connection) -> list[str]:
    """Return what makes sense: there may be nothing yet to test or to disconnect."""
    is_given = row.token_kind != Kind.NONE
    return [
        *(["test"] if is_given or row.is_environment else []),
        *(["disconnect"] if is_given or row.subscription else []),
    ]


def bookings_used(row: Connection) -> str:
    """Return what is used of Calendly's limits of bookings without a redirect."""
    words = {
        "minute": gettext("%(used)s of %(allowed)s in the last minute"),
        "hour": gettext("%(used)s of %(allowed)s in the last hour"),
        "day": gettext("%(used)s of %(allowed)s in the last day"),
    }
    quota = booking_limits.quota(row)
    used_up = ", ".join(words[window] % {"used": used, "allowed": allowed} for window, used, allowed in quota)
    until = booking_limits.blocked_until(row)
    if until is None:
        return used_up
    refused = gettext("Calendly takes no more until %(time)s: visitors are led to its own page.")
    return f"{used_up}. {refused % {'time': f'{timezone.localtime(until):%H:%M:%S}'}}"


def _access(row: Connection) -> Cell:
    if row.token_kind == Kind.OAUTH:
        return format_html(
            gettext("{}; {}. Renewed by itself."),
            row.get_token_kind_display(),
            hint_words(secret_hint(row, "access_token")),
        )
    if row.token_kind == Kind.PERSONAL:
        stored = hint_words(secret_hint(row, "access_token"))
        return gettext("Personal access token; %(secret_hint)s") % {"secret_hint": stored}
    if row.is_environment:
        return f"CALENDLY_ACCESS_TOKEN; {hint_words(hint(conf.environment_credentials().calendly_access_token))}"
    return gettext("Not set")


def _scopes(row: Connection) -> Cell:
    if row.scopes is None:
        return gettext("The token doesn't tell.") if row.state == Connection.State.CONNECTED else parts.NOTHING
    return format_html_join(" ", "{}", ((parts.code(scope),) for scope in row.scopes)) or gettext("none")


def _capabilities(row: Connection) -> SafeString | str:
    if row.state != Connection.State.CONNECTED:
        return format_html('<p class="cc-quiet">{}</p>', gettext("What works is shown once it is connected."))
    yes, no = parts.badge(gettext("Yes"), Tone.GOOD), parts.badge(gettext("No"), Tone.WARN)
    rows = [
        (parts.said(each.feature), yes if each.works else no, parts.said(each.lacks))
        for each in setup.capabilities_of(row)
    ]
    return parts.table((gettext("Feature"), gettext("Works"), gettext("What is missing")), rows, empty="")


def _connect_button(row: Connection) -> Button:
    is_new = row.state == Connection.State.NEW
    return Button(
        label=gettext("Connect with Calendly") if is_new or row.token_kind != Kind.OAUTH else gettext("Reconnect"),
        address=reverse("calendly_connector:oauth_connect", args=[row.pk]),
        why_not="" if oauth.is_offered() else NO_APPLICATION,
        is_main=row.state != Connection.State.CONNECTED,
    )


def _brevo(row: Connection, user: Any) -> Panel:
    account = row.brevo_account
    facts: list[tuple[str, Cell]] = [
        (gettext("Account"), parts.link_to(account)),
        (
            gettext("State"),
            parts.badge(*((gettext("Paused"), Tone.WARN) if account.is_paused else (gettext("Active"), Tone.GOOD))),
        ),
    ]
    if account.is_paused:
        facts.append((gettext("Paused"), parts.age(account.paused_at)))
    facts += [
        (name, text) for name, text in ((gettext("E-mail"), account.email), (gettext("Plan"), account.plan)) if text
    ]
    if account.checked_at:
        automation = (
            parts.badge(gettext("On"), Tone.GOOD) if account.has_automation else parts.badge(gettext("Off"), Tone.WARN)
        )
        facts += [(gettext("Marketing automation"), automation), (gettext("Key tested"), parts.age(account.checked_at))]
    facts += [(gettext("Differences"), _differences(row)), (gettext("API key"), _key_hint(account))]
    facts.append((gettext("Tells us of unsubscriptions"), listening_badge(account)))
    return Panel(
        name="brevo",
        title="Brevo",
        facts=facts,
        reason=account.pause_reason,
        buttons=_allowed(user, row, "resume" if account.is_paused else "pause", "compare"),
        form=_form(
            row, user, "key",
            summary=gettext("Put in another API key") if account.checked_at else gettext("Put in an API key"),
            label=gettext("Brevo API key"),
            help=gettext("From Brevo: SMTP & API → API keys. It is tested, then stored encrypted."),
            is_open=not account.checked_at,
        ),
    )  # fmt: skip


def _differences(row: Connection) -> SafeString:
    """Return a link to what differs, with the number of people."""
    count = Drift.objects.filter(connection=row, state=Drift.State.OPEN).count()
    words = ngettext("%(count)d person", "%(count)d people", count) % {"count": count}
    return parts.link_to_list(Drift, words if count else gettext("None"), connection__id__exact=row.pk)


def _key_hint(account: BrevoAccount) -> str:
    stored = secret_hint(account, "api_key")
    from_environment = conf.environment_credentials().brevo_api_key
    is_named = stored == hint("") and from_environment
    return f"BREVO_API_KEY; {hint_words(hint(from_environment))}" if is_named else hint_words(stored)


def _webhooks(row: Connection, user: Any) -> Panel:
    deliveries = WebhookDelivery.objects.filter(connection=row).order_by("-received_at")
    facts: list[tuple[str, Cell]] = [
        (gettext("Address"), parts.code(subscription.callback_url(row))),
        (gettext("Subscription"), subscription_badge(row)),
        (gettext("Signing key"), _signing_hint(row)),
        (gettext("Last delivery"), parts.age(deliveries.values_list("received_at", flat=True).first())),
    ]
    if row.subscription_checked_at:
        facts.append((gettext("Last found well"), parts.age(row.subscription_checked_at)))
    if row.retry_started_at:
        facts.append((gettext("Can't deliver since"), parts.moment(row.retry_started_at)))
    if row.is_silent:
        facts.append((gettext("Unusual"), parts.badge(gettext("Unusually quiet"), Tone.WARN)))
    facts += [(gettext("Reading again"), _reading(row)), (gettext("Debug mode"), _debug(row))]
    names = ("subscribe", "reach", "reread", *(("rotate",) if _has_own_key(row) else ()), _debug_step(row))
    return Panel(name="webhooks", title=gettext("Webhooks"), facts=facts, buttons=_allowed(user, row, *names))


def subscription_badge(row: Connection) -> SafeString:
    """Return whether Calendly was asked to post to us, and still does."""
    if not row.subscription:
        return parts.badge(gettext("Missing"), Tone.BAD)
    if row.subscription_state == "disabled":
        return parts.badge(gettext("Disabled by Calendly"), Tone.BAD)
    return (
        parts.badge(gettext("Can't deliver"), Tone.WARN)
        if row.retry_started_at
        else parts.badge(gettext("Made"), Tone.GOOD)
    )


def _has_own_key(row: Connection) -> bool:
    return not row.is_environment and row.token_kind != Kind.OAUTH


def _signing_hint(row: Connection) -> str:
    from_environment = conf.environment_credentials().calendly_signing_key
    if not _has_own_key(row) and (from_environment or row.is_environment):
        return f"CALENDLY_WEBHOOK_SIGNING_KEY; {hint_words(hint(from_environment))}"
    overlap = gettext("; the key before it is accepted for a day") if _is_set(row, "previous_signing_key") else ""
    return gettext("Own; %(secret_hint)s%(overlap)s") % {
        "secret_hint": hint_words(secret_hint(row, "signing_key")),
        "overlap": overlap,
    }


def _is_set(row: Connection, name: str) -> bool:
    return secret_hint(row, name) != hint("")


def _reading(row: Connection) -> Cell:
    found = Reading.objects.filter(connection=row).order_by("-asked_at").first()
    if found is None:
        return gettext("Never asked for")
    counts = gettext("%(meetings)s meetings seen, %(invitees)s invitees read, %(news)s found") % {
        "meetings": found.meetings,
        "invitees": found.invitees,
        "news": found.news,
    }
    words = "" if found.finished_at else parts.said(found.words)
    return format_html("{} {}: {}. {}", reading_words.badge(found), parts.link_to(found), counts, words)


def _debug(row: Connection) -> Cell:
    records = parts.link_to_list(DebugRecord, gettext("what was kept"), connection__id__exact=row.pk)
    if not (debug.is_on(row) and row.debug_until):
        return format_html("{} ({})", parts.badge(gettext("Off"), Tone.QUIET), records)
    left = parts.length((row.debug_until - timezone.now()).total_seconds())
    state = parts.badge(gettext("On, %(time)s left") % {"time": left}, Tone.WARN)
    return format_html('<span title="{}">{}</span> ({})', parts.exactly(row.debug_until), state, records)


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
