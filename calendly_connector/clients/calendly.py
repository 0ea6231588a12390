"""Calendly's API v2, as far as we use it: a method per endpoint (calendly-api.md names the page of each)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from calendly_connector.clients import errors
from calendly_connector.clients.http import Http

PER_PAGE = 100

Row = Mapping[str, Any]
"""An invitee or scheduled event as Calendly sends it: `core.interpret` knows its keys, nobody else."""


@dataclass(frozen=True, kw_only=True)
class User:
    """Whose token this is."""

    uri: str
    name: str
    email: str
    timezone: str
    organization: str


@dataclass(frozen=True, kw_only=True)
class EventType:
    """One kind of meeting. `questions` are the texts of its form, which are also their only keys."""

    uri: str
    name: str
    is_active: bool
    kind: str
    owner: str
    questions: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Subscription:
    """One webhook subscription."""

    uri: str
    callback_url: str
    state: str
    scope: str
    events: tuple[str, ...]
    retry_started_at: str


class CalendlyClient:
    """One account. The token goes to `base_url` only, whatever host a resource's URI names."""

    def __init__(self, *, token: str, base_url: str) -> None:
        self._base_url = base_url.rstrip("/")
        self._http = Http(service="Calendly", base_url=base_url, headers={"Authorization": f"Bearer {token}"})

    def get_me(self) -> User:
        """Return the token's user. Scope users:read."""
        data = self._resource("/users/me")
        return User(
            uri=str(data["uri"]),
            name=str(data.get("name") or ""),
            email=str(data.get("email") or ""),
            timezone=str(data.get("timezone") or ""),
            organization=str(data.get("current_organization") or ""),
        )

    def get_role(self, user: str, *, organization: str) -> str:
        """Return user, admin or owner; empty when the user isn't listed there. Scope organizations:read."""
        for row in self._pages("/organization_memberships", {"organization": organization, "user": user}):
            return str(row.get("role") or "")
        return ""

    def list_event_types(self, *, organization: str) -> Iterator[EventType]:
        """Yield every event type of an organization, active or not. Scope event_types:read."""
        yield from (_event_type(row) for row in self._pages("/event_types", {"organization": organization}))

    def get_event_type(self, uri: str) -> EventType:
        """Return one event type, deleted ones too; raise NotFound. Scope event_types:read."""
        return _event_type(self._resource(self._path_of(uri)))

    def get_invitee(self, uri: str) -> Row:
        """Return one invitee as a row; raise NotFound. Scope scheduled_events:read."""
        return self._resource(self._path_of(uri))

    def get_scheduled_event(self, uri: str) -> Row:
        """Return one scheduled event as a row; raise NotFound. Scope scheduled_events:read."""
        return self._resource(self._path_of(uri))

    def list_subscriptions(self, *, organization: str, scope: str, user: str = "") -> Iterator[Subscription]:
        """Yield webhook subscriptions. Scope webhooks:read."""
        params = {"organization": organization, "scope": scope} | ({"user": user} if scope == "user" else {})
        yield from (_subscription(row) for row in self._pages("/webhook_subscriptions", params))

    def create_subscription(
        self, *, url: str, webhooks: Sequence[str], organization: str, scope: str, user: str = "", signing_key: str = ""
    ) -> Subscription:
        """Create a webhook subscription. Scope webhooks:write and the read scope of each webhook.

        https://developer.calendly.com/api-docs/calendly-api/webhooks/create-webhook-subscription
        """
        body: dict[str, Any] = {"url": url, "events": list(webhooks), "organization": organization, "scope": scope}
        body |= {"user": user} if scope == "user" else {}
        body |= {"signing_key": signing_key} if signing_key else {}
        return _subscription(_resource(self._http.call("POST", "/webhook_subscriptions", json=body).json))

    def delete_subscription(self, uri: str) -> None:
        """Delete a webhook subscription; one that is gone already counts as deleted. Scope webhooks:write."""
        try:
            self._http.call("DELETE", self._path_of(uri))
        except errors.NotFound:
            return

    def _path_of(self, uri: str) -> str:
        """Return the path of a resource's URI: official samples carry several hosts (calendly-api.md §1.2).

        Raises NotFound for what is no address: behind the base address, it could name another host.
        """
        try:
            path = urlsplit(uri.removeprefix(self._base_url)).path
        except ValueError:
            path = ""
        if not path.startswith("/"):
            raise errors.NotFound("Calendly: there is nothing at an address that can't be read.")
        return path

    def _resource(self, path: str) -> Row:
        return _resource(self._http.call("GET", path).json)

    def _pages(self, path: str, params: Mapping[str, Any]) -> Iterator[Row]:
        """Yield the rows of every page. The token of the next page is used, never its address."""
        token = ""
        while True:
            query = {**params, "count": PER_PAGE} | ({"page_token": token} if token else {})
            data = self._http.call("GET", path, params=query).json
            if not isinstance(data, Mapping) or not isinstance(data.get("collection"), list):
                raise errors.BadAnswer(f"Calendly: GET {path} answered without a collection.")
            yield from data["collection"]
            token = str((data.get("pagination") or {}).get("next_page_token") or "")
            if not token:
                return


def _resource(data: Any) -> Row:
    if not isinstance(data, Mapping) or not isinstance(data.get("resource"), Mapping):
        raise errors.BadAnswer("Calendly answered without a resource.")
    resource: Row = data["resource"]
    return resource


def _event_type(row: Row) -> EventType:
    profile = row.get("profile") or {}
    questions = [str(question.get("name") or "") for question in row.get("custom_questions") or []]
    return EventType(
        uri=str(row["uri"]),
        name=str(row.get("name") or ""),
        is_active=bool(row.get("active")) and not row.get("deleted_at"),
        kind=str(row.get("pooling_type") or row.get("kind") or ""),
        owner=str(profile.get("name") or ""),
        questions=tuple(question for question in questions if question),
    )


def _subscription(row: Row) -> Subscription:
    return Subscription(
        uri=str(row["uri"]),
        callback_url=str(row.get("callback_url") or ""),
        state=str(row.get("state") or ""),
        scope=str(row.get("scope") or ""),
        events=tuple(row.get("events") or ()),
        retry_started_at=str(row.get("retry_started_at") or ""),
    )
