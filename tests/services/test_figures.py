"""Counting per day: every day has its own, in the installation's zone, and counting again changes nothing."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from django.db import connection as database
from django.test.utils import CaptureQueriesContext
from pytest_django.fixtures import Settings

from calendly_connector import tasks
from calendly_connector.core.booking import Host, Meeting
from calendly_connector.models import Booking, Connection, DailyFigure, StatusChange
from calendly_connector.services import figures, schedule
from calendly_connector.services.figures import Days
from tests.admin.rows import make_booking_row, make_delivery, make_step
from tests.factories import DEMO, DISCOVERY_CALL, make_meeting

NOW = datetime(2026, 11, 22, 15, 0, tzinfo=UTC)
TODAY, YESTERDAY, LAST_WEEK = date(2026, 11, 22), date(2026, 11, 21), date(2026, 11, 15)


@pytest.fixture(autouse=True)
def _now() -> Iterator[None]:
    with time_machine.travel(NOW, tick=False):
        yield


def at(day: date, hours: float = 12) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(hours=hours)


def make_booking(connection: Connection, name: str, booked_at: datetime, **changes: object) -> Booking:
    """Return a booking with the row that says so."""
    row = make_booking_row(connection, name, created_at=booked_at, **changes)
    become(row, "booked", booked_at)
    return row


def become(row: Booking, status: str, happened_at: datetime) -> None:
    Booking.objects.filter(pk=row.pk).update(status=status)
    StatusChange.objects.create(booking=row, status=status, source="webhook", happened_at=happened_at)


def begin_at(start_at: datetime, *, event_type: str = DISCOVERY_CALL, hosts: tuple[str, ...] = ("Camille",)) -> Meeting:
    named = tuple(Host(uri=f"https://api.calendly.com/users/{name}", name=name, email="") for name in hosts)
    return make_meeting(start_at=start_at, end_at=start_at + timedelta(minutes=30), event_type=event_type, hosts=named)


def kept(**filters: object) -> dict[tuple[date, str, str], float]:
    return {(row.date, row.name, row.detail): row.value for row in DailyFigure.objects.filter(**filters)}


def test_what_happened_is_counted_on_its_day(connection: Connection) -> None:
    make_booking(connection, "nadia", at(TODAY))
    tom = make_booking(connection, "tom", at(YESTERDAY))
    become(tom, "canceled", at(TODAY))
    old = make_booking(connection, "zoe-old", at(YESTERDAY))
    become(old, "rescheduled", at(TODAY))
    make_booking(connection, "zoe-new", at(TODAY), old_invitee=old.uri)

    figures.count_recent()

    assert kept(detail="", name__in=["booked", "moved", "canceled"]) == {
        (YESTERDAY, "booked", ""): 2,
        (TODAY, "booked", ""): 1,  # the new half of a move is the move, no booking
        (TODAY, "canceled", ""): 1,
        (TODAY, "moved", ""): 1,
    }


def test_a_withdrawn_no_show_is_not_a_second_booking(connection: Connection) -> None:
    row = make_booking(connection, "amira", at(YESTERDAY))
    become(row, "no_show", at(TODAY))
    become(row, "booked", at(YESTERDAY))  # what the ledger notes: it is booked again, as of when it was booked
    become(row, "attended", at(TODAY))

    figures.count_recent()

    assert kept(detail="") == {
        (YESTERDAY, "booked", ""): 1,
        (TODAY, "no_show", ""): 1,
        (TODAY, "attended", ""): 1,
    }


def test_history_read_later_counts_on_the_day_it_happened(connection: Connection) -> None:
    row = make_booking_row(connection, created_at=at(LAST_WEEK))
    become(row, "attended", at(LAST_WEEK, 20))  # first seen as it is now

    figures.count_past()

    assert kept(detail="") == {(LAST_WEEK, "booked", ""): 1, (LAST_WEEK, "attended", ""): 1}


def test_days_begin_at_midnight_where_the_installation_is(connection: Connection, settings: Settings) -> None:
    settings.TIME_ZONE = "Europe/Copenhagen"
    make_booking(connection, "nadia", at(YESTERDAY, 23.5))  # half past midnight in Copenhagen

    figures.count_recent()

    assert kept(name="booked", detail="") == {(TODAY, "booked", ""): 1}


def test_a_day_of_another_length_is_whole(settings: Settings) -> None:
    settings.TIME_ZONE = "Europe/Copenhagen"
    day = date(2026, 10, 25)  # summer time ends
    days = Days(first=day, last=day)

    assert days.end - days.start == timedelta(hours=25)
    assert list(days) == [day]


def test_meetings_are_counted_by_type_and_host_on_the_day_they_begin(connection: Connection) -> None:
    start = at(YESTERDAY)
    both = begin_at(start, hosts=("Camille", "Jonas"))
    make_booking(connection, "nadia", at(LAST_WEEK), meeting=both)
    amira = make_booking(connection, "amira", at(LAST_WEEK), meeting=begin_at(start))
    become(amira, "no_show", at(YESTERDAY))
    zoe = make_booking(connection, "zoe", at(LAST_WEEK), meeting=begin_at(start, event_type=DEMO))
    become(zoe, "attended", at(TODAY))
    moved = make_booking(connection, "tom", at(LAST_WEEK), meeting=begin_at(start))
    become(moved, "rescheduled", at(LAST_WEEK))

    figures.count_recent()

    found = {(name, detail): value for (day, name, detail), value in kept().items() if detail and day == YESTERDAY}
    assert found == {
        ("booked", f"type:{DISCOVERY_CALL}"): 2,
        ("booked", f"type:{DEMO}"): 1,
        ("booked", "host:Camille"): 3,
        ("booked", "host:Jonas"): 1,
        ("no_show", f"type:{DISCOVERY_CALL}"): 1,
        ("no_show", "host:Camille"): 1,
        ("attended", f"type:{DEMO}"): 1,
        ("attended", "host:Camille"): 1,
    }


def test_the_delay_is_from_arrival_to_taken_in(connection: Connection) -> None:
    for seconds in range(1, 101):
        moment = at(TODAY, 1)
        make_delivery(connection, received_at=moment, processed_at=moment + timedelta(seconds=seconds))
    make_delivery(connection, received_at=at(TODAY, 2))  # still waits
    make_delivery(connection, received_at=at(TODAY, 2), processed_at=at(TODAY, 3), webhook_name="connector.ping")

    figures.count_recent()

    assert kept(name__startswith="lag") == {(TODAY, "lag_p50", ""): 50, (TODAY, "lag_p95", ""): 95}
    assert kept(name="received") == {(TODAY, "received", ""): 101}


def test_the_delay_of_deleted_deliveries_stays_as_it_was_counted(connection: Connection) -> None:
    day = TODAY - timedelta(days=40)
    DailyFigure.objects.create(connection=connection, date=day, name="lag_p50", value=3)

    figures.count_past()

    assert kept() == {(day, "lag_p50", ""): 3}


def test_failures_and_writes_are_the_days_steps_as_they_stand(connection: Connection) -> None:
    booking = make_booking_row(connection)
    for state in ("failed", "failed", "done", "waiting"):
        make_step(booking, state=state)
    figures.count_recent()
    before = kept(name__in=["failures", "written"])

    booking.sync_log.filter(state="failed").update(state="done")
    figures.count_recent()

    assert before == {(TODAY, "failures", ""): 2, (TODAY, "written", ""): 1}
    assert kept(name__in=["failures", "written"]) == {(TODAY, "written", ""): 3}


def test_each_connection_has_its_own(connection: Connection) -> None:
    other = Connection.objects.create(name="Other", brevo_account=connection.brevo_account)
    make_booking(connection, "nadia", at(TODAY))
    make_booking(other, "tom", at(TODAY))
    make_booking(other, "zoe", at(TODAY))

    figures.count_recent()

    assert kept(connection=connection, name="booked", detail="")[TODAY, "booked", ""] == 1
    assert kept(connection=other, name="booked", detail="")[TODAY, "booked", ""] == 2


def test_counting_again_writes_nothing(connection: Connection) -> None:
    make_booking(connection, "nadia", at(TODAY), meeting=begin_at(at(TODAY)))
    figures.count_recent()
    rows = list(DailyFigure.objects.order_by("pk").values_list("pk", "value"))

    said = figures.count_recent()

    assert said == "0 figures have changed"
    assert list(DailyFigure.objects.order_by("pk").values_list("pk", "value")) == rows


def test_ninety_days_are_counted_in_pieces(connection: Connection) -> None:
    make_booking(connection, "nadia", at(TODAY - timedelta(days=90)))
    make_booking(connection, "tom", at(TODAY - timedelta(days=2)))
    turns: list[None] = []

    figures.count_past(lambda: turns.append(None))

    assert len(kept(name="booked", detail="")) == 2
    assert len(turns) == 27  # fourteen weeks of what was noted, thirteen of days


def test_counting_costs_the_same_queries_with_many_rows(connection: Connection) -> None:
    make_booking(connection, "nadia", at(TODAY))
    with CaptureQueriesContext(database) as few:
        figures.count_recent()
    for number in range(30):
        make_booking(connection, f"person{number}", at(TODAY))

    with CaptureQueriesContext(database) as many:
        figures.count_recent()

    assert len(many) <= len(few)


@pytest.mark.parametrize("name", ["figures", "past_figures"])
def test_it_is_done_by_itself(name: str, connection: Connection) -> None:
    make_booking(connection, "nadia", at(TODAY if name == "figures" else LAST_WEEK))

    said = schedule.run_now(name, tasks.TASKS[name].run)

    assert name in tasks.SCHEDULES
    assert said.endswith(" figures have changed")
    assert kept(name="booked", detail="")
