"""What staff should mend, grouped: failures of the log by cause, deliveries by reason. Counted, never listed."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction
from django.db.models import Count, F, Max, Min, Q, QuerySet, TextField, Value, Window
from django.db.models.functions import Concat, Left, RowNumber
from django.utils import timezone

from calendly_connector.core import remedy
from calendly_connector.core.cause import split
from calendly_connector.core.remedy import Remedy
from calendly_connector.models import Connection, Person, SyncLogEntry, WebhookDelivery
from calendly_connector.services import chosen, retry
from calendly_connector.services.chosen import Chosen

State, Kind = SyncLogEntry.State, SyncLogEntry.Kind
SAMPLE = 3  # people
SHOWN = 50  # reasons of deliveries
REASON = 200  # characters by which reasons of deliveries are alike
AT_ONCE = 1000  # entries left out in one transaction


@dataclass(frozen=True, kw_only=True)
class Trouble:
    """Entries of one connection that one thing mends."""

    connection: Connection
    cause: str  # "": none was kept
    count: int
    oldest: datetime
    newest: datetime
    people: tuple[Person, ...]  # a sample

    @property
    def remedy(self) -> Remedy:
        """Return what to do."""
        return remedy.remedy_for(self.cause)

    @property
    def about(self) -> str:
        """Return what the cause is about, such as an attribute's name."""
        return split(self.cause)[1]

    @property
    def chosen(self) -> Chosen:
        """Return its entries."""
        return choice(self.connection.pk, self.cause)


@dataclass(frozen=True, kw_only=True)
class LeftBehind:
    """Deliveries of one connection that weren't taken in for one reason."""

    connection: Connection
    state: str
    reason: str
    count: int
    oldest: datetime
    newest: datetime


def choice(connection: int, cause: str) -> Chosen:
    """Return the entries of a trouble."""
    return Chosen(connection=connection, cause=cause or chosen.NO_CAUSE, states=() if cause else ("failed",))


def troubles() -> list[Trouble]:
    """Return what is to be mended, the largest first. Touches only entries that have a cause or failed."""
    explained, others = SyncLogEntry.objects.exclude(cause=""), _unexplained()
    groups = [*_groups(explained, "cause"), *_groups(others)]
    samples = _newest_people(explained) | _newest_people(others)
    for group in groups:  # the newest entries may all be one person's
        found = samples.setdefault((group["connection"], group.get("cause", "")), [])
        found += [group["first_person"], group["last_person"]]
    people = Person.objects.in_bulk({number for sample in samples.values() for number in sample})
    connections = _connections(group["connection"] for group in groups)
    rows = [
        Trouble(
            connection=connections[group["connection"]],
            cause=group.get("cause", ""),
            count=group["count"],
            oldest=group["oldest"],
            newest=group["newest"],
            people=_sample(samples[group["connection"], group.get("cause", "")], people),
        )
        for group in groups
    ]
    return sorted(rows, key=lambda each: (-each.count, each.cause))


def left_behind() -> list[LeftBehind]:
    """Return the deliveries that weren't taken in, by reason, the newest reasons first."""
    rows = WebhookDelivery.objects.filter(state__in=retry.LEFT_BEHIND).annotate(why=Left("reason", REASON))
    grouped = rows.values("connection", "state", "why").annotate(
        count=Count("pk"), oldest=Min("received_at"), newest=Max("received_at")
    )
    groups = list(grouped.order_by("-newest")[:SHOWN])
    connections = _connections(group["connection"] for group in groups)
    return [
        LeftBehind(
            connection=connections[group["connection"]],
            state=group["state"],
            reason=group["why"],
            count=group["count"],
            oldest=group["oldest"],
            newest=group["newest"],
        )
        for group in groups
    ]


def deliveries_like(connection: int, state: str, reason: str) -> QuerySet[WebhookDelivery]:
    """Return the deliveries of one group."""
    return WebhookDelivery.objects.filter(connection=connection, state=state, reason__startswith=reason[:REASON])


def skip(rows: QuerySet[SyncLogEntry], *, by: str, why: str) -> int:
    """Leave failed entries out for good, and take what was done for good enough; return how many entries that were.

    What Brevo took stays “done”: only what was to be mended about it is forgotten.
    """
    open_rows = worth_mending(rows)
    words = f"Skipped by {by}: {why}"
    total = reached = 0
    while numbers := list(open_rows.filter(pk__gt=reached).order_by("pk").values_list("pk", flat=True)[:AT_ONCE]):
        with transaction.atomic():
            total += _skip(SyncLogEntry.objects.filter(pk__in=numbers), words)
        reached = numbers[-1]
    return total


def worth_mending(rows: QuerySet[SyncLogEntry]) -> QuerySet[SyncLogEntry]:
    """Return the entries that failed, or of which something was left out."""
    return rows.filter(Q(state=State.FAILED) | ~Q(cause=""))


def _skip(rows: QuerySet[SyncLogEntry], words: str) -> int:
    mended = Concat(F("reason"), Value(f" {words}"), output_field=TextField())
    done = rows.exclude(state=State.FAILED).exclude(cause="").update(cause="", reason=mended)
    failed = rows.filter(state=State.FAILED)
    return done + failed.update(state=State.SKIPPED, cause="", reason=words, settled_at=timezone.now())


def _unexplained() -> QuerySet[SyncLogEntry]:
    """Return what failed without a cause; a contact that was written since has nothing left to mend."""
    is_written = Q(kind=Kind.CONTACT, person__pushed_at__gt=F("settled_at"))
    failed = SyncLogEntry.objects.filter(state=State.FAILED, cause="")
    return SyncLogEntry.objects.filter(pk__in=failed.values("pk")).exclude(is_written)  # found by the index of states


def _groups(rows: QuerySet[SyncLogEntry], *names: str) -> list[dict[str, Any]]:
    return list(
        rows.order_by()
        .values("connection", *names)
        .annotate(
            count=Count("pk"),
            oldest=Min("created_at"),
            newest=Max("created_at"),
            first_person=Min("person"),
            last_person=Max("person"),
        )
    )


def _newest_people(rows: QuerySet[SyncLogEntry]) -> dict[tuple[int, str], list[int]]:
    """Return whose the newest entries of each group are."""
    rank = Window(RowNumber(), partition_by=["cause", "connection"], order_by="-pk")
    newest = rows.annotate(rank=rank).filter(rank__lte=SAMPLE).values_list("connection", "cause", "person")
    found: dict[tuple[int, str], list[int]] = {}
    for connection, cause, person in newest:
        found.setdefault((connection, cause), []).append(person)
    return found


def _sample(numbers: list[int], people: Mapping[int, Person]) -> tuple[Person, ...]:
    return tuple(people[number] for number in list(dict.fromkeys(numbers))[:SAMPLE] if number in people)


def _connections(numbers: Iterable[int]) -> dict[int, Connection]:
    found = Connection.objects.only("name", "brevo_account").select_related("brevo_account")
    return found.defer("brevo_account__api_key").in_bulk(set(numbers))
