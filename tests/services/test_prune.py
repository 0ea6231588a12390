"""What is kept for a while only, and what is kept until somebody has looked at it."""

from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from django.apps import apps
from django.contrib.sessions.models import Session
from django.db import connection
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries
from pytest_django.fixtures import Settings

from calendly_connector.models import (
    Booking,
    BookingRequest,
    BrevoDelivery,
    DebugRecord,
    Person,
    Reading,
    Schedule,
    SchedulingLink,
    SyncLogEntry,
    WebhookDelivery,
)
from calendly_connector.services import prune, retention
from calendly_connector.services.queue import LeaseLost
from tests.admin.rows import (
    make_booking_row,
    make_connection,
    make_debug_record,
    make_delivery,
    make_link,
    make_news,
    make_step,
)

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
        ("stored", 300, True),
        ("failed", 300, True),
        ("malformed", 300, True),
    ],
)
def test_settled_bodies_go_after_a_month_and_troubled_ones_stay(state: str, days: int, is_kept: bool) -> None:
    _deliveries(state, days=days)

    prune.prune()

    row = WebhookDelivery.objects.get()
    assert bool(row.body) is is_kept
    assert (row.state, bytes(row.digest)) == (state, (0).to_bytes(32))


@pytest.mark.parametrize(
    ("state", "days", "is_kept"),
    [
        ("processed", 364, True),
        ("processed", 366, False),
        ("ignored", 366, False),
        ("stored", 900, True),
        ("failed", 900, True),
        ("malformed", 900, True),
    ],
)
def test_that_a_delivery_came_is_known_for_a_year(state: str, days: int, is_kept: bool) -> None:
    _deliveries(state, days=days)

    prune.prune()

    assert WebhookDelivery.objects.exists() is is_kept


@pytest.mark.parametrize(
    ("state", "days", "is_kept"),
    [
        ("expired", 364, True),
        ("expired", 366, False),
        ("replaced", 366, False),
        ("live", 900, True),
        ("used", 900, True),
    ],
)
def test_links_that_nobody_can_use_go_with_the_log(state: str, days: int, is_kept: bool) -> None:
    made_at = timezone.now() - timedelta(days=days)
    make_link(make_booking_row(make_connection()), state=state, made_at=made_at)

    prune.prune()

    assert SchedulingLink.objects.exists() is is_kept


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
    monkeypatch.setattr(prune, "PIECE", 2)
    booking = make_booking_row(make_connection())
    for _ in range(5):
        make_step(booking, "contact", state="done")
    SyncLogEntry.objects.update(created_at=timezone.now() - timedelta(days=900))

    assert prune.prune() == "Deleted by age: log × 5."

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


@pytest.mark.parametrize("setting", [retention.RAW, retention.LOG, retention.CHECKS, retention.DEBUG])
def test_nothing_of_a_setting_of_0_ever_goes(setting: str, settings: Settings) -> None:
    connection = make_connection()
    long_ago = timezone.now() - timedelta(days=9000)
    make_news(connection.brevo_account, state="processed", received_at=long_ago)
    make_debug_record(connection)
    make_step(make_booking_row(connection), state="done")
    Reading.objects.create(connection=connection, kind="check", since=long_ago, asked_at=long_ago, finished_at=long_ago)
    DebugRecord.objects.update(at=long_ago)
    SyncLogEntry.objects.update(created_at=long_ago)
    setattr(settings, setting, 0)

    prune.prune()

    left = {
        retention.RAW: BrevoDelivery.objects.exists(),
        retention.LOG: SyncLogEntry.objects.exists(),
        retention.CHECKS: Reading.objects.exists(),
        retention.DEBUG: DebugRecord.objects.exists(),
    }
    assert left == {name: name == setting for name in left}


