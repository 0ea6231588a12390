"""Whoever is erased is gone from every table, stays gone whatever is read later, and may come back by booking anew."""

import threading
import time
from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from cryptography.fernet import Fernet
from django.core.management import call_command
from django.db import connection as database
from django.utils import timezone
from pytest_django.fixtures import Settings

from calendly_connector.models import (
    Booking,
    BrevoDelivery,
    BulkImport,
    Connection,
    ConsentProof,
    Erasure,
    ErasureKey,
    Job,
    Person,
    Replay,
    SyncLogEntry,
    WebhookDelivery,
)
from calendly_connector.models.fields import SecretUnreadableError
from calendly_connector.services import (
    drift,
    erase,
    erase_outside,
    erasures,
    holding,
    ledger,
    mapping,
    mirror,
    people,
    queue,
    secrets,
    traces,
)
from sandbox import scenarios
from sandbox.world import Fault
from tests.admin.rows import make_booking_row, make_delivery
from tests.factories import make_booking, make_meeting
from tests.journeys.conftest import river
from tests.journeys.river import River
from tests.services import everywhere
from tests.services.everywhere import EMAIL, OTHER, put_everywhere, tables_with

__all__ = ["river"]

NADIA = scenarios.NADIA.email


@pytest.fixture(autouse=True)
def _forgetful(monkeypatch: pytest.MonkeyPatch) -> None:
    """Begin each test as a process that has read no key."""
    monkeypatch.setattr(erasures, "_kept", (0.0, ""))


# -- Nothing is left ------------------------------------------------------------------------------------------------


def test_not_one_byte_of_the_address_is_left_in_any_table(connection: Connection) -> None:
    put_everywhere(connection)
    assert len(tables_with(EMAIL)) >= 12  # the test would prove nothing if it weren't there

    erase.erase(EMAIL, by="anna")

    assert tables_with(EMAIL) == set()


def test_what_is_somebody_elses_stays(connection: Connection) -> None:
    put_everywhere(connection)

    erase.erase(EMAIL, by="anna")

    assert [person.email for person in Person.objects.all()] == [OTHER]
    theirs = Booking.objects.get()
    assert theirs.to_entry().booking.meeting.guests == ("eve@example.com",)
    assert SyncLogEntry.objects.get().reason == "Said of (erased)."
    assert Replay.objects.get().chosen == {"email": ""}


def test_an_address_that_ends_alike_stays(connection: Connection) -> None:
    longer = f"x{EMAIL}"
    person = put_everywhere(connection, longer)

    with pytest.raises(people.UnknownPerson):
        erase.erase(EMAIL, by="anna")

    assert Person.objects.filter(pk=person.pk).exists()
    assert len(tables_with(longer)) >= 12


def test_a_person_is_erased_in_every_connection(connection: Connection) -> None:
    second = Connection.objects.create(name="Second", brevo_account=connection.brevo_account)
    for each in (connection, second):
        Person.objects.create(connection=each, email=EMAIL)

    report = erase.erase(f" {EMAIL.upper()} ", by="anna")

    assert report.counts == {"people": 2}
    assert not Person.objects.exists()


def test_what_somebody_else_waits_for_is_not_lost_with_it(connection: Connection) -> None:
    waiting = [
        make_delivery(connection, everywhere.body(OTHER, guest=EMAIL), email=OTHER, state=state)
        for state in ("stored", "failed")
    ]
    news = everywhere.from_brevo(connection, {"event": "list_addition", "email": [EMAIL, OTHER]}, state="stored")

    erase.erase(EMAIL, by="anna")

    assert WebhookDelivery.objects.count() == len(waiting)
    assert all(OTHER.encode() in bytes(row.body) for row in WebhookDelivery.objects.all())
    assert OTHER.encode() in bytes(BrevoDelivery.objects.get(pk=news.pk).body)
    assert tables_with(EMAIL) == set()


def test_hosts_of_other_peoples_meetings_keep_their_address(connection: Connection) -> None:
    host = "camille@example.fr"  # who hosts the meeting of the factory, and once booked to try it out
    row = make_booking_row(connection, "tom")
    Person.objects.create(connection=connection, email=host)

    erase.erase(host, by="anna")

    assert Booking.objects.get(pk=row.pk).to_entry().booking.meeting.hosts[0].email == host
    assert not Person.objects.filter(email=host).exists()


