"""A month and a year later: what was posted is gone, and everything that needs no raw body still works."""

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import call_command
from django.test import Client
from django.utils import timezone

from calendly_connector.admin import parts
from calendly_connector.models import Booking, Person, SyncLogEntry, WebhookDelivery
from sandbox.calendly_webhooks import Delivery
from tests.journeys.river import River

EMAIL = "tom@example.com"


def told(command: str, *arguments: str) -> str:
    """Return what a command says."""
    out = StringIO()
    call_command(command, *arguments, stdout=out, no_color=True)
    return out.getvalue()


def purge_after(days: int) -> None:
    """Let days go by for what was posted and logged, and delete what is old."""
    ago = timezone.now() - timedelta(days=days)
    WebhookDelivery.objects.update(received_at=ago, processed_at=ago)
    SyncLogEntry.objects.update(created_at=ago)
    told("calendly_purge")


@pytest.fixture
def booked(river: River) -> str:
    """Let Tom have booked a meeting; return the invitee."""
    return river.calendly.book(event_type="Demo", email=EMAIL, name="Tom Berg")


@pytest.fixture
def delivery(river: River, booked: str) -> Delivery:
    """Let the booking flow to Brevo; return its delivery."""
    found = river.pending()[0]
    river.flow()
    return found


def test_after_31_days_the_body_is_gone_and_the_rest_is_there(river: River, delivery: Delivery) -> None:
    purge_after(31)

    row = WebhookDelivery.objects.get()
    assert (bytes(row.body), row.state) == (b"", "processed")
    assert Booking.objects.get().person == Person.objects.get(email=EMAIL)
    assert sorted(SyncLogEntry.objects.values_list("kind", "state")) == [("contact", "done"), ("event", "done")]


def test_the_same_webhook_after_31_days_is_known(river: River, delivery: Delivery) -> None:
    purge_after(31)

    assert river.post(delivery) == 200
    river.work()

    assert WebhookDelivery.objects.count() == 1
    assert river.event_names(EMAIL) == ["booked"]


def test_the_same_webhook_after_a_year_is_no_news(river: River, delivery: Delivery) -> None:
    purge_after(366)
    assert not WebhookDelivery.objects.exists()
    assert not SyncLogEntry.objects.exists()

    assert river.post(delivery) == 200
    river.work()

    assert WebhookDelivery.objects.get().reason.startswith("Nothing new")
    assert river.event_names(EMAIL) == ["booked"]


def test_a_check_after_a_year_tells_brevo_nothing_twice(river: River, delivery: Delivery) -> None:
    purge_after(366)

    told("calendly_reconcile")
    river.work()

    assert Booking.objects.count() == 1
    assert river.event_names(EMAIL) == ["booked"]


def test_a_move_after_31_days_is_a_move(river: River, booked: str, delivery: Delivery) -> None:
    purge_after(31)

    river.calendly.move(booked)
    river.flow()

    assert river.event_names(EMAIL) == ["booked", "rescheduled"]


def test_a_replay_after_31_days_needs_no_body(river: River, delivery: Delivery) -> None:
    purge_after(31)

    told("calendly_replay", "--email", EMAIL, "--events-again")
    river.work()

    assert river.event_names(EMAIL) == ["booked", "booked"]


def test_a_replay_says_what_can_be_replayed_no_more(river: River, delivery: Delivery) -> None:
    number = SyncLogEntry.objects.latest("pk").pk
    purge_after(366)

    by_time = told("calendly_replay", "--since", "2001-01-01")
    by_number = told("calendly_replay", "--entry", str(number))

    assert "are deleted by age: they can't be replayed any more. The bookings are still there" in by_time
    assert "1 of the picked entries are not in the log any more: they can't be replayed." in by_number


def test_a_contact_can_still_be_written_after_a_year(river: River, delivery: Delivery) -> None:
    purge_after(366)
    river.brevo.change_contact(EMAIL, {"BOOKING_STATUS": "no_show"})

    told("calendly_person", "sync", EMAIL)
    river.work()

    assert river.contact(EMAIL)["attributes"]["BOOKING_STATUS"] == "booked"


def test_staff_read_why_a_body_is_gone(river: River, delivery: Delivery, admin_client: Client) -> None:
    purge_after(31)

    page = admin_client.get(parts.page_of(WebhookDelivery, WebhookDelivery.objects.get().pk)).content.decode()

    assert "It was deleted because of its age." in page
