"""A person's page tells what Calendly said, what we decided and what Brevo answered, with both systems side by side."""

import re
from collections.abc import Callable
from datetime import datetime, timedelta

import pytest
from cryptography.fernet import Fernet
from django.contrib.admin.models import LogEntry
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pytest_django.fixtures import Settings

from calendly_connector.admin import parts, timeline
from calendly_connector.models import (
    Booking,
    BrevoAccount,
    BrevoList,
    Connection,
    ConsentProof,
    Person,
    Replay,
    StatusChange,
    SyncLogEntry,
    WebhookDelivery,
)
from calendly_connector.services import accounts, setup
from sandbox import scenarios
from tests.admin.pressing import BREVO_KEY
from tests.admin.rows import make_booking_row, make_connection, make_delivery, make_step
from tests.admin.test_actions import YES, act
from tests.journeys.river import River

EMAIL = scenarios.NADIA.email


def address_of(person: Person, query: str = "") -> str:
    return parts.page_of(Person, person.pk) + query


def read(client: Client, person: Person, query: str = "") -> str:
    """Return a person's page as text without tags, each run of white space one blank."""
    page = client.get(address_of(person, query))
    assert page.status_code == 200
    return " ".join(re.sub(r"<[^>]+>", " ", page.content.decode()).split())


def blocks_of(client: Client, person: Person, query: str = "") -> list[timeline.Block]:
    found: list[timeline.Block] = client.get(address_of(person, query)).context["blocks"]
    return found


def booked(river: River) -> Person:
    scenarios.booked(river.calendly)
    river.flow()
    return Person.objects.get(email=EMAIL)


def note(booking: Booking, source: str, at: datetime, **fields: object) -> StatusChange:
    """Return a change of status, noted at a moment."""
    change = StatusChange.objects.create(
        booking=booking, status=booking.status, source=source, happened_at=at, **fields
    )
    StatusChange.objects.filter(pk=change.pk).update(noted_at=at)
    return change


def make_step_at(booking: Booking, at: datetime, kind: str = "contact", **fields: object) -> SyncLogEntry:
    step = make_step(booking, kind, **fields)
    SyncLogEntry.objects.filter(pk=step.pk).update(created_at=at)
    return step


# -- The timeline -----------------------------------------------------------------------------------------------


def test_a_booking_is_told_from_delivery_to_answer(staff: Client, river: River) -> None:
    person = booked(river)

    text = read(staff, person)
    (block,) = blocks_of(staff, person)

    assert "Calendly said" in str(block.side)
    assert "invitee.created" in str(block.what)
    assert [line["kind"] for line in block.lines] == ["Write contact", "Send event"]
    assert re.search(r"We decided Contact written: \d+ attributes Brevo answered ✓ Done", text)
    assert re.search(r"We decided Send event calendly_meeting_booked Brevo answered ✓ Done", text)


def test_what_was_left_out_says_why_and_that_nothing_was_sent(staff: Client, connection: Connection) -> None:
    booking = make_booking_row(connection)
    delivery = make_delivery(connection, booking_uri=booking.uri)
    make_step(
        booking, delivery=delivery, state="skipped", summary="No event booked", reason="The mapping sends no event."
    )

    text = read(staff, booking.person)

    assert "No event booked – Left out The mapping sends no event. Brevo answered Nothing was sent." in text


def test_lists_are_named_and_refusals_say_why(staff: Client, connection: Connection) -> None:
    BrevoList.objects.create(account=connection.brevo_account, number=4, name="Demos", read_at=timezone.now())
    booking = make_booking_row(connection)
    make_step(booking, "leave_lists", request={"lists": [4]}, state="failed", reason="Brevo refused. No such list.")

    text = read(staff, booking.person)

    assert "Lists: #4 Demos Brevo answered ✕ Failed Brevo refused. No such list." in text


def test_done_with_a_value_left_out_is_not_all_green(staff: Client, connection: Connection) -> None:
    booking = make_booking_row(connection)
    step = make_step(booking, "contact", state="done", cause="attribute_missing:CITY")

    pages = [
        read(staff, booking.person),
        staff.get(reverse("admin:calendly_connector_booking_change", args=[booking.pk])).content.decode(),
        staff.get(reverse("admin:calendly_connector_synclogentry_changelist")).content.decode(),
        staff.get(reverse("admin:calendly_connector_synclogentry_change", args=[step.pk])).content.decode(),
        staff.get(reverse("admin:calendly_connector_person_changelist")).content.decode(),
    ]

    assert all("Done, with a warning" in page for page in pages)


