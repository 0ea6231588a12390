"""Repeating work: exactly one tick, however many workers look."""

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from django.db import connection
from django.utils import timezone

from calendly_connector import tasks
from calendly_connector.models import Job, Schedule
from calendly_connector.services import queue, schedule


@pytest.fixture
def clock(db: None) -> Iterator[time_machine.Traveller]:
    """Let time stand still until a test moves it."""
    with time_machine.travel("2026-11-23T08:00:00Z", tick=False) as traveller:
        yield traveller


def _done() -> int:
    """Finish everything that was asked for and return how much that was."""
    count, _ = Job.objects.all().delete()
    return count


def test_work_is_asked_for_when_it_is_due_and_then_after_its_time(clock: time_machine.Traveller) -> None:
    schedule.install({"sweep": 15})
    counts = []
    for seconds in (0, 0, 14, 1, 15):
        clock.shift(seconds)
        schedule.tick()
        counts.append(_done())

    assert counts == [1, 0, 0, 1, 1]


def test_late_ticks_are_not_made_up_for(clock: time_machine.Traveller) -> None:
    schedule.install({"sweep": 15})
    schedule.tick()
    _done()
    clock.shift(3600)

    schedule.tick()
    schedule.tick()

    assert _done() == 1
    assert Schedule.objects.get().next_run_at == timezone.now() + timedelta(seconds=15)


def test_what_staff_changed_survives_the_next_start(clock: time_machine.Traveller) -> None:
    schedule.install(tasks.SCHEDULES)
    Schedule.objects.filter(name="prune").update(is_enabled=False, every_seconds=7)

    schedule.install(tasks.SCHEDULES)
    schedule.tick()

    assert Schedule.objects.get(name="prune").every_seconds == 7
    assert not Job.objects.filter(kind="prune").exists()


def test_every_schedule_has_its_task() -> None:
    assert tasks.SCHEDULES.keys() <= tasks.TASKS.keys()


def test_two_callers_of_one_moment_tick_once(transactional_db: None, monkeypatch: pytest.MonkeyPatch) -> None:
    schedule.install({"sweep": 3600})
    asked: list[str] = []
    monkeypatch.setattr(queue, "enqueue", asked.append)
    together = threading.Barrier(4)

    def look() -> None:
        try:
            connection.ensure_connection()
            together.wait()
            schedule.tick()
        finally:
            connection.close()

    callers = [threading.Thread(target=look) for _ in range(4)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join()

    assert asked == ["sweep"]


def test_the_next_tick_is_the_soonest_enabled_one(clock: time_machine.Traveller) -> None:
    assert schedule.next_tick() is None
    schedule.install({"sweep": 15, "clock": 60})
    schedule.tick()
    Schedule.objects.filter(name="sweep").update(is_enabled=False)

    assert schedule.next_tick() == timezone.now() + timedelta(seconds=60)


def test_a_result_is_kept_within_reason(clock: time_machine.Traveller) -> None:
    schedule.install({"sweep": 15})

    schedule.note_result("sweep", "x" * 5000)

    assert len(Schedule.objects.get().last_result) == 1000
    assert Schedule.objects.get().last_finished_at == timezone.now()


def test_named_work_runs_at_the_next_tick(clock: time_machine.Traveller) -> None:
    schedule.install(tasks.SCHEDULES)
    later = timezone.now() + timedelta(hours=5)
    Schedule.objects.update(next_run_at=later)

    schedule.soon("keep_alive", "catalogues")

    due = Schedule.objects.filter(next_run_at__lt=later).order_by("name").values_list("name", flat=True)
    assert list(due) == ["catalogues", "keep_alive"]
