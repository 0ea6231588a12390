"""A booking at Calendly becomes a contact and an event in Brevo."""

from calendly_connector.models import Booking, Job, WebhookDelivery
from tests.journeys.river import River


def test_a_booking_becomes_a_contact_with_typed_attributes_and_one_event(river: River) -> None:
    number = river.brevo.add_list("Discovery calls")
    river.map_lists("booked", join=[number])
    river.calendly.book(
        event_type="Discovery call",
        email=" Nadia.Benali@Example.com ",
        first_name="Nadia",
        last_name="Benali",
        start_time="2026-12-03T09:00:00Z",
        timezone="Europe/Paris",
        answers={"Company": "Benali Conseil", "Mobile number": "+33 6 12 34 56 78"},
    )

    river.flow()

    contact = river.contact("nadia.benali@example.com")
    assert contact["listIds"] == [number]
    assert contact["attributes"] == {
        "FIRSTNAME": "Nadia",
        "LASTNAME": "Benali",
        "COMPANY": "Benali Conseil",
        "SMS": "33612345678",
        "CALENDLY_EVENT_TYPE": "Discovery call",
        "MEETING_DATE": "2026-12-03",
        "BOOKING_STATUS": "booked",
    }
    assert river.event_names("nadia.benali@example.com") == ["booked"]
    assert Job.objects.exclude(kind__in=["sweep", "clock", "prune"]).count() == 0
    assert [delivery.state for delivery in WebhookDelivery.objects.all()] == ["processed"]


def test_a_moved_meeting_is_no_cancellation(river: River) -> None:
    first = river.calendly.book(event_type="Demo", email="tom@example.com", name="Tom Berg")
    river.flow()

    river.calendly.move(first)
    river.flow()

    assert river.event_names("tom@example.com") == ["booked", "rescheduled"]
    assert river.contact("tom@example.com")["attributes"]["BOOKING_STATUS"] == "booked"
    assert sorted(Booking.objects.values_list("status", "moves")) == [("booked", 1), ("rescheduled", 0)]


def test_a_cancellation_says_by_whom_and_why(river: River) -> None:
    booked = river.calendly.book(event_type="Demo", email="tom@example.com", name="Tom Berg")
    river.calendly.cancel(booked, by="host", reason="Ill")

    river.flow()

    assert river.event_names("tom@example.com") == ["booked", "canceled"]
    properties = river.brevo.events(name="calendly_meeting_canceled")[0]["event_properties"]
    assert (properties["canceler_type"], properties["cancel_reason"]) == ("host", "Ill")
    assert river.contact("tom@example.com")["attributes"]["BOOKING_STATUS"] == "cancelled"


def test_a_no_show_and_its_undo(river: River) -> None:
    booked = river.calendly.book(event_type="Demo", email="tom@example.com", name="Tom Berg")
    river.flow()
    river.calendly.mark_no_show(booked)
    river.flow()
    assert river.contact("tom@example.com")["attributes"]["BOOKING_STATUS"] == "no_show"

    river.calendly.undo_no_show(booked)
    river.flow()

    assert river.event_names("tom@example.com") == ["booked", "no_show", "no_show_undone"]
    assert river.contact("tom@example.com")["attributes"]["BOOKING_STATUS"] == "booked"