def test_what_waits_for_a_paused_account_says_so(staff: Client, connection: Connection) -> None:
    booking = make_booking_row(connection)
    step = make_step(booking, "contact")
    BrevoAccount.objects.update(state="paused")

    pages = [
        read(staff, booking.person),
        staff.get(reverse("admin:calendly_connector_synclogentry_change", args=[step.pk])).content.decode(),
    ]

    assert all("Waiting, because writing is paused" in page for page in pages)


def test_a_replayed_write_is_marked_and_leads_to_its_replay(staff: Client, connection: Connection) -> None:
    booking = make_booking_row(connection)
    replay = Replay.objects.create(connection=connection, chosen={}, asked_at=timezone.now())
    make_step(booking, "contact", happening=f"replay-{replay.pk}")
    make_step(booking, happening=f"booked:replay-{replay.pk}")

    page = staff.get(parts.page_of(Person, booking.person.pk)).content.decode()

    link = f'<a href="{parts.page_of(Replay, replay.pk)}">Replayed (replay {replay.pk})</a>'
    assert page.count(link) == 2


def test_a_delivery_that_waits_or_brought_nothing_is_a_block_too(staff: Client, connection: Connection) -> None:
    booking = make_booking_row(connection)
    make_delivery(connection, booking_uri=booking.uri, state="processed", reason="Nothing new: we knew this.")
    make_delivery(connection, email=booking.person.email, state="stored", webhook_name="")

    waiting, known = blocks_of(staff, booking.person)

    assert (waiting.lines, known.lines) == ([], [])
    assert known.reason == "Nothing new: we knew this."
    assert "Nothing had to be written for this." in read(staff, booking.person)


def test_what_no_delivery_brought_stands_with_what_caused_it(staff: Client, connection: Connection) -> None:
    booking, now = make_booking_row(connection), timezone.now()
    hours = [now - timedelta(hours=number) for number in (1, 2, 3)]
    note(booking, "clock", hours[0])
    make_step_at(booking, hours[0], kind="event", summary="Send event attended")
    note(booking, "listing", hours[1])
    make_step_at(booking, hours[1], summary="Bring the contact up to date")
    make_step_at(booking, hours[2], summary="Make a contact of a guest")

    found = blocks_of(staff, booking.person)

    assert [(str(block.side), len(block.lines)) for block in found] == [
        ("Time passed", 1),
        ("We read from Calendly", 1),
        ("We noticed", 1),
    ]


def test_lists_that_are_left_stand_with_the_write_that_decided_it(staff: Client, connection: Connection) -> None:
    booking, now = make_booking_row(connection), timezone.now()
    hour, written = now - timedelta(hours=1), now - timedelta(minutes=50)
    note(booking, "listing", hour)
    make_step_at(booking, hour, settled_at=written, state="done")
    make_step_at(booking, written, kind="leave_lists", summary="Leave lists #4")

    (block,) = blocks_of(staff, booking.person)

    assert [line["kind"] for line in block.lines] == ["Write contact", "Leave lists"]


def test_the_other_half_of_a_move_stands_with_the_delivery_that_told_of_it(staff: Client, river: River) -> None:
    scenarios.moved(river.calendly)
    river.flow()
    person = Person.objects.get(email=scenarios.ZOE.email)

    found = blocks_of(staff, person)

    assert {str(block.side) for block in found} == {"Calendly said"}
    assert "Moved" in " ".join(str(badge) for block in found for badge in block.badges)


def test_the_order_can_be_turned(staff: Client, river: River) -> None:
    scenarios.canceled(river.calendly)
    river.flow()
    person = Person.objects.get(email=scenarios.TOM.email)

    newest_first, oldest_first = blocks_of(staff, person), blocks_of(staff, person, "?order=oldest")

    assert [block.what for block in newest_first] == [block.what for block in oldest_first][::-1]
    assert "invitee.canceled" in str(newest_first[0].what)
    assert "Show the oldest first" in read(staff, person)
    assert "Show the newest first" in read(staff, person, "?order=oldest")


def test_a_long_story_is_cut_and_the_whole_of_it_is_linked(staff: Client, connection: Connection) -> None:
    booking = make_booking_row(connection)
    for _ in range(timeline.NEWEST + 3):
        make_delivery(connection, booking_uri=booking.uri)

    page = staff.get(address_of(booking.person))

    assert len(page.context["blocks"]) == timeline.NEWEST
    assert f"Only the newest {timeline.NEWEST} are shown." in page.content.decode()
    assert parts.list_of(SyncLogEntry, person__id__exact=booking.person.pk) in page.content.decode()


