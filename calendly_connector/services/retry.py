"""Staff's "try again": what was given up goes back to waiting, and the job that looks at it is asked for."""

from dataclasses import dataclass

from django.db import transaction
from django.db.models import QuerySet
from django.utils import timezone

from calendly_connector.models import Job, Person, SyncLogEntry, WebhookDelivery
from calendly_connector.services import ledger, queue, receive

ENTRY, DELIVERY = SyncLogEntry.State, WebhookDelivery.State
LEFT_BEHIND = (DELIVERY.FAILED, DELIVERY.MALFORMED)
GIVEN_UP = "Given up after"
"""How the reason begins of a step whose job was given up (`push.give_up`)."""


@dataclass(frozen=True, kw_only=True)
class Retried:
    """How many steps wait again, and of how many people."""

    entries: int
    people: int


def retry_entries(chosen: QuerySet[SyncLogEntry]) -> Retried:
    """Let failed steps wait again and ask for their people to be written; other steps stay as they are.

    A person's failed contact writes come along: an event must not reach Brevo before its contact does. Writing a
    contact again does no harm, since it is decided anew from the ledger.
    """
    numbers = list(chosen.filter(state=ENTRY.FAILED).values_list("pk", flat=True))
    people = Person.objects.filter(sync_log__in=numbers).select_related("connection").distinct().order_by("pk")
    entries = count = 0
    for person in people:
        with transaction.atomic():
            failed = SyncLogEntry.objects.filter(person=person, state=ENTRY.FAILED)
            again = failed.filter(pk__in=numbers) | failed.filter(kind=SyncLogEntry.Kind.CONTACT)
            changed = again.update(state=ENTRY.WAITING, reason="", settled_at=None)
            if changed:
                ledger.ask_for_push(person)
        entries, count = entries + changed, count + bool(changed)
    return Retried(entries=entries, people=count)


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
        retry_entries(SyncLogEntry.objects.filter(person=job.subject, reason__startswith=GIVEN_UP))
    elif job.kind == receive.TAKE_IN:
        retry_deliveries(WebhookDelivery.objects.filter(pk=job.subject))
