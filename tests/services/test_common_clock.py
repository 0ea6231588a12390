"""A machine whose clock is wrong shares the work by the database's, where that is a server of its own."""

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta

import pytest
import time_machine
from django.db import connection
from django.utils import timezone
from pytest_django.fixtures import Settings

from calendly_connector.services import common_clock, limits, queue

pytestmark = pytest.mark.django_db(transaction=True)
FAR = queue.LEASE + timedelta(seconds=30)  # enough to take every lease for ended
WRONG = pytest.mark.parametrize("wrong", [FAR, -FAR])


@pytest.fixture(autouse=True)
def _follow(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> None:
    settings.FOLLOW_DATABASE_CLOCK = True
    monkeypatch.setattr(common_clock, "_ahead", timedelta())
    monkeypatch.setattr(common_clock, "_compare_at", 0.0)


@WRONG
def test_the_servers_clock_counts_and_a_files_is_our_own(wrong: timedelta, caplog: pytest.LogCaptureFixture) -> None:
    true = timezone.now()

    with caplog.at_level(logging.WARNING), machine(wrong):
        found = common_clock.now()

    if connection.vendor == "postgresql":
        assert abs(found - true) < timedelta(seconds=30)  # a slow machine, not a wrong clock
        where = "ahead of" if wrong > timedelta() else "behind"
        [line] = caplog.messages
        assert line.startswith("This machine's clock is ")
        assert f" s {where} the database's" in line
    else:
        assert abs(found - true - wrong) < timedelta(seconds=30)
        assert caplog.messages == []


@WRONG
def test_nobody_with_a_wrong_clock_takes_a_job_that_is_in_hand(wrong: timedelta) -> None:
    ahead, behind = (machine(wrong), machine()) if wrong > timedelta() else (machine(), machine(wrong))
    with behind:
        queue.enqueue("push", 1)
        assert queue.claim("who has it")

    with ahead:
        stolen = queue.claim("whose clock is ahead")

    assert (stolen is None) is (connection.vendor == "postgresql")  # around a file, everybody has the same clock


def test_limits_are_kept_by_the_same_clock() -> None:
    limits.open_buckets(1)
    with machine(FAR):
        limits.block(1, "contacts", seconds=20)

    wait = limits.acquire(1, "contacts")

    expected = 20.0 if connection.vendor == "postgresql" else 20.0 + FAR.total_seconds()
    assert wait == pytest.approx(expected, abs=10)


def test_synchronised_clocks_are_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = count_queries(monkeypatch)

    first, second = common_clock.now(), common_clock.now()

    assert common_clock._ahead == timedelta()
    assert asked() == (1 if connection.vendor == "postgresql" else 0), "one query is kept for a minute"
    assert second >= first


@contextmanager
def machine(wrong: timedelta = timedelta()) -> Iterator[None]:
    """Be on a machine whose clock is off by so much, and that compares it anew."""
    common_clock._compare_at = 0.0
    with time_machine.travel(datetime.now(tz=timezone.get_default_timezone()) + wrong, tick=True):
        yield
    common_clock._compare_at = 0.0


def count_queries(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """Return what tells how many comparisons were made since."""
    count, measure = [0], common_clock._measure

    def counted() -> timedelta:
        count[0] += 1
        return measure()

    monkeypatch.setattr(common_clock, "_measure", counted)
    return lambda: count[0]
