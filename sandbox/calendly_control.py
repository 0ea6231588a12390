"""The control routes of Calendly: JSON in, one method of `Calendly` called, {"uri": …} out."""

from collections.abc import Callable
from dataclasses import fields
from inspect import signature
from typing import Any

from sandbox import generate
from sandbox.calendly import Calendly
from sandbox.calendly_state import Settings
from sandbox.calendly_values import Json
from sandbox.calendly_webhooks import Delivery
from sandbox.calendly_world import CAMILLE, CLIENT_ID, PERSONAL_TOKEN
from sandbox.http import Request, Response

SWITCHES = tuple(field.name for field in fields(Settings))
ROLES = ("user", "admin", "owner")
SHOWN = 200


class CalendlyControl:
    """Stages bookings and switches the account for tests and benchmarks in other processes."""

    def __init__(self, calendly: Calendly) -> None:
        self._calendly = calendly

    def actions(self) -> dict[str, Callable[[Json], Any]]:
        """Return the POST actions by the last part of their address."""
        calendly = self._calendly
        return {
            "settings": self.change_settings,
            "book": self._uri(calendly.book),
            "move": self._uri(calendly.move),
            "cancel": self._uri(calendly.cancel),
            "cancel-event": self._uri(calendly.cancel_event),
            "no-show": self._uri(calendly.mark_no_show),
            "undo": self._uri(calendly.undo_no_show),
            "edit-event": self._uri(calendly.edit_event),
            "delete-event": self._uri(calendly.delete_event),
            "add-event-type": self._uri(calendly.add_event_type),
            "edit-event-type": self._uri(calendly.edit_event_type),
            "deliver": self.deliver,
            "generate": self.generate,
        }

    def change_settings(self, given: Json) -> Json:
        """Apply switches: see `Settings`, plus plan, stage, role (of `user`), token with scopes, deliveries…"""
        calendly, user = self._calendly, given.get("user", CAMILLE)
        for name in SWITCHES:
            if name in given:
                setattr(calendly.settings, name, given[name])
        if "rate_limits" in given or "requests_per_minute" in given:
            calendly.begin_minute()
        calendly.set_plan(plan=given.get("plan", ""), stage=given.get("stage", ""))
        if "role" in given:
            calendly.set_role(_one_of(given["role"], ROLES), user)
        if "scopes" in given or "expires_in" in given or "token" in given:
            token, scopes = given.get("token", PERSONAL_TOKEN), given.get("scopes", "default")
            calendly.add_token(token, user=user, scopes=scopes, expires_in=given.get("expires_in"))
        if "redirect_uris" in given:
            calendly.set_redirect_uris(*given["redirect_uris"], client_id=given.get("client_id", CLIENT_ID))
        self._switch_deliveries(given)
        return self._settings()

    def generate(self, given: Json) -> Json:
        """Fill the account with a past and a future: see `generate.Wish`; `around` is a UTC time, by default now."""
        return generate.generate(self._calendly, given)

    def deliver(self, given: Json) -> Json:
        """Send the pending message with this `number` now, or lose it with "drop": true (for the mode "hold")."""
        deliveries = self._calendly.deliveries
        delivery = next((one for one in deliveries.recent() if one.number == given["number"]), None)
        if delivery is None:
            raise KeyError(given["number"])
        if given.get("drop"):
            deliveries.drop(delivery)
            return {"status": "dropped"}
        return {"status": deliveries.deliver(delivery)}

    def state(self, request: Request) -> Response:
        """Return what the account contains; of bookings and messages the newest ?limit=."""
        limit = int(request.param("limit") or SHOWN)
        calendly = self._calendly
        with calendly.lock:
            invitees = calendly.state.invitees.newest(limit)
            body = {
                "organization": calendly.state.organization,
                "users": list(calendly.state.users.values()),
                "memberships": list(calendly.state.memberships.values()),
                "event_types": list(calendly.state.event_types.values()),
                "counts": {"events": len(calendly.state.events), "invitees": len(calendly.state.invitees)},
                "events": [calendly.event(uri) for uri in dict.fromkeys(invitee["event"] for invitee in invitees)],
                "invitees": invitees,
                "webhook_subscriptions": calendly.subscriptions(),
                "deliveries": [delivery_json(one) for one in calendly.deliveries.recent()[-limit:]],
                "settings": self._settings(),
            }
        return Response(body=body)

    def _switch_deliveries(self, given: Json) -> None:
        deliveries = self._calendly.deliveries
        if "delivery_mode" in given:
            deliveries.mode = "hold" if _one_of(given["delivery_mode"], ("auto", "hold")) == "hold" else "auto"
        deliveries.connect_timeout = float(given.get("connect_timeout", deliveries.connect_timeout))
        deliveries.read_timeout = float(given.get("read_timeout", deliveries.read_timeout))

    def _settings(self) -> Json:
        settings, organization = self._calendly.settings, self._calendly.state.organization
        switches = {name: getattr(settings, name) for name in SWITCHES}
        return {
            **switches,
            "plan": organization["plan"],
            "stage": organization["stage"],
            "delivery_mode": self._calendly.deliveries.mode,
        }

    def _uri(self, act: Callable[..., str]) -> Callable[[Json], Json]:
        """Return an action that calls a method; `invitee` and `event` will do for `invitee_uri` and `event_uri`."""
        known = signature(act).parameters

        def action(given: Json) -> Json:
            names = {name: f"{name}_uri" if f"{name}_uri" in known else name for name in given}
            return {"uri": act(**{names[name]: value for name, value in given.items()})}

        return action


def delivery_json(delivery: Delivery) -> Json:
    """Return a message with its attempts."""
    return {
        "number": delivery.number,
        "event": delivery.event,
        "url": delivery.url,
        "subscription": delivery.subscription,
        "status": delivery.status,
        "created_at": delivery.created_at,
        "due_at": delivery.due_at,
        "attempts": [{"at": attempt.at, "outcome": attempt.outcome} for attempt in delivery.attempts],
        "body": delivery.body.decode(),
    }


def _one_of(value: object, allowed: tuple[str, ...]) -> str:
    if value not in allowed:
        raise ValueError(f"{value!r} is not one of {', '.join(allowed)}")
    return str(value)
