"""The rows of what visitors asked for: one per form and attempt, so that a double click books once."""

import secrets

from django.db import IntegrityError, transaction
from django.utils import timezone

from calendly_connector.clients.calendly_scheduling import Wish
from calendly_connector.models import BookingPage, BookingRequest, Connection
from calendly_connector.services import booking_lookup

State = BookingRequest.State


class KeyTaken(Exception):
    """The form's key belongs to somebody else's booking."""


def find(key: str) -> BookingRequest | None:
    """Return the newest request of a form."""
    return BookingRequest.objects.select_related("connection", "page").filter(key=key).first()


def open_request(connection: Connection, wish: Wish, *, key: str, page: BookingPage | None) -> BookingRequest:
    """Return the form's request, made now or before; another time chosen on the same form is a new attempt of it.

    Raises KeyTaken.
    """
    row = find(key)
    if row is None:
        return _make(connection, wish, key=key, page=page)
    is_other = row.connection_id != connection.pk or (row.state == State.BOOKED and row.email != wish.email.lower())
    if is_other:
        raise KeyTaken
    if row.state in (State.BOOKED, State.SENDING, State.UNKNOWN):
        return row
    if row.state == State.ASKED and row.sent_at is None:
        mine = BookingRequest.objects.filter(pk=row.pk, state=State.ASKED, sent_at=None)
        mine.update(**_values(wish), asked_at=timezone.now(), page=page)
        row.refresh_from_db()
        return row
    if row.state == State.ASKED or not _is_same(row, wish):
        return again(row, wish)
    if row.reason == booking_lookup.NOT_BOOKED and row.attempt == 1:
        return again(row, wish, attempt=2)
    return row


def again(row: BookingRequest, wish: Wish, *, attempt: int = 1) -> BookingRequest:
    """Begin another attempt of a form; the one before stays, for it counts towards Calendly's limits."""
    with transaction.atomic():
        changed = BookingRequest.objects.filter(pk=row.pk, key=row.key).update(key=secrets.token_hex(24))
        if changed:
            return _make(row.connection, wish, key=row.key, page=row.page, attempt=attempt)
    return find(row.key) or row


def _make(
    connection: Connection, wish: Wish, *, key: str, page: BookingPage | None, attempt: int = 1
) -> BookingRequest:
    try:
        with transaction.atomic():
            return BookingRequest.objects.create(
                connection=connection, page=page, key=key, attempt=attempt, asked_at=timezone.now(), **_values(wish)
            )
    except IntegrityError:  # a double click: the other one was first
        found = find(key)
        if found is None or found.connection_id != connection.pk:
            raise KeyTaken from None
        return found


def _values(wish: Wish) -> dict[str, object]:
    return {
        "event_type": wish.event_type,
        "start_at": wish.start_at,
        "email": wish.email.lower(),
        "wish": booking_lookup.to_json(wish),
    }


def _is_same(row: BookingRequest, wish: Wish) -> bool:
    return booking_lookup.from_json(row) == wish


def give_back(row: BookingRequest, *, reason: str, is_unsent: bool) -> None:
    """Make a request one that may be tried again. What never left doesn't count towards Calendly's limits."""
    mine = BookingRequest.objects.filter(pk=row.pk, state__in=(State.ASKED, State.SENDING), sent_at=row.sent_at)
    mine.update(state=State.ASKED, reason=reason, **({"sent_at": None} if is_unsent else {}))
    row.refresh_from_db()
