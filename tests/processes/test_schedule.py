"""However many workers look at the clock at once, a schedule ticks once."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection
from django.utils import timezone

from calendly_connector.models import Schedule
from calendly_connector.services import queue, schedule

WORKERS = 4
ROUNDS = 10


@pytest.mark.usefixtures("transactional_db")
def test_workers_that_look_at_the_same_moment_tick_once(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr(queue, "enqueue", asked.append)
    schedule.install({"sweep": 3600})
    start = threading.Barrier(WORKERS)

    def look() -> None:
        try:
            start.wait()
            schedule.tick()
        finally:
            connection.close()

    for number in range(1, ROUNDS + 1):
        Schedule.objects.update(next_run_at=timezone.now() - timedelta(seconds=1))
        with ThreadPoolExecutor(WORKERS) as workers:
            for done in [workers.submit(look) for _ in range(WORKERS)]:
                done.result()

        assert asked == ["sweep"] * number
