"""The way back for somebody who missed a meeting: a single-use link of their own, filled in with who they are.

Nobody gets a second one while the first can be used. Where Calendly makes none for us, as without the scope, the event
type's common page serves instead, filled in alike.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone

from calendly_connector.clients import errors
from calendly_connector.clients.calendly_scheduling import prefilled
from calendly_connector.models import Booking, SchedulingLink
from calendly_connector.models.fields import SecretUnreadableError
from calendly_connector.services import connection as connections
from calendly_connector.services import links_one, setup

TRACKING = {"utm_source": "recovery", "utm_medium": "email", "utm_campaign": "no_show"}
EXPECTED = (errors.ApiError, connections.NotConfigured, ImproperlyConfigured, SecretUnreadableError)


class NoPage(Exception):
    """The event type can't be booked any more: it was switched off or deleted."""


@dataclass(frozen=True, kw_only=True)
class WayBack:
    """An address to book again. A single-use link has its end; the common page has why it is that."""

    address: str
    expires_at: datetime | None = None
    refusal: errors.ApiError | None = None


def known(bookings: Sequence[Booking]) -> dict[int, WayBack]:
    """Return booking key → way back, of those whose person has a link that can be used. One query; asks nobody.

    The bookings' persons should have been read with them.
    """
    links = SchedulingLink.objects.filter(
        state=SchedulingLink.State.LIVE,
        expires_at__gt=timezone.now(),
        connection__in={booking.connection_id for booking in bookings},
        event_type__in={booking.event_type for booking in bookings},
        email__in={booking.person.email for booking in bookings},
    )
    found = {(link.connection_id, link.event_type, link.email): link for link in links}
    return {booking.pk: _way(booking, link) for booking in bookings if (link := found.get(_whose(booking)))}


def make(booking: Booking) -> WayBack:
    """Return the person's single-use link, made at Calendly when they have none; its common page when it makes none.

    Raises NoPage, and what `EXPECTED` lists when Calendly can't be asked at all.
    """
    if ready := known([booking]).get(booking.pk):
        return ready
    page = _page(booking)
    try:
        link = links_one.make_one(booking.connection, booking.event_type, email=booking.person.email, name=booking.name)
    except errors.ApiError as refusal:
        if isinstance(refusal, errors.Forbidden):
            setup.note_missing_scopes(booking.connection, refusal)
        address = prefilled(page, name=booking.name, email=booking.person.email, tracking=TRACKING)
        return WayBack(address=address, refusal=refusal)
    return _way(booking, link)


def _whose(booking: Booking) -> tuple[int, str, str]:
    return booking.connection_id, booking.event_type, booking.person.email


def _way(booking: Booking, link: SchedulingLink) -> WayBack:
    link.name = link.name or booking.name  # a campaign may not have known it
    return WayBack(address=links_one.address_of(link, tracking=TRACKING), expires_at=link.expires_at)


def _page(booking: Booking) -> str:
    """Return the event type's common page; raise NoPage for one that nobody can book."""
    if not booking.event_type:
        raise NoPage(booking.meeting_name)
    try:
        found = connections.calendly_client(booking.connection).get_bookable_type(booking.event_type)
    except errors.NotFound as gone:
        raise NoPage(booking.meeting_name) from gone
    if not found.is_active or not found.scheduling_url:
        raise NoPage(booking.meeting_name)
    return found.scheduling_url
