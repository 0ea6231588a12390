"""What the tests of booking through us share: an installation, and a visitor who knows what they want."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from django.utils import timezone

from calendly_connector.clients.calendly_scheduling import AvailableTime, Wish
from calendly_connector.models import Connection
from calendly_connector.services import scheduling
from sandbox.calendly import Calendly
from sandbox.world import Call
from tests.journeys.river import River

EMAIL = "vera@example.com"


def type_named(calendly: Calendly, name: str) -> str:
    """Return the address of the sandbox's event type of this name."""
    return next(uri for uri, kind in calendly.state.event_types.items() if kind["name"] == name)


def open_times(connection: Connection, event_type: str, *, days: int = 14) -> tuple[AvailableTime, ...]:
    """Return the open times of the next days."""
    now = timezone.now()
    return scheduling.available(connection, event_type, since=now, until=now + timedelta(days=days))


def wish_for(river: River, type_name: str = "Demo", /, *, at: datetime | None = None, **details: Any) -> Wish:
    """Return a wish for the first open time, with every required question answered."""
    uri = type_named(river.calendly, type_name)
    [kind] = scheduling.types_of(river.connection, [uri])
    start_at = at or open_times(river.connection, uri)[0].start_at
    answers = tuple(
        (each.text, each.choices[0] if each.choices else "+4532123456" if each.kind == "phone_number" else "Yes", at)
        for at, each in enumerate(kind.questions)
        if each.is_required
    )
    wish = Wish(event_type=uri, start_at=start_at, email=EMAIL, timezone="Europe/Copenhagen", name="Vera Holm")
    place = kind.places[0] if kind.places and not kind.is_pooled else None
    return replace(wish, **{"answers": answers, "place": place, **details})


def sent(river: River) -> list[Call]:
    """Return the bookings that Calendly was asked for."""
    return river.sandbox.world.journal.calls("calendly", method="POST", template="/invitees")


def booked_at(river: River, wish: Wish) -> list[dict[str, Any]]:
    """Return who is booked at the wish's time, as the sandbox's Calendly has it."""
    stamp = f"{wish.start_at:%Y-%m-%dT%H:%M:%S}"
    state = river.calendly.state
    events = [event for event in state.events.values() if event["start_time"].startswith(stamp)]
    return [state.invitees[uri] for event in events for uri in state.event_invitees[event["uri"]]]
