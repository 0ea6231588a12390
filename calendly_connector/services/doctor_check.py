"""What the doctor's checks are made of, and how long they may take together."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Generic, TypeVar, cast

from calendly_connector import conf
from calendly_connector.clients import errors
from calendly_connector.clients.brevo import Account as AccountValue
from calendly_connector.clients.brevo import BrevoClient
from calendly_connector.clients.brevo_catalogue import ContactList
from calendly_connector.clients.calendly import CalendlyClient
from calendly_connector.clients.calendly_values import Subscription
from calendly_connector.clients.http import Exchange
from calendly_connector.core.attributes import Attribute
from calendly_connector.core.diagnosis import Finding
from calendly_connector.models import BrevoAccount, Connection
from calendly_connector.services import connection as connections
from calendly_connector.services import grants, introduction, limits, subscription, tokens
from calendly_connector.services.introduction import TokenReport

CONNECT_SECONDS, READ_SECONDS = 5.0, 10.0  # at most; a quarter and a third of what is left
About = TypeVar("About")
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Check(Generic[About]):
    """One thing a support person would look at. `is_online`: it calls somebody."""

    name: str
    run: Callable[[About], Iterable[Finding]]
    is_online: bool = False


class NotAsked(Exception):
    """A service wasn't asked: the time is over, or it failed to answer just now. Whoever failed first says why."""


@dataclass(kw_only=True)
class Visit:
    """One visit of the doctor's: how long it may still take, and what the services' clocks showed.

    `skews` is by service: seconds by which our clock is ahead of theirs.
    """

    seconds: float
    is_offline: bool = False
    skews: dict[str, float] = field(default_factory=dict)
    began_at: float = field(default_factory=time.monotonic)

    @property
    def left(self) -> float:
        """Return the seconds that are left."""
        return self.seconds - (time.monotonic() - self.began_at)

    def patience(self) -> tuple[float, float]:
        """Return how long the next call may take, to connect and to answer; raise NotAsked when no time is left."""
        if self.left < 0.2:
            raise NotAsked
        return min(CONNECT_SECONDS, self.left / 4), min(READ_SECONDS, self.left / 3)

    def hear(self, service: str, exchange: Exchange) -> None:
        """Note a service's clock by an answer of any status. It shows whole seconds, so half of one is added."""
        named: Mapping[str, str] = {name.lower(): value for name, value in exchange.answer_headers.items()}
        try:
            theirs = parsedate_to_datetime(named["date"]).timestamp() + 0.5
        except (KeyError, ValueError):
            return
        self.skews[service] = time.time() - exchange.milliseconds / 2000 - theirs


class Look:
    """Asks one service, each thing once. After a call that wasn't answered nothing more is asked."""

    def __init__(self, visit: Visit) -> None:
        self.visit = visit
        self._known: dict[str, object] = {}
        self._is_away = False

    def ask(self, what: str, work: Callable[[], T]) -> T:
        """Return what a call answers; raise its ApiError each time it is asked for, or NotAsked."""
        if what not in self._known:
            if self._is_away or self.visit.is_offline:
                raise NotAsked
            try:
                self._known[what] = work()
            except errors.ApiError as error:
                self._known[what] = error
                self._is_away = error.is_retryable or isinstance(error, errors.Unauthorized)
        found = self._known[what]
        if isinstance(found, errors.ApiError):
            raise found
        return cast(T, found)


class CalendlyLook(Look):
    """One connection's Calendly, by the token that is there: nothing is refreshed, and nothing is changed."""

    def __init__(self, visit: Visit, connection: Connection) -> None:
        super().__init__(visit)
        self.connection = connection

    def token(self) -> str:
        """Return the stored token; raise NotConfigured, SecretUnreadableError."""
        return tokens.standing_token(grants.read(self.connection.pk))

    def report(self) -> TokenReport:
        """Return whose token it is and what it may do. Raises as `ask` and `token`."""
        token = self.token()
        return self.ask("report", lambda: introduction.introduce(token, client=self._client(token)))

    def subscription(self) -> Subscription | None:
        """Return our subscription as Calendly has it, None when it is gone there. Raises as `ask` and `token`."""
        try:
            return self.ask("ours", lambda: self._client(self.token()).get_subscription(self.connection.subscription))
        except errors.NotFound:
            return None

    def subscriptions(self) -> list[Subscription]:
        """Return every subscription that the token may see. Raises as `ask` and `token`."""
        return self.ask("all", lambda: subscription.all_of(self._client(self.token()), self.connection))

    def _client(self, token: str) -> CalendlyClient:
        return CalendlyClient(
            token=token,
            base_url=conf.calendly_api_url(),
            witness=lambda exchange: self.visit.hear("Calendly", exchange),
            patience=self.visit.patience,
        )


class BrevoLook(Look):
    """One Brevo account, also while writing to it is paused: it is only read."""

    def __init__(self, visit: Visit, account: BrevoAccount) -> None:
        super().__init__(visit)
        self.account = account

    def greeting(self) -> AccountValue:
        """Return whose key it is. Raises as `ask`, and NotConfigured, SecretUnreadableError."""
        client = self._client()
        limits.charge(self.account.pk, "other")
        return self.ask("account", client.get_account)

    def attributes(self) -> dict[str, Attribute]:
        """Return the live attributes by name. Raises as `greeting`."""
        client = self._client()
        return {each.name: each for each in self.ask("attributes", client.list_attributes)}

    def lists(self) -> list[ContactList]:
        """Return the live lists. Raises as `greeting`."""
        client = self._client()
        return self.ask("lists", lambda: list(client.list_lists()))

    def _client(self) -> BrevoClient:
        return BrevoClient(
            api_key=connections.brevo_key(self.account),
            base_url=conf.brevo_api_url(),
            witness=lambda exchange: self.visit.hear("Brevo", exchange),
            patience=self.visit.patience,
        )
