"""What an owner does in Calendly's settings: event types come, change and go; forms are filled in."""

from typing import Any

from sandbox.calendly_bookings import Bookings
from sandbox.calendly_samples import submission
from sandbox.calendly_values import Json, new_uri
from sandbox.calendly_world import CAMILLE, event_type, user_profile


class Catalogue(Bookings):
    """Event types and routing forms; every change is told to the subscribers."""

    def add_event_type(self, name: str, *, user: str = CAMILLE, places: int = 1, **changes: Any) -> str:
        """Create an event type (group when it has several places) and return its URI."""
        with self.lock:
            owner, now = self.state.users[user], self._tick()
            kind = event_type(
                new_uri("event_types"), name, profile=user_profile(owner), slug=name.lower().replace(" ", "-"),
                page=owner["slug"], kind="group" if places > 1 else "solo",
                **{"created_at": now, "updated_at": now, "position": len(self.state.event_types), **changes},
            )  # fmt: skip
            self.state.hosts[kind["uri"]], self.state.places[kind["uri"]] = [user], places
            return self._store_type(kind, "event_type.created")

    def edit_event_type(self, uri: str, **changes: Any) -> str:
        """Change an event type (name, active, custom_questions…)."""
        with self.lock:
            edited = {**self.state.event_types[uri], **changes, "updated_at": self._tick()}
            return self._store_type(edited, "event_type.updated")

    def delete_event_type(self, uri: str) -> str:
        """Delete an event type; it stays readable by its URI."""
        with self.lock:
            now = self._tick()
            deleted = {**self.state.event_types[uri], "active": False, "updated_at": now, "deleted_at": now}
            return self._store_type(deleted, "event_type.deleted")

    def submit_form(self, form: str = "", **changes: Any) -> str:
        """Fill in a routing form and return the submission's URI."""
        with self.lock:
            form = form or next(iter(self.state.forms))
            made = submission(form, next(iter(self.state.event_types)), self._tick())
            made = {**made, "uri": new_uri("routing_form_submissions"), **changes}
            self.state.submissions[made["uri"]] = made
            self.tell("routing_form_submission.created", made, set())
            return str(made["uri"])

    def _store_type(self, kind: Json, name: str) -> str:
        self.state.event_types[kind["uri"]] = kind
        self.tell(name, kind, set(self.state.hosts[kind["uri"]]))
        return str(kind["uri"])
