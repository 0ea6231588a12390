"""Sync again writes the contact once more, sends no event, and leaves a trace."""

from calendly_connector.models import BulkImport, Job, Person, SyncLogEntry
from calendly_connector.services import resync
from sandbox import scenarios
from tests.journeys.conftest import river
from tests.journeys.river import River

__all__ = ["river"]

EMAIL = scenarios.NADIA.email


def booked(river: River) -> Person:
    scenarios.booked(river.calendly)
    river.flow()
    return Person.objects.get(email=EMAIL)


def test_a_wish_waits_in_the_log_with_who_asked_for_it(river: River) -> None:
    person = booked(river)

    entry = resync.sync_again(person, by="anna")

    assert (entry.kind, entry.state, entry.person) == ("contact", "waiting", person)
    assert entry.summary == "Bring the contact up to date: asked for by anna"
    assert Job.objects.get(kind="push").subject == person.pk


def test_the_contact_is_written_and_no_event_is_sent(river: River) -> None:
    person = booked(river)
    river.sandbox.world.journal.clear()

    entry = resync.sync_again(person, by="anna")
    river.work()

    entry.refresh_from_db()
    assert entry.state == "done"
    assert len(river.calls("/contacts")) == 1
    assert river.calls("/events") == []
    assert river.event_names(EMAIL) == ["booked"]


def test_two_wishes_become_one_write(river: River) -> None:
    person = booked(river)
    river.sandbox.world.journal.clear()

    for _ in range(2):
        resync.sync_again(person, by="anna")
    river.work()

    states = SyncLogEntry.objects.order_by("-pk").values_list("state", flat=True)[:2]
    assert list(states) == ["done", "merged"]
    assert len(river.calls("/contacts")) == 1


def test_a_wish_during_an_import_waits_for_its_end(river: River) -> None:
    person = booked(river)
    person.bulk_import = BulkImport.objects.create(account=river.account)
    person.save()

    entry = resync.sync_again(person, by="anna")
    river.work()

    entry.refresh_from_db()
    assert entry.state == "waiting"
