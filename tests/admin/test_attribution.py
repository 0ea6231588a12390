"""The attribution page and its file: for whom, what they show, and what a spreadsheet makes of it."""

import csv
import io
from collections.abc import Callable
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.contrib.auth.models import User
from django.db import connection as database
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from calendly_connector.admin import attribution
from calendly_connector.core.booking import Tracking
from calendly_connector.models import Connection, StaffPreference
from calendly_connector.services import attribution as counted
from tests.admin.rows import make_booking_row, make_connection

PAGE, FILE = reverse("admin:calendly_connector_attribution"), reverse("admin:calendly_connector_attribution_csv")


def book(connection: Connection, name: str, source: str = "", at: datetime | None = None) -> None:
    moment = at or timezone.now() - timedelta(hours=1)
    tracking = Tracking(utm_source=source)
    make_booking_row(connection, name, created_at=moment, updated_at=moment, tracking=tracking, attended_at=moment)


def text_of(client: Client, **asked: str | int) -> str:
    answer = client.get(PAGE, asked)
    assert answer.status_code == 200
    return answer.content.decode()


def file_of(client: Client, **asked: str | int) -> str:
    answer = client.get(FILE, asked)
    assert answer.status_code == 200
    assert answer.streaming
    return answer.getvalue().decode()


def lines_of(client: Client, **asked: str | int) -> list[list[str]]:
    return list(csv.reader(io.StringIO(file_of(client, **asked).removeprefix("\ufeff"))))


def test_the_page_shows_groups_totals_a_chart_and_its_definitions(staff: Client, connection: Connection) -> None:
    book(connection, "a", "newsletter")
    book(connection, "b")

    page = text_of(staff)

    for words in ("newsletter", "(none)", "Total", "<svg", "What is counted", "Bookings per day", "100%"):
        assert words in page
    assert "Nothing was booked" not in page


def test_an_empty_period_says_so(staff: Client, connection: Connection) -> None:
    assert "Nothing was booked in this period." in text_of(staff)
    assert lines_of(staff)[1:] == [["Total", "0", "0", "0", "0", "0", "0", "0", "", ""]]


@pytest.mark.parametrize("address", [PAGE, FILE])
def test_only_those_who_see_bookings_see_it(address: str, log_in: Callable[..., Client]) -> None:
    assert log_in("view_connection").get(address).status_code == 403


@pytest.mark.parametrize(("permission", "shown"), [("view_booking", True), ("view_connection", False)])
def test_the_menu_names_it_for_those_who_see_bookings(
    permission: str, log_in: Callable[..., Client], *, shown: bool
) -> None:
    assert (PAGE in log_in(permission).get(reverse("admin:index")).content.decode()) is shown


def test_the_overview_leads_to_it(staff: Client, connection: Connection) -> None:
    assert "Where bookings come from" in staff.get(reverse("admin:index")).content.decode()


def test_filters_reach_page_and_file_alike(staff: Client, connection: Connection) -> None:
    other = make_connection("Other", is_environment=False)
    book(connection, "a", "ours")
    book(other, "b", "theirs")
    book(connection, "c", "long-ago", timezone.now() - timedelta(days=60))
    asked: dict[str, str | int] = {"connection": connection.pk, "period": "90", "by": "source"}

    assert [line[0] for line in lines_of(staff, **asked)] == ["UTM source", "long-ago", "ours", "Total"]
    assert "theirs" not in text_of(staff, **asked)
    assert [line[0] for line in lines_of(staff)] == ["UTM source", "ours", "theirs", "Total"]
    assert f"connection={connection.pk}&amp;by=source" in text_of(staff, **asked)


