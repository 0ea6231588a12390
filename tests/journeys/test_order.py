"""Several workers never turn one person's deliveries around."""

from calendly_connector.models import WebhookDelivery
from calendly_connector.services import sync
from tests.journeys.river import River


def test_a_later_delivery_taken_up_first_waits_for_the_earlier_ones_of_the_same_person(river: River) -> None:
    first = river.calendly.book(event_type="Demo", email="tom@example.com", name="Tom Berg")
    river.calendly.move(first)
    river.deliver()
    newest = WebhookDelivery.objects.latest("pk")

    sync.take_in(newest.pk)
    river.work()

    assert river.event_names("tom@example.com") == ["booked", "rescheduled"]
