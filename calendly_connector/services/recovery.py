"""The way back for somebody who missed a meeting: the event type's page at Calendly, filled in with who they are."""

import hashlib

from django.core.cache import cache
from django.core.exceptions import ImproperlyConfigured

from calendly_connector.clients import errors
from calendly_connector.clients.calendly_scheduling import prefilled
from calendly_connector.models import Booking
from calendly_connector.models.fields import SecretUnreadableError
from calendly_connector.services import connection as connections

KEPT, KEPT_WITHOUT = 86_400, 3600  # seconds: an address, and that there is none
TRACKING = {"utm_source": "recovery", "utm_medium": "email", "utm_campaign": "no_show"}
EXPECTED = (errors.ApiError, connections.NotConfigured, ImproperlyConfigured, SecretUnreadableError)


class NoPage(Exception):
    """The event type can't be booked any more: it was switched off or deleted."""


def known_link(booking: Booking) -> str:
    """Return the address to book again, "" when it has to be asked for first. Asks nobody."""
    page = cache.get(_key(booking))
    return _link(booking, page) if page else ""


def link_of(booking: Booking) -> str:
    """Return the address to book again; Calendly is asked once a day per event type.

    Raises NoPage, and what `EXPECTED` lists when Calendly can't be asked.
    """
    page = cache.get(_key(booking))
    if page is None:
        page = _page(booking)
        cache.set(_key(booking), page, KEPT if page else KEPT_WITHOUT)
    if not page:
        raise NoPage(booking.meeting_name)
    return _link(booking, page)


def _page(booking: Booking) -> str:
    if not booking.event_type:
        return ""
    try:
        found = connections.calendly_client(booking.connection).get_bookable_type(booking.event_type)
    except errors.NotFound:
        return ""
    return found.scheduling_url if found.is_active else ""


def _link(booking: Booking, page: str) -> str:
    return prefilled(page, name=booking.name, email=booking.person.email, tracking=TRACKING)


def _key(booking: Booking) -> str:
    digest = hashlib.sha256(booking.event_type.encode()).hexdigest()
    return f"recovery:{booking.connection_id}:{digest}"
