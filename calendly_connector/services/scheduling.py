"""Booking without a redirect: what is open, and one booking per form, whatever is clicked, lost or taken meanwhile.

check ─▶ one row per form ─▶ is the time open? ─▶ claim a place and a count ─▶ POST /invitees ─▶ ledger
                                    ▲── somebody else is at it: wait ──┘            └─ no answer: look it up
"""

import logging
import time
from collections.abc import Mapping

from calendly_connector.clients import errors
from calendly_connector.clients.calendly_scheduling import AvailableTime, BookableType, Wish
from calendly_connector.clients.calendly_values import Row
from calendly_connector.models import BookingPage, BookingRequest, Connection
from calendly_connector.services import (
    booking_checks,
    booking_limits,
    booking_lookup,
    booking_outcome,
    booking_requests,
    openings,
    queue,
)
from calendly_connector.services import booking_words as words
from calendly_connector.services import connection as connections
from calendly_connector.services.booking_limits import Claim
from calendly_connector.services.booking_outcome import Outcome

logger = logging.getLogger(__name__)

LIMIT = booking_outcome.LIMIT
WAIT_SECONDS = 12.0  # for somebody else who books the same time, or for the first of two clicks
STEP_SECONDS = 0.1
LOOK_SECONDS = 2.0  # between two looks for a booking whose answer was lost

State = BookingRequest.State
types_of, available, quota = openings.types_of, openings.available, booking_limits.quota


def book(connection: Connection, wish: Wish, *, key: str, page: BookingPage | None = None) -> Outcome:
    """Book what a visitor wishes, once per `key`, and return what came of it; raises nothing that is anticipated.

    May take seconds. Must not be called inside a transaction: what is counted has to stay counted.
    """
    unkept = BookingRequest(connection=connection, page=page, key=key, event_type=wish.event_type)
    try:
        kind = openings.type_of(connection, wish.event_type)
        if kind is None:
            return Outcome(state=State.REFUSED, request=unkept, words=words.NO_TYPE)
        tidied, problems = booking_checks.tidy(connection, wish, kind)
        if problems:
            return Outcome(state=State.REFUSED, request=unkept, words=words.MEND, problems=problems)
        row = booking_requests.open_request(connection, tidied, key=key, page=page)
    except booking_requests.KeyTaken:
        return Outcome(state=State.REFUSED, request=unkept, words=words.KEY_TAKEN)
    except (errors.ApiError, connections.NotConfigured) as error:
        logger.warning("Nothing could be booked: %s", error)
        return Outcome(state=State.REFUSED, request=unkept, words=words.UNREACHABLE)
    return _Attempt(kind, row).go()


def outcome_of(key: str) -> Outcome | None:
    """Return what came of a form, looked up at Calendly where that isn't known yet; None for an unknown key."""
    row = booking_requests.find(key)
    if row is None:
        return None
    if row.state == State.UNKNOWN and row.settled_at is None:
        _look(row)
    try:
        kind = openings.type_of(row.connection, row.event_type)
    except (errors.ApiError, connections.NotConfigured) as error:
        logger.warning("An event type can't be read: %s", error)
        kind = None
    return booking_outcome.of(row, kind)


