"""The judge of `make chaos` finds what is lost and what is doubled."""

import random
from collections.abc import Callable

import pytest
from pytest_django.fixtures import Settings

from calendly_connector.models import Booking, SyncLogEntry, WebhookDelivery
from sandbox.app import Sandbox
from tests.chaos import play, verdict
from tests.chaos.lives import Lives
from tests.journeys.river import River

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def lived(running_sandbox: Sandbox, settings: Settings) -> tuple[River, dict[str, int]]:
    """Return an installation that took in forty bookings of people's lives, one after the other."""
    river, lists = play.connected(running_sandbox, settings)
    lives = Lives(river.calendly, random.Random(7), bookings=40)
    while lives.told < lives.wanted:
        lives.go_on()
        river.flow()
    return river, lists


def an_event_twice(river: River) -> str:
    river.brevo.state.events.append(river.brevo.state.events[0])
    return "is in Brevo 2 times and 1 times in the log"


def an_event_lost(river: River) -> str:
    wanted = Booking.objects.filter(status="no_show").values_list("uri", flat=True)[0]
    events = river.brevo.state.events
    kept = [each for each in events if each.event_properties["booking_id"] != wanted]
    assert len(kept) < len(events)
    events[:] = kept
    return "and Brevo has no event “no_show”"


def a_booking_lost(river: River) -> str:
    Booking.objects.filter(pk=Booking.objects.filter(status="booked").latest("pk").pk).update(status="canceled")
    return "is ('canceled', "


def a_message_lost(river: River) -> str:
    WebhookDelivery.objects.filter(pk=WebhookDelivery.objects.latest("pk").pk).update(state="ignored")
    return "were acknowledged"


def an_open_step(river: River) -> str:
    SyncLogEntry.objects.filter(pk=SyncLogEntry.objects.latest("pk").pk).update(state="waiting")
    return "is waiting"


def a_contact_left_behind(river: River) -> str:
    email = river.brevo.contacts()[0]["email"]
    river.brevo.change_contact(email, {"BOOKINGS": 99})
    return f"{email} shows"


DAMAGES = [an_event_twice, an_event_lost, a_booking_lost, a_message_lost, an_open_step, a_contact_left_behind]


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_went_wrong_is_found(lived: tuple[River, dict[str, int]], damage: Callable[[River], str]) -> None:
    river, lists = lived
    taken = WebhookDelivery.objects.count()
    assert list(verdict.problems(river.sandbox, lists, taken=taken)) == []

    words = damage(river)

    found = list(verdict.problems(river.sandbox, lists, taken=taken))
    assert [each for each in found if words in each], found
