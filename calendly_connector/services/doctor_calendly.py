"""The doctor looks at a connection's Calendly: token, scopes, role, subscription, signing key."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from calendly_connector import conf
from calendly_connector.clients import errors
from calendly_connector.core import capabilities, health
from calendly_connector.core.capabilities import Feature
from calendly_connector.core.diagnosis import Finding, Page, Place, Symptom, bad, good, note, warn
from calendly_connector.core.health import Health
from calendly_connector.models import Connection
from calendly_connector.models.fields import SecretUnreadableError
from calendly_connector.services import connection as connections
from calendly_connector.services import setup, subscription, tokens, watch
from calendly_connector.services.doctor_check import CalendlyLook, Check

State, Kind = Connection.State, Connection.TokenKind
EVERYBODYS = 4
"""So many features, the first ones, every installation uses; the others only who wants them."""


def standing(look: CalendlyLook) -> Iterator[Finding]:
    """Say what we know of the token already: Calendly refused it, or a refresh fails."""
    row, place = look.connection, _page(look)
    remedy = _("See that a worker runs: it refreshes tokens. If it does and this lasts, connect Calendly again.")
    if row.state == State.RECONNECT:
        words = row.state_reason or _("Calendly doesn't let this connection in.")
        yield bad(words, _renew(), Symptom.CALENDLY_REFUSES, place=place)
    elif row.state == State.NEW:
        words = _("This connection isn't connected to Calendly yet.")
        yield warn(words, _("Go through the set-up on the connection's page."), Symptom.NOTHING_ARRIVES, place=place)
    elif row.token_kind == Kind.OAUTH and row.state_reason:
        yield warn(row.state_reason, remedy, Symptom.CALENDLY_REFUSES, place=place)
    elif row.token_kind == Kind.OAUTH and row.token_expires_at and row.token_expires_at <= timezone.now():
        yield bad(_("Calendly's token is over and wasn't refreshed."), remedy, Symptom.CALENDLY_REFUSES, place=place)
    else:
        yield good(_("Calendly is connected."))


def token(look: CalendlyLook) -> Iterator[Finding]:
    """Ask Calendly: it has to accept the token, and it has to be the same organization's as before."""
    row, place = look.connection, _page(look)
    try:
        setup.refuse_other_organization(row, look.report())
    except tokens.ReconnectNeeded:
        raise  # there is nothing to ask with, and `standing` says so
    except (tokens.NotConfigured, SecretUnreadableError, setup.OtherAccount) as error:
        yield bad(str(error), _renew(), Symptom.CALENDLY_REFUSES, place=place)
    except errors.Unauthorized as error:
        yield bad(f"{tokens.NOT_ACCEPTED}. {error}", _renew(), Symptom.CALENDLY_REFUSES, place=place)
    except errors.RateLimited as error:
        words = _("Wait a minute. If it lasts, see who else uses this Calendly user's tokens: they share one limit.")
        yield warn(str(error), words, Symptom.TOO_MANY, place=place)
    except errors.Forbidden as error:
        yield bad(str(error), subscription.words_for(error), Symptom.WRONG_SCOPE, place=place)
    except errors.ApiError as error:
        words = _("If it lasts, see whether this machine may open https connections, and read Calendly's status page.")
        yield bad(str(error), words, Symptom.NOTHING_ARRIVES, place=place)
    else:
        yield good(_("Calendly accepts the token."))


def _renew() -> str:
    return _("Press “Connect with Calendly” on the connection's page, or make a new token in Calendly and put it in.")


def scopes(look: CalendlyLook) -> Iterator[Finding]:
    """Compare what the token may do with what the features that are switched on need."""
    found, row = look.report().scopes, look.connection
    granted = found if found is not None else row.scopes
    if found is not None and row.scopes is not None:
        granted = [scope for scope in found if scope in row.scopes or capabilities.FULL_ACCESS in row.scopes]
    lacking = _lacking(granted, _features_on(row))
    remedy = _("Connect again and grant it, or make a token that has it. Then test the connection on its page.")
    for feature, missing in lacking:
        words = _("“%(feature)s” needs the scope %(scopes)s, which the token lacks.")
        said = {"feature": _(feature.name), "scopes": ", ".join(missing)}
        if feature in capabilities.FEATURES[EVERYBODYS:]:
            yield note(words % said, remedy, place=_page(look))
        else:
            yield bad(words % said, remedy, Symptom.WRONG_SCOPE, place=_page(look))
    if not lacking:
        yield good(_("The token has every scope that is needed."))


def _lacking(granted: object, features: tuple[Feature, ...]) -> list[tuple[Feature, tuple[str, ...]]]:
    if not isinstance(granted, list | frozenset):
        return []  # a token that doesn't tell, and that nothing was refused to
    found = [(feature, capabilities.missing_scopes(feature.scopes, granted)) for feature in features]
    return [(feature, missing) for feature, missing in found if missing]


def _features_on(row: Connection) -> tuple[Feature, ...]:
    """Return what every connection needs, and what was switched on for this one."""
    more = []
    if row.booking_pages.filter(is_active=True).exists():
        scopes = frozenset({"availability:read", "scheduled_events:write"})
        more.append(Feature(name=gettext_noop("Booking pages"), scopes=scopes))
    if row.link_runs.exists():
        more.append(Feature(name=gettext_noop("Personal links"), scopes=frozenset({"scheduling_links:write"})))
    return (*capabilities.FEATURES, *more)