def test_the_report_counts_and_the_row_tells_nobody_who_it_was(connection: Connection) -> None:
    put_everywhere(connection)
    foreseen = erase.foresee(EMAIL)

    report = erase.erase(EMAIL, by="anna")

    assert foreseen.counts == report.counts
    assert report.counts["bookings"] == 1
    assert report.counts["webhook_deliveries"] == 2
    row = Erasure.objects.get()
    assert (row.asked_by, EMAIL in row.words, len(row.digest)) == ("anna", False, 64)
    assert "bookings: 1" in row.words


def test_to_foresee_touches_nothing(connection: Connection) -> None:
    put_everywhere(connection)
    before = tables_with(EMAIL), everywhere.counts()

    erase.foresee(EMAIL)

    assert (tables_with(EMAIL), everywhere.counts()) == before
    assert not Erasure.objects.exists()


@pytest.mark.parametrize("email", ["nobody@example.com", "nonsense", "", "a\0@example.com", "\ud800@example.com"])
def test_nobody_is_said_to_be_nobody(email: str, connection: Connection) -> None:
    for verb in (erase.foresee, lambda address: erase.erase(address, by="anna")):
        with pytest.raises(people.UnknownPerson):
            verb(email)

    assert not Erasure.objects.exists()


# -- It stays so ----------------------------------------------------------------------------------------------------


def record(connection: Connection, made_at: datetime, *, is_quiet: bool = False, name: str = "nadia") -> bool:
    """Record a snapshot as readings do; return whether it was left out as erased."""
    seen = make_booking(name, email=EMAIL, created_at=made_at, updated_at=made_at)
    source = ledger.Source(is_quiet=is_quiet)
    return ledger.record(connection, seen, rules=mapping.rules_of(connection), source=source).is_erased


@pytest.mark.parametrize("is_quiet", [True, False])
def test_a_reading_does_not_bring_the_past_back(connection: Connection, is_quiet: bool) -> None:
    put_everywhere(connection)
    erase.erase(EMAIL, by="anna")

    assert record(connection, timezone.now() - timedelta(days=3), is_quiet=is_quiet)
    assert record(connection, Erasure.objects.get().erased_at, is_quiet=is_quiet, name="at-that-moment")

    assert tables_with(EMAIL) == set()
    assert not Person.objects.filter(email=EMAIL).exists()


def test_a_new_booking_of_theirs_works_like_anybodys(connection: Connection) -> None:
    put_everywhere(connection)
    erase.erase(EMAIL, by="anna")

    assert not record(connection, timezone.now() + timedelta(seconds=1))

    assert Booking.objects.get(person__email=EMAIL).status == "booked"
    assert Job.objects.filter(kind="push").exists()


def test_an_erased_guest_stays_out_of_bookings_made_before(connection: Connection) -> None:
    Person.objects.create(connection=connection, email=EMAIL)
    erase.erase(EMAIL, by="anna")
    connection.guest_policy = "contact"
    meeting = make_meeting(guests=(EMAIL, "eve@example.com"))

    for name, made_at in (("old", datetime(2020, 1, 1, tzinfo=UTC)), ("new", timezone.now() + timedelta(seconds=1))):
        seen = make_booking(name, email=f"{name}@example.com", created_at=made_at, meeting=meeting)
        ledger.record(connection, seen, rules=mapping.rules_of(connection), source=ledger.Source())

    old, new = (Booking.objects.get(person__email=f"{name}@example.com") for name in ("old", "new"))
    assert old.to_entry().booking.meeting.guests == ("eve@example.com",)
    assert new.to_entry().booking.meeting.guests == (EMAIL, "eve@example.com")