def test_fifty_entries_cost_as_many_queries_as_five(staff: Client, connection: Connection) -> None:
    booking = make_booking_row(connection)

    def queries(count: int) -> int:
        for number in range(SyncLogEntry.objects.count(), count):
            each = make_booking_row(connection, f"nadia-{number}")
            delivery = make_delivery(connection, booking_uri=each.uri)
            make_step(each, delivery=delivery, request={"lists": [number]})
            make_step(each, "contact")
            note(each, "webhook", timezone.now(), delivery=delivery)
            ConsentProof.objects.create(person=booking.person, booking=each, mode="answer", given_at=timezone.now())
        with CaptureQueriesContext(database) as found:
            read(staff, booking.person)
        return len(found)

    read(staff, booking.person)  # what a session remembers from its first page on is asked for once
    few = queries(5)

    assert queries(50) == few <= 20


def test_somebody_of_whom_nothing_is_known_has_a_page(staff: Client, connection: Connection) -> None:
    person = Person.objects.create(connection=connection, email="guest@example.com")

    text = read(staff, person)

    assert "Nothing has happened yet." in text
    assert "No bookings." in text
    assert "No consent has been recorded." in text


def test_what_another_connection_heard_is_not_told_here(staff: Client, connection: Connection) -> None:
    booking = make_booking_row(connection)
    make_delivery(make_connection("Other", is_environment=False), booking_uri=booking.uri)

    assert blocks_of(staff, booking.person) == []


# -- Both sides -------------------------------------------------------------------------------------------------


def test_our_side_counts_as_the_contact_does(staff: Client, river: River) -> None:
    scenarios.moved(river.calendly)
    river.flow()
    person = Person.objects.get(email=scenarios.ZOE.email)

    text = read(staff, person)

    assert re.search(r"Booked 1 Moved 1 Canceled 0 No-shows 0 Attended 0", text)
    assert re.search(r"Next meeting ✓ Booked Discovery call", text)


def test_consents_are_shown_with_question_answer_and_lists(staff: Client, connection: Connection) -> None:
    booking = make_booking_row(connection)
    ConsentProof.objects.create(
        person=booking.person, booking=booking, mode="answer", question="May we write?", answer="Yes, <b>do</b>",
        lists=[4], given_at=booking.booked_at,
    )  # fmt: skip

    text = read(staff, booking.person)

    assert "May we write? Yes, &lt;b&gt;do&lt;/b&gt; #4 Only with a chosen answer" in text


def test_brevo_is_asked_only_when_the_button_was_pressed(staff: Client, river: River) -> None:
    person = booked(river)
    river.sandbox.world.journal.clear()

    text = read(staff, person)

    assert "Compare with Brevo now" in text
    assert river.sandbox.world.journal.calls("brevo") == []


def test_comparing_marks_the_difference_by_word_and_sign(staff: Client, river: River) -> None:
    person = booked(river)
    river.brevo.change_contact(EMAIL, {"COMPANY": "Changed by hand"})

    text = read(staff, person, "?compare=now")

    assert "! 1 difference" in text
    assert "COMPANY Benali Conseil Changed by hand ! Different" in text
    assert "LASTNAME Benali Benali ✓ Same" in text
    assert "On the blocklist ✓ No" in text


def test_comparing_tells_of_the_blocklist_and_of_other_lists(staff: Client, river: River) -> None:
    person = booked(river)
    number = river.brevo.add_list("Theirs")
    river.brevo.delete_contact(EMAIL)
    river.brevo.add_contact(EMAIL, {}, [number])
    river.brevo.block(EMAIL)

    text = read(staff, person, "?compare=now")

    assert "On the blocklist ! Blocklisted" in text
    assert f"Other lists #{number}" in text


def test_a_contact_that_is_gone_is_said_to_be_missing(staff: Client, river: River) -> None:
    person = booked(river)
    river.brevo.delete_contact(EMAIL)

    text = read(staff, person, "?compare=now")

    assert "Contact ! Not in Brevo" in text
    assert "COMPANY Benali Conseil empty ! Different" in text


def test_what_keeps_brevo_from_being_compared_is_said(staff: Client, river: River, settings: Settings) -> None:
    person = booked(river)
    settings.BREVO_API_URL = "http://127.0.0.1:9/v3"

    unreachable = read(staff, person, "?compare=now")
    accounts.pause(river.account, "Brevo has no credits.")
    paused = read(staff, person, "?compare=now")

    assert "Brevo was not compared." in unreachable
    assert "Brevo was not compared. Writing to Brevo is paused, and so is asking it. Brevo has no credits." in paused