def role(look: CalendlyLook) -> Iterator[Finding]:
    """Whose bookings are seen follows from the user's role."""
    found, row = look.report().role, look.connection
    is_admin = found in ("owner", "admin")
    if is_admin is not (row.scope == Connection.Scope.ORGANIZATION):
        words = _("The Calendly user's role is “%(role)s” now, which the subscription doesn't fit.")
        remedy = _("Test the connection on its page, then run `manage.py calendly_subscribe`.")
        yield warn(words % {"role": found or "?"}, remedy, Symptom.NOTHING_ARRIVES, place=_page(look))
    elif not is_admin:
        words = _("Only this Calendly user's own bookings are seen.")
        yield note(words, _("For everybody's, connect as an owner or admin of the organization."), place=_page(look))
    else:
        yield good(_("The whole organization's bookings are seen."))


def signing_key(look: CalendlyLook) -> Iterator[Finding]:
    """Without a key every delivery is refused."""
    if connections.signing_keys(look.connection):
        yield good(_("The signing key is known."))
    else:
        yield bad(
            _("There is no signing key, so every delivery is refused."),
            _("Set CALENDLY_WEBHOOK_SIGNING_KEY, restart, then run `manage.py calendly_subscribe --force`."),
            Symptom.NOTHING_ARRIVES,
            place=_page(look),
        )


def subscribed(look: CalendlyLook) -> Iterator[Finding]:
    """One active subscription with all webhooks has to post to us."""
    row, place = look.connection, _page(look)
    if not row.subscription:
        words = _("There is no webhook subscription, so nothing arrives.")
        yield bad(words, _("Run `manage.py calendly_subscribe`."), Symptom.NOTHING_ARRIVES, place=place)
        return
    theirs = look.subscription()
    retrying = health.parse_moment(theirs.retry_started_at) if theirs else None
    found = watch.judge(row, theirs, retrying, watch.last_delivery_at(row))
    remedy = _("Run `manage.py calendly_subscribe`; then `manage.py calendly_reconcile` reads what was missed.")
    if found is not Health.GOOD:
        words = {
            Health.DISABLED: _("Calendly gave up delivering and switched our subscription off."),
            Health.GONE: _("Our subscription was deleted at Calendly."),
            Health.ELSEWHERE: _("The subscription that we know posts to another address than ours."),
            Health.FAILING: _("Calendly can't deliver just now, and tries again for 24 hours."),
        }[found]
        make = warn if found is Health.FAILING else bad
        if found is Health.FAILING:
            remedy = _("Run `manage.py calendly_subscribe --test` and do what it says.")
        yield make(words, remedy, Symptom.NOTHING_ARRIVES, place=place)
    elif theirs and not subscription.is_good(theirs, row):
        words = _(
            "The subscription lacks some of the webhooks, such as no-shows, or has another scope than the connection."
        )
        yield warn(words, remedy, Symptom.NO_SHOW, place=place)
    else:
        yield good(_("The webhook subscription is active and posts to us."))


def rivals(look: CalendlyLook) -> Iterator[Finding]:
    """A second subscription, or a second connector, does everything twice."""
    rows = look.subscriptions()
    ours = [each for each in rows if subscription.posts_to_us(each, look.connection)]
    home = f"{conf.public_url()}/"  # another connection of this installation is `twins`' affair
    strange = [each.callback_url for each in rows if not f"{each.callback_url}/".startswith(home)]
    others = sorted({urlsplit(url).hostname or "?" for url in strange})
    if len(ours) > 1:
        words = _("%(count)s subscriptions post to us: each booking arrives several times.") % {"count": len(ours)}
        remedy = _("Run `manage.py calendly_subscribe`: it keeps one and deletes the others.")
        yield warn(words, remedy, Symptom.DUPLICATES, place=_page(look))
    elif others:
        words = _("Calendly also delivers to %(hosts)s.") % {"hosts": ", ".join(others)}
        remedy = _(
            "If that is a former connector to the same Brevo account, switch it off: its mails would come twice."
        )
        yield note(words, remedy)
    else:
        yield good(_("No other subscription delivers the same bookings."))


def twins(look: CalendlyLook) -> Iterator[Finding]:
    """Two connections of the same organization to the same account write everything twice."""
    row = look.connection
    same = Connection.objects.filter(is_active=True, organization=row.organization, brevo_account=row.brevo_account_id)
    others = list(same.exclude(pk=row.pk).values_list("name", flat=True)) if row.organization and row.is_active else []
    if others:
        words = _("“%(other)s” joins the same two accounts: people get each mail twice.") % {"other": others[0]}
        remedy = _("Disconnect one of the two on its page, and take “receives webhooks” away.")
        yield warn(words, remedy, Symptom.DUPLICATES, place=_page(look))
    else:
        yield good(_("No other connection joins the same two accounts."))


def _page(look: CalendlyLook) -> Place:
    return Place(page=Page.CONNECTION, key=look.connection.pk)


CHECKS = (
    Check(name="standing", run=standing),
    Check(name="token", run=token, is_online=True),
    Check(name="scopes", run=scopes, is_online=True),
    Check(name="role", run=role, is_online=True),
    Check(name="signing_key", run=signing_key),
    Check(name="subscription", run=subscribed, is_online=True),
    Check(name="rivals", run=rivals, is_online=True),
    Check(name="twins", run=twins),
)
