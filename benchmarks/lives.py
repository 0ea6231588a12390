"""Signed webhooks of what becomes of bookings: of five people who book, one moves the meeting and one cancels it."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from benchmarks.load import CREATED, Factory, Webhook, moment

CANCELED = "invitee.canceled"
KINDS = ("booked", "moved", "canceled")
MIX = ("booked", "moved", "booked", "canceled", "booked")
LAG = 30  # people who book between somebody's booking and what becomes of it: the first has long been taken in


def life(factory: Factory, kind: str) -> tuple[Webhook, list[Webhook]]:
    """Return a booking's webhook, and those of what becomes of it: both halves of a move, a cancellation, nothing."""
    booking = factory.payload()
    first = factory.sign(CREATED, booking)
    if kind == "canceled":
        return first, [factory.sign(CANCELED, _ended(booking))]
    if kind == "moved":
        new = {**factory.payload(), "email": booking["email"], "old_invitee": booking["uri"]}
        old = {**_ended(booking), "rescheduled": True, "new_invitee": new["uri"]}
        return first, [factory.sign(CANCELED, old), factory.sign(CREATED, new)]
    return first, []


def mixed(factory: Factory, bookings: int) -> list[Webhook]:
    """Return the webhooks of that many people, in the order in which they are to be posted."""
    lives = [life(factory, MIX[number % len(MIX)]) for number in range(bookings)]
    return list(_in_order(lives))


def _in_order(lives: Sequence[tuple[Webhook, Sequence[Webhook]]]) -> Iterator[Webhook]:
    for number, (first, _) in enumerate(lives):
        yield first
        if number >= LAG:
            yield from lives[number - LAG][1]
    for _, rest in lives[-LAG:]:
        yield from rest


def _ended(booking: Mapping[str, Any]) -> dict[str, Any]:
    """Return what Calendly tells of a booking that its invitee gives up now."""
    now = moment()
    end = {"canceled_by": booking["name"], "reason": "", "canceler_type": "invitee", "created_at": now}
    meeting = {**booking["scheduled_event"], "status": "canceled", "updated_at": now, "cancellation": end}
    return {**booking, "status": "canceled", "updated_at": now, "cancellation": end, "scheduled_event": meeting}
