"""Calendly's API v2, as far as we use it: a method per endpoint (calendly-api.md names the page of each)."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs, urlsplit

from calendly_connector.clients import calendly_values as values
from calendly_connector.clients import errors
from calendly_connector.clients.calendly_scheduling import Scheduling
from calendly_connector.clients.calendly_values import (
    EventType,
    Organization,
    Page,
    Place,
    Row,
    ScheduledEvent,
    Subscription,
    User,
)
from calendly_connector.clients.http import Answer, Http, Patience, Witness, usual_patience

PER_PAGE = 100
OVERLAP = timedelta(seconds=1)

Observer = Callable[[Mapping[str, str]], None]
"""Told the headers of every answer, so that a pace can follow them."""


class CalendlyClient(Scheduling):
    """One account. The token goes to `base_url` only, whatever host a resource's URI names.

    `token` may be asked for before each call, since an OAuth token lives for two hours only. `renew` is told the token
    that Calendly refused with 401 and returns another, with which the call is made once more; it may raise instead.
    """

    def __init__(
        self,
        *,
        token: str | Callable[[], str],
        base_url: str,
        renew: Callable[[str], str] | None = None,
        observe: Observer | None = None,
        witness: Witness | None = None,
        patience: Patience = usual_patience,
    ) -> None:
        self._observe = observe or (lambda headers: None)
        self._base_url = base_url.rstrip("/")
        self._http = Http(service="Calendly", base_url=base_url, headers={}, witness=witness, patience=patience)
        self._token = token if callable(token) else lambda: token
        self._renew = renew

    def _call(self, method: str, path: str, **options: Any) -> Answer:
        token = self._token()
        try:
            answer = self._http.call(method, path, headers=_bearer(token), **options)
        except errors.Unauthorized:
            if self._renew is None:
                raise
            answer = self._http.call(method, path, headers=_bearer(self._renew(token)), **options)
        self._observe(answer.headers)
        return answer

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

    def get_organization(self, uri: str) -> Organization:
        """Return an organization's name and plan. Scope organizations:read."""
        data = self._resource(self._path_of(uri))
        return Organization(
            name=str(data.get("name") or ""), plan=str(data.get("plan") or ""), stage=str(data.get("stage") or "")
        )

    def get_role(self, user: str, *, organization: str) -> str:
        """Return user, admin or owner; empty when the user isn't listed there. Scope organizations:read."""
        for row in self._pages("/organization_memberships", {"organization": organization, "user": user}):
            return str(row.get("role") or "")
        return ""

    def list_event_types(self, *, organization: str) -> Iterator[EventType]:
        """Yield every event type of an organization, active or not. Scope event_types:read."""
        yield from (values.event_type(row) for row in self._pages("/event_types", {"organization": organization}))

    def get_event_type(self, uri: str) -> EventType:
        """Return one event type, deleted ones too; raise NotFound. Scope event_types:read."""
        return values.event_type(self._resource(self._path_of(uri)))

    def get_invitee(self, uri: str) -> Row:
        """Return one invitee as a row; raise NotFound. Scope scheduled_events:read."""
        return self._resource(self._path_of(uri))

    def get_scheduled_event(self, uri: str) -> Row:
        """Return one scheduled event as a row; raise NotFound. Scope scheduled_events:read."""
        return self._resource(self._path_of(uri))

    def list_scheduled_events(
        self, *, organization: str = "", user: str = "", min_start: datetime, max_start: datetime | None = None
    ) -> Iterator[ScheduledEvent]:
        """Yield the meetings, canceled ones too, of an organization or of the token's own user, by their start, each
        once. Scope scheduled_events:read."""
        place: Place | None = Place(start=min_start)
        while place:
            page = self.get_scheduled_events(place, organization=organization, user=user, max_start=max_start)
            yield from page.events
            place = page.following

    def get_scheduled_events(
        self, place: Place, *, organization: str = "", user: str = "", max_start: datetime | None = None
    ) -> Page:
        """Return one page of meetings by their start, and where the next begins. Scope scheduled_events:read.

        The next page is asked for by the last start rather than by its token, a second earlier (whether the bound
        counts itself is undocumented): rows that come or go meanwhile would shift what a token points to, and a
        meeting would be missed. The token serves where a whole page begins at one moment.

        https://developer.calendly.com/api-docs/calendly-api/scheduled-events/list-scheduled-events
        """
        whose = {"organization": organization} if organization else {"user": user}
        params: dict[str, Any] = {**whose, "sort": "start_time:asc", "min_start_time": _stamp(place.start)}
        params |= {"max_start_time": _stamp(max_start)} if max_start else {}
        rows, token = self._page("/scheduled_events", params, place.token)
        found = {row.uri: row for row in map(values.scheduled_event, rows)}
        fresh = tuple(row for row in found.values() if row.uri not in place.seen)
        return Page(events=fresh, following=_following(place, list(found.values()), token) if token else None)

    def find_scheduled_events(
        self, *, invitee_email: str, organization: str = "", user: str = ""
    ) -> Iterator[ScheduledEvent]:
        """Yield the meetings, past and canceled ones too, of one invitee, each once. Scope scheduled_events:read.

        Whether the address's case matters is undocumented: compare the invitees' own.
        https://developer.calendly.com/api-docs/calendly-api/scheduled-events/list-scheduled-events
        """
        whose = {"organization": organization} if organization else {"user": user}
        seen: set[str] = set()
        params = {**whose, "invitee_email": invitee_email, "sort": "start_time:asc"}
        for found in map(values.scheduled_event, self._pages("/scheduled_events", params)):
            if found.uri not in seen:
                seen.add(found.uri)
                yield found

    def list_invitees(self, scheduled_event: str) -> Iterator[Row]:
        """Yield every invitee of a meeting, canceled ones too, each once; raise NotFound. Scope scheduled_events:read.

        https://developer.calendly.com/api-docs/calendly-api/scheduled-events/list-event-invitees
        """
        seen: set[str] = set()
        for row in self._pages(f"{self._path_of(scheduled_event)}/invitees", {"sort": "created_at:asc"}):
            if str(row.get("uri")) not in seen:
                seen.add(str(row.get("uri")))
                yield row

    def get_subscription(self, uri: str) -> Subscription:
        """Return one webhook subscription; raise NotFound. Scope webhooks:read.

        https://developer.calendly.com/api-docs/calendly-api/webhooks/get-webhook-subscription
        """
        return values.subscription(self._resource(self._path_of(uri)))

    def list_subscriptions(self, *, organization: str, scope: str, user: str = "") -> Iterator[Subscription]:
        """Yield webhook subscriptions. Scope webhooks:read."""
        params = {"organization": organization, "scope": scope} | ({"user": user} if scope == "user" else {})
        yield from (values.subscription(row) for row in self._pages("/webhook_subscriptions", params))

    def create_subscription(
        self, *, url: str, webhooks: Sequence[str], organization: str, scope: str, user: str = "", signing_key: str = ""
    ) -> Subscription:
        """Create a webhook subscription. Scope webhooks:write and the read scope of each webhook.

        https://developer.calendly.com/api-docs/calendly-api/webhooks/create-webhook-subscription
        """
        body: dict[str, Any] = {"url": url, "events": list(webhooks), "organization": organization, "scope": scope}
        body |= {"user": user} if scope == "user" else {}
        body |= {"signing_key": signing_key} if signing_key else {}
        return values.subscription(_resource(self._call("POST", "/webhook_subscriptions", json=body).json))

    def delete_subscription(self, uri: str) -> None:
        """Delete a webhook subscription; one that is gone already counts as deleted. Scope webhooks:write."""
        try:
            self._call("DELETE", self._path_of(uri))
        except errors.NotFound:
            return

    def delete_invitee_data(self, emails: Sequence[str]) -> None:
        """Ask for the data of invitees to be deleted, which takes up to seven days. Enterprise plan; raises Forbidden.
        May be repeated. Scope data_compliance:write.

        https://developer.calendly.com/api-docs/calendly-api/data-compliance/delete-invitee-data
        """
        self._call("POST", "/data_compliance/deletion/invitees", json={"emails": list(emails)})

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
        return _resource(self._call("GET", path).json)

    def _pages(self, path: str, params: Mapping[str, Any]) -> Iterator[Row]:
        """Yield the rows of every page. The token of the next page is used, never its address."""
        token = ""
        while True:
            rows, token = self._page(path, params, token)
            yield from rows
            if not token:
                return

    def _page(self, path: str, params: Mapping[str, Any], token: str) -> tuple[Sequence[Row], str]:
        """Return the rows of one page, and the token of the next ("" after the last)."""
        query = {**params, "count": PER_PAGE} | ({"page_token": token} if token else {})
        data = self._call("GET", path, params=query).json
        if not isinstance(data, Mapping) or not isinstance(data.get("collection"), list):
            raise errors.BadAnswer(f"Calendly: GET {path} answered without a collection.")
        following = _token_in(data.get("pagination"))
        if token and following == token:
            raise errors.BadAnswer(f"Calendly: GET {path} names the page it answers as the next one.")
        return data["collection"], following


