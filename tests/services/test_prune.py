"""What is kept for a while only, and what is kept until somebody has looked at it."""

from datetime import timedelta

import pytest
from django.utils import timezone

from calendly_connector.models import (
    Booking,
    BookingRequest,
    BrevoDelivery,
    Person,
    Reading,
    SyncLogEntry,
    WebhookDelivery,
)
from calendly_connector.services import prune
from tests.admin.rows import make_booking_row, make_connection, make_delivery, make_news, make_step

pytestmark = pytest.mark.django_db


def _deliveries(state: str, *, days: int) -> None:
    make_delivery(make_connection(), state=state)
    WebhookDelivery.objects.update(received_at=timezone.now() - timedelta(days=days))


@pytest.mark.parametrize(
    ("state", "days", "is_kept"),
    [
        ("processed", 29, True),
        ("processed", 31, False),
        ("ignored", 31, False),
        ("stored", 400, True),
        ("failed", 400, True),
        ("malformed", 400, True),
    ],
)
def test_settled_deliveries_go_after_a_month_and_troubled_ones_stay(state: str, days: int, is_kept: bool) -> None:
    _deliveries(state, days=days)

    prune.prune()

    assert WebhookDelivery.objects.exists() is is_kept


@pytest.mark.parametrize(
    ("kind", "days", "is_kept"),
    [("check", 89, True), ("check", 91, False), ("check", None, True), ("history", 900, True), ("gap", 900, True)],
)
def test_checks_that_are_over_go_after_three_months(kind: str, days: int | None, is_kept: bool) -> None:
    long_ago = timezone.now() - timedelta(days=1000)
    finished_at = timezone.now() - timedelta(days=days) if days else None
    Reading.objects.create(
        connection=make_connection(), kind=kind, since=long_ago, asked_at=long_ago, finished_at=finished_at
    )

    prune.prune()

    assert Reading.objects.exists() is is_kept


@pytest.mark.parametrize(
    ("state", "days", "is_kept"),
    [
        ("processed", 29, True),
        ("processed", 31, False),
        ("ignored", 31, False),
        ("malformed", 31, False),
        ("stored", 31, True),
    ],
)
def test_what_brevo_posted_goes_after_a_month_once_it_was_looked_at(state: str, days: int, is_kept: bool) -> None:
    received_at = timezone.now() - timedelta(days=days)
    make_news(make_connection().brevo_account, state=state, received_at=received_at)

    prune.prune()

    assert BrevoDelivery.objects.exists() is is_kept


@pytest.mark.parametrize(
    ("state", "days", "is_kept"),
    [
        ("done", 364, True),
        ("done", 366, False),
        ("merged", 366, False),
        ("skipped", 366, False),
        ("failed", 366, False),
        ("waiting", 900, True),
        ("sending", 900, True),
        ("unknown", 900, True),
    ],
)
def test_settled_steps_go_after_a_year_and_open_ones_stay(state: str, days: int, is_kept: bool) -> None:
    make_step(make_booking_row(make_connection()), state=state)
    SyncLogEntry.objects.update(created_at=timezone.now() - timedelta(days=days))

    prune.prune()

    assert SyncLogEntry.objects.exists() is is_kept


def test_the_ledger_and_its_people_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prune, "BATCH", 2)
    booking = make_booking_row(make_connection())
    for _ in range(5):
        make_step(booking, "contact", state="done")
    SyncLogEntry.objects.update(created_at=timezone.now() - timedelta(days=900))

    assert prune.prune() == "0 deliveries, 0 of Brevo's, 5 log entries, 0 booking requests and 0 debug records deleted"

    assert Booking.objects.count() == Person.objects.count() == 1


@pytest.mark.parametrize(
    ("state", "days", "is_kept"),
    [("booked", 29, True), ("booked", 31, False), ("asked", 31, False), ("unknown", 31, False), ("sending", 31, True)],
)
def test_what_was_asked_to_be_booked_goes_after_a_month(state: str, days: int, is_kept: bool) -> None:
    asked_at = timezone.now() - timedelta(days=days)
    BookingRequest.objects.create(
        connection=make_connection(), key="k", event_type="x", start_at=asked_at, email="a@example.com", wish={},
        asked_at=asked_at, state=state,
    )  # fmt: skip

    prune.prune()

    assert BookingRequest.objects.exists() is is_kept
