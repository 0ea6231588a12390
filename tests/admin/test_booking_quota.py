"""What staff see of Calendly's limits of bookings through our pages."""

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from calendly_connector.models import BookingPage, BookingRequest
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
