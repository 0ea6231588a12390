"""`calendly_purge` as an operator calls it: counted first, JSON for scripts, a trustworthy exit status."""

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from pytest_django.fixtures import Settings

from calendly_connector.models import Schedule, SyncLogEntry, WebhookDelivery
from calendly_connector.services import retention
from tests.admin.rows import make_booking_row, make_connection, make_delivery, make_step

NOW = timezone.now()


@pytest.fixture(autouse=True)
def _old_rows(db: None) -> None:
    """Leave two bodies of 40 days, and three log entries of two years of which one waits."""
    connection = make_connection()
    for _ in range(2):
        make_delivery(connection, state="processed", received_at=NOW - timedelta(days=40))
    booking = make_booking_row(connection)
    for state in ("done", "done", "waiting"):
        make_step(booking, state=state)
    SyncLogEntry.objects.update(created_at=NOW - timedelta(days=730))


def call(*arguments: str) -> str:
    out = StringIO()
    call_command("calendly_purge", *arguments, stdout=out, no_color=True)
    return out.getvalue()


def test_it_counts_each_table_and_then_deletes() -> None:
    lines = call().splitlines()

    assert [line.split()[0] for line in lines[: len(retention.RULES)]] == [rule.name for rule in retention.RULES]
    found = {line.split()[0]: line for line in lines}
    assert f"2 to be emptied, from before {NOW - timedelta(days=30):%Y-%m-%d}" in found["bodies"]
    assert f"2 to be deleted, from before {NOW - timedelta(days=365):%Y-%m-%d}" in found["log"]
    assert "0 to be deleted" in found["deliveries"]
    assert lines[-1] == "Deleted by age: bodies × 2, log × 2."
    assert list(SyncLogEntry.objects.values_list("state", flat=True)) == ["waiting"]
    assert [bytes(row.body) for row in WebhookDelivery.objects.all()] == [b"", b""]


def test_a_second_purge_finds_nothing() -> None:
    call()

    assert call().splitlines()[-1] == "Nothing was old enough."


def test_a_dry_run_only_counts_and_tells_of_the_schedule() -> None:
    at = NOW + timedelta(hours=3)
    Schedule.objects.create(name="prune", every_seconds=86_400, next_run_at=at, last_result="Deleted by age: log × 7.")

    said = call("--dry-run")

    assert f"By schedule: next {at:%Y-%m-%d %H:%M} UTC. Last: Deleted by age: log × 7." in said
    assert said.splitlines()[-1] == "Nothing was deleted: this was a dry run. 4 rows are due."
    assert SyncLogEntry.objects.count() == 3


def test_one_table_only() -> None:
    call("--table", "bodies")

    assert SyncLogEntry.objects.count() == 3
    assert not WebhookDelivery.objects.exclude(body=b"").exists()


def test_an_unknown_table_is_wrong_usage() -> None:
    with pytest.raises(CommandError, match="There is no table 'booking'") as raised:
        call("--table", "booking")

    assert raised.value.returncode == 2


def test_the_report_is_json(settings: Settings) -> None:
    settings.KEEP_DEBUG_DAYS = 0

    found = json.loads(call("--json"))

    assert found["tables"]["log"]["due"] == found["tables"]["log"]["done"] == 2
    assert found["tables"]["bodies"]["act"] == "emptied"
    assert found["tables"]["debug_records"]["before"] is None
    assert found["dry_run"] is False


def test_what_is_kept_for_ever_is_said(settings: Settings) -> None:
    settings.KEEP_LOG_DAYS = 0

    assert "log               kept for ever (KEEP_LOG_DAYS=0)" in call().splitlines()
    assert SyncLogEntry.objects.count() == 3
