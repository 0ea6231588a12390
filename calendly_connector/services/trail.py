"""Says in every log line what the work in hand is about: the delivery, booking and person by number, the job, its try.

A scope is opened around a piece of work (a job, a webhook); whoever learns more meanwhile notes it, and when the scope
ends it is all forgotten. Outside of a scope nothing is noted, so that no thread carries it into the next request.
"""

import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol

from structlog import contextvars

from calendly_connector import conf

NAMED = 20  # numbers in one line at most

Number = int | str | None
_is_open: ContextVar[bool] = ContextVar("trail_is_open", default=False)


class StepLike(Protocol):
    """What a line may say of a step (`models.SyncLogEntry`)."""

    delivery_id: int | None
    booking_id: int | None
    person_id: int


@contextmanager
def scope(**numbers: Number) -> Iterator[None]:
    """Begin a trail, and forget it at the end."""
    before, token = contextvars.get_contextvars(), _is_open.set(True)
    contextvars.clear_contextvars()
    note(**numbers)
    try:
        yield
    finally:
        _is_open.reset(token)
        contextvars.clear_contextvars()
        contextvars.bind_contextvars(**before)


def note(**numbers: Number) -> None:
    """Add to the trail from here on; None takes away."""
    if _is_open.get():
        contextvars.unbind_contextvars(*(name for name, number in numbers.items() if number is None))
        contextvars.bind_contextvars(**{name: number for name, number in numbers.items() if number is not None})


@contextmanager
def aside() -> Iterator[None]:
    """Let what is noted inside be forgotten at its end, on top of the trail so far."""
    with scope(**contextvars.get_contextvars()):
        yield


def note_steps(steps: Iterable[StepLike]) -> None:
    """Note which deliveries and bookings a call is for: a contact is written once for all that waits."""
    steps = list(steps)
    note(
        delivery=_together(step.delivery_id for step in steps),
        booking=_together(step.booking_id for step in steps),
        person=_together(step.person_id for step in steps),
    )


def level() -> int:
    """Return at which level a delivery's way is told: LOG_WEBHOOKS shows it."""
    return logging.INFO if conf.logs_webhooks() else logging.DEBUG


def _together(numbers: Iterable[int | None]) -> Number:
    """Return a number, or several as 5,6,7."""
    found = list(dict.fromkeys(number for number in numbers if number is not None))
    if len(found) < 2:
        return found[0] if found else None
    return ",".join(map(str, found[:NAMED])) + (",…" if len(found) > NAMED else "")
