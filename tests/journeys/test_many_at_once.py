"""When many people wait, contacts go through import and events by batch."""

from datetime import timedelta

import pytest

from calendly_connector.models import BulkImport, Person, SyncLogEntry
from calendly_connector.services import bulk
from tests.journeys.river import River

PEOPLE = 80


def _finish(river: River) -> None:
    for _ in range(10):
        river.work()
        if not SyncLogEntry.objects.filter(state__in=["waiting", "sending", "unknown"]).exists():
            return
        river.hurry()


@pytest.fixture(autouse=True)
def _nobody_waits_first(monkeypatch: pytest.MonkeyPatch) -> None:
    """Look for a crowd at once: how many are written singly within the first second depends on the machine."""
    monkeypatch.setattr(bulk, "PATIENCE", timedelta(0))


def test_a_crowd_is_imported_and_its_events_are_sent_in_batches(river: River) -> None:
    number = river.brevo.add_list("Demos")
    river.map_lists("booked", join=[number])
    river.map_lists("canceled", leave=[number])
    river.brevo.settings.import_seconds = 0.0
    booked = [
        river.calendly.book(event_type="Demo", email=f"p{at}@example.com", name=f"Person {at}") for at in range(PEOPLE)
    ]
    for uri in booked[:5]:
        river.calendly.cancel(uri)
    river.deliver()

    _finish(river)

    calls = river.sandbox.world.journal.calls("brevo")
    assert len([call for call in calls if call.template in ("/contacts", "/events")]) < 20
    assert [row.state for row in BulkImport.objects.all()] == ["done", "done"]
    assert [call.template for call in calls if "processes" in call.template] == ["/processes"]  # one look for both
    assert Person.objects.exclude(bulk_import=None).count() == 0
    for at in range(PEOPLE):
        email = f"p{at}@example.com"
        contact = river.contact(email)
        assert contact["attributes"]["BOOKING_STATUS"] == ("cancelled" if at < 5 else "booked")
        assert contact["listIds"] == ([] if at < 5 else [number])
        assert river.event_names(email) == (["booked", "canceled"] if at < 5 else ["booked"])
    written = SyncLogEntry.objects.filter(kind="contact", state="done")
    assert set(written.values_list("attempts", flat=True)) == {1}
    assert not written.filter(sent_at=None).exists()