def test_asking_costs_no_query_while_nobody_was_ever_erased(
    connection: Connection,
    settings: Settings,
    django_assert_num_queries: object,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    settings.RULES_KEPT_SECONDS = 60
    waited: list[float] = []
    monkeypatch.setattr(time, "sleep", waited.append)
    erasures.is_erased(EMAIL, made_at=timezone.now())

    with django_assert_num_queries(0):  # type: ignore[operator]
        assert not erasures.is_erased(EMAIL, made_at=timezone.now())
    erasures.remember(OTHER, by="anna", words="")
    assert waited == [60]  # until every process has looked again
    with django_assert_num_queries(1):  # type: ignore[operator]
        assert not erasures.is_erased(EMAIL, made_at=timezone.now())


def test_an_erasure_outlives_a_change_of_keys(connection: Connection, settings: Settings) -> None:
    Person.objects.create(connection=connection, email=EMAIL)
    erase.erase(EMAIL, by="anna")
    old, new = settings.FIELD_ENCRYPTION_KEYS[0], Fernet.generate_key().decode()

    settings.FIELD_ENCRYPTION_KEYS = [new, old]
    secrets.rotate()
    settings.FIELD_ENCRYPTION_KEYS = [new]

    assert erasures.is_erased(EMAIL, made_at=timezone.now() - timedelta(days=1))
    assert ErasureKey.objects.count() == 1


def test_with_a_lost_key_nobody_comes_back(connection: Connection, settings: Settings) -> None:
    Person.objects.create(connection=connection, email=EMAIL)
    erase.erase(EMAIL, by="anna")
    settings.FIELD_ENCRYPTION_KEYS = [Fernet.generate_key().decode()]

    with pytest.raises(SecretUnreadableError):
        record(connection, timezone.now() - timedelta(days=1))


def test_without_a_key_nothing_is_erased_and_that_is_said(connection: Connection, settings: Settings) -> None:
    Person.objects.create(connection=connection, email=EMAIL)
    settings.FIELD_ENCRYPTION_KEYS = []

    with pytest.raises(erase.NotErased, match="FIELD_ENCRYPTION_KEYS"):
        erase.erase(EMAIL, by="anna")

    assert Person.objects.exists()


def test_a_late_webhook_is_taken_in_with_a_reason_and_nothing_of_it_is_kept(river: River) -> None:
    scenarios.booked(river.calendly)
    river.flow()
    uri = Booking.objects.get().uri
    erase.erase(NADIA, by="anna")

    river.calendly.cancel(uri)
    river.flow()

    row = WebhookDelivery.objects.get()
    assert (row.state, row.reason) == ("processed", erasures.WORDS)
    assert tables_with(NADIA) == set()
    assert not Person.objects.exists()
    assert river.event_names(NADIA) == ["booked"]  # Brevo wasn't asked to forget


def test_a_backfill_does_not_bring_them_back(river: River) -> None:
    for person in (scenarios.NADIA, scenarios.ZOE):
        scenarios.booked(river.calendly, person)
    river.flow()
    erase.erase(NADIA, by="anna", in_brevo=True)

    call_command("calendly_backfill", "--since", "2020-01-01", "--json", stdout=StringIO(), stderr=StringIO())
    river.work()

    assert [person.email for person in Person.objects.all()] == [scenarios.ZOE.email]
    assert tables_with(NADIA) == set()
    assert river.brevo.contact(NADIA) is None


def test_a_comparison_with_calendly_does_not_name_them(connection: Connection) -> None:
    Person.objects.create(connection=connection, email=EMAIL)
    erase.erase(EMAIL, by="anna")
    seen = make_booking("old", email=EMAIL, created_at=datetime(2020, 1, 1, tzinfo=UTC))

    known, merged = ledger.foresee(connection, seen)
    drift.note_calendly(connection, seen, known, merged)

    assert (known, merged.is_erased, merged.is_news) == (None, True, False)
    assert tables_with(EMAIL) == set()


def test_what_brevo_tells_of_them_afterwards_is_not_kept(connection: Connection) -> None:
    Person.objects.create(connection=connection, email=EMAIL)
    erase.erase(EMAIL, by="anna")
    told = {"id": 7, "event": "contact_deleted", "email": EMAIL, "ts": 1_800_000_000, "list_id": []}
    for email in (EMAIL, "stranger@example.com"):
        mirror.take_in(everywhere.from_brevo(connection, {**told, "email": email}).pk)

    assert tables_with(EMAIL) == set()
    assert [bytes(row.body) == b"" for row in BrevoDelivery.objects.order_by("pk")] == [True, False]


# -- Brevo ----------------------------------------------------------------------------------------------------------


def booked(river: River) -> None:
    scenarios.booked(river.calendly)
    river.flow()


def test_the_contact_goes_from_brevo_when_that_is_asked_for(river: River) -> None:
    booked(river)

    report = erase.erase(NADIA, by="anna", in_brevo=True)

    assert river.brevo.contact(NADIA) is None
    assert "the contact was deleted" in report.brevo[0]


def test_the_contact_stays_in_brevo_otherwise_and_that_is_said(river: River) -> None:
    booked(river)
    river.sandbox.world.journal.clear()

    report = erase.erase(NADIA, by="anna")

    assert river.brevo.contact(NADIA)
    assert "stays there" in report.brevo[0]
    assert river.sandbox.world.journal.calls("brevo") == []


def test_a_contact_that_brevo_does_not_have_counts_as_deleted(river: River) -> None:
    booked(river)
    river.brevo.delete_contact(NADIA)

    report = erase.erase(NADIA, by="anna", in_brevo=True)

    assert "no such contact" in report.brevo[0]
    assert not Person.objects.exists()


@pytest.mark.parametrize(
    "fault", [{"kind": "status", "status": 500}, {"kind": "reset"}, {"kind": "status", "status": 400}]
)
def test_when_brevo_fails_nothing_is_deleted_here(river: River, fault: dict[str, object]) -> None:
    booked(river)
    before = everywhere.counts()
    river.sandbox.world.faults.add(Fault(provider="brevo", method="DELETE", **fault))  # type: ignore[arg-type]

    with pytest.raises(erase.NotErased, match="Nothing here was deleted"):
        erase.erase(NADIA, by="anna", in_brevo=True)

    assert everywhere.counts() == before
    assert not Erasure.objects.exists()
    erase.erase(NADIA, by="anna", in_brevo=True)
    assert not Person.objects.exists()


def test_the_accounts_own_address_is_said_to_stay_in_brevo(river: River) -> None:
    own = str(river.brevo.account.state.profile["email"])
    river.calendly.book(event_type="Demo", email=own, name="Camille")
    river.flow()

    with pytest.raises(erase.NotErased, match="registered address"):
        erase.erase(own, by="anna", in_brevo=True)

    assert Person.objects.filter(email=own).exists()


def test_while_writing_is_paused_brevo_is_not_asked(river: River) -> None:
    booked(river)
    account = river.account
    account.state, account.pause_reason = "paused", "No key."
    account.save()

    with pytest.raises(erase.NotErased, match="paused: No key"):
        erase.erase(NADIA, by="anna", in_brevo=True)

    assert Person.objects.exists()


# -- Calendly -------------------------------------------------------------------------------------------------------


def test_what_calendly_keeps_is_said_with_the_reason(river: River) -> None:
    booked(river)

    report = erase.erase(NADIA, by="anna", at_calendly=True)

    words = " ".join(report.calendly)
    assert "1 meeting of this person is still to come" in words
    assert "Enterprise plan only" in words
    assert "by hand" in words
    assert river.sandbox.world.journal.calls("calendly", method="POST") == []


def test_on_the_enterprise_plan_calendly_is_asked(river: River) -> None:
    booked(river)
    river.calendly.set_plan(plan="enterprise")
    Connection.objects.update(plan="enterprise")

    report = erase.erase(NADIA, by="anna", at_calendly=True)

    (call,) = river.sandbox.world.journal.calls("calendly", method="POST")
    assert call.template == "/data_compliance/deletion/invitees"
    assert "up to seven days" in report.calendly[-1]


def test_a_refusal_of_calendlys_is_said_and_stops_nothing(river: River) -> None:
    booked(river)
    Connection.objects.update(plan="enterprise")  # it was, when we looked

    report = erase.erase(NADIA, by="anna", at_calendly=True)

    assert "said no" in report.calendly[-1]
    assert not Person.objects.exists()


def test_a_missing_scope_is_named(river: River) -> None:
    booked(river)
    Connection.objects.update(plan="enterprise", scopes=["users:read"])

    report = erase.erase(NADIA, by="anna", at_calendly=True)

    assert "data_compliance:write" in report.calendly[-1]


# -- Beside others --------------------------------------------------------------------------------------------------


def test_while_a_worker_writes_to_the_person_it_waits_and_then_says_so(
    river: River, monkeypatch: pytest.MonkeyPatch
) -> None:
    booked(river)
    monkeypatch.setattr(holding, "PATIENCE", 0.3)
    person = Person.objects.get()
    ledger.ask_for_push(person)
    job = queue.claim("a worker")
    assert job and job.kind == "push"

    with pytest.raises(holding.Busy, match="right now"):
        erase.erase(NADIA, by="anna", in_brevo=True)
    queue.finish(job)
    erase.erase(NADIA, by="anna", in_brevo=True)

    assert river.brevo.contact(NADIA) is None
    assert not Person.objects.exists()


def test_a_write_that_was_asked_for_meanwhile_makes_no_contact(river: River, monkeypatch: pytest.MonkeyPatch) -> None:
    booked(river)
    person = Person.objects.get()
    delete = erase_outside.in_brevo

    def and_somebody_asks(address: str, known: list[Person]) -> list[str]:
        done = delete(address, known)
        SyncLogEntry.objects.create(connection=person.connection, person=person, kind="contact", summary="x")
        ledger.ask_for_push(person)
        river.work()
        assert river.brevo.contact(NADIA) is None
        return done

    monkeypatch.setattr(erase_outside, "in_brevo", and_somebody_asks)

    erase.erase(NADIA, by="anna", in_brevo=True)
    river.work()

    assert river.brevo.contact(NADIA) is None
    assert not Job.objects.filter(kind="push").exists()


def test_a_failed_erasure_lets_the_persons_job_go_on(river: River) -> None:
    booked(river)
    person = Person.objects.get()
    SyncLogEntry.objects.create(connection=person.connection, person=person, kind="contact", summary="x")
    ledger.ask_for_push(person)
    river.sandbox.world.faults.add(Fault(provider="brevo", method="DELETE", kind="status", status=500))

    with pytest.raises(erase.NotErased):
        erase.erase(NADIA, by="anna", in_brevo=True)
    river.hurry()
    river.work()

    assert SyncLogEntry.objects.latest("pk").state == "done"


def test_whoever_is_being_imported_waits_for_brevo_to_end(river: River) -> None:
    booked(river)
    running = BulkImport.objects.create(account=river.account, state="running")
    Person.objects.update(bulk_import=running)

    with pytest.raises(holding.Busy, match="importing"):
        erase.erase(NADIA, by="anna", in_brevo=True)
    BulkImport.objects.update(state="prepared")
    erase.erase(NADIA, by="anna", in_brevo=True)

    assert not Person.objects.exists()


def test_what_others_write_beside_it_is_found_by_the_second_look(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_everywhere(connection)
    find, times = traces.find, iter(range(10))

    def and_somebody_writes(email: str) -> traces.Found:
        found = find(email)
        if next(times) == 1:  # after the last look before the deletion
            make_delivery(connection, everywhere.body(OTHER, guest=EMAIL), email=OTHER, state="processed")
            make_booking_row(connection, "eve", meeting=make_meeting(guests=(EMAIL,)))
        return found

    monkeypatch.setattr(traces, "find", and_somebody_writes)

    erase.erase(EMAIL, by="anna")

    assert tables_with(EMAIL) == set()


@pytest.mark.django_db(transaction=True)
def test_a_booking_that_is_recorded_during_an_erasure_waits_for_it(
    connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    made_at = timezone.now() - timedelta(days=1)
    Person.objects.create(connection=connection, email=EMAIL)
    outcomes: list[bool] = []

    def record_beside() -> None:
        outcomes.append(record(connection, made_at))
        database.close()

    thread = threading.Thread(target=record_beside)
    remember = erasures.remember

    def while_locked(*args: object, **kwargs: object) -> Erasure:
        thread.start()
        time.sleep(0.3)  # it has begun by now, and waits for the person's lock
        return remember(*args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(erasures, "remember", while_locked)

    erase.erase(EMAIL, by="anna")
    thread.join(10)

    assert outcomes == [True]
    assert not Person.objects.exists()
    assert not ConsentProof.objects.exists()
