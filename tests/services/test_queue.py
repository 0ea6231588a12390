"""The job table: asked for once, claimed once, settled by whoever still holds it."""

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest
import time_machine
from django.db import connection, transaction
from django.utils import timezone

from calendly_connector.models import Job, RateLimit
from calendly_connector.services import limits, queue
from calendly_connector.services.queue import Claimed, Later, LeaseLost

LANE = limits.key_of(1, "contacts")


@pytest.fixture
def clock(db: None) -> Iterator[time_machine.Traveller]:
    """Let time stand still until a test moves it."""
    with time_machine.travel("2026-11-23T08:00:00Z", tick=False) as traveller:
        yield traveller


def _claim(worker: str = "me") -> Claimed:
    job = queue.claim(worker)
    assert job, "there was nothing to claim"
    return job


# -- Asking -----------------------------------------------------------------------------------------------------


def test_the_same_work_waits_once(clock: time_machine.Traveller) -> None:
    for _ in range(3):
        queue.enqueue("push", 1)
    queue.enqueue("push", 2)
    queue.enqueue("turn", 1)

    assert sorted(Job.objects.values_list("kind", "subject")) == [("push", 1), ("push", 2), ("turn", 1)]


def test_asking_for_waiting_work_sooner_brings_it_forward_and_later_does_not_delay_it(
    clock: time_machine.Traveller,
) -> None:
    queue.enqueue("push", 1, delay=60)
    assert queue.claim("me") is None
    queue.enqueue("push", 1)
    queue.enqueue("push", 1, delay=600)

    assert _claim().subject == 1


def test_work_that_is_asked_for_while_it_runs_runs_once_more(clock: time_machine.Traveller) -> None:
    queue.enqueue("push", 1)
    first = _claim()
    queue.enqueue("push", 1)
    queue.enqueue("push", 1)
    assert queue.claim("other") is None  # not beside the one that runs

    queue.finish(first)
    queue.finish(_claim())

    assert Job.objects.count() == 0


def test_work_that_was_given_up_begins_anew_when_it_is_asked_for(clock: time_machine.Traveller) -> None:
    queue.enqueue("push", 1)
    Job.objects.update(state="failed", failures=queue.MAX_FAILURES)

    queue.enqueue("push", 1)

    assert _claim().failures == 0


def test_asking_takes_part_in_the_callers_transaction(transactional_db: None) -> None:
    with pytest.raises(ZeroDivisionError), transaction.atomic():
        queue.enqueue("push", 1)
        _ = 1 / 0

    assert Job.objects.count() == 0


# -- Claiming ---------------------------------------------------------------------------------------------------


def test_the_longest_due_is_claimed_first(clock: time_machine.Traveller) -> None:
    for number, delay in ((1, 0), (2, -30), (3, 30), (4, -10)):
        queue.enqueue("push", number, delay=delay)

    assert [_claim().subject for _ in range(3)] == [2, 4, 1]
    assert queue.claim("me") is None


def test_of_two_due_at_once_the_older_is_claimed_first(clock: time_machine.Traveller) -> None:
    for number in (5, 3, 4):
        queue.enqueue("push", number)

    assert [_claim().subject for _ in range(3)] == [5, 3, 4]


@pytest.mark.parametrize("closed_by", ["blocked_until", "free_at"])
def test_work_waits_while_its_lane_is_closed_and_others_go_on(clock: time_machine.Traveller, closed_by: str) -> None:
    limits.open_buckets(1)
    RateLimit.objects.filter(pk=LANE).update(**{closed_by: timezone.now().timestamp() + 10})
    queue.enqueue("push", 1, lane=LANE)
    queue.enqueue("take_in", 2)
    queue.enqueue("settle", 3, lane=limits.key_of(1, "other"))

    assert [_claim().subject, _claim().subject] == [2, 3]
    assert queue.claim("me") is None
    clock.shift(11)
    assert _claim().subject == 1


def test_a_lane_that_nobody_knows_is_open(clock: time_machine.Traveller) -> None:
    queue.enqueue("push", 1, lane="brevo:404:contacts")

    assert _claim().lane == "brevo:404:contacts"


def test_many_workers_never_claim_the_same_work(transactional_db: None) -> None:
    for number in range(40):
        queue.enqueue("push", number)
    claimed: list[int] = []

    def work() -> None:
        try:
            while job := queue.claim(threading.current_thread().name):
                claimed.append(job.subject)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    # On PostgreSQL a worker may find what it picked just taken and give up early: nothing twice is what counts.
    assert len(claimed) == len(set(claimed))
    assert set(claimed) | set(Job.objects.filter(state="ready").values_list("subject", flat=True)) == set(range(40))


