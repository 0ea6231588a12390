"""A later look at the same facts counts, although it is no news."""

from datetime import timedelta

from django.utils import timezone

from calendly_connector.core import interpret
from calendly_connector.models import Booking
from calendly_connector.services import ledger, sync
from tests.journeys.river import River


def test_a_late_delivery_from_between_two_looks_at_the_same_facts_changes_nothing(river: River) -> None:
    uri = river.calendly.book(event_type="Demo", email="tom@example.com", name="Tom Berg")
    row, meeting = river.calendly.invitee(uri), river.calendly.event(river.calendly.invitee(uri)["event"])
    marked = {**row, "no_show": {"uri": "https://api.calendly.com/invitee_no_shows/1", "created_at": row["created_at"]}}
    now = timezone.now()

    for minutes, seen in ((0, row), (10, row), (5, marked)):  # the mark was seen between the two, and arrives last
        taken_at = now + timedelta(minutes=minutes)
        booking = interpret.interpret_listing(seen, meeting, taken_at=taken_at)
        sync.record(river.connection, booking, source=ledger.Source())

    assert Booking.objects.get().status == "booked"
