"""Booking through us, seen from outside: what Calendly was asked for, and what the visitor hears."""

import pytest

from calendly_connector.models import Booking, BookingRequest
from calendly_connector.services import scheduling
from tests.journeys.river import River
from tests.services.booking import EMAIL, booked_at, wish_for


@pytest.fixture
def river(installation: River) -> River:
    """Return a connected installation."""
    installation.connect()
    return installation


def test_a_wish_is_booked_and_at_once_in_the_ledger(river: River) -> None:
    wish = wish_for(river)

    outcome = scheduling.book(river.connection, wish, key="form-1")

    assert outcome.state == "booked"
    assert outcome.invitee is not None and outcome.scheduled_event is not None
    assert outcome.invitee["email"] == EMAIL
    assert Booking.objects.get().uri == outcome.invitee["uri"] == BookingRequest.objects.get().invitee
    assert [each["email"] for each in booked_at(river, wish)] == [EMAIL]
