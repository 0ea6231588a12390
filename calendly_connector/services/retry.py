"""Staff's "try again": what was given up goes back to waiting, and the job that looks at it is asked for."""

from dataclasses import dataclass

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from calendly_connector.core import cause
from calendly_connector.core.replay import Wish
from calendly_connector.models import BrevoDelivery, Job, SyncLogEntry, WebhookDelivery
from calendly_connector.services import ledger, queue, receive, redo

DELIVERY = WebhookDelivery.State
LEFT_BEHIND = (DELIVERY.FAILED, DELIVERY.MALFORMED)
AT_ONCE = 500  # entries in one transaction


@dataclass(frozen=True, kw_only=True)
class Retried:
    """How many steps wait again, and of how many people."""

    entries: int
    people: int


def retry_entries(chosen: QuerySet[SyncLogEntry]) -> Retried:
    """Let failed steps wait again, by today's mapping, and ask for their people to be written; the others stay.

    A person's failed contact writes come along: an event must not reach Brevo before its contact does.
    """
    numbers = list(chosen.filter(state=SyncLogEntry.State.FAILED).values_list("pk", flat=True))
    done = [redo.redo_now(numbers[start : start + AT_ONCE], wish=Wish()) for start in range(0, len(numbers), AT_ONCE)]
    return Retried(entries=sum(each.waiting for each in done), people=sum(each.people for each in done))


def retry_deliveries(chosen: QuerySet[WebhookDelivery]) -> int:
    """Take in deliveries again that failed or couldn't be read, and return how many."""
    count = 0
    for number in chosen.filter(state__in=LEFT_BEHIND).values_list("pk", flat=True):
        with transaction.atomic():
            changed = WebhookDelivery.objects.filter(pk=number, state__in=LEFT_BEHIND).update(
                state=DELIVERY.STORED, reason="", processed_at=None
            )
            if changed:
                queue.enqueue(receive.TAKE_IN, number)
        count += changed
    return count


def retry_news(chosen: QuerySet[BrevoDelivery]) -> int:
    """Take in deliveries from Brevo again that couldn't be read, and return how many."""
    with transaction.atomic():
        left_behind = chosen.filter(state=BrevoDelivery.State.MALFORMED)
        found = dict(left_behind.values_list("pk", "account"))
        waiting = {"state": BrevoDelivery.State.STORED, "reason": "", "processed_at": None}
        count = BrevoDelivery.objects.filter(pk__in=found, state=BrevoDelivery.State.MALFORMED).update(**waiting)
        for account in set(found.values()):
            queue.enqueue(receive.TAKE_IN_NEWS, account)
    return count


def retry_jobs(chosen: QuerySet[Job]) -> int:
    """Start jobs again that were given up, with what was given up along with them, and return how many."""
    count = 0
    for job in chosen.filter(state=Job.State.FAILED):
        with transaction.atomic():
            _retry_subject(job)
            queue.enqueue(job.kind, job.subject, lane=job.lane, key=job.dedupe_key)
            Job.objects.filter(pk=job.pk, state=Job.State.READY).update(run_after=timezone.now(), failures=0)
        count += 1
    return count


def _retry_subject(job: Job) -> None:
    if job.kind == ledger.PUSH:
        retry_entries(SyncLogEntry.objects.filter(person=job.subject, cause=cause.GIVEN_UP))
    elif job.kind == receive.TAKE_IN:
        retry_deliveries(WebhookDelivery.objects.filter(pk=job.subject))
