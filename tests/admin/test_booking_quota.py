"""What staff see of Calendly's limits of bookings through our pages."""

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from calendly_connector.admin import parts
from calendly_connector.models import BookingPage, BookingRequest
from calendly_connector.services import booking_limits
from tests.admin.rows import make_connection

pytestmark = pytest.mark.django_db


def test_a_connections_page_says_how_much_is_used(admin_client: Client) -> None:
    connection = make_connection()
    BookingPage.objects.create(connection=connection, slug="talk", title="Talk")
    now = timezone.now()
    BookingRequest.objects.create(
        connection=connection, key="k", event_type="x", start_at=now, email="a@example.com", wish={}, asked_at=now,
        sent_at=now, state="booked",
    )  # fmt: skip

    page = admin_client.get(reverse("admin:calendly_connector_connection_change", args=[connection.pk]))

    said = "1 of 10 in the last minute, 1 of 50 in the last hour, 1 of 100 in the last day"
    assert said in page.content.decode()


def test_staff_read_that_calendly_itself_takes_no_more(admin_client: Client) -> None:
    """Its limits are one for everything that books as this user: other programs use them up too."""
    connection = make_connection()
    page = BookingPage.objects.create(connection=connection, slug="talk", title="Talk")
    booking_limits.block(connection, seconds=300)

    for row in (connection, page):
        shown = admin_client.get(parts.page_of(type(row), row.pk)).content.decode()
        assert "0 of 100 in the last day. Calendly takes no more until " in shown