def _bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def _resource(data: Any) -> Row:
    if not isinstance(data, Mapping) or not isinstance(data.get("resource"), Mapping):
        raise errors.BadAnswer("Calendly answered without a resource.")
    resource: Row = data["resource"]
    return resource


def _token_in(pagination: Any) -> str:
    """Return the token of the next page, "" after the last. Its address carries it too (calendly-api.md §1.3).

    Raises BadAnswer when there is a next page and no token: to stop there would lose bookings without a word.
    """
    if not isinstance(pagination, Mapping):
        return ""
    token, address = str(pagination.get("next_page_token") or ""), str(pagination.get("next_page") or "")
    if token or not address:
        return token
    try:
        token = parse_qs(urlsplit(address).query).get("page_token", [""])[-1]
    except ValueError:
        token = ""
    if not token:
        raise errors.BadAnswer("Calendly: there is a next page, and no token to ask for it by.")
    return token


def _following(place: Place, rows: Sequence[ScheduledEvent], token: str) -> Place:
    """Return where the page after this one begins."""
    last = rows[-1].start_at if rows else None
    start = last - OVERLAP if last else place.start
    if start <= place.start:
        return Place(start=place.start, token=token, seen=(*place.seen, *(row.uri for row in rows))[-2 * PER_PAGE :])
    return Place(start=start, seen=tuple(row.uri for row in rows if row.start_at is None or row.start_at >= start))


def _stamp(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
