"""Makes the jobs that are missing: rows are the truth, jobs only say "look at this row" (design.md §7)."""

from django.db.models import CharField, Exists, OuterRef, Value
from django.db.models.functions import Cast, Concat

from calendly_connector.models import BrevoAccount, BrevoDelivery, Job, Person, SyncLogEntry
from calendly_connector.services import ledger, queue, receive, settle

BATCH = 1000


def sweep() -> str:
    """Ask again for deliveries, people and lost answers without a job; return words for the schedule's last result."""
    deliveries = receive.Adopter().adopt(thoroughly=True)
    people = _people()
    for person in people:
        ledger.ask_for_push(person)
    for account in _accounts_with_lost_answers():
        settle.ask(account)
    for number in _accounts_with_news():
        queue.enqueue(receive.TAKE_IN_NEWS, number)
    return f"{deliveries} deliveries and {len(people)} people had no job"


def _people() -> list[Person]:
    """Return people with open steps and no job. Asked of the steps, of which few are open; people are many."""
    job = Job.objects.filter(dedupe_key=Concat(Value(f"{ledger.PUSH}:"), Cast(OuterRef("person"), CharField())))
    steps = SyncLogEntry.objects.filter(~Exists(job), state__in=["waiting", "sending"], person__bulk_import=None)
    numbers = steps.order_by("person").values_list("person", flat=True).distinct()[:BATCH]
    return list(Person.objects.filter(pk__in=list(numbers)).select_related("connection").order_by("pk"))


def _accounts_with_lost_answers() -> list[BrevoAccount]:
    job = Job.objects.filter(kind=settle.SETTLE, subject=OuterRef("pk")).exclude(state=Job.State.FAILED)
    unknown = SyncLogEntry.objects.filter(state="unknown", kind="event", connection__brevo_account=OuterRef("pk"))
    return list(BrevoAccount.objects.filter(Exists(unknown), ~Exists(job)))


def _accounts_with_news() -> list[int]:
    job = Job.objects.filter(kind=receive.TAKE_IN_NEWS, subject=OuterRef("account")).exclude(state=Job.State.FAILED)
    waiting = BrevoDelivery.objects.filter(~Exists(job), state=BrevoDelivery.State.STORED)
    return list(waiting.order_by("account").values_list("account", flat=True).distinct())