def test_the_links_lead_to_both_services_in_a_tab_of_their_own(staff: Client, river: River) -> None:
    person = booked(river)

    before = staff.get(address_of(person)).content.decode()
    after = staff.get(address_of(person, "?compare=now")).content.decode()

    assert re.search(
        r'<a href="https://calendly\.com/reschedulings/[^"]+" rel="noopener noreferrer" target="_blank">', after
    )
    assert 'href="https://app.brevo.com/contact/list"' in before
    assert f'href="https://app.brevo.com/contact/index/{river.contact(EMAIL)["id"]}"' in after


def test_a_lost_key_for_secrets_hides_nothing_of_a_person(staff: Client, river: River, settings: Settings) -> None:
    person = booked(river)
    setup.save_brevo_key(river.account, BREVO_KEY)
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]

    assert "Brevo was not compared. calendly_connector.BrevoAccount.api_key can" in read(staff, person, "?compare=now")
    for row in (Booking.objects.get(), WebhookDelivery.objects.get()):
        assert staff.get(parts.page_of(type(row), row.pk)).status_code == 200


# -- Sync again -------------------------------------------------------------------------------------------------


def test_sync_again_shows_what_will_be_written_and_asks_first(staff: Client, river: River) -> None:
    person = booked(river)
    count = SyncLogEntry.objects.count()

    page, _ = act(staff, "sync_again", person)

    text = page.content.decode()
    assert "Yes, sync again" in text
    assert "<td>COMPANY</td><td><span data-told>Benali Conseil</span></td>" in text
    assert SyncLogEntry.objects.count() == count


def test_sync_again_mends_a_difference_and_leaves_a_trace(staff: Client, river: River) -> None:
    person = booked(river)
    river.brevo.change_contact(EMAIL, {"COMPANY": "Changed by hand"})

    _, said = act(staff, "sync_again", person, **YES)
    river.work()

    assert said == [
        "1 contact will be written again. How it went is shown in the timeline of the person's page, "
        "and in the sync log."
    ]
    assert river.contact(EMAIL)["attributes"]["COMPANY"] == "Benali Conseil"
    assert "✓ No differences" in read(staff, person, "?compare=now")
    assert (str(LogEntry.objects.get().user), LogEntry.objects.get().object_id) == ("anna", str(person.pk))
    newest = blocks_of(staff, person)[0]
    assert (str(newest.side), len(newest.lines)) == ("Staff did", 1)
    assert str(newest.what).startswith("anna: Sync again: 1 contact will be written again.")


def test_several_people_are_synced_again_at_once(staff: Client, connection: Connection) -> None:
    people = [make_booking_row(connection, name).person for name in ("nadia", "zoe")]

    page, _ = act(staff, "sync_again", *people)
    _, said = act(staff, "sync_again", *people, **YES)

    assert "2 people" in page.content.decode()
    assert said[0].startswith("2 contacts will be written again.")
    assert set(SyncLogEntry.objects.values_list("person", flat=True)) == {person.pk for person in people}


def test_a_crowd_is_refused_with_words(staff: Client, connection: Connection, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("calendly_connector.admin.person.MOST_AT_ONCE", 1)
    people = [make_booking_row(connection, name).person for name in ("nadia", "zoe")]

    _, said = act(staff, "sync_again", *people, **YES)

    assert said == ["Choose at most 1 people. Nothing was done."]
    assert not SyncLogEntry.objects.exists()


def test_while_paused_the_wish_waits(staff: Client, connection: Connection) -> None:
    accounts.pause(connection.brevo_account, "Brevo has no credits.")

    _, said = act(staff, "sync_again", make_booking_row(connection).person, **YES)

    assert "it waits until somebody resumes it" in said[0]


def test_somebody_without_a_booking_has_nothing_to_write(staff: Client, connection: Connection) -> None:
    page, _ = act(staff, "sync_again", Person.objects.create(connection=connection, email="guest@example.com"))

    assert "there is nothing to write" in page.content.decode()


def test_who_may_only_look_is_neither_offered_the_button_nor_obeyed(
    log_in: Callable[..., Client], connection: Connection
) -> None:
    person = make_booking_row(connection).person
    client = log_in("view_person")

    text = read(client, person)
    act(client, "sync_again", person, **YES)

    assert "Sync again" not in text
    assert "Compare with Brevo now" in text
    assert not SyncLogEntry.objects.exists()


def test_who_may_not_see_people_sees_no_comparison(log_in: Callable[..., Client], connection: Connection) -> None:
    person = make_booking_row(connection).person

    assert log_in("view_booking").get(address_of(person, "?compare=now")).status_code == 403
