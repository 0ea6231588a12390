"""What Brevo posted becomes what we know of people's contacts, and leads to no write of ours."""

import itertools
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from calendly_connector import tasks
from calendly_connector.models import BrevoDelivery, Connection, ContactMirror, Job, Person, SyncLogEntry
from calendly_connector.services import mirror, receive, retry, sweep
from calendly_connector.services.bell import Bell
from calendly_connector.services.worker import Worker
from tests.admin.rows import make_booking_row, make_connection

EMAIL = "ada@example.com"
TS = 1_795_339_230
AT = datetime.fromtimestamp(TS, UTC)


@pytest.fixture
def ada(connection: Connection) -> Person:
    """Return somebody who booked and was never written to Brevo."""
    return make_booking_row(connection, "ada").person


def news(word: str, at: int = TS, email: str = EMAIL, **more: Any) -> dict[str, Any]:
    return {"event": word, "email": email, "id": 99, "key": "xxxxxxx", "date": "2026-11-22 10:20:30", "ts": at, **more}


def changed(at: int, **content: Any) -> dict[str, Any]:
    return news("contact_updated", at, content=[{"email": EMAIL, **content}])


def tell(connection: Connection, body: Any) -> BrevoDelivery:
    """Store what Brevo posts, let the worker take it in, and return the delivery."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    receive.store_news(connection.brevo_account, raw)
    Worker(tasks.TASKS, concurrency=1, bell=Bell()).drain()
    return BrevoDelivery.objects.latest("pk")


@pytest.mark.parametrize(
    ("word", "opt_out"), [("unsubscribe", "unsubscribed"), ("hard_bounce", "bounced"), ("spam", "complained")]
)
def test_every_kind_of_opt_out_is_kept_with_its_time(
    connection: Connection, ada: Person, word: str, opt_out: str
) -> None:
    delivery = tell(connection, news(word, TS + 60, ts_event=TS, list_id=[3, 8]))

    row = ContactMirror.objects.get(person=ada)
    assert (row.opt_out, row.opted_out_at, row.told_at) == (opt_out, AT, AT)
    assert row.unsubscribed_lists == ([3, 8] if word == "unsubscribe" else [])
    assert delivery.state == "processed"
    assert delivery.reason.startswith("Taken in: ")
    assert delivery.processed_at


def test_a_deletion_is_kept_with_its_time(connection: Connection, ada: Person) -> None:
    tell(connection, news("contact_deleted", list_id=[]))

    row = ContactMirror.objects.get(person=ada)
    assert (row.deleted_at, row.opt_out) == (AT, "")


def test_a_changed_contact_brings_its_attributes_and_its_blocklist(connection: Connection, ada: Person) -> None:
    tell(connection, changed(TS, attributes={"CITY": "Aarhus", "SIZE": 3}, emailBlacklist=True))
    tell(connection, changed(TS + 1, attributes={"CITY": "Vejle"}))

    row = ContactMirror.objects.get(person=ada)
    assert row.attributes == {"CITY": "Vejle", "SIZE": 3}
    assert (row.opt_out, row.opted_out_at, row.told_at) == ("blocked", AT, AT + timedelta(seconds=1))


def test_somebody_who_was_subscribed_again_in_brevo_is_subscribed_here(connection: Connection, ada: Person) -> None:
    tell(connection, news("unsubscribe", list_id=[3]))
    tell(connection, changed(TS + 10, emailBlacklist=False))

    row = ContactMirror.objects.get(person=ada)
    assert (row.opt_out, row.opted_out_at, row.unsubscribed_lists) == ("", None, [3])


def test_every_order_of_deliveries_ends_in_the_same_mirror(connection: Connection, ada: Person) -> None:
    story = [
        changed(TS, attributes={"CITY": "Aarhus"}, emailBlacklist=False),
        news("unsubscribe", TS + 10, list_id=[3]),
        news("contact_deleted", TS + 20),
        changed(TS + 30, attributes={"CITY": "Vejle"}, emailBlacklist=True),
        news("hard_bounce", TS + 40),
    ]
    ends = []

    for order in itertools.permutations(story):
        BrevoDelivery.objects.all().delete()
        ContactMirror.objects.all().delete()
        for each in order:
            receive.store_news(connection.brevo_account, json.dumps(each).encode())
        mirror.take_in_all(connection.brevo_account_id, lambda: None)
        ends.append(ContactMirror.objects.values().get())

    assert ends == [ends[0]] * 120
    assert (ends[0]["opt_out"], ends[0]["deleted_at"], ends[0]["attributes"]) == ("bounced", None, {"CITY": "Vejle"})


def test_the_person_of_every_connection_of_the_account_is_told(connection: Connection, ada: Person) -> None:
    second = Connection.objects.create(name="Second", brevo_account=connection.brevo_account)
    elsewhere = make_connection("Elsewhere", is_environment=False)
    twin, stranger = (make_booking_row(each, "ada").person for each in (second, elsewhere))

    tell(connection, news("unsubscribe"))

    assert set(ContactMirror.objects.values_list("person", flat=True)) == {ada.pk, twin.pk}
    assert stranger.pk not in {ada.pk, twin.pk}


def test_the_address_is_compared_as_we_keep_it(connection: Connection, ada: Person) -> None:
    tell(connection, news("unsubscribe", email="  Ada@EXAMPLE.com "))

    assert ContactMirror.objects.get().person == ada


def test_people_whom_we_do_not_know_are_counted_and_named_nowhere(connection: Connection, ada: Person) -> None:
    delivery = tell(connection, [news("unsubscribe", email="bob@example.com"), news("spam", email="eve@example.com")])

    assert (delivery.state, delivery.reason) == ("ignored", "About people without a booking here: 2.")
    assert not ContactMirror.objects.exists()


@pytest.mark.parametrize("word", ["list_addition", "opened", "dance"])
def test_words_that_need_nothing_done_are_ignored_with_a_reason(connection: Connection, ada: Person, word: str) -> None:
    delivery = tell(connection, news(word))

    assert delivery.state == "ignored"
    assert f"“{word}”" in delivery.reason
    assert not ContactMirror.objects.exists()


@pytest.mark.parametrize(
    "body", [b"", b"{", b"\xff\xfe", b"[" * 100_000, b"null", b"7", b'{"event": "unsubscribe"}', b'["nonsense"]']
)
def test_what_can_not_be_read_is_told_so_in_words(connection: Connection, ada: Person, body: bytes) -> None:
    delivery = tell(connection, body)

    assert delivery.state == "malformed"
    assert delivery.reason.endswith(".")


def test_an_empty_batch_is_ignored(connection: Connection, ada: Person) -> None:
    delivery = tell(connection, [])

    assert (delivery.state, delivery.reason) == ("ignored", "There was nothing in it.")


def test_a_batch_is_taken_in_whole_and_says_what_it_held(connection: Connection, ada: Person) -> None:
    batch = [
        news("unsubscribe", list_id=[3]),
        changed(TS + 5, attributes={"CITY": "Aarhus"}),
        changed(TS + 6, attributes={"SIZE": 2}),
        news("unsubscribe", email="bob@example.com"),
        news("list_addition"),
        "nonsense",
    ]

    delivery = tell(connection, batch)

    row = ContactMirror.objects.get()
    assert (row.opt_out, row.attributes) == ("unsubscribed", {"CITY": "Aarhus", "SIZE": 2})
    assert delivery.state == "processed"
    for words in ("unsubscribed, contact changed × 2", "without a booking here: 1", "list_addition", "1 can't be read"):
        assert words in delivery.reason


def test_a_batch_of_five_hundred_costs_few_queries_beyond_its_rows(connection: Connection) -> None:
    for number in range(20):
        make_booking_row(connection, f"person{number}")
    batch = [news("unsubscribe", email=f"person{number}@example.com") for number in range(500)]

    delivery = tell(connection, batch)

    assert delivery.reason == "Taken in: unsubscribed × 20. About people without a booking here: 480."
    assert ContactMirror.objects.count() == 20


def test_news_leads_to_no_write(connection: Connection, ada: Person) -> None:
    story = [news("unsubscribe"), news("spam"), news("contact_deleted"), changed(TS + 9, emailBlacklist=False)]

    tell(connection, story)

    assert not SyncLogEntry.objects.exists()
    assert not Job.objects.filter(kind="push").exists()


def test_one_delivery_that_we_stumble_over_stops_none_behind_it(
    connection: Connection, ada: Person, monkeypatch: pytest.MonkeyPatch
) -> None:
    receive.store_news(connection.brevo_account, json.dumps(news("spam")).encode())
    monkeypatch.setattr(mirror, "_keep_all", _stumble_once(mirror._keep_all))

    tell(connection, news("unsubscribe"))

    first, second = BrevoDelivery.objects.order_by("pk")
    assert (first.state, second.state) == ("malformed", "processed")
    assert "a fault of ours (KeyError)" in first.reason
    assert retry.retry_news(BrevoDelivery.objects.all()) == 1
    Worker(tasks.TASKS, concurrency=1, bell=Bell()).drain()
    first.refresh_from_db()
    assert first.state == "processed"


def _stumble_once(real: Any) -> Any:
    calls = itertools.count()

    def stumble(*args: Any) -> Any:
        if next(calls) == 0:
            raise KeyError("a fault")
        return real(*args)

    return stumble


def test_a_delivery_whose_job_got_lost_is_found_by_the_sweep(connection: Connection, ada: Person) -> None:
    receive.store_news(connection.brevo_account, json.dumps(news("unsubscribe")).encode())
    Job.objects.all().delete()

    sweep.sweep()

    assert Job.objects.get(kind=receive.TAKE_IN_NEWS).subject == connection.brevo_account_id


# -- What came too late -----------------------------------------------------------------------------------------


def written(person: Person, seconds: int) -> None:
    """Let a person have been written so long after the deletion of which we hear later."""
    Person.objects.filter(pk=person.pk).update(pushed_at=AT + timedelta(seconds=seconds))


@pytest.mark.parametrize("order", [1, -1])
def test_an_opt_out_that_our_write_after_the_deletion_lost_is_asked_for_once_more(
    connection: Connection, ada: Person, order: int
) -> None:
    written(ada, 5)

    for each in [news("unsubscribe", TS - 50), news("contact_deleted")][::order]:
        receive.store_news(connection.brevo_account, json.dumps(each).encode())
    mirror.take_in_all(connection.brevo_account_id, lambda: None)

    (step,) = SyncLogEntry.objects.all()
    assert (step.kind, step.state, step.person) == ("contact", "waiting", ada)
    assert "opt-out" in step.summary
    assert ContactMirror.objects.get().deleted_at == AT


@pytest.mark.parametrize("seconds", [-5, 0])
def test_what_was_written_before_the_deletion_lost_nothing(connection: Connection, ada: Person, seconds: int) -> None:
    written(ada, seconds)

    tell(connection, [news("unsubscribe", TS - 50), news("contact_deleted")])

    assert not SyncLogEntry.objects.exists()


def test_a_contact_that_a_new_booking_had_made_anew_before_we_heard_counts_as_there(connection: Connection) -> None:
    row = make_booking_row(connection, "ada", created_at=AT + timedelta(seconds=3))
    written(row.person, 5)

    tell(connection, news("contact_deleted"))

    assert ContactMirror.objects.get().deleted_at is None
    assert not SyncLogEntry.objects.exists()


def test_what_others_noted_in_a_mirror_counts_from_its_own_time(connection: Connection, ada: Person) -> None:
    ContactMirror.objects.create(person=ada, opt_out="blocked", opted_out_at=AT, read_at=timezone.now(), contact_id=7)

    tell(connection, changed(TS - 5, emailBlacklist=False, attributes={"CITY": "Aarhus"}))

    row = ContactMirror.objects.get()
    assert (row.opt_out, row.contact_id, row.attributes) == ("blocked", 7, {"CITY": "Aarhus"})