def test_own_dates_are_days_of_the_readers_zone(staff: Client, connection: Connection) -> None:
    book(connection, "a", "x", datetime(2026, 11, 9, 23, 30, tzinfo=ZoneInfo("UTC")))
    StaffPreference.objects.create(user=User.objects.get(username="anna"), timezone="Europe/Paris")
    asked = {"period": "own", "since": "2026-11-10", "until": "2026-11-10"}

    assert [line[:2] for line in lines_of(staff, **asked)[1:]] == [["x", "1"], ["Total", "1"]]
    assert "2026-11-10 – 2026-11-10 (Europe/Paris)" in text_of(staff, **asked)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"period": "own"}, "Say from which day to which day."),
        ({"period": "own", "since": "2026-11-10", "until": "2026-11-09"}, "The first day comes after the last one."),
        ({"period": "own", "since": "1900-01-01", "until": "2026-11-09"}, "ten years at most"),
        ({"period": "own", "since": "x", "until": "2026-11-09"}, "Enter a valid date"),
        ({"by": "secrets"}, "Select a valid choice"),
        ({"connection": "999"}, "Select a valid choice"),
    ],
)
def test_what_makes_no_sense_is_said(staff: Client, connection: Connection, asked: dict[str, str], words: str) -> None:
    assert words in text_of(staff, **asked)
    assert file_of(staff, **asked)


@pytest.mark.parametrize(
    ("period", "expected"),
    [
        ("7", (date(2026, 11, 23), date(2026, 11, 29))),
        ("30", (date(2026, 10, 31), date(2026, 11, 29))),
        ("month", (date(2026, 11, 1), date(2026, 11, 29))),
        ("last_month", (date(2026, 10, 1), date(2026, 10, 31))),
        ("year", (date(2026, 1, 1), date(2026, 11, 29))),
        ("own", (date(2026, 10, 31), date(2026, 11, 29))),
    ],
)
def test_a_period_ends_today_where_the_reader_is(period: str, expected: tuple[date, date]) -> None:
    with time_machine.travel("2026-11-28T23:30:00Z", tick=False), timezone.override("Europe/Paris"):
        assert attribution.days_of(period, None, None) == expected


@pytest.mark.parametrize("source", ["=1+1", "+1", "-1", "@x", "\tx", "\rx"])
def test_no_cell_of_the_file_is_a_formula(staff: Client, connection: Connection, source: str) -> None:
    book(connection, "a", source)

    assert lines_of(staff)[1][0] == f"'{source}"


def test_the_file_is_utf8_for_excel_and_kept_out_of_caches(staff: Client, connection: Connection) -> None:
    book(connection, "a", "Brød")
    answer = staff.get(FILE)

    assert file_of(staff).startswith("\ufeffUTM source,Bookings,")
    assert "Brød" in file_of(staff)
    assert answer["Content-Type"] == "text/csv; charset=utf-8"
    assert answer["Content-Disposition"].startswith('attachment; filename="attribution-source-')
    assert "no-store" in answer["Cache-Control"]


def test_addresses_are_hidden_from_those_who_may_not_see_them(
    log_in: Callable[..., Client], connection: Connection
) -> None:
    book(connection, "a")
    viewer = log_in("view_booking")

    assert "camille@example.fr" not in file_of(viewer, by="host")
    assert "camille@example.fr" not in text_of(viewer, by="host")


def test_addresses_are_in_the_file_of_those_who_may(log_in: Callable[..., Client], connection: Connection) -> None:
    book(connection, "a")

    assert "camille@example.fr" in file_of(log_in("view_booking", "view_addresses"), by="host")


def test_the_page_costs_the_same_however_much_there_is(staff: Client, connection: Connection) -> None:
    def queries() -> int:
        text_of(staff)
        with CaptureQueriesContext(database) as seen:
            text_of(staff)
        return len(seen)

    book(connection, "a", "x")
    few = queries()
    for number in range(60):
        book(connection, f"p{number}", f"s{number}")

    assert queries() == few <= 16
    assert "11 others" in text_of(staff)


def test_page_and_file_say_where_they_begin_when_there_is_too_much(
    staff: Client, connection: Connection, monkeypatch: pytest.MonkeyPatch
) -> None:
    for days in range(4):
        book(connection, f"p{days}", f"s{days}", timezone.now() - timedelta(days=days))
    assert "More than" not in text_of(staff)

    monkeypatch.setattr(counted, "MOST", 2)

    first = timezone.localdate() - timedelta(days=1)
    assert f"More than 2 bookings: counted from {first:%Y-%m-%d} on." in text_of(staff)
    assert [line[0] for line in lines_of(staff)] == ["UTM source", "s0", "s1", "Total"]
