"""`calendly_replay` as an operator calls it: the plan first, JSON for scripts, a trustworthy exit status."""

import json
from io import StringIO

import pytest
from django.core.management import ManagementUtility, call_command
from django.core.management.base import CommandError

from calendly_connector.models import Connection, Job, Replay, SyncLogEntry
from calendly_connector.services import replay
from tests.admin.rows import make_booking_row, make_connection, make_step

MISSING = "attribute_missing:MEETING_DATE"
REQUEST = {"name": "welcome", "at": "2026-11-22T10:15:04+00:00", "properties": {}}


@pytest.fixture
def connection(db: None) -> Connection:
    """Return a connection with a warning, a failed event and one that was sent."""
    connection = make_connection()
    booking = make_booking_row(connection)
    make_step(booking, "contact", state="done", cause=MISSING)
    make_step(booking, state="failed", happening="booked", cause="event_refused", request=REQUEST)
    make_step(booking, state="done", happening="canceled", request=REQUEST)
    return connection


def call(*arguments: str) -> str:
    out = StringIO()
    call_command("calendly_replay", *arguments, stdout=out, no_color=True)
    return out.getvalue()


def exit_status(*arguments: str) -> int:
    """Run the command as `manage.py` does and return its exit status."""
    try:
        ManagementUtility(["manage.py", "calendly_replay", *arguments]).execute()
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


def test_it_prints_the_plan_and_starts(connection: Connection) -> None:
    said = call("--state", "failed", "--state", "done")

    row = Replay.objects.get()
    assert said.splitlines() == [
        "Main: chosen entries: 3, people: 1",
        "  1 contact is written",
        "  1 event is sent: calendly_meeting_booked × 1",
        "  left out: 1 × The event was sent before, and isn't sent twice.",
        f"Started: replay {row.pk}. The workers do it now.",
    ]
    assert (row.asked_by, row.total, Job.objects.get().kind) == ("calendly_replay", 3, "replay")


def test_a_dry_run_starts_nothing(connection: Connection) -> None:
    said = call("--cause", MISSING, "--dry-run")

    assert said.endswith("Nothing was started: this was a dry run.\n")
    assert not Replay.objects.exists()


def test_it_reports_as_json(connection: Connection) -> None:
    (report,) = json.loads(call("--trigger", "canceled", "--rules", "then", "--events-again", "--json"))

    row = Replay.objects.get()
    assert (report["connection"], report["replay"]) == ("Main", row.pk)
    assert (report["plan"]["entries"], report["plan"]["again"]) == (1, {"welcome": 1})
    assert (row.rules, row.sends_events_again) == ("then", True)


@pytest.mark.parametrize(
    ("arguments", "count"),
    [
        (["--cause", "event_refused"], 1),
        (["--email", "nadia@example.com"], 3),
        (["--email", "nobody@example.com"], 0),
        (["--kind", "contact"], 1),
        (["--connection", "Main", "--since", "2020-01-01"], 3),
        (["--until", "2020-01-01T00:00:00+00:00"], 0),
    ],
)
def test_it_chooses_by(connection: Connection, arguments: list[str], count: int) -> None:
    reports = json.loads(call(*arguments, "--dry-run", "--json"))

    assert sum(report["plan"]["entries"] for report in reports) == count


def test_entries_are_named_one_by_one(connection: Connection) -> None:
    numbers = list(SyncLogEntry.objects.order_by("pk").values_list("pk", flat=True))[:2]

    call(*(part for number in numbers for part in ("--entry", str(number))))
    replay.advance(Replay.objects.get().pk, lambda: None)

    assert Replay.objects.get().done == 2


def test_nothing_to_do_is_no_failure(connection: Connection) -> None:
    assert call("--state", "skipped") == "Nothing to replay.\n"
    assert exit_status("--state", "skipped") == 0


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        ([], 2),
        (["--connection", "Main"], 2),
        (["--since", "soon"], 2),
        (["--state", "odd"], 2),
        (["--entry", "x"], 2),
        (["--connection", "Nobody", "--state", "failed"], 1),
    ],
)
def test_wrong_usage_has_a_status_of_its_own(connection: Connection, arguments: list[str], status: int) -> None:
    assert exit_status(*arguments) == status


def test_everything_at_once_is_refused_with_words(connection: Connection) -> None:
    with pytest.raises(CommandError, match="Say which entries"):
        call()