class _Attempt:
    """One call of `book`, for a row that may be in another process's hands as well."""

    def __init__(self, kind: BookableType, row: BookingRequest) -> None:
        self._kind, self._row = kind, row
        self._ends_at = time.monotonic() + WAIT_SECONDS
        self._slot: AvailableTime | None = None

    def go(self) -> Outcome:
        """Try until there is an outcome, or patience ends."""
        while True:
            done = self._try()
            if done is not None:
                return done
            if time.monotonic() > self._ends_at:
                return self._outcome(said=words.BUSY)
            time.sleep(STEP_SECONDS)
            self._row.refresh_from_db()

    def _try(self) -> Outcome | None:
        """Return the outcome, None while somebody else has to be waited for."""
        row = self._row
        if row.state == State.SENDING:
            return None
        if row.state == State.UNKNOWN and row.settled_at is None:
            return self._look_again()
        if row.state != State.ASKED:
            return self._outcome()
        try:
            asked_at, self._slot = openings.slot_at(row.connection, row.event_type, row.start_at)
        except (errors.ApiError, connections.NotConfigured) as error:
            return self._give_back(words.FAILED, error)
        if self._slot is None:
            booking_lookup.end(row, State.TAKEN, reason=words.TAKEN)
            return self._outcome()
        claim = booking_limits.claim(row, places=max(1, self._slot.places_left), seen_at=asked_at)
        if claim is Claim.OURS:
            return self._send()
        return self._give_back(words.LIMIT) if claim is Claim.LIMIT else None

    def _send(self) -> Outcome | None:
        row = self._row
        try:
            client = connections.calendly_client(row.connection)
            invitee = client.create_invitee(booking_lookup.from_json(row))
        except errors.ApiError as error:
            return self._failed(error)
        except connections.NotConfigured as error:
            return self._give_back(words.FAILED, error, is_unsent=True)
        return self._booked(invitee)

    def _booked(self, invitee: Row) -> Outcome:
        meeting = booking_lookup.booked(self._row, invitee)
        booking_outcome.remember(self._row, invitee, meeting)
        return self._outcome()

    def _failed(self, error: errors.ApiError) -> Outcome | None:
        """Return what an error makes of the wish (the table of calendly-api.md §4.11)."""
        row = self._row
        if isinstance(error, errors.RateLimited):
            booking_limits.block(row.connection, seconds=error.wait)
            return self._give_back(words.LIMIT, error)
        if error.is_done_unknown:
            return self._lost(error)
        if isinstance(error, errors.NotFound) or words.is_taken(error):
            booking_lookup.end(row, State.TAKEN, reason=words.TAKEN)
            return self._outcome()
        if isinstance(error, errors.Unauthorized | errors.Forbidden):
            return self._give_back(words.FAILED, error)
        if isinstance(error, errors.Refused):
            booking_lookup.end(row, State.REFUSED, reason=words.refusal(error))
            return self._outcome(problems=words.problems_of(error))
        return self._give_back(words.FAILED, error, is_unsent=isinstance(error, errors.Unreachable))

    def _give_back(self, why: str, error: Exception | None = None, *, is_unsent: bool = False) -> Outcome:
        """Leave the request as one that may be tried again; the visitor is led to Calendly's own page meanwhile."""
        if error is not None:
            logger.warning("Nothing could be booked: %s", error)
        booking_requests.give_back(self._row, reason=why, is_unsent=is_unsent)
        return self._outcome()

    def _lost(self, error: errors.ApiError) -> Outcome | None:
        """Look a booking up whose answer was lost: at once, and once more when it isn't there."""
        logger.warning("The answer to a booking was lost: %s", error)
        booking_lookup.end(self._row, State.UNKNOWN, reason=words.UNKNOWN)
        for pause in (0.0, LOOK_SECONDS):
            time.sleep(pause)
            try:
                invitee = booking_lookup.find(self._row)
            except (errors.ApiError, connections.NotConfigured) as failed:
                logger.warning("A booking can't be looked up: %s", failed)
                continue
            if invitee is not None:
                return self._booked(invitee)
        return self._try_again_if_sure()

    def _try_again_if_sure(self) -> Outcome | None:
        """Begin a second attempt when nothing was booked: the time, which has one place, is open still."""
        row, is_single = self._row, not (self._kind.is_group or self._kind.is_pooled)
        if row.attempt > 1 or not is_single or not self._is_open():
            return self._outcome()
        if not booking_lookup.end(row, State.REFUSED, reason=booking_lookup.NOT_BOOKED):
            return None
        self._begin_again()
        return None

    def _is_open(self) -> bool:
        row = self._row
        openings.forget(row.connection, row.event_type)
        try:
            return openings.slot_at(row.connection, row.event_type, row.start_at)[1] is not None
        except (errors.ApiError, connections.NotConfigured):
            return False

    def _look_again(self) -> Outcome | None:
        """Look for a booking of unknown outcome once more, for a visitor who tries again."""
        _look(self._row)
        if self._row.state == State.REFUSED and self._row.attempt == 1:
            self._begin_again()
            return None
        return self._outcome()

    def _begin_again(self) -> None:
        """Begin the second attempt, with patience of its own: an answer may take longer to be lost than we wait."""
        self._row = booking_requests.again(self._row, booking_lookup.from_json(self._row), attempt=2)
        self._ends_at = time.monotonic() + WAIT_SECONDS

    def _outcome(self, *, said: str = "", problems: Mapping[str, str] | None = None) -> Outcome:
        return booking_outcome.of(self._row, self._kind, slot=self._slot, said=said, problems=problems)


def _look(row: BookingRequest) -> None:
    """Settle a request of unknown outcome if that is possible by now."""
    try:
        booking_lookup.settle(row.pk)
    except queue.Later as later:
        logger.info("A booking's outcome stays unknown: %s", later)
    row.refresh_from_db()
