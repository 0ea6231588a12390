"""Whose Calendly token is this, and what may it do? Asks Calendly, keeps nothing."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from calendly_connector import conf
from calendly_connector.clients import errors
from calendly_connector.clients.calendly import CalendlyClient
from calendly_connector.clients.calendly_oauth import Tokens
from calendly_connector.clients.calendly_values import Organization, User
from calendly_connector.core import capabilities
from calendly_connector.core.capabilities import Capability

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class TokenReport:
    """What a token told. `user` and `organization` are URIs; `scopes` is None when it doesn't tell them."""

    user: str
    user_name: str
    email: str
    timezone: str
    organization: str
    organization_name: str
    role: str
    plan: str
    scopes: frozenset[str] | None
    notes: tuple[str, ...] = ()

    @property
    def capabilities(self) -> list[Capability]:
        """Return what works and what doesn't, each with what it lacks."""
        return capabilities.capabilities(self.scopes, role=self.role)

    @property
    def lines(self) -> list[str]:
        """Return the report for a person to read."""
        whose = "the whole organization's" if self.role in ("owner", "admin") else "only this user's"
        who = self.user_name or "a user whose name we may not read"
        lines = [f"Calendly: {who}, {self.role or 'role unknown'}; we see {whose} bookings."]
        if self.organization_name:
            lines.append(f"Calendly: organization {self.organization_name}, plan {self.plan or 'unknown'}.")
        lines += [f"Calendly: “{each.feature}” doesn't work. {each.lacks}" for each in self.capabilities if each.lacks]
        return [*lines, *self.notes]

    def with_notes(self, *notes: str) -> "TokenReport":
        """Return the report with more lines."""
        return replace(self, notes=(*self.notes, *notes))


def introduce(token: str, *, grant: Tokens | None = None, client: CalendlyClient | None = None) -> TokenReport:
    """Return what Calendly tells about a token; `grant` is the OAuth answer that it came with, which knows some of it.
    `client` asks with this token in its own way, such as with less patience.

    Raises ApiError: Unauthorized for a token that isn't accepted, Forbidden for a personal one without users:read.
    """
    client = client or CalendlyClient(token=token, base_url=conf.calendly_api_url())
    me = _who(client, grant)
    organization = _allowed(lambda: client.get_organization(me.organization)) or Organization(
        name="", plan="", stage=""
    )
    plan = f"{organization.plan} ({organization.stage})" if organization.stage else organization.plan
    return TokenReport(
        user=me.uri,
        user_name=me.name,
        email=me.email,
        timezone=me.timezone,
        organization=me.organization,
        organization_name=organization.name,
        role=_allowed(lambda: client.get_role(me.uri, organization=me.organization)) or "",
        plan=plan,
        scopes=(grant.scopes if grant else None) or capabilities.scopes_in(token) or _probed(client, me),
    )


def _who(client: CalendlyClient, grant: Tokens | None) -> User:
    try:
        return client.get_me()
    except errors.Forbidden:
        if grant is None or not grant.organization:
            raise
        return User(uri=grant.owner, name="", email="", timezone="", organization=grant.organization)


def _allowed(call: Callable[[], T]) -> T | None:
    """Return a call's result, or None when the token may not make it: the narrower reading is the safe one then."""
    try:
        return call()
    except (errors.Forbidden, errors.NotFound):
        return None


def _probed(client: CalendlyClient, me: User) -> frozenset[str] | None:
    """Return the needed scopes less those that Calendly names as missing; None when it names none."""
    missing: set[str] = set()
    for probe in (
        lambda: client.get_organization(me.organization),
        lambda: next(client.list_event_types(organization=me.organization), None),
        lambda: next(client.list_subscriptions(organization=me.organization, scope="user", user=me.uri), None),
    ):
        try:
            probe()
        except errors.Forbidden as refused:
            missing |= set(refused.required_scopes)
        except errors.NotFound:
            continue
    return capabilities.without(None, missing) if missing else None
