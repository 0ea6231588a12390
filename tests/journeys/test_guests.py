"""Guests have no booking of their own: left alone by default, bare contacts when the connection says so."""

from calendly_connector.models import Connection, EventType
from tests.journeys.river import River


def test_guests_are_left_alone_by_default(river: River) -> None:
    river.calendly.book(event_type="Demo", email="tom@example.com", name="Tom Berg", guests=["eve@example.com"])

    river.flow()

    assert [contact["email"] for contact in river.brevo.contacts()] == ["tom@example.com"]


def test_guests_become_contacts_without_lists_and_events_when_wanted(river: River) -> None:
    Connection.objects.update(guest_policy="contact")
    river.map_lists("booked", join=[river.brevo.add_list("Demos")])
    river.calendly.book(event_type="Demo", email="tom@example.com", name="Tom Berg", guests=["Eve@Example.com"])

    river.flow()

    guest = river.contact("eve@example.com")
    assert (guest["listIds"], guest["attributes"]) == ([], {})
    assert river.event_names("eve@example.com") == []


def test_a_guest_who_books_later_is_written_like_everybody(river: River) -> None:
    Connection.objects.update(guest_policy="contact")
    river.calendly.book(event_type="Demo", email="tom@example.com", name="Tom Berg", guests=["eve@example.com"])
    river.flow()

    river.calendly.book(event_type="Demo", email="eve@example.com", name="Eve Holm")
    river.flow()

    assert river.contact("eve@example.com")["attributes"]["BOOKING_STATUS"] == "booked"
    assert river.event_names("eve@example.com") == ["booked"]


def test_guests_of_an_ignored_event_type_are_left_alone(river: River) -> None:
    Connection.objects.update(guest_policy="contact")
    EventType.objects.filter(name="Demo").update(is_ignored=True)
    river.calendly.book(event_type="Demo", email="tom@example.com", name="Tom Berg", guests=["eve@example.com"])

    river.flow()

    assert river.brevo.contacts() == []
