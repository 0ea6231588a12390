"""Leases, fencing, and jobs that are asked for again while they run: the queue's promises, one by one."""

from datetime import timedelta

import pytest
from django.utils import timezone

from calendly_connector.models import Job
from calendly_connector.services import queue
from calendly_connector.services.queue import Claimed

pytestmark = pytest.mark.django_db


def claim(worker: str) -> Claimed:
    """Return the job that a worker gets."""
    job = queue.claim(worker)
    assert job is not None
    return job


def expire() -> None:
    """Let the lease run out."""
    Job.objects.update(lease_until=timezone.now() - timedelta(seconds=1))


def test_a_job_in_hand_is_nobody_elses_until_its_lease_runs_out() -> None:
    queue.enqueue("push", 1)
    first = claim("one")

    assert queue.claim("two") is None
    expire()

    second = claim("two")
    assert (second.id, second.attempts) == (first.id, first.attempts + 1)


def test_who_lost_the_lease_writes_nothing_more() -> None:
    queue.enqueue("push", 1)
    late = claim("one")
    expire()
    late.lease.begun_at -= queue.LEASE
    owner = claim("two")

    queue.finish(late)
    queue.postpone(late, queue.Later("too late", seconds=0))
    with pytest.raises(queue.LeaseLost):
        late.renew()

    job = Job.objects.get()
    assert (job.state, job.worker, job.last_error) == ("running", "two", "")
    queue.finish(owner)
    assert not Job.objects.exists()


def test_a_renewed_lease_is_kept() -> None:
    queue.enqueue("push", 1)
    owner = claim("one")
    expire()
    owner.lease.begun_at -= queue.LEASE

    owner.renew()

    assert queue.claim("two") is None


@pytest.mark.parametrize("times", [1, 3])
def test_asked_for_again_while_it_runs_a_job_runs_once_more(times: int) -> None:
    queue.enqueue("push", 1)
    running = claim("one")

    for _ in range(times):
        queue.enqueue("push", 1)
    queue.finish(running)

    again = claim("one")
    queue.finish(again)
    assert not Job.objects.exists()


def test_asked_for_again_a_job_that_has_to_wait_waits_no_longer() -> None:
    queue.enqueue("push", 1)
    running = claim("one")
    queue.postpone(running, queue.Later("Brevo is away", seconds=3600))

    queue.enqueue("push", 1)

    assert claim("one").id == running.id


def test_a_waiting_job_without_a_lane_opens_at_its_own_time() -> None:
    now = timezone.now()
    queue.enqueue("clock", delay=60)

    assert queue.next_opening(now) == pytest.approx(60, abs=5)
