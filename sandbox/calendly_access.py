"""Who is calling Calendly, what their token may do, and how often: 401, 403 for scopes, 429."""

import math
from collections import defaultdict, deque

from sandbox.calendly_answers import insufficient_scope, refusal, unauthenticated
from sandbox.calendly_state import State, Token
from sandbox.http import Refusal, Request, Response
from sandbox.world import Clock

READABLE = (
    "users", "organizations", "event_types", "availability", "scheduled_events", "locations", "routing_forms",
    "webhooks", "groups", "activity_log", "outgoing_communications", "contacts", "meeting_recaps",
)  # fmt: skip
WRITABLE = (
    "organizations", "event_types", "availability", "scheduled_events", "scheduling_links", "shares", "webhooks",
    "data_compliance", "contacts", "meeting_recaps",
)  # fmt: skip
SCOPES = frozenset({f"{domain}:read" for domain in READABLE} | {f"{domain}:write" for domain in WRITABLE})
# Where the two sources disagree (available times), both scopes are asked for: holding both is the safe reading.
NEEDED: dict[tuple[str, str], tuple[str, ...]] = {
    ("GET", "/users/me"): ("users:read",),
    ("GET", "/users/{uuid}"): ("users:read",),
    ("GET", "/organizations/{uuid}"): ("organizations:read",),
    ("GET", "/organization_memberships"): ("organizations:read",),
    ("GET", "/organization_memberships/{uuid}"): ("organizations:read",),
    ("GET", "/event_types"): ("event_types:read",),
    ("GET", "/event_types/{uuid}"): ("event_types:read",),
    ("GET", "/event_type_memberships"): ("event_types:read",),
    ("GET", "/event_type_available_times"): ("availability:read", "event_types:read"),
    ("GET", "/user_busy_times"): ("availability:read",),
    ("GET", "/locations"): ("locations:read",),
    ("GET", "/scheduled_events"): ("scheduled_events:read",),
    ("GET", "/scheduled_events/{uuid}"): ("scheduled_events:read",),
    ("GET", "/scheduled_events/{uuid}/invitees"): ("scheduled_events:read",),
    ("GET", "/scheduled_events/{event_uuid}/invitees/{invitee_uuid}"): ("scheduled_events:read",),
    ("POST", "/scheduled_events/{uuid}/cancellation"): ("scheduled_events:write",),
    ("POST", "/invitees"): ("scheduled_events:write",),
    ("POST", "/invitee_no_shows"): ("scheduled_events:write",),
    ("GET", "/invitee_no_shows/{uuid}"): ("scheduled_events:read",),
    ("DELETE", "/invitee_no_shows/{uuid}"): ("scheduled_events:write",),
    ("POST", "/scheduling_links"): ("scheduling_links:write",),
    ("POST", "/webhook_subscriptions"): ("webhooks:write",),
    ("GET", "/webhook_subscriptions"): ("webhooks:read",),
    ("GET", "/webhook_subscriptions/{uuid}"): ("webhooks:read",),
    ("DELETE", "/webhook_subscriptions/{uuid}"): ("webhooks:write",),
    ("GET", "/sample_webhook_data"): ("webhooks:read",),
    ("POST", "/data_compliance/deletion/invitees"): ("data_compliance:write",),
    ("POST", "/data_compliance/deletion/events"): ("data_compliance:write",),
    ("GET", "/routing_forms"): ("routing_forms:read",),
    ("GET", "/routing_form_submissions"): ("routing_forms:read",),
    ("GET", "/routing_form_submissions/{uuid}"): ("routing_forms:read",),
}
MINUTE = 60.0
# The Scheduling API's own limits, as (seconds, bookings); Free is not documented and taken as a trial.
BOOKING_LIMITS = {"paid": ((60, 10), (3600, 50), (86_400, 100)), "trial": ((86_400, 5),), "free": ((86_400, 5),)}
BARE_CLIENTS = ("python-requests/", "python-urllib/", "python-httpx/", "go-http-client/", "java/", "okhttp/", "axios/")


