"""What staff say of a meeting: nobody came, that was wrong, they came, it won't take place.

Written to Calendly first. Then the booking is read back, so that ledger and Brevo follow at once by the way that every
webhook takes; the webhook itself brings no news then. Nothing raises for what may go wrong: it is in the `Outcome`.
"""

import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass
from enum import StrEnum

from django.core.exceptions import ImproperlyConfigured
from django.db.models import QuerySet
from django.utils import timezone

from calendly_connector.clients import errors
from calendly_connector.clients.calendly import CalendlyClient
from calendly_connector.core.errors import MalformedPayload
from calendly_connector.models import Booking
from calendly_connector.models.fields import SecretUnreadableError
from calendly_connector.services import clock, queue, setup, sync
from calendly_connector.services import connection as connections

logger = logging.getLogger(__name__)

CATCH_UP = "catch_up"
CATCH_UP_SECONDS = 60
LONGEST_REASON = 10_000  # calendly-api.md §4.8
NAMELESS = "marked"  # of a mark whose address Calendly didn't tell (core/interpret)

Status = Booking.Status
OPEN = (Status.BOOKED, Status.ATTENDED)
HELD = (*OPEN, Status.NO_SHOW)
EXPECTED = (
    errors.ApiError, connections.NotConfigured, ImproperlyConfigured, SecretUnreadableError, MalformedPayload,
)  # fmt: skip
Read = Callable[[Booking], None]


class Said(StrEnum):
    """What came of it."""

    MARKED = "marked"
    UNDONE = "undone"
    ATTENDED = "attended"
    CANCELED = "canceled"
    ALREADY = "already"  # it was so before
    OTHERWISE = "otherwise"  # at Calendly it is canceled, moved, or not marked: nothing was done
    UNDERWAY = "underway"  # Calendly took it, and can't be read yet
    NOT_MARKED = "not_marked"  # there is no mark to take back
    NAMELESS = "nameless"  # there is one, and Calendly doesn't say which
    IS_NO_SHOW = "is_no_show"  # who is marked as a no-show didn't attend
    NOT_BEGUN = "not_begun"
    NOT_OVER = "not_over"
    TOO_LATE = "too_late"  # what has begun can't be canceled
    LACKS_SCOPE = "lacks_scope"
    NOT_ALLOWED = "not_allowed"  # a plain member marks and cancels meetings of their own only
    REFUSED = "refused"
    NOT_SENT = "not_sent"
    LOST = "lost"  # no answer came, and it wasn't done
    UNKNOWN = "unknown"  # no answer came, and Calendly can't be read either


DONE = frozenset({Said.MARKED, Said.UNDONE, Said.ATTENDED, Said.CANCELED, Said.ALREADY, Said.UNDERWAY})


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What came of it, and why not: in Calendly's words, or the scope that is missing."""

    said: Said
    why: str = ""

    @property
    def is_done(self) -> bool:
        """Return whether it is now as staff wanted it."""
        return self.said in DONE


@dataclass(frozen=True, kw_only=True)
class Hit:
    """Who has booked a meeting. `is_sure` when Calendly counted them just now, else they are those that we know."""

    people: int
    names: tuple[str, ...]
    is_sure: bool


def mark_no_show(booking: Booking, *, by: str) -> Outcome:
    """Mark at Calendly that nobody came; `booking` is read anew."""
    if booking.start_at > timezone.now():
        return Outcome(said=Said.NOT_BEGUN)
    if booking.status not in OPEN:
        if trouble := _look(booking):
            return trouble
        if booking.status not in OPEN:
            return Outcome(said=Said.ALREADY if booking.status == Status.NO_SHOW else Said.OTHERWISE)
    return _write(
        booking, lambda client: client.create_no_show(booking.uri), wanted=(Status.NO_SHOW,), done=Said.MARKED, by=by
    )


def undo_no_show(booking: Booking, *, by: str) -> Outcome:
    """Take the mark back at Calendly; `booking` is read anew. The mark is looked up first: another may have replaced
    the one that we know."""
    if trouble := _look(booking):
        return trouble
    if booking.status != Status.NO_SHOW:
        return Outcome(said=Said.NOT_MARKED if booking.status in OPEN else Said.OTHERWISE)
    mark = booking.to_entry().booking.invitee.no_show_uri
    if mark == NAMELESS:
        return Outcome(said=Said.NAMELESS)
    return _write(booking, lambda client: client.delete_no_show(mark), wanted=OPEN, done=Said.UNDONE, by=by)


def mark_attended(booking: Booking, *, by: str) -> Outcome:
    """Let the booking count as attended before its grace time is over; `booking` is read anew.

    Calendly knows no such thing. It is asked all the same whether the person canceled or was marked meanwhile.
    """
    if booking.end_at > timezone.now():
        return Outcome(said=Said.NOT_OVER)
    if trouble := _look(booking):
        return trouble
    if booking.status == Status.NO_SHOW:
        return Outcome(said=Said.IS_NO_SHOW)
    if booking.status != Status.BOOKED:
        return Outcome(said=Said.ALREADY if booking.status == Status.ATTENDED else Said.OTHERWISE)
    clock.attend_early(booking)
    _refresh(booking)
    logger.info("Booking %s counts as attended: said by %s", booking.pk, by)
    return Outcome(said=Said.ATTENDED if booking.status == Status.ATTENDED else Said.OTHERWISE)