@pytest.fixture
def five_old_entries(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leave five entries that are too old, of which a piece takes two."""
    monkeypatch.setattr(prune, "PIECE", 2)
    booking = make_booking_row(make_connection())
    for _ in range(5):
        make_step(booking, "contact", state="done")
    SyncLogEntry.objects.update(created_at=timezone.now() - timedelta(days=900))


def test_a_long_purge_goes_on_with_the_next_tick(five_old_entries: None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prune, "SECONDS", 0.0)
    tomorrow = timezone.now() + timedelta(days=1)
    Schedule.objects.create(name="prune", every_seconds=86_400, next_run_at=tomorrow)

    assert prune.prune() == "Deleted by age: log × 2. There is more: it goes on at once."

    assert SyncLogEntry.objects.count() == 3
    assert Schedule.objects.get().next_run_at <= timezone.now()


def test_what_was_taken_stays_taken_when_the_job_is_lost(five_old_entries: None) -> None:
    with pytest.raises(LeaseLost):
        prune.purge(renew=_lost)

    assert SyncLogEntry.objects.count() == 3
    assert prune.prune() == "Deleted by age: log × 3."


def _lost() -> None:
    raise LeaseLost("taken over")


def test_it_rests_between_two_pieces(five_old_entries: None) -> None:
    rests: list[float] = []

    prune.purge(sleep=rests.append)

    assert len(rests) == 3
    assert all(rest > 0 for rest in rests)


class SlowDisk:
    """A clock by which every statement that deletes takes some seconds."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self.now = seconds, 0.0

    def __call__(self, execute: Callable[..., object], sql: str, *arguments: object) -> object:
        self.now += self.seconds if sql.startswith("DELETE") else 0.0
        return execute(sql, *arguments)


@pytest.mark.parametrize(
    ("seconds", "pieces"),
    [(0.001, [5]), (0.06, [3, 2]), (4.0, [1, 1, 1, 1, 1])],
    ids=["a fast disk", "a slow one", "one that hangs"],
)
def test_a_piece_ends_when_it_has_held_the_database_long_enough(
    five_old_entries: None, monkeypatch: pytest.MonkeyPatch, seconds: float, pieces: list[int]
) -> None:
    monkeypatch.setattr(prune, "PIECE", 200)
    monkeypatch.setattr(prune, "HANDFUL", 1)
    disk, left = SlowDisk(seconds), [5]

    with connection.execute_wrapper(disk):
        prune.purge(clock=lambda: disk.now, sleep=lambda _: left.append(SyncLogEntry.objects.count()))

    assert [before - after for before, after in pairwise(left)] == pieces


def test_deleting_deliveries_never_reads_what_was_posted(django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    """Of bodies of a mebibyte each, two hundred would be in memory at once."""
    _deliveries("processed", days=900)

    with django_assert_max_num_queries(50) as asked:
        prune.purge(retention.find(["deliveries"]))

    assert not WebhookDelivery.objects.exists()
    assert [each["sql"] for each in asked.captured_queries if '"body"' in each["sql"]] == []


def test_sessions_that_are_over_go() -> None:
    now = timezone.now()
    Session.objects.create(session_key="over", session_data="", expire_date=now - timedelta(seconds=1))
    Session.objects.create(session_key="open", session_data="", expire_date=now + timedelta(hours=1))

    prune.prune()

    assert list(Session.objects.values_list("session_key", flat=True)) == ["open"]


def test_every_table_has_a_time_or_is_kept_on_purpose() -> None:
    """A new table must be decided about: by a line in `retention.RULES`, or in `KEPT`; and told of in the guide."""
    timed = {rule.old(timezone.now()).model.__name__ for rule in retention.RULES}
    models = {model.__name__ for model in apps.get_app_config("calendly_connector").get_models()}

    assert models - timed == KEPT
    words = GUIDE.read_text()
    assert [name for name in sorted(models) if f"`{name}`" not in words] == []
    assert [rule.name for rule in retention.RULES if f"| `{rule.name}` (" not in words] == []


GUIDE = Path(__file__).parents[2] / "docs" / "retention.md"
KEPT = {
    *{"Booking", "StatusChange", "Person", "ContactMirror", "ConsentProof", "CrmTask", "KnownMeeting"},
    *{"Erasure", "ErasureKey"},
    *{"Connection", "BrevoAccount", "EventType", "BrevoList", "BrevoAttribute", "BookingPage", "ApiToken"},
    *{"StaffLogin", "RecoveryCode"},
    *{"TriggerMapping", "FieldMapping", "ConsentRule", "MappingVersion", "StaffPreference"},
    *{"DailyFigure", "Notice", "Drift", "DriftRun", "BulkImport", "Replay", "LinkRun", "Tally"},
    *{"Job", "Schedule", "RateLimit", "PendingMeeting"},
}
