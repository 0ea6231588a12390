"""The pace of calls: shared, corrected by what Brevo says, and never absurd."""

from collections.abc import Iterator

import pytest
import time_machine

from calendly_connector.models import RateLimit
from calendly_connector.services import limits

ACCOUNT = 7


@pytest.fixture(autouse=True)
def clock(db: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[time_machine.Traveller]:
    """Let time stand still until a test moves it."""
    monkeypatch.setattr(limits, "_paces", {})
    with time_machine.travel("2026-11-23T08:00:00Z", tick=False) as traveller:
        limits.open_buckets(ACCOUNT)
        yield traveller


def _calls(clock: time_machine.Traveller, bucket: str, *, seconds: float) -> list[float]:
    """Return when calls were allowed to a caller who never misses a chance."""
    at, times = 0.0, []
    while at < seconds:
        wait = limits.acquire(ACCOUNT, bucket)
        if not wait:
            times.append(at)
            continue
        clock.shift(wait)
        at += wait
    return times


def _interval(bucket: str) -> float:
    return RateLimit.objects.get(pk=limits.key_of(ACCOUNT, bucket)).interval


@pytest.mark.parametrize("bucket", ["contacts", "events"])
def test_a_fast_bucket_keeps_close_to_ten_calls_a_second_and_never_makes_an_eleventh(
    clock: time_machine.Traveller, bucket: str
) -> None:
    times = _calls(clock, bucket, seconds=20)

    assert 190 <= len(times) <= 200
    assert max(sum(start <= at < start + 1 for at in times) for start in times) <= 10


def test_the_hourly_bucket_lets_a_few_calls_through_at_once_and_never_more_than_a_hundred_in_an_hour(
    clock: time_machine.Traveller,
) -> None:
    times = _calls(clock, "other", seconds=7200)

    assert sum(at < 1 for at in times) == 21
    assert max(sum(start <= at < start + 3600 for at in times) for start in times) <= 101
    assert sum(at >= 3600 for at in times) == pytest.approx(80, abs=1)


def test_a_refused_call_is_told_how_long_to_wait(clock: time_machine.Traveller) -> None:
    assert limits.acquire(ACCOUNT, "contacts") == 0
    wait = limits.acquire(ACCOUNT, "contacts")

    assert wait == pytest.approx(limits.FAST - limits.EARLY, abs=0.001)
    clock.shift(wait + 0.001)
    assert limits.acquire(ACCOUNT, "contacts") == 0


def test_buckets_and_accounts_do_not_disturb_each_other() -> None:
    limits.open_buckets(8)
    assert limits.acquire(ACCOUNT, "contacts") == 0

    assert limits.acquire(ACCOUNT, "events") == 0
    assert limits.acquire(8, "contacts") == 0


def test_an_account_without_buckets_gets_them() -> None:
    assert limits.acquire(99, "events") == 0
    assert RateLimit.objects.filter(pk__startswith="brevo:99:").count() == len(limits.INTERVALS)


def test_opening_buckets_again_forgets_nothing() -> None:
    limits.block(ACCOUNT, "events", seconds=20)

    limits.open_buckets(ACCOUNT)

    assert limits.acquire(ACCOUNT, "events") > 19


def test_a_call_that_was_made_without_waiting_counts(clock: time_machine.Traveller) -> None:
    limits.charge(ACCOUNT, "contacts")
    limits.charge(ACCOUNT, "contacts")

    assert limits.acquire(ACCOUNT, "contacts") == pytest.approx(2 * limits.FAST - limits.EARLY, abs=0.001)


def test_a_block_holds_every_caller_until_it_is_over(clock: time_machine.Traveller) -> None:
    assert limits.block(ACCOUNT, "contacts", seconds=5) == 5

    assert limits.acquire(ACCOUNT, "contacts") == pytest.approx(5, abs=0.001)
    clock.shift(5.001)
    assert limits.acquire(ACCOUNT, "contacts") == 0


@pytest.mark.parametrize(
    ("bucket", "seconds", "waits"),
    [
        ("contacts", 0, 1),
        ("contacts", 86_400, 30),
        ("events", 1_000_000, 30),
        ("other", 86_400, 3600),
        ("other", float("inf"), 3600),
    ],
)
def test_a_block_is_never_absurd(bucket: str, seconds: float, waits: float) -> None:
    assert limits.block(ACCOUNT, bucket, seconds=seconds) == waits
    assert limits.acquire(ACCOUNT, bucket) == pytest.approx(waits, abs=0.001)


def test_a_shorter_block_does_not_end_a_longer_one() -> None:
    limits.block(ACCOUNT, "contacts", seconds=20)

    limits.block(ACCOUNT, "contacts", seconds=1)

    assert limits.acquire(ACCOUNT, "contacts") > 19


def test_a_paused_account_stays_closed_whatever_happens_until_it_is_resumed(clock: time_machine.Traveller) -> None:
    limits.pause(ACCOUNT)
    limits.block(ACCOUNT, "contacts", seconds=1)
    clock.shift(10_000_000)
    assert all(limits.acquire(ACCOUNT, bucket) > 1_000_000 for bucket in limits.INTERVALS)

    limits.resume(ACCOUNT)

    assert all(limits.acquire(ACCOUNT, bucket) == 0 for bucket in limits.INTERVALS)


def test_pausing_an_account_that_never_made_a_call_closes_it_too() -> None:
    limits.pause(55)

    assert limits.acquire(55, "contacts") > 1_000_000


@pytest.mark.parametrize(
    ("bucket", "limit", "reset", "interval"),
    [
        ("contacts", "20", "1", 0.05),
        ("contacts", "60", "0.4", 1 / 60),
        ("events", "36000", "1200", 0.1),
        ("events", "72000", "3600", 0.05),
        ("events", "72000", "1", 0.05),  # the last second of an hour's window
        ("other", "200", "3600", 18.0),
        ("other", "600", "1", 6.0),
    ],
)
def test_the_pace_follows_what_brevo_says(bucket: str, limit: str, reset: str, interval: float) -> None:
    limits.follow(ACCOUNT, bucket, {"x-sib-ratelimit-limit": limit, "x-sib-ratelimit-reset": reset})

    assert _interval(bucket) == pytest.approx(interval * limits.INTERVALS[bucket] / limits.DOCUMENTED[bucket])


@pytest.mark.parametrize(
    ("bucket", "headers"),
    [
        ("contacts", {}),
        ("contacts", {"x-sib-ratelimit-limit": "20"}),
        ("contacts", {"x-sib-ratelimit-limit": "many", "x-sib-ratelimit-reset": "1"}),
        ("contacts", {"x-sib-ratelimit-limit": "0", "x-sib-ratelimit-reset": "1"}),
        ("contacts", {"x-sib-ratelimit-limit": "-5", "x-sib-ratelimit-reset": "1"}),
        ("contacts", {"x-sib-ratelimit-limit": "nan", "x-sib-ratelimit-reset": "1"}),
        ("contacts", {"x-sib-ratelimit-limit": "inf", "x-sib-ratelimit-reset": "1"}),
        ("contacts", {"x-sib-ratelimit-limit": "10", "x-sib-ratelimit-reset": "1000"}),  # in milliseconds?
        ("contacts", {"x-sib-ratelimit-limit": "60", "x-sib-ratelimit-reset": "1000"}),
        ("contacts", {"x-sib-ratelimit-limit": "10", "x-sib-ratelimit-reset": "nan"}),
        ("other", {"x-sib-ratelimit-limit": "10", "x-sib-ratelimit-reset": "1"}),
    ],
)
def test_headers_that_can_not_be_meant_so_change_nothing(bucket: str, headers: dict[str, str]) -> None:
    before = _interval(bucket)

    limits.follow(ACCOUNT, bucket, headers)

    assert _interval(bucket) == before


def test_an_account_whose_plan_was_reduced_slows_down_again() -> None:
    for limit in ("20", "10"):
        limits.follow(ACCOUNT, "contacts", {"x-sib-ratelimit-limit": limit, "x-sib-ratelimit-reset": "1"})

    assert _interval("contacts") == pytest.approx(limits.FAST)