def cancel(booking: Booking, *, by: str, reason: str) -> Outcome:
    """Cancel the whole meeting at Calendly, for everybody who booked it; `booking` is read anew."""
    if booking.start_at <= timezone.now():
        return Outcome(said=Said.TOO_LATE)
    if booking.status not in HELD:
        if trouble := _look(booking):
            return trouble
        if booking.status not in HELD:
            return Outcome(said=Said.ALREADY if booking.status == Status.CANCELED else Said.OTHERWISE)
    return _write(
        booking,
        lambda client: client.cancel_scheduled_event(booking.meeting_uri, reason=reason),
        wanted=(Status.CANCELED,),
        done=Said.CANCELED,
        by=by,
        read=lambda row: sync.fetch_meeting(row.connection, row.meeting_uri),
    )


def hit_by_cancel(booking: Booking) -> Hit:
    """Return whom a cancellation would hit: counted by Calendly, or where it can't be asked, by us."""
    known = _same_meeting(booking).filter(status__in=HELD).order_by("pk")
    names = tuple(known.values_list("name", flat=True))
    try:
        row = connections.calendly_client(booking.connection).get_scheduled_event(booking.meeting_uri)
        counted = int((row.get("invitees_counter") or {})["active"])
    except (*EXPECTED, KeyError, TypeError, ValueError) as error:
        logger.info("Calendly can't say who booked the meeting of booking %s: %s", booking.pk, type(error).__name__)
        return Hit(people=len(names), names=names, is_sure=False)
    return Hit(people=counted, names=names, is_sure=True)


def catch_up(booking_id: int) -> None:
    """Read a booking that couldn't be read after something was written to Calendly. Raises queue.Later."""
    booking = Booking.objects.select_related("connection__brevo_account").filter(pk=booking_id).first()
    if booking and not sync.fetch_if_there(booking.connection, booking.uri):
        logger.warning("Calendly doesn't know booking %s any more", booking_id)


def _write(
    booking: Booking,
    call: Callable[[CalendlyClient], object],
    *,
    wanted: Collection[str],
    done: Said,
    by: str,
    read: Read = lambda row: sync.fetch(row.connection, row.uri),
) -> Outcome:
    """Make a call that changes something, read back what came of it, and say so."""
    trouble: Exception | None = None
    try:
        call(connections.calendly_client(booking.connection))
    except EXPECTED as error:
        if not _needs_a_look(error):
            return _unsent(booking, error)
        trouble = error
    logger.info("Booking %s: %s asked of Calendly by %s", booking.pk, done, by)
    unread = _look(booking, read)
    if unread and (trouble is None or _is_lost(trouble)):
        _catch_up_later(booking, everybody=done is Said.CANCELED)
        return Outcome(said=Said.UNKNOWN if trouble else Said.UNDERWAY, why=unread.why)
    if not unread and booking.status in wanted:
        return Outcome(said=Said.ALREADY if trouble and not _is_lost(trouble) else done)
    if trouble is None:  # it was taken, and what we read is older
        _catch_up_later(booking, everybody=done is Said.CANCELED)
        return Outcome(said=Said.UNDERWAY)
    if not unread and booking.status not in HELD:
        return Outcome(said=Said.OTHERWISE)
    if _is_lost(trouble):
        return Outcome(said=Said.LOST)
    return Outcome(said=_refusal(booking, trouble, done), why=str(trouble))


def _look(booking: Booking, read: Read = lambda row: sync.fetch(row.connection, row.uri)) -> Outcome | None:
    """Read a booking from Calendly and from the ledger; return what is to be said when that can't be done."""
    try:
        read(booking)
    except EXPECTED as error:
        _refresh(booking)
        return _unsent(booking, error)
    _refresh(booking)
    return None


def _refresh(booking: Booking) -> None:
    """Read the ledger's row anew; the connection, which others defer secrets of, stays."""
    connection = booking.connection
    booking.refresh_from_db()
    booking.connection = connection


def _needs_a_look(error: Exception) -> bool:
    """Return whether a call may have changed something, or was refused for how the booking is by now."""
    if isinstance(error, errors.Refused):
        is_ours = isinstance(error, errors.Unauthorized | errors.PaymentRequired)
        return not is_ours and not (isinstance(error, errors.Forbidden) and error.required_scopes)
    return _is_lost(error)


def _is_lost(error: Exception) -> bool:
    return isinstance(error, errors.ApiError) and error.is_done_unknown


def _unsent(booking: Booking, error: Exception) -> Outcome:
    """Return why nothing was done."""
    if isinstance(error, errors.Forbidden) and error.required_scopes:
        setup.note_missing_scopes(booking.connection, error)
        return Outcome(said=Said.LACKS_SCOPE, why=", ".join(error.required_scopes))
    if isinstance(error, errors.Forbidden):
        return Outcome(said=Said.NOT_ALLOWED, why=str(error))
    return Outcome(said=Said.NOT_SENT, why=str(error))


def _refusal(booking: Booking, trouble: Exception, wish: Said) -> Said:
    if not isinstance(trouble, errors.Forbidden):
        return Said.REFUSED
    return Said.TOO_LATE if wish is Said.CANCELED and booking.start_at <= timezone.now() else Said.NOT_ALLOWED


def _catch_up_later(booking: Booking, *, everybody: bool) -> None:
    rows = _same_meeting(booking).filter(status__in=HELD) if everybody else Booking.objects.filter(pk=booking.pk)
    for number in rows.values_list("pk", flat=True):
        queue.enqueue(CATCH_UP, number, delay=CATCH_UP_SECONDS)


def _same_meeting(booking: Booking) -> QuerySet[Booking]:
    return Booking.objects.filter(connection=booking.connection_id, meeting_uri=booking.meeting_uri)
