"""One person is shown, read again, written to by hand, and exported, by e-mail address."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from calendly_connector.models import (
    Booking,
    BrevoAccount,
    Connection,
    ContactMirror,
    Job,
    Person,
    SyncLogEntry,
    WebhookDelivery,
)
from calendly_connector.services import erase, people, people_export, people_sync, people_update, retry
from calendly_connector.services.people_sync import Synced
from sandbox import scenarios
from sandbox.world import Fault
from tests.journeys.conftest import river
from tests.journeys.river import River
from tests.services.everywhere import EMAIL, OTHER, put_everywhere

__all__ = ["river"]

NADIA = scenarios.NADIA.email


def booked(river: River) -> Person:
    scenarios.booked(river.calendly)
    river.flow()
    return Person.objects.get(email=NADIA)


# -- Show -----------------------------------------------------------------------------------------------------------


def test_a_person_is_found_in_any_spelling_and_connection(connection: Connection) -> None:
    second = Connection.objects.create(name="Second", brevo_account=connection.brevo_account)
    made = [Person.objects.create(connection=each, email=EMAIL) for each in (connection, second)]

    assert people.find(f" {EMAIL.upper()}\n") == made
    assert people.find(EMAIL, connection=second) == made[1:]


def test_nobody_is_said_to_be_nobody(connection: Connection) -> None:
    with pytest.raises(people.UnknownPerson, match="“sync” looks"):
        people.find(EMAIL)


def test_everything_we_know_is_shown_with_what_brevo_has(river: River) -> None:
    person = booked(river)
    ContactMirror.objects.create(person=person, opt_out="unsubscribed")
    river.brevo.change_contact(NADIA, {"COMPANY": "By hand"})

    shown = people.describe(people.find(NADIA)[0], asks_brevo=True)

    assert (shown["email"], shown["name"]) == (NADIA, "Nadia Benali")
    assert [each["status"] for each in shown["bookings"]] == ["booked"]
    assert shown["totals"]["booked"] == 1
    assert shown["brevo"]["differences"] == 1
    assert shown["mirror"]["opt_out"] == "unsubscribed"
    assert [each["kind"] for each in shown["log"]] == ["event", "contact"]
    json.dumps(shown)


def test_brevo_that_cannot_be_asked_is_said_to_be_unknown(river: River) -> None:
    person = booked(river)
    BrevoAccount.objects.update(state="paused", pause_reason="No key.")

    shown = people.describe(people.find(person.email)[0], asks_brevo=True)

    assert not shown["brevo"]["is_known"]
    assert "No key." in shown["brevo"]["why_unknown"]
    assert people.describe(people.find(person.email)[0], asks_brevo=False)["brevo"] is None


# -- Sync -----------------------------------------------------------------------------------------------------------


def sync(email: str = NADIA, **options: Any) -> Synced:
    (done,) = people_sync.sync_person(email, by="anna", **options)
    return done


def forget_webhooks(river: River) -> None:
    """Let what Calendly wanted to deliver be lost."""
    for delivery in river.pending():
        river.calendly.deliveries.drop(delivery)


def test_somebody_whom_we_never_heard_of_is_brought_in(river: River) -> None:
    scenarios.booked(river.calendly)
    forget_webhooks(river)

    done = sync()
    river.work()

    assert (done.found, done.new, done.changed, done.is_queued) == (1, 1, 0, True)
    assert river.contact(NADIA)["attributes"]["BOOKING_STATUS"] == "booked"
    assert river.event_names(NADIA) == ["booked"]


def test_an_address_that_calendly_has_in_another_case_is_found(river: River) -> None:
    river.calendly.book(event_type="Demo", email="Tom.Berg@Example.com", name="Tom Berg")
    forget_webhooks(river)

    done = sync("Tom.Berg@Example.com")

    assert done.new == 1
    assert Person.objects.get().email == "tom.berg@example.com"


def test_what_is_known_is_read_again_and_a_missed_cancellation_is_news(river: River) -> None:
    person = booked(river)
    river.calendly.cancel(Booking.objects.get().uri)
    forget_webhooks(river)

    done = sync()
    river.work()

    assert (done.found, done.new, done.changed, done.person) == (1, 0, 1, person.pk)
    assert river.event_names(NADIA) == ["booked", "canceled"]
    assert river.contact(NADIA)["attributes"]["BOOKING_STATUS"] == "cancelled"


def test_synced_again_nothing_is_news_and_no_event_is_sent_twice(river: River) -> None:
    booked(river)

    for _time in range(2):
        done = sync()
        river.work()

    assert (done.found, done.new, done.changed) == (1, 0, 0)
    assert river.event_names(NADIA) == ["booked"]


def test_no_event_leaves_for_what_happened_long_ago(river: River, monkeypatch: pytest.MonkeyPatch) -> None:
    scenarios.booked(river.calendly)
    forget_webhooks(river)
    monkeypatch.setattr(people_sync, "RECENT", timedelta(0))  # all of it is long ago

    done = sync()
    river.work()

    assert done.new == 1
    assert river.contact(NADIA)["attributes"]["BOOKING_STATUS"] == "booked"
    assert river.event_names(NADIA) == []


def test_others_of_the_same_meeting_are_left_alone(river: River) -> None:
    first = river.calendly.book(event_type="Group demo", email=NADIA, name="Nadia Benali")
    event = first.split("/invitees/")[0]
    river.calendly.book(event=event, email="tom@example.com", name="Tom Berg")
    forget_webhooks(river)

    done = sync()

    assert done.found == 1
    assert [person.email for person in Person.objects.all()] == [NADIA]


def test_a_dry_run_counts_and_records_nothing(river: River) -> None:
    scenarios.booked(river.calendly)
    forget_webhooks(river)

    done = sync(is_dry_run=True)

    assert (done.found, done.new, done.is_queued) == (1, 1, False)
    assert not Person.objects.exists()


def test_a_booking_that_is_gone_at_calendly_is_counted(river: River) -> None:
    booked(river)
    river.sandbox.world.faults.add(
        Fault(
            provider="calendly",
            kind="status",
            status=404,
            path="/scheduled_events/{event_uuid}/invitees/{invitee_uuid}",
        )
    )
    Booking.objects.update(uri="https://api.calendly.com/scheduled_events/x/invitees/y")
    river.calendly.state.by_email.clear()  # and so the search finds nothing

    assert sync().gone == 1


def test_who_was_erased_is_counted_and_not_brought_in(river: River) -> None:
    booked(river)
    erase.erase(NADIA, by="anna")

    done = sync()

    assert (done.found, done.new, done.erased, done.is_queued) == (1, 0, 1, False)
    assert not Person.objects.exists()


def test_nobody_here_nor_there_is_said(river: River) -> None:
    with pytest.raises(people.UnknownPerson, match="Neither"):
        sync("nobody@example.com")


def test_calendly_that_cannot_be_asked_is_said_and_nothing_is_queued(river: River) -> None:
    booked(river)
    river.sandbox.world.faults.add(Fault(provider="calendly", kind="status", status=503))

    done = sync()

    assert "couldn't be asked" in done.words
    assert not done.is_queued


# -- Update ---------------------------------------------------------------------------------------------------------


def update(person: Person, **given: Any) -> dict[str, Any]:
    return people_update.update([people.rows().get(pk=person.pk)], given, by="anna")


def test_given_attributes_are_written_over_what_the_mapping_decides_and_lists_stay(river: River) -> None:
    number = river.brevo.add_list("Booked")
    river.map_lists("booked", join=[number])
    person = booked(river)
    river.brevo.unsubscribe(NADIA, [number])
    river.sandbox.world.journal.clear()

    values = update(person, company="Given Ltd", meeting_date="2030-01-31")
    river.work()

    contact = river.contact(NADIA)
    assert values == {"COMPANY": "Given Ltd", "MEETING_DATE": "2030-01-31"}
    assert contact["attributes"]["COMPANY"] == "Given Ltd"
    assert contact["attributes"]["FIRSTNAME"] == "Nadia"
    assert contact["listIds"] == []
    (call,) = river.calls("/contacts")
    assert not {"emailBlacklisted", "smsBlacklisted", "listIds"} & call.body.keys()
    entry = SyncLogEntry.objects.latest("pk")
    assert entry.state == "done"
    assert entry.request["attributes"]["COMPANY"] == "Given Ltd"


def test_a_person_without_bookings_is_written_too_and_what_was_done_about_lists_stays_known(river: River) -> None:
    person = Person.objects.create(connection=river.connection, email="eve@example.com", list_operations={"7": "join"})

    update(person, COMPANY="Given Ltd")
    river.work()

    assert river.contact("eve@example.com")["attributes"] == {"COMPANY": "Given Ltd"}
    person.refresh_from_db()
    assert (person.list_operations, bool(person.pushed_at)) == ({"7": "join"}, True)


def test_several_waiting_updates_become_one_write_of_the_newest_values(river: River) -> None:
    person = booked(river)
    river.sandbox.world.journal.clear()

    update(person, COMPANY="First", JOB_TITLE="Founder")
    update(person, COMPANY="Second")
    river.work()

    attributes = river.contact(NADIA)["attributes"]
    assert (attributes["COMPANY"], attributes["JOB_TITLE"]) == ("Second", "Founder")
    assert len(river.calls("/contacts")) == 1


def test_an_attribute_that_is_mapped_only_if_empty_is_written_when_it_is_given(river: River) -> None:
    river.map_field("answer:company", "COMPANY", overwrite="if_empty")
    person = booked(river)

    update(person, COMPANY="Given Ltd")
    river.work()

    assert river.contact(NADIA)["attributes"]["COMPANY"] == "Given Ltd"


def test_what_brevo_refused_keeps_the_given_values_for_the_next_try(river: River) -> None:
    person = booked(river)
    update(person, COMPANY="Given Ltd")
    river.sandbox.world.faults.add(
        Fault(provider="brevo", kind="status", status=400, path="/contacts", method="POST", body={"message": "no"})
    )
    river.work()
    assert SyncLogEntry.objects.latest("pk").state == "failed"

    retry.retry_entries(SyncLogEntry.objects.all())
    river.work()

    assert river.contact(NADIA)["attributes"]["COMPANY"] == "Given Ltd"


@pytest.mark.parametrize(
    ("given", "name", "words"),
    [
        ({"EMAIL": "other@example.com"}, "EMAIL", "can't be changed"),
        ({"email": "other@example.com"}, "EMAIL", "can't be changed"),
        ({"EXT_ID": "7"}, "EXT_ID", "can't be changed"),
        ({"NOT_THERE": "x"}, "NOT_THERE", "no attribute NOT_THERE"),
        ({"emailBlacklisted": False}, "EMAILBLACKLISTED", "no attribute"),
        ({"MEETING_DATE": "soon"}, "MEETING_DATE", "no date"),
        ({"SMS": "call me"}, "SMS", "phone number"),
        ({"COMPANY": None}, "COMPANY", "Give a text"),
        ({"COMPANY": {"a": 1}}, "COMPANY", "Give a text"),
        ({"COMPANY": [["a"]]}, "COMPANY", "Give a text"),
        ({"COMPANY": "a\0b"}, "COMPANY", "can't be stored"),
        ({"COMPANY": "\ud800"}, "COMPANY", "can't be stored"),
        ({"COMPANY": 10**400}, "COMPANY", "larger"),
        ({"COMPANY": float("nan")}, "COMPANY", "larger"),
        ({"": "x"}, "", "no attribute"),
        ({}, "", "between 1 and"),
    ],
)
def test_what_does_not_fit_is_said_and_nothing_is_written(
    river: River, given: dict[str, Any], name: str, words: str
) -> None:
    person = booked(river)
    count = SyncLogEntry.objects.count()

    with pytest.raises(people_update.Unfit) as unfit:
        people_update.update([person], {**given, **({"JOB_TITLE": "fits"} if given else {})}, by="anna")

    assert list(unfit.value.problems) == [name]
    assert words in unfit.value.problems[name]
    assert SyncLogEntry.objects.count() == count
    assert not Job.objects.filter(kind="push").exists()


def test_a_phone_is_written_as_brevo_takes_it(river: River) -> None:
    assert update(booked(river), SMS="+33 6 12-34-56-79") == {"SMS": "+33612345679"}


def test_without_brevos_attributes_nothing_is_written(river: River) -> None:
    person = booked(river)
    BrevoAccount.objects.update(attributes_read_at=timezone.now() - timedelta(days=1))
    river.sandbox.world.faults.add(Fault(provider="brevo", kind="status", status=503))

    with pytest.raises(people_update.Unfit, match="can't be read"):
        update(person, COMPANY="Given Ltd")


# -- Export ---------------------------------------------------------------------------------------------------------


def test_the_export_holds_everything_about_the_person(connection: Connection) -> None:
    put_everywhere(connection)

    document = people_export.export(EMAIL.upper())

    (person,) = document["people"]
    (booking,) = person["bookings"]
    assert booking["data"]["invitee"]["email"] == EMAIL
    assert [change["status"] for change in booking["status_changes"]] == ["booked"]
    assert len(person["log"]) == 2
    assert person["written"][0]["attributes"] == {"COMPANY": "Benali Conseil"}
    assert person["consents"][0]["answer"] == "Yes"
    assert person["mirror"]["opt_out"] == "unsubscribed"
    assert [job["kind"] for job in person["jobs"]] == ["push"]
    assert [each["body"]["payload"]["email"] for each in document["webhook_deliveries"]] == [EMAIL]
    assert document["brevo_deliveries"][0]["body"]["email"] == EMAIL
    assert {name: len(document[name]) for name in ("debug_records", "differences", "notices", "replays", "audit")} == {
        "debug_records": 2,
        "differences": 1,
        "notices": 1,
        "replays": 1,
        "audit": 2,
    }
    assert {each["table"] for each in document["named_elsewhere"]} >= {"Booking", "WebhookDelivery", "PendingMeeting"}


def test_the_export_says_nothing_of_others(connection: Connection) -> None:
    put_everywhere(connection)

    assert OTHER not in people_export.as_text(people_export.export(EMAIL))


def test_the_export_is_text_in_a_lasting_order_with_letters_as_they_are(connection: Connection) -> None:
    put_everywhere(connection)
    Booking.objects.filter(person__email=EMAIL).update(name="Zoë Ærø")

    first, second = (people_export.export(EMAIL) for _time in range(2))

    assert "Zoë Ærø" in people_export.as_text(first)
    assert {**first, "exported_at": ""} == {**second, "exported_at": ""}
    assert list(first) == list(second)


def test_a_waiting_delivery_of_theirs_is_exported_as_well(connection: Connection) -> None:
    WebhookDelivery.objects.create(
        connection=connection, digest=b"1", body=b"no json", email=EMAIL, received_at=timezone.now()
    )

    assert people_export.export(EMAIL)["webhook_deliveries"][0]["body"] == "no json"
