"""A meeting is canceled from a booking's page: with how many it hits, for a reason, and only while that is true."""

from django.test import Client
from django.urls import reverse

from calendly_connector.admin import cancel, parts
from calendly_connector.models import Booking, Connection
from calendly_connector.services import roles
from sandbox import scenarios
from sandbox.calendly_world import GROUP_DEMO
from tests.admin.people import client_of
from tests.admin.rows import make_booking_row
from tests.admin.test_held import book_held
from tests.journeys.river import River


def two_of_a_group(river: River) -> Booking:
    """Let two people book the same slot of a group meeting, and return the first one's booking."""
    uri = scenarios.book(river.calendly, scenarios.NADIA, GROUP_DEMO)
    join(river, uri, "zoe@example.com")
    river.flow()
    return Booking.objects.get(uri=uri)


def join(river: River, uri: str, email: str) -> str:
    start = river.calendly.event(river.calendly.invitee(uri)["event"])["start_time"]
    return river.calendly.book(event_type=GROUP_DEMO, email=email, name="Zoé", start_time=start)


def address_of(row: Booking) -> str:
    return reverse(f"admin:{cancel.NAME}", args=[row.pk])


def post(client: Client, row: Booking, **values: str) -> str:
    """Answer the question and return the page that follows."""
    return client.post(address_of(row), {"confirmed": "yes", **values}, follow=True).content.decode()


def test_the_question_says_how_many_it_hits_and_what_follows(river: River) -> None:
    row, operator = two_of_a_group(river), client_of(roles.OPERATOR)

    offered = operator.get(parts.page_of(Booking, row.pk)).content.decode()
    page = operator.get(address_of(row)).content.decode()

    assert f'<a href="{address_of(row)}" class="cc-tool">Cancel the meeting…</a>' in offered
    assert "It hits 2 people." in page
    assert "for everybody, not for one person alone" in page
    assert "<li>Nadia Benali</li><li>Zoé</li>" in page
    assert 'maxlength="10000"' in page


def test_a_yes_with_a_reason_cancels_for_everybody_here_and_in_brevo(river: River) -> None:
    row, operator = two_of_a_group(river), client_of(roles.OPERATOR)

    page = post(operator, row, people="2", reason="The speaker is ill")
    river.flow()

    assert "The meeting was canceled in Calendly." in page
    assert {each.status for each in Booking.objects.all()} == {"canceled"}
    for email in (scenarios.NADIA.email, "zoe@example.com"):
        assert river.event_names(email) == ["booked", "canceled"]


def test_nothing_is_canceled_without_a_reason_or_with_too_long_a_one(river: River) -> None:
    row, operator = two_of_a_group(river), client_of(roles.OPERATOR)

    assert "Please give a reason." in post(operator, row, people="2", reason="  ")
    assert "The reason has 10001 characters" in post(operator, row, people="2", reason="x" * 10_001)
    row.refresh_from_db()
    assert row.status == "booked"


def test_who_booked_meanwhile_is_not_canceled_unasked(river: River) -> None:
    row, operator = two_of_a_group(river), client_of(roles.OPERATOR)
    join(river, row.uri, "tom@example.com")

    page = post(operator, row, people="2", reason="Ill")

    assert "Meanwhile more people have booked" in page
    assert "It hits 3 people." in page
    assert river.calendly.event(row.meeting_uri)["status"] == "active"
    assert "The meeting was canceled" in post(operator, row, people="3", reason="Ill")


def test_a_meeting_that_has_begun_is_refused_with_words(river: River) -> None:
    row, operator = book_held(river), client_of(roles.OPERATOR)

    assert "Calendly cancels no past meetings" in operator.get(address_of(row)).content.decode()
    assert "Calendly cancels no past meetings" in post(operator, row, people="1", reason="Ill")
    assert "Cancel the meeting…" not in operator.get(parts.page_of(Booking, row.pk)).content.decode()


def test_what_is_canceled_already_is_not_asked_about(river: River) -> None:
    row, operator = two_of_a_group(river), client_of(roles.OPERATOR)
    post(operator, row, people="2", reason="Ill")

    page = operator.get(address_of(row), follow=True).content.decode()

    assert "This booking is “Canceled” already." in page


def test_a_viewer_may_not_cancel(connection: Connection) -> None:
    row, viewer = make_booking_row(connection), client_of(roles.VIEWER)

    assert "Cancel the meeting…" not in viewer.get(parts.page_of(Booking, row.pk)).content.decode()
    assert viewer.get(address_of(row)).status_code == 403
    assert viewer.post(address_of(row), {"confirmed": "yes", "people": "1", "reason": "x"}).status_code == 403