def test_one_claim_takes_one_job_though_the_database_thinks_there_is_only_one(clock: time_machine.Traveller) -> None:
    queue.enqueue("turn", 0)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE calendly_connector_job")  # now PostgreSQL plans for a table of one row
    for number in range(1, 4):
        queue.enqueue("turn", number)

    assert _claim().subject == 0

    assert Job.objects.filter(state="running").count() == 1


# -- Leases -----------------------------------------------------------------------------------------------------


def test_the_work_of_a_dead_worker_is_taken_over_when_its_lease_ends(clock: time_machine.Traveller) -> None:
    queue.enqueue("push", 1)
    dead = _claim("dead")
    clock.shift(queue.LEASE - timedelta(seconds=1))
    assert queue.claim("heir") is None

    clock.shift(2)
    heir = _claim("heir")

    assert (heir.id, heir.attempts) == (dead.id, dead.attempts + 1)
    assert Job.objects.get().worker == "heir"


def test_who_renews_keeps_the_lease(clock: time_machine.Traveller) -> None:
    queue.enqueue("push", 1)
    job = _claim()
    for _ in range(5):
        clock.shift(queue.LEASE - timedelta(seconds=1))
        job.renew()

    assert queue.claim("heir") is None


def test_who_lost_the_lease_can_settle_nothing_any_more(clock: time_machine.Traveller) -> None:
    queue.enqueue("push", 1)
    slow = _claim("slow")
    clock.shift(queue.LEASE + timedelta(seconds=1))
    _claim("heir")

    queue.finish(slow)
    queue.postpone(slow, Later("too late", seconds=3600))
    with pytest.raises(LeaseLost, match="taken over"):
        slow.renew()

    job = Job.objects.get()
    assert (job.state, job.worker, job.last_error) == ("running", "heir", "")


# -- Settling ---------------------------------------------------------------------------------------------------


def test_what_is_done_is_gone(clock: time_machine.Traveller) -> None:
    queue.enqueue("push", 1)

    queue.finish(_claim())

    assert Job.objects.count() == 0


def test_a_postponed_job_comes_back_at_its_time_with_its_reason(clock: time_machine.Traveller) -> None:
    queue.enqueue("push", 1)

    assert queue.postpone(_claim(), Later("Brevo is away", seconds=30))

    job = Job.objects.get()
    assert (job.state, job.failures, job.last_error) == ("ready", 1, "Brevo is away")
    assert job.run_after == timezone.now() + timedelta(seconds=30)
    assert queue.claim("me") is None
    clock.shift(30)
    assert _claim().failures == 1


def test_waiting_for_a_limit_is_no_failure(clock: time_machine.Traveller) -> None:
    queue.enqueue("push", 1)

    for _ in range(queue.MAX_FAILURES + 5):
        assert queue.postpone(_claim(), Later("the limit", seconds=1, is_failure=False))
        clock.shift(1)

    assert Job.objects.get().failures == 0


def test_too_many_failures_are_given_up(clock: time_machine.Traveller) -> None:
    queue.enqueue("push", 1)

    kept = []
    for _ in range(queue.MAX_FAILURES):
        kept.append(queue.postpone(_claim(), Later("no")))
        clock.shift(2 * queue.LONGEST_PAUSE)

    assert kept == [True] * (queue.MAX_FAILURES - 1) + [False]
    assert Job.objects.get().state == "failed"
    assert queue.claim("me") is None


def test_success_between_two_requests_forgets_the_failures(clock: time_machine.Traveller) -> None:
    queue.enqueue("push", 1)
    queue.postpone(_claim(), Later("no", seconds=0))
    job = _claim()
    queue.enqueue("push", 1)

    queue.finish(job)

    assert _claim().failures == 0


@pytest.mark.parametrize("failures", range(1, 40))
def test_pauses_double_up_to_an_hour_with_a_fifth_of_jitter(failures: int) -> None:
    middle = min(2.0 * 2 ** (failures - 1), 3600.0)

    pauses = {queue.pause(failures) for _ in range(50)}

    assert all(0.8 * middle <= pause <= 1.2 * middle for pause in pauses)
    assert len(pauses) > 1


# -- Sleeping ---------------------------------------------------------------------------------------------------


def test_nothing_waits_when_there_is_no_work(clock: time_machine.Traveller) -> None:
    assert queue.next_opening(timezone.now()) is None


def test_the_next_opening_is_when_work_is_due_and_its_lane_open(clock: time_machine.Traveller) -> None:
    limits.open_buckets(1)
    queue.enqueue("push", 1, lane=LANE, delay=5)
    assert queue.next_opening(timezone.now()) == pytest.approx(5)

    RateLimit.objects.filter(pk=LANE).update(free_at=timezone.now().timestamp() + 9)

    assert queue.next_opening(timezone.now()) == pytest.approx(9 - limits.EARLY)


def test_work_that_is_due_opens_at_once(clock: time_machine.Traveller) -> None:
    queue.enqueue("push", 1, delay=-60)

    assert queue.next_opening(timezone.now()) == 0.001
