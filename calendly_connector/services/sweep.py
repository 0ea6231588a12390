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
    job = Job.objects.filter(dedupe_key=Concat(Value(f"{ledger.PUSH}:"), Cast(OuterRef("pk"), CharField())))
    steps = SyncLogEntry.objects.filter(state__in=["waiting", "sending"])  # an index of their own; people are many
    waiting = Person.objects.filter(~Exists(job), pk__in=steps.values("person"), bulk_import=None)
    waiting = waiting.select_related("connection")
    return list(waiting.order_by("pk")[:BATCH])


def _accounts_with_lost_answers() -> list[BrevoAccount]:
    job = Job.objects.filter(kind=settle.SETTLE, subject=OuterRef("pk")).exclude(state=Job.State.FAILED)
    unknown = SyncLogEntry.objects.filter(state="unknown", kind="event", connection__brevo_account=OuterRef("pk"))
    return list(BrevoAccount.objects.filter(Exists(unknown), ~Exists(job)))


def _accounts_with_news() -> list[int]:
    job = Job.objects.filter(kind=receive.TAKE_IN_NEWS, subject=OuterRef("account")).exclude(state=Job.State.FAILED)
    waiting = BrevoDelivery.objects.filter(~Exists(job), state=BrevoDelivery.State.STORED)
    return list(waiting.order_by("account").values_list("account", flat=True).distinct())
