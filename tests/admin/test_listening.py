"""Staff see what Brevo told, have it tell them or not, and find the people who opted out or were deleted there."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from calendly_connector.admin import parts
from calendly_connector.models import BrevoAccount, BrevoDelivery, BrevoList, Connection, ContactMirror, Person
from calendly_connector.services import brevo_listen, preview, preview_subject
from tests.admin.people import client_of
from tests.admin.pressing import press
from tests.admin.rows import make_booking_row, make_news
from tests.admin.test_actions import YES, act
from tests.admin.test_person_page import read
from tests.journeys.river import River

DAY_AGO = timezone.now() - timedelta(days=1)


def told(person: Person, **facts: Any) -> ContactMirror:
    """Return what Brevo told of somebody."""
    return ContactMirror.objects.create(person=person, told_at=DAY_AGO, **facts)


# -- The account's page -----------------------------------------------------------------------------------------


def test_the_button_has_brevo_tell_us_and_the_page_says_so(staff: Client, river: River) -> None:
    account = river.account
    page = staff.get(parts.page_of(BrevoAccount, account.pk)).content.decode()
    assert "Listen to Brevo" in page
    assert "Stop listening" not in page

    _, said = act(staff, "listen", account)

    page = staff.get(parts.page_of(BrevoAccount, account.pk)).content.decode()
    assert said == [f"{account}: Brevo tells us of unsubscriptions, bounces and deletions from now on."]
    assert "Stop listening" in page
    assert "checked" in page
    assert "just now" in page
    assert len(river.brevo.state.webhooks) == 1


def test_stopping_asks_first_and_then_stops(staff: Client, river: River) -> None:
    brevo_listen.listen(river.account)

    question, _ = act(staff, "stop_listening", river.account)
    assert "Yes, stop listening" in question.content.decode()
    assert len(river.brevo.state.webhooks) == 1
    _, said = act(staff, "stop_listening", river.account, **YES)

    assert "no longer tells us" in said[0]
    assert river.account.webhook_id is None
    assert river.brevo.state.webhooks == {}


def test_a_refusal_of_brevos_is_told_in_words(staff: Client, river: River) -> None:
    river.break_brevo("status", "/webhooks", method="GET", status=403, body={"message": "not in your plan"})

    _, said = act(staff, "listen", river.account)

    assert "may not make webhooks" in said[0]
    assert not river.account.is_paused


def test_the_token_is_shown_nowhere(staff: Client, river: River) -> None:
    brevo_listen.listen(river.account)
    account, connection = river.account, river.connection
    secret = account.webhook_secret
    addresses = [
        parts.list_of(BrevoAccount),
        parts.page_of(BrevoAccount, account.pk),
        parts.page_of(Connection, connection.pk),
        parts.list_of(BrevoDelivery),
    ]

    pages = [staff.get(address).content.decode() for address in addresses]

    assert not any(secret in page or secret[-4:] in page for page in pages)


def test_opt_outs_are_minded_or_not_as_staff_say(staff: Client, connection: Connection) -> None:
    account, found = connection.brevo_account, []

    for action, answer in (("ignore_opt_outs", {}), ("ignore_opt_outs", YES), ("follow_opt_outs", {})):
        act(staff, action, account, **answer)
        found.append(BrevoAccount.objects.values_list("follows_opt_outs", flat=True).get())

    assert found == [True, False, True]  # the first was only asked about


@pytest.mark.parametrize("action", ["listen", "stop_listening", "follow_opt_outs", "ignore_opt_outs"])
@pytest.mark.parametrize("role", ["Viewer", "Operator"])
def test_only_who_keeps_the_account_may_change_what_it_tells(role: str, action: str, river: River) -> None:
    brevo_listen.listen(river.account)
    before = BrevoAccount.objects.values().get()

    act(client_of(role), action, river.account, **YES)

    assert BrevoAccount.objects.values().get() == before
    assert len(river.brevo.state.webhooks) == 1


def test_subscribing_from_the_connections_page_listens_too(staff: Client, river: River) -> None:
    said = press(staff, river.connection, "subscribe")

    assert "Brevo tells us of unsubscriptions" in said
    assert river.account.webhook_id


# -- The person's page ------------------------------------------------------------------------------------------


def test_a_persons_page_says_that_brevo_told_nothing_yet(staff: Client, connection: Connection) -> None:
    person = make_booking_row(connection).person

    assert "What Brevo says Brevo has told nothing of this person yet." in read(staff, person)


def test_a_persons_page_tells_all_that_brevo_told(staff: Client, connection: Connection) -> None:
    BrevoList.objects.create(account=connection.brevo_account, number=4, name="News", read_at=DAY_AGO)
    person = make_booking_row(connection).person
    told(
        person,
        opt_out="unsubscribed",
        opted_out_at=DAY_AGO,
        unsubscribed_lists=[4, 9],
        deleted_at=DAY_AGO,
    )

    text = read(staff, person)

    assert "Opted out ! Unsubscribed Joins no list by our writes." in text
    assert "Lists left by mail #4 News, #9" in text
    assert "Deleted ! Deleted in Brevo" in text
    assert "It comes back with the next booking, or with “Sync again”." in text
    assert "Last heard 1 day ago" in text


@pytest.mark.parametrize(
    ("opt_out", "words"),
    [("", "Opted out ✓ No"), ("bounced", "The address bounced"), ("complained", "Reported as spam")],
)
def test_every_standing_has_words(staff: Client, connection: Connection, opt_out: str, words: str) -> None:
    person = make_booking_row(connection).person
    told(person, opt_out=opt_out)

    assert words in read(staff, person)


def test_sync_again_from_the_page_makes_a_deleted_contact_anew_and_a_wish_for_two_does_not(
    staff: Client, connection: Connection
) -> None:
    nadia, tom = (make_booking_row(connection, name).person for name in ("nadia", "tom"))

    act(staff, "sync_again", nadia, **YES)
    act(staff, "sync_again", nadia, tom, **YES)

    wishes = [(step.person, step.request) for step in nadia.sync_log.order_by("pk")]
    assert wishes == [(nadia, {"make_anew": True}), (nadia, {})]
    assert tom.sync_log.get().request == {}


def test_the_plan_of_a_sync_says_that_the_opt_out_is_recorded(staff: Client, connection: Connection) -> None:
    person = make_booking_row(connection).person
    told(person, opt_out="unsubscribed", deleted_at=DAY_AGO)

    page, _ = act(staff, "sync_again", person)

    assert "Recorded in Brevo once more" in page.content.decode()


# -- The lists --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("choice", "names"), [("opted-out", {"ada", "bob"}), ("deleted", {"bob"}), ("", {"ada", "bob", "eve", "tom"})]
)
def test_the_people_list_finds_who_opted_out_or_was_deleted(
    staff: Client, connection: Connection, choice: str, names: set[str]
) -> None:
    ada, bob, eve, _tom = (make_booking_row(connection, name).person for name in ("ada", "bob", "eve", "tom"))
    told(ada, opt_out="unsubscribed")
    told(bob, opt_out="bounced", deleted_at=DAY_AGO)
    told(eve)

    page = staff.get(parts.list_of(Person, **({"brevo": choice} if choice else {})))

    assert {row.email.split("@")[0] for row in page.context["cl"].result_list} == names


@pytest.mark.parametrize("choice", ["opted-out", "deleted"])
def test_the_filtered_list_costs_as_many_queries_however_many_it_shows(
    staff: Client, connection: Connection, choice: str
) -> None:
    address, costs = parts.list_of(Person, brevo=choice), []
    for names in (("ada",), ("bob", "eve", "tom", "zoe")):
        for name in names:
            told(make_booking_row(connection, name).person, opt_out="blocked", deleted_at=DAY_AGO)
        staff.get(address)
        with CaptureQueriesContext(database) as queries:
            staff.get(address)
        costs.append(len(queries))

    assert costs[0] == costs[1]


def test_a_delivery_of_brevos_shows_what_was_posted_and_what_became_of_it(
    staff: Client, connection: Connection
) -> None:
    body = json.dumps({"event": "unsubscribe", "email": "ada@example.com"}).encode()
    row = make_news(connection.brevo_account, body, state="malformed", reason="Brevo's news has no time at “ts”.")

    listed = staff.get(parts.list_of(BrevoDelivery)).content.decode()
    page = staff.get(parts.page_of(BrevoDelivery, row.pk)).content.decode()

    assert "has no time" in listed
    assert "unsubscribe" in page
    assert "Take in again" in page


def test_what_could_not_be_read_is_taken_in_again(staff: Client, connection: Connection) -> None:
    bad, good = (make_news(connection.brevo_account, state=state) for state in ("malformed", "processed"))

    _, said = act(staff, "retry", bad, good)

    bad.refresh_from_db()
    good.refresh_from_db()
    assert said == ["1 delivery will be taken in again."]
    assert (bad.state, good.state) == ("stored", "processed")


def test_addresses_in_a_delivery_are_masked_for_who_may_not_see_them(
    log_in: Callable[..., Client], connection: Connection
) -> None:
    row = make_news(connection.brevo_account, b'{"email": "ada.lovelace@example.com"}', state="ignored")

    page = log_in("view_brevodelivery").get(parts.page_of(BrevoDelivery, row.pk))

    assert page.status_code == 200
    assert "ada.lovelace@example.com" not in page.content.decode()


# -- The preview ------------------------------------------------------------------------------------------------


def test_a_preview_shows_what_an_opt_out_keeps_back(river: River) -> None:
    number = river.brevo.add_list("Demos")
    river.map_lists("booked", join=[number])
    row = make_booking_row(river.connection, "ada")
    told(row.person, opt_out="unsubscribed")

    found = preview.preview(preview_subject.of_booking(row))

    assert [(line.number, line.fate, line.reason) for line in found.lists] == [
        (number, "withheld", "the person unsubscribed in Brevo")
    ]
    assert "listIds" not in found.calls[0].body


def test_a_preview_shows_that_a_deleted_contact_is_left_alone_and_when_it_comes_back(river: River) -> None:
    row = make_booking_row(river.connection, "ada")
    mirror = told(row.person, deleted_at=row.booked_at + timedelta(days=1), opt_out="unsubscribed")

    left_alone = preview.preview(preview_subject.of_booking(row))
    ContactMirror.objects.filter(pk=mirror.pk).update(deleted_at=row.booked_at - timedelta(days=1))
    row.person.refresh_from_db()
    made_anew = preview.preview(preview_subject.of_booking(row))

    assert left_alone.calls == []
    assert "deleted in Brevo" in left_alone.notes[0]
    assert made_anew.calls[0].body["emailBlacklisted"] is True
