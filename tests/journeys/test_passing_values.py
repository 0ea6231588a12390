"""What is true of a booking, or at present, alone: it goes from Brevo when it is over, and nothing else does."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from calendly_connector.models import FieldMapping, SyncLogEntry
from calendly_connector.services import bulk
from tests.journeys.river import River

ADA = "ada@example.com"


def _start(days: int) -> str:
    return f"{_day(days)}T09:00:00Z"


def _day(days: int) -> str:
    return f"{timezone.now() + timedelta(days=days):%Y-%m-%d}"


def _book(river: River, email: str = ADA, *, days: int = 5) -> str:
    return river.calendly.book(event_type="Demo", email=email, name="Ada Berg", start_time=_start(days))


def _shown(river: River, *names: str, email: str = ADA) -> tuple[Any, ...]:
    attributes = river.contact(email)["attributes"]
    return tuple(attributes.get(name) for name in names)


def _finish(river: River) -> None:
    for _ in range(10):
        river.flow()
        if not SyncLogEntry.objects.filter(state__in=["waiting", "sending", "unknown"]).exists():
            return
        river.hurry()


@pytest.fixture
def passing(river: River) -> River:
    """Return a river whose contacts show the next meeting and why the last one was canceled."""
    river.add_attribute("NEXT_MEETING", type="date")
    river.map_field("next_meeting_date", "NEXT_MEETING")
    river.add_attribute("REASON", type="text")
    river.map_field("cancel_reason", "REASON")
    return river


def test_a_canceled_meeting_is_no_next_one_and_a_new_booking_has_no_reason_of_the_old(passing: River) -> None:
    uri = _book(passing)
    passing.flow()
    assert _shown(passing, "NEXT_MEETING", "REASON") == (_day(5), None)

    passing.calendly.cancel(uri, reason="Changed plans")
    passing.flow()
    assert _shown(passing, "NEXT_MEETING", "REASON") == (None, "Changed plans")

    _book(passing, days=12)
    passing.flow()
    assert _shown(passing, "NEXT_MEETING", "REASON") == (_day(12), None)


def test_what_somebody_else_wrote_into_brevo_is_not_cleared(passing: River) -> None:
    passing.brevo.add_contact(ADA, {"REASON": "Written by hand"})

    _book(passing)
    passing.flow()
    passing.calendly.book(event_type="Demo", email=ADA, name="Ada Berg", start_time=_start(12))
    passing.flow()

    assert _shown(passing, "REASON") == ("Written by hand",)


def test_what_may_only_fill_gaps_is_not_cleared(passing: River) -> None:
    FieldMapping.objects.filter(attribute="REASON").update(overwrite="if_empty")
    uri = _book(passing)
    passing.flow()
    passing.calendly.cancel(uri, reason="Changed plans")
    passing.flow()

    _book(passing, days=12)
    passing.flow()

    assert _shown(passing, "REASON") == ("Changed plans",)


def test_of_a_crowd_those_with_something_to_clear_are_written_singly(
    passing: River, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bulk, "PATIENCE", timedelta(0))
    settings.PEOPLE_AT_ONCE_FROM = 3
    passing.brevo.settings.import_seconds = 0.0
    people = [f"p{each}@example.com" for each in range(5)]
    booked = [_book(passing, email) for email in people]
    _finish(passing)
    for uri in booked[:2]:
        passing.calendly.cancel(uri, reason="Changed plans")
    for email in people[2:]:
        _book(passing, email, days=12)

    _finish(passing)

    shown = [_shown(passing, "NEXT_MEETING", "REASON", email=email) for email in people]
    assert shown == [(None, "Changed plans")] * 2 + [(_day(5), None)] * 3


def test_a_clearing_that_brevo_refuses_costs_the_clearing_alone(passing: River) -> None:
    uri = _book(passing)
    passing.flow()
    refusal = {"code": "invalid_parameter", "message": "Invalid date"}
    passing.break_brevo("status", "/contacts", status=400, body=refusal)

    passing.calendly.cancel(uri)
    passing.flow()

    assert _shown(passing, "BOOKING_STATUS", "NEXT_MEETING") == ("cancelled", _day(5))
    assert "NEXT_MEETING could not be cleared." in passing.log(kind="contact")[-1].reason
