"""The Calendly stand-in: its bookings as Python methods (from Bookings), and the same as an HTTP service."""

from dataclasses import replace
from typing import Any

from sandbox.calendly_access import Access
from sandbox.calendly_accounts import Accounts
from sandbox.calendly_answers import not_found
from sandbox.calendly_bookings import Bookings
from sandbox.calendly_catalogue import Catalogue
from sandbox.calendly_events import Events
from sandbox.calendly_forms import Forms
from sandbox.calendly_oauth import OAuth
from sandbox.calendly_scheduling import Scheduling
from sandbox.calendly_state import App, Settings, State, Token
from sandbox.calendly_subscriptions import Subscriptions
from sandbox.calendly_values import Json
from sandbox.calendly_world import CAMILLE, default_state
from sandbox.http import Request, Response, Router
from sandbox.server import World


class Calendly(Catalogue, Bookings):
    """One organization on Calendly, with everything the API and a browser can do to it."""

    def __init__(self, world: World) -> None:
        super().__init__(world.clock, default_state())
        self.router = Router()
        self.access = Access(self.state, world.clock)
        for group in (Accounts, Events, Scheduling, Subscriptions, Forms, OAuth):
            group(self.router, self, self.access)

    def admit(self, request: Request, template: str) -> None:
        """Check credentials, scopes and rate limit; raise Refusal when Calendly would refuse."""
        with self.lock:
            self.access.admit(request, template)

    def finish(self, request: Request, template: str, response: Response) -> None:
        """Add the rate-limit headers."""
        with self.lock:
            self.access.finish(request, response)

    def not_found(self, request: Request) -> Response:
        """Return the 404 of an unknown path."""
        return not_found().response

    def add_token(
        self, value: str, *, user: str = CAMILLE, scopes: str = "default", expires_in: float | None = None
    ) -> Token:
        """Add a personal access token; `scopes` is space separated, "default" means everything."""
        now = self.clock.now()
        expires_at = now + expires_in if expires_in is not None else None
        token = Token(
            value=value, user=user, scopes=frozenset(scopes.split()), issued_at=now, expires_at=expires_at
        )  # fmt: skip
        with self.lock:
            self.state.tokens[value] = token
        return token

    def revoke_token(self, value: str) -> None:
        """Kill one token."""
        with self.lock:
            self.state.tokens.pop(value, None)

    def change_login(self, user: str = CAMILLE) -> None:
        """Kill every token of a user, as changing e-mail, password or login method does."""
        with self.lock:
            self.state.tokens = {value: token for value, token in self.state.tokens.items() if token.user != user}

    def add_app(self, app: App) -> None:
        """Register an OAuth application, or replace the one with this client id."""
        with self.lock:
            self.state.apps[app.client_id] = app

    def set_redirect_uris(self, *uris: str, client_id: str = "sandbox-client") -> None:
        """Fix the redirect addresses of an app (none: any http address on this machine)."""
        self.add_app(replace(self.state.apps[client_id], redirect_uris=uris))

    def set_role(self, role: str, user: str = CAMILLE) -> None:
        """Make a user owner, admin or plain member ("user")."""
        with self.lock:
            self.state.memberships[user] = {**self.state.memberships[user], "role": role}

    def set_plan(self, *, plan: str = "", stage: str = "") -> None:
        """Change the organization's plan and stage (trial, free, paid)."""
        changes = {key: value for key, value in (("plan", plan), ("stage", stage)) if value}
        with self.lock:
            self.state.organization = {**self.state.organization, **changes}

    def begin_minute(self) -> None:
        """Let the next call begin a new minute of the rate limit, whatever was called before."""
        with self.lock:
            self.access.reset()

    @property
    def settings(self) -> Settings:
        """Return what may be switched (rate limits…)."""
        return self.state.settings

    def subscriptions(self) -> list[Json]:
        """Return the webhook subscriptions, oldest first."""
        with self.lock:
            return list(self.state.subscriptions.values())

    def reset(self) -> None:
        """Begin again with the default organization; deliveries under way are forgotten, the mode is automatic."""
        self._become(default_state())
        self.deliveries.reset()

    def stop(self) -> None:
        """End the delivery threads."""
        self.deliveries.stop()

    def snapshot(self) -> Any:
        """Return everything that must survive a restart, for pickling."""
        with self.lock:
            return State(**self.state.__dict__), self.deliveries.snapshot()

    def restore(self, snapshot: Any) -> None:
        """Take over a snapshot."""
        state, deliveries = snapshot
        self._become(state)
        self.deliveries.restore(deliveries)

    def _become(self, state: State) -> None:
        """Put another state in place of the present one; all parts hold the same State object, so it is refilled."""
        with self.lock:
            self.deliveries.clear()
            self.access.reset()
            self.slots.reset()
            self.state.__dict__.update(state.__dict__)