class Access:
    """The door of the API."""

    def __init__(self, state: State, clock: Clock) -> None:
        self._state = state
        self._clock = clock
        self._windows: dict[str, tuple[float, int]] = {}  # user → (start of the minute, calls in it)
        self._bookings: dict[str, deque[float]] = defaultdict(deque)
        self._tokens: dict[str, deque[float]] = defaultdict(deque)  # user → when they got OAuth tokens

    def token(self, request: Request) -> Token:
        """Return the live access token of a request, else raise the 401."""
        kind, _, value = request.headers.get("authorization", "").partition(" ")
        token = self._state.tokens.get(value.strip())
        if kind.lower() != "bearer" or token is None or token.kind != "access" or self.expired(token):
            raise unauthenticated()
        return token

    def caller(self, request: Request) -> str:
        """Return the URI of the user for whom the request's token acts."""
        return self.token(request).user

    def expired(self, token: Token) -> bool:
        """Say whether a token's time is over."""
        return token.expires_at is not None and self._clock.now() >= token.expires_at

    def admit(self, request: Request, template: str) -> None:
        """Raise the refusal that stands before any handler: the edge's 403, 401, 429, missing scopes."""
        if blocked_by_edge(request):
            raise Refusal(edge_refusal())
        if request.path.startswith("/oauth/"):
            return
        token = self.token(request)
        self._count(token.user)
        self.require(token, NEEDED.get((request.method, template), ()))

    def require(self, token: Token, scopes: tuple[str, ...]) -> None:
        """Raise the 403 that lists the scopes when the token lacks one of them."""
        if not all(holds(token.scopes, scope) for scope in scopes):
            raise insufficient_scope(list(scopes))

    def finish(self, request: Request, response: Response) -> None:
        """Add the rate-limit headers, which every answer of the API carries."""
        if request.path.startswith("/oauth/") or blocked_by_edge(request) or not self._state.settings.rate_limits:
            return
        token = self._state.tokens.get(request.headers.get("authorization", "").partition(" ")[2].strip())
        now, limit = self._clock.now(), self._limit()
        start, calls = self._windows.get(token.user if token else "", (now, 0))
        response.headers |= _rate_headers(limit, max(0, limit - calls), max(0.0, start + MINUTE - now))

    def count_booking(self, user: str) -> None:
        """Count one POST /invitees, raising the 429 of the Scheduling API's own limits."""
        organization, settings = self._state.organization, self._state.settings
        if not settings.booking_limits or organization["plan"] == "enterprise":
            return
        now, times = self._clock.now(), self._bookings[user]
        _forget_before(times, now - 86_400)
        for seconds, limit in BOOKING_LIMITS[organization["stage"]]:
            if sum(at > now - seconds for at in times) >= limit:
                raise too_many()
        times.append(now)

    def count_token(self, user: str) -> None:
        """Count one OAuth token issued, raising the 429 at the ninth in a minute."""
        limit, now, times = self._state.settings.oauth_tokens_per_minute, self._clock.now(), self._tokens[user]
        _forget_before(times, now - MINUTE)
        if limit is not None and self._state.settings.rate_limits and len(times) >= limit:
            refused = too_many()
            refused.response.headers |= _rate_headers(limit, 0, times[0] + MINUTE - now)
            raise refused
        times.append(now)

    def reset(self) -> None:
        """Forget all counts."""
        for counts in (self._windows, self._bookings, self._tokens):
            counts.clear()

    def _limit(self) -> int:
        chosen = self._state.settings.requests_per_minute
        return chosen if chosen is not None else (50 if self._state.organization["stage"] == "free" else 500)

    def _count(self, user: str) -> None:
        if not self._state.settings.rate_limits:
            return
        now, (start, calls) = self._clock.now(), self._windows.get(user, (0.0, 0))
        if now - start >= MINUTE:
            start, calls = now, 0
        if calls >= self._limit():
            raise too_many()
        self._windows[user] = (start, calls + 1)


def _rate_headers(limit: int, remaining: int, reset: float) -> dict[str, str]:
    values = {"Limit": limit, "Remaining": remaining, "Reset": math.ceil(reset)}
    return {f"X-RateLimit-{name}": str(value) for name, value in values.items()}


def _forget_before(times: deque[float], start: float) -> None:
    while times and times[0] <= start:
        times.popleft()


def holds(granted: frozenset[str], scope: str) -> bool:
    """Say whether granted scopes include one; writing includes reading, `default` is everything."""
    return bool(granted & {"default", scope, scope.replace(":read", ":write")})


def too_many() -> Refusal:
    """Return the 429. Its body is undocumented: do not rely on it."""
    return refusal(429, "Too Many Requests", "Rate limit exceeded")


def blocked_by_edge(request: Request) -> bool:
    """Say whether a call looks like a bare script to the edge in front of the API."""
    agent = request.headers.get("user-agent", "").lower()
    return not agent or agent.startswith(BARE_CLIENTS)


def edge_refusal() -> Response:
    """Return the edge's own page: it is not the API's JSON."""
    return Response(status=403, body="<html><head><title>403 Forbidden</title></head><body>Forbidden</body></html>")
