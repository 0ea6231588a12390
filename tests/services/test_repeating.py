"""Repeating work by hand and by schedule: what it said, what failed, and when it comes again."""

from collections.abc import Callable
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command
from django.utils import timezone

from calendly_connector import tasks
from calendly_connector.models import BrevoAttribute, EventType, Job, Schedule
from calendly_connector.services import catalogue, schedule
from calendly_connector.services.bell import Bell
from calendly_connector.services.queue import Claimed, Later
from calendly_connector.services.worker import Worker
from tests.journeys.river import River


def run(*options: str) -> str:
    """Return what the worker's command says."""
    out = StringIO()
    call_command("calendly_worker", *options, stdout=out)
    return out.getvalue()


@pytest.mark.parametrize("name", tasks.SCHEDULES)
def test_every_piece_of_repeating_work_runs_by_hand(installation: River, name: str) -> None:
    said = run("--job", name)

    row = Schedule.objects.get(name=name)
    assert said.strip()
    assert row.last_result == said.strip()
    assert row.last_started_at
    assert row.last_finished_at


def test_the_list_names_each_with_its_result_and_its_next_run(db: None) -> None:
    run("--job", "sweep")
    Schedule.objects.filter(name="prune").update(is_enabled=False)

    lines = run("--jobs").splitlines()

    assert [line.split()[0] for line in lines] == sorted(tasks.SCHEDULES)
    found = {line.split()[0]: line for line in lines}
    assert "had no job" in found["sweep"]
    assert "never ran" in found["watch"]
    assert "(switched off)" in found["prune"]


def test_an_unknown_name_is_wrong_usage(db: None) -> None:
    with pytest.raises(CommandError, match="There is: .*watch") as raised:
        run("--job", "dance")

    assert raised.value.returncode == 2


def _failing(error: Exception) -> Callable[[Claimed], str | None]:
    def fail(job: Claimed) -> str | None:
        job.renew()
        raise error

    return fail


@pytest.mark.parametrize("error", [Later("Brevo sleeps."), ValueError("Brevo sleeps.")])
def test_a_failure_by_hand_is_words_and_exit_status(
    db: None, monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    monkeypatch.setitem(tasks.TASKS, "watch", tasks.Task(run=_failing(error)))

    with pytest.raises(CommandError, match="Failed: .*Brevo sleeps"):
        run("--job", "watch")

    assert Schedule.objects.get(name="watch").last_result == "Failed: Brevo sleeps."


@pytest.mark.parametrize("error", [Later("Brevo sleeps."), ValueError("Brevo sleeps.")])
def test_a_failure_on_schedule_shows_in_its_last_result(db: None, error: Exception) -> None:
    schedule.install({"watch": 900})
    Worker({"watch": tasks.Task(run=_failing(error))}, concurrency=1, bell=Bell()).drain()

    row = Schedule.objects.get()
    assert row.last_result.startswith("Failed: ")
    assert "Brevo sleeps." in row.last_result
    assert Job.objects.get().kind == "watch"


def test_rare_work_is_spread_and_frequent_work_is_not(db: None) -> None:
    with time_machine.travel("2026-11-23T08:00:00Z", tick=False):
        schedule.install({f"rare{number}": 900 for number in range(20)} | {"often": 60})
        schedule.tick()
        now = timezone.now()
        rare = [row.next_run_at - now for row in Schedule.objects.filter(name__startswith="rare")]

        assert Schedule.objects.get(name="often").next_run_at == now + timedelta(seconds=60)
    assert len(set(rare)) > 10
    assert all(timedelta(seconds=810) <= wait <= timedelta(seconds=990) for wait in rare)


def test_the_catalogues_of_everything_are_read_and_one_refusal_stops_nothing(
    installation: River, monkeypatch: pytest.MonkeyPatch
) -> None:
    installation.connect()
    EventType.objects.all().delete()
    BrevoAttribute.objects.all().delete()
    installation.break_calendly("status", "/event_types", status=500)
    renewed: list[Any] = []

    said = catalogue.refresh_all(lambda: renewed.append(1))

    lines = said.splitlines()
    assert "Failed: " in lines[0]
    assert "attributes were read." in lines[1]
    assert BrevoAttribute.objects.exists()
    assert len(renewed) == 2
    catalogue.refresh_all()
    assert EventType.objects.exists()


def test_without_a_connection_there_is_nothing_to_read(db: None) -> None:
    assert catalogue.refresh_all() == "Nothing is connected yet."
