"""What people do in a browser or a calendar: book, move, cancel, be marked as a no-show. Each tells the subscribers.

The methods are as permissive as a test needs (any time, taken or past); the API's refusals are in calendly_scheduling.
"""

import threading
from collections.abc import Iterable, Mapping
from typing import Any, Literal

from sandbox import calendly_parts as parts
from sandbox.calendly_slots import Slots
from sandbox.calendly_state import State
from sandbox.calendly_values import Json, When, moment, new_uri, stamp
from sandbox.calendly_webhooks import Deliveries
from sandbox.world import Clock

By = Literal["invitee", "host"]
Answers = Mapping[str, str | list[str]]


class BookingError(ValueError):
    """The booking is not in a state that allows this (already canceled, marked twice…)."""


class Bookings:
    """The bookings of one organization; every change happens whole, under one lock."""

    def __init__(self, clock: Clock, state: State) -> None:
        self.clock = clock
        self.state = state
        self.lock = threading.RLock()
        self.slots = Slots(state)
        self.deliveries = Deliveries(clock, on_failure=self._note_failure)

    def book(
        self,
        *,
        email: str,
        event_type: str = "",
        name: str = "",
        first_name: str | None = None,
        last_name: str | None = None,
        start_time: When | None = None,
        answers: Answers | None = None,
        timezone: str | None = "Europe/Paris",
        tracking: Mapping[str, str | None] | None = None,
        guests: Iterable[str] = (),
        location: Json | None = None,
        event: str = "",
        host: str = "",
        **invitee: Any,
    ) -> str:
        """Book a meeting and return the invitee's URI.

        `event_type` is a URI, name or slug (the first type when empty), `start_time` the next free slot when None,
        `location` a whole location of the event or only its `kind`, `event` a group event to join. Further keywords:
        see `calendly_parts.EXTRA` (payment, text_reminder_number…).
        """
        if invitee.keys() - parts.EXTRA:
            raise TypeError(f"an invitee has no {', '.join(sorted(invitee.keys() - parts.EXTRA))}")
        with self.lock:
            kind = self.find_event_type(self.state.events[event]["event_type"] if event else event_type)
            at = self._start(kind, start_time) if not event else moment(self.state.events[event]["start_time"])
            joined = self.state.events[event] if event else self.slots.group_event(kind, at)
            scheduled = joined or self._new_event(kind, at, host, location, guests, answers or {})
            person = parts.person(email, name, first_name, last_name, timezone)
            questions = parts.answers(kind["custom_questions"], answers or {})
            details = {"questions_and_answers": questions, "tracking": parts.tracking(tracking), **invitee}
            uri = self._add_invitee(scheduled, {**person, **details})
            self._tell("invitee.created", uri)
            return uri

    def move(self, invitee_uri: str, start_time: When | None = None, by: By = "invitee") -> str:
        """Reschedule as Calendly's page does: a new event and invitee, the old ones canceled. Return the new URI."""
        with self.lock:
            old = self._active(invitee_uri)
            old_event = self.state.events[old["event"]]
            kind = self.state.event_types[old_event["event_type"]]
            at = self._start(kind, start_time, other_than=moment(old_event["start_time"]))
            new_event = self.slots.group_event(kind, at) or self._moved_event(old_event, kind, at)
            carried = {key: old[key] for key in parts.CARRIED}
            new = self._add_invitee(new_event, {**carried, "old_invitee": invitee_uri})
            self._cancel_one(old, self._cancellation(old, by, ""), rescheduled=True, new_invitee=new)
            self._tell("invitee.canceled", invitee_uri)
            self._tell("invitee.created", new)
            return new

    def cancel(self, invitee_uri: str, by: By = "invitee", reason: str = "") -> str:
        """Cancel one person's booking; a group event goes on while others remain."""
        with self.lock:
            invitee = self._active(invitee_uri)
            self._cancel_one(invitee, self._cancellation(invitee, by, reason))
            self._tell("invitee.canceled", invitee_uri)
            return invitee_uri

    def cancel_event(self, event_uri: str, by: By = "host", reason: str = "", canceled_by: str = "") -> str:
        """Cancel a whole event with each of its invitees; every one is told of."""
        with self.lock:
            invitees = self.state.active_invitees(event_uri)
            if self.state.events[event_uri]["status"] == "canceled":
                raise BookingError("Event is already canceled")
            cancellation = self._cancellation(invitees[0], by, reason, canceled_by)
            for invitee in invitees:
                self._cancel_one(invitee, cancellation)
            for invitee in invitees:
                self._tell("invitee.canceled", invitee["uri"])
            return event_uri

    def mark_no_show(self, invitee_uri: str) -> str:
        """Mark a person as a no-show and return the mark's URI."""
        with self.lock:
            invitee = self._active(invitee_uri)
            if invitee["no_show"]:
                raise BookingError("Invitee is already marked as a no-show")
            now = self._tick()
            mark = {"uri": new_uri("invitee_no_shows"), "invitee": invitee_uri, "created_at": now}
            self.state.no_shows[mark["uri"]] = mark
            self._change(invitee_uri, no_show={"uri": mark["uri"], "created_at": now}, updated_at=now)
            self._tell("invitee_no_show.created", invitee_uri)
            return str(mark["uri"])

    def undo_no_show(self, invitee_uri: str) -> str:
        """Take a no-show mark back."""
        with self.lock:
            mark = self.state.invitees[invitee_uri]["no_show"]
            if not mark:
                raise BookingError("Invitee is not marked as a no-show")
            del self.state.no_shows[mark["uri"]]
            self._change(invitee_uri, no_show=None, updated_at=self._tick())
            self._tell("invitee_no_show.deleted", invitee_uri)
            return invitee_uri

    def edit_event(self, event_uri: str, *, start_time: When | None = None, host: str = "", **changes: Any) -> str:
        """Change an event as the calendar side does (time, host, location, name…): it is newer, nobody is told."""
        with self.lock:
            event = self.state.events[event_uri]
            if start_time is not None:
                start, end = moment(event["start_time"]), moment(event["end_time"])
                changes |= {"start_time": stamp(moment(start_time))}
                changes |= {"end_time": stamp(moment(start_time) + end - start)}
            edited = {**event, **changes, "updated_at": self._tick()}
            if host or start_time is not None:
                hosts = [host] if host else [membership["user"] for membership in event["event_memberships"]]
                edited["event_memberships"] = [parts.membership(self.state.users[user], edited) for user in hosts]
            self.state.replace_event(edited)
            return event_uri

    def delete_event(self, event_uri: str) -> str:
        """Delete an event with its invitees, as a privacy request does: everything about it is a 404, nobody is told.

        That reads answer 404 afterwards is undocumented (calendly-api.md §4.12), and the safe assumption.
        """
        with self.lock:
            self.state.remove_event(event_uri)
            return event_uri

    def invitee(self, uri: str) -> Json:
        """Return an invitee as the API shows it; raise KeyError when unknown."""
        return self.state.invitees[uri]

    def event(self, uri: str) -> Json:
        """Return a scheduled event as the API shows it; raise KeyError when unknown."""
        return self.state.events[uri]

    def find_event_type(self, wanted: str) -> Json:
        """Return an event type by URI, name or slug, the first when empty; raise KeyError when unknown."""
        if wanted in self.state.event_types:
            return self.state.event_types[wanted]
        for event_type in self.state.event_types.values():
            if wanted in ("", event_type["name"], event_type["slug"]):
                return event_type
        raise KeyError(wanted)

    def _start(self, event_type: Json, wanted: When | None, other_than: float = 0.0) -> float:
        return self.slots.next_free(event_type, self.clock.now(), other_than) if wanted is None else moment(wanted)

    def _new_event(
        self, kind: Json, at: float, host: str, location: Json | None, guests: Iterable[str], answers: Answers
    ) -> Json:
        hosts = self.state.hosts[kind["uri"]]
        free = None if host or len(hosts) == 1 else self.slots.free_host(kind, at)
        user = self.state.users[host or free or hosts[0]]
        self.state.turns[kind["uri"]] = hosts.index(user["uri"]) + 1 if user["uri"] in hosts else 0
        place = parts.location(kind["locations"], location, answers)
        event = parts.scheduled_event(kind, user, at, place, self.state.places[kind["uri"]], self._tick())
        event["event_guests"] = parts.guests(guests, event["created_at"])
        self.state.add_event(event)
        return event

    def _moved_event(self, old: Json, kind: Json, at: float) -> Json:
        host, guests = old["event_memberships"][0]["user"], [guest["email"] for guest in old["event_guests"]]
        place = parts.fresh_conference(old["location"])
        return self._new_event(kind, at, host, place, guests, {})

    def _add_invitee(self, event: Json, details: Json) -> str:
        invitee = parts.invitee(event["uri"], details, self._tick())
        self.state.add_invitee(invitee)
        counter = event["invitees_counter"]
        self._count(event["uri"], total=counter["total"] + 1, active=counter["active"] + 1)
        return str(invitee["uri"])

    def _count(self, event_uri: str, **counts: int) -> None:
        event = self.state.events[event_uri]
        counter = {**event["invitees_counter"], **counts}
        first = counter["total"] == 1 and counter["active"] == 1
        updated_at = event["updated_at"] if first else self._tick()
        self.state.replace_event({**event, "invitees_counter": counter, "updated_at": updated_at})

    def _cancellation(self, invitee: Json, by: By, reason: str, canceled_by: str = "") -> Json:
        host = self.state.events[invitee["event"]]["event_memberships"][0]["user_name"]
        who = canceled_by or (invitee["name"] if by == "invitee" else host)
        return {"canceled_by": who, "reason": reason, "canceler_type": by, "created_at": self._tick()}

    def _cancel_one(self, invitee: Json, cancellation: Json, **changes: Any) -> None:
        event = self.state.events[invitee["event"]]
        self._change(invitee["uri"], status="canceled", cancellation=cancellation, updated_at=self._tick(), **changes)
        self._count(event["uri"], active=event["invitees_counter"]["active"] - 1)
        if not self.state.active_invitees(event["uri"]):
            emptied = {**self.state.events[event["uri"]], "status": "canceled", "cancellation": cancellation}
            self.state.replace_event(emptied)
            self.slots.freed(event)

    def _active(self, invitee_uri: str) -> Json:
        invitee = self.state.invitees[invitee_uri]
        if invitee["status"] != "active":
            raise BookingError("Invitee is canceled")
        return invitee

    def _change(self, invitee_uri: str, **changes: Any) -> None:
        self.state.invitees[invitee_uri] = {**self.state.invitees[invitee_uri], **changes}

    def _tick(self) -> str:
        return self.state.tick(self.clock.now())

    def _tell(self, name: str, invitee_uri: str) -> None:
        invitee = self.state.invitees[invitee_uri]
        event = self.state.events[invitee["event"]]
        hosts = {membership["user"] for membership in event["event_memberships"]}
        self.tell(name, parts.webhook_payload(invitee, event), hosts)

    def tell(self, name: str, payload: Json, hosts: set[str]) -> None:
        """Make a delivery for each active subscription to `name` that covers one of the hosts."""
        for subscription in self.state.subscriptions.values():
            covers = subscription["scope"] == "organization" or subscription["user"] in hosts
            if covers and subscription["state"] == "active" and name in subscription["events"]:
                key = self.state.signing_keys.get(subscription["uri"], "")
                self.deliveries.add(subscription, key, name, payload)

    def _note_failure(self, subscription_uri: str, *, began: bool, gave_up: bool) -> None:
        """Keep `retry_started_at`, and disable the subscription once a message stayed undelivered for 24 hours."""
        with self.lock:
            subscription = self.state.subscriptions.get(subscription_uri)
            if subscription is None:
                return
            changes: Json = {"retry_started_at": self._tick()} if began else {}
            if gave_up and subscription["state"] == "active":
                changes |= {"state": "disabled", "updated_at": self._tick()}
            self.state.subscriptions[subscription_uri] = {**subscription, **changes}
            if gave_up:
                self.deliveries.abandon(subscription_uri)
