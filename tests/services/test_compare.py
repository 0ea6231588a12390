"""Comparing shows exactly what differs, by one reading call, and writes nothing."""

import pytest
from pytest_django.fixtures import Settings

from calendly_connector.core.difference import Verdict
from calendly_connector.models import BrevoAccount, Person, SyncLogEntry
from calendly_connector.services import accounts, compare, queue, resync
from sandbox import scenarios
from tests.journeys.conftest import river
from tests.journeys.river import River

__all__ = ["river"]

EMAIL = scenarios.NADIA.email


def booked(river: River) -> Person:
    """Return Nadia, who has booked and is in Brevo."""
    scenarios.booked(river.calendly)
    river.flow()
    return Person.objects.get(email=EMAIL)


def again(person: Person) -> Person:
    return Person.objects.get(pk=person.pk)


def test_what_was_written_shows_no_difference_and_comparing_reads_once(river: River) -> None:
    person = booked(river)
    river.sandbox.world.journal.clear()

    found = compare.compare(person)

    assert (found.is_same, found.is_missing, found.is_blocked) == (True, False, False)
    assert {line.name for line in found.attributes} >= {"FIRSTNAME", "COMPANY", "SMS", "MEETING_DATE"}
    assert [call.method for call in river.sandbox.world.journal.calls("brevo")] == ["GET"]


def test_a_change_by_hand_is_the_only_difference_until_synced_again(river: River) -> None:
    person = booked(river)
    river.brevo.change_contact(EMAIL, {"COMPANY": "Changed by hand"})

    before = compare.compare(person)
    resync.sync_again(person, by="anna")
    river.work()
    after = compare.compare(again(person))

    different = [line for line in before.attributes if line.verdict is Verdict.DIFFERENT]
    assert [(line.name, line.wanted, line.found) for line in different] == [
        ("COMPANY", "Benali Conseil", "Changed by hand")
    ]
    assert (before.differences, after.differences, after.is_same) == (1, 0, True)


def test_a_deleted_contact_is_missing_until_synced_again(river: River) -> None:
    person = booked(river)
    river.brevo.delete_contact(EMAIL)

    before = compare.compare(person)
    resync.sync_again(person, by="anna")
    river.work()

    assert (before.is_missing, before.is_same) == (True, False)
    assert compare.compare(again(person)).is_same


def test_who_was_taken_off_a_list_in_brevo_is_left_off(river: River) -> None:
    number = river.brevo.add_list("Booked")
    river.map_lists("booked", join=[number])
    person = booked(river)
    river.brevo.unsubscribe(EMAIL, [number])

    found = compare.compare(person)
    resync.sync_again(person, by="anna")
    river.work()

    assert [(line.number, line.verdict) for line in found.lists] == [(number, Verdict.LEFT_ALONE)]
    assert found.is_same
    assert river.contact(EMAIL)["listIds"] == []


def test_the_blocklist_is_told(river: River) -> None:
    person = booked(river)
    river.brevo.block(EMAIL)

    assert compare.compare(person).is_blocked


def test_comparing_changes_nothing(river: River) -> None:
    person = booked(river)
    before = (Person.objects.values().get(pk=person.pk), SyncLogEntry.objects.count(), river.contact(EMAIL))

    compare.compare(person)

    assert (Person.objects.values().get(pk=person.pk), SyncLogEntry.objects.count(), river.contact(EMAIL)) == before


def test_a_paused_account_is_not_asked(river: River) -> None:
    person = booked(river)
    accounts.pause(river.account, "Brevo has no credits.")
    river.sandbox.world.journal.clear()

    with pytest.raises(queue.Later, match=r"paused.*Brevo has no credits\."):
        compare.compare(again(person))

    assert river.sandbox.world.journal.calls("brevo") == []


def test_an_unreachable_brevo_is_words(river: River, settings: Settings) -> None:
    person = booked(river)
    settings.BREVO_API_URL = "http://127.0.0.1:9/v3"

    with pytest.raises(queue.Later, match="Brevo"):
        compare.compare(person)


def test_without_a_key_nothing_is_paused(river: River, settings: Settings) -> None:
    person = booked(river)
    settings.BREVO_API_KEY = ""

    with pytest.raises(queue.Later, match="There is no Brevo key"):
        compare.compare(person)

    assert BrevoAccount.objects.get().state == "active"
