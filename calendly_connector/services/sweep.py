"""Makes the jobs that are missing: rows are the truth, jobs only say "look at this row" (design.md §7)."""

from datetime import timedelta

from django.db.models import Exists, OuterRef
from django.utils import timezone

from calendly_connector.models import BrevoAccount, Job, Person, SyncLogEntry, WebhookDelivery
from calendly_connector.services import ledger, queue, receive, settle

PATIENCE = timedelta(seconds=10)
BATCH = 1000


def sweep() -> str:
    """Ask again for deliveries, people and lost answers without a job; return words for the schedule's last result."""
    deliveries = _deliveries()
    for number in deliveries:
        queue.enqueue(receive.TAKE_IN, number)
    people = _people()
    for person in people:
        ledger.ask_for_push(person)
    for account in _accounts_with_lost_answers():
        settle.ask(account)
    return f"{len(deliveries)} deliveries and {len(people)} people had no job"


def _deliveries() -> list[int]:
    job = Job.objects.filter(kind=receive.TAKE_IN, subject=OuterRef("pk"))
    waiting = WebhookDelivery.objects.filter(state="stored", received_at__lt=timezone.now() - PATIENCE)
    return list(waiting.filter(~Exists(job)).order_by("pk").values_list("pk", flat=True)[:BATCH])


def _people() -> list[Person]:
    job = Job.objects.filter(kind=ledger.PUSH, subject=OuterRef("pk"))
    step = SyncLogEntry.objects.filter(person=OuterRef("pk"), state__in=["waiting", "sending"])
    waiting = Person.objects.filter(Exists(step), ~Exists(job), bulk_import=None).select_related("connection")
    return list(waiting.order_by("pk")[:BATCH])


def _accounts_with_lost_answers() -> list[BrevoAccount]:
    job = Job.objects.filter(kind=settle.SETTLE, subject=OuterRef("pk")).exclude(state=Job.State.FAILED)
    unknown = SyncLogEntry.objects.filter(state="unknown", kind="event", connection__brevo_account=OuterRef("pk"))
    return list(BrevoAccount.objects.filter(Exists(unknown), ~Exists(job)))
