"""Endpoints of webhook subscriptions, and the sample of a delivery."""

from urllib.parse import urlsplit

from sandbox.calendly_answers import NO_ACCESS, already_exists, denied, invalid, not_found, resource
from sandbox.calendly_paging import page, sorted_rows
from sandbox.calendly_route import Endpoints, at, body, choice, found, required
from sandbox.calendly_samples import sample_payload
from sandbox.calendly_values import Json, new_uri
from sandbox.http import Handler, Request, Response

# Webhook name → the read scope it needs beside webhooks:write.
SCOPE_OF = {
    "invitee": "scheduled_events:read",
    "invitee_no_show": "scheduled_events:read",
    "routing_form_submission": "routing_forms:read",
    "event_type": "event_types:read",
    "contact": "contacts:read",
    "meeting_recap": "meeting_recaps:read",
}
CHANGES = ("created", "updated", "deleted")
NAMES = (
    "invitee.created",
    "invitee.canceled",
    "invitee_no_show.created",
    "invitee_no_show.deleted",
    "routing_form_submission.created",
    *(f"{thing}.{change}" for thing in ("event_type", "contact", "meeting_recap") for change in CHANGES),
)
SCOPES = ("user", "organization", "group")
ONLY_IN = {"routing_form_submission.created": "organization"}
ONLY_IN |= {f"meeting_recap.{change}": "user" for change in CHANGES}


class Subscriptions(Endpoints):
    """Create, list, read, delete: there is no update."""

    def routes(self) -> dict[tuple[str, str], Handler]:
        """Return the handlers by method and template."""
        return {
            ("POST", "/webhook_subscriptions"): self._create,
            ("GET", "/webhook_subscriptions"): self._list,
            ("GET", "/webhook_subscriptions/{uuid}"): self._get,
            ("DELETE", "/webhook_subscriptions/{uuid}"): self._delete,
            ("GET", "/sample_webhook_data"): self._sample,
        }

    def _create(self, request: Request) -> Response:
        wish, token = body(request), self.access.token(request)
        events, scope = _wanted_events(wish), str(wish["scope"])
        self._check_owner(token.user, wish, scope)
        self.access.require(token, tuple(sorted({SCOPE_OF[name.partition(".")[0]] for name in events})))
        if "routing_form_submission.created" in events and self.state.organization["stage"] == "free":
            raise denied("Please upgrade to a paid Calendly account.")
        if any(known["callback_url"] == wish["url"] for known in self.state.subscriptions.values()):
            raise already_exists("Hook with this url already exists")
        subscription = self._new(wish, events, token.user)
        self.state.subscriptions[subscription["uri"]] = subscription
        # An app's subscriptions are signed with the app's key, whatever key was sent.
        app = self.state.apps.get(token.client_id)
        key = app.signing_key if app else str(wish.get("signing_key") or "")
        self.state.signing_keys[subscription["uri"]] = key
        return resource(subscription, 201)

    def _check_owner(self, caller: str, wish: Json, scope: str) -> None:
        if wish["organization"] != self.state.organization["uri"]:
            raise not_found()
        if scope == "group":
            raise not_found()  # this organization has no groups
        if scope == "user" and wish["user"] not in self.state.users:
            raise not_found()
        if scope == "user" and wish["user"] != caller:
            raise denied(NO_ACCESS)  # nobody subscribes for somebody else
        if scope == "organization" and not self.state.is_admin(caller):
            raise denied(NO_ACCESS)

    def _new(self, wish: Json, events: list[str], creator: str) -> Json:
        now = self.tick()
        return {
            "uri": new_uri("webhook_subscriptions"),
            "callback_url": wish["url"],
            "created_at": now,
            "updated_at": now,
            "retry_started_at": None,
            "state": "active",
            "events": events,
            "scope": wish["scope"],
            "organization": wish["organization"],
            "user": wish["user"] if wish["scope"] == "user" else None,
            "group": None,
            "creator": creator,
        }

    def _list(self, request: Request) -> Response:
        organization, scope = required(request, "organization"), required(request, "scope")
        choice(request, "scope", SCOPES)
        caller = self.access.caller(request)
        user = required(request, "user") if scope == "user" else ""
        if organization != self.state.organization["uri"] or scope == "group":
            raise not_found()
        if not self.state.is_admin(caller) and user != caller:
            raise denied("You do not have permission to perform this action")
        every = self.state.subscriptions.values()
        rows = [row for row in every if row["scope"] == scope and user in ("", row["user"])]
        return page(request, sorted_rows(request, rows, ("created_at",), "created_at:asc"))

    def _get(self, request: Request, uuid: str) -> Response:
        return resource(self._own(request, uuid))

    def _delete(self, request: Request, uuid: str) -> Response:
        uri = self._own(request, uuid)["uri"]
        del self.state.subscriptions[uri]
        self.state.signing_keys.pop(uri, None)
        self.bookings.deliveries.abandon(uri)
        return Response(status=204)

    def _own(self, request: Request, uuid: str) -> Json:
        subscription = found(self.state.subscriptions, at("webhook_subscriptions", uuid))
        caller = self.access.caller(request)
        if not self.state.is_admin(caller) and caller not in (subscription["user"], subscription["creator"]):
            raise denied(NO_ACCESS)
        return subscription

    def _sample(self, request: Request) -> Response:
        event, scope = required(request, "event"), required(request, "scope")
        choice(request, "event", NAMES)
        choice(request, "scope", SCOPES)
        if required(request, "organization") != self.state.organization["uri"] or scope == "group":
            raise not_found()
        if ONLY_IN.get(event, scope) != scope:
            raise invalid("event", f"{event} is not available in the scope {scope}")
        caller = self.access.caller(request)
        payload = sample_payload(event, self.state, self.tick())
        return Response(body={"event": event, "created_at": self.tick(), "created_by": caller, "payload": payload})


def _wanted_events(wish: Json) -> list[str]:
    """Return the events of a wish for a subscription; raise the 400 for anything wrong in it."""
    _check_url(wish.get("url"))
    scope, events = wish.get("scope"), wish.get("events")
    if scope not in SCOPES:
        raise invalid("scope", f"scope must be one of {', '.join(SCOPES)}")
    for name in ("organization", *((scope,) if scope != "organization" else ())):
        if not isinstance(wish.get(name), str) or not wish[name]:
            raise invalid(name, f"{name} is missing")
    if not isinstance(events, list) or not events:
        raise invalid("events", "events is missing")
    for event in events:
        if event not in NAMES:
            raise invalid("events", f"{event} is not a known event")
        if ONLY_IN.get(event, scope) != scope:
            raise invalid("events", f"{event} is not available in the scope {scope}")
    if not isinstance(wish.get("signing_key", ""), str | None):
        raise invalid("signing_key", "signing_key must be a string")
    return list(dict.fromkeys(events))


def _check_url(url: object) -> None:
    try:
        address = urlsplit(url) if isinstance(url, str) else None
        usable = address is not None and address.scheme in ("http", "https") and bool(address.hostname)
    except ValueError:
        usable = False
    if not usable:
        raise invalid("url", "url is not a valid URL")
