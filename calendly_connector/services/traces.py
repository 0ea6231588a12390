"""Where an e-mail address stands in our tables: the rows that are about this person, and those that only name them.

Every text and JSON column of every table is looked through, so that a new table is covered on the day it is made; what
staff configured, and the bodies of deliveries, are looked at in their own way. Nothing here writes.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.apps import apps
from django.contrib.admin.models import LogEntry
from django.db.models import CharField, Field, JSONField, Model, Q, QuerySet, TextField
from django.db.models.functions import Cast

from calendly_connector import models
from calendly_connector.core.trace import Trace
from calendly_connector.models.fields import EncryptedTextField

APP = "calendly_connector"
BATCH = 500
CONFIGURED = (
    *(models.Connection, models.BrevoAccount, models.EventType, models.BrevoList, models.BrevoAttribute),
    *(models.TriggerMapping, models.ConsentRule, models.FieldMapping, models.MappingVersion, models.StaffPreference),
    *(models.RateLimit, models.DailyFigure, models.Schedule, models.ErasureKey, models.BookingPage),
)
"""What staff set up or the services offer: the company's own, even where an account belongs to somebody who booked."""

WHOLE = (models.DebugRecord, models.Drift, models.Notice, LogEntry)
"""Tables of which a row that names the person goes whole."""

OWN = (models.SchedulingLink, models.BookingRequest)
"""Tables whose rows are somebody's by their e-mail: the person's go whole, others' may name them, as a guest."""

Body = models.WebhookDelivery | models.BrevoDelivery


@dataclass(frozen=True, kw_only=True)
class Mention:
    """A row of somebody else's, or of nobody's, that names the address in these columns."""

    model: type[Model]
    pk: int
    columns: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Found:
    """Everything that names one address, by keys."""

    people: tuple[int, ...] = ()
    bookings: tuple[int, ...] = ()
    log: tuple[int, ...] = ()
    consents: int = 0
    own_deliveries: tuple[int, ...] = ()
    other_deliveries: tuple[int, ...] = ()  # somebody else's, settled, that name the address
    brevo_deliveries: tuple[int, ...] = ()
    open_bodies: tuple[Mention, ...] = ()  # somebody else's, not taken in yet
    rows: Mapping[type[Model], tuple[int, ...]] = field(default_factory=dict)  # of WHOLE and OWN
    mentions: tuple[Mention, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """Return how many rows there are of each kind, without what there is none of."""
        found = {
            "people": len(self.people),
            "bookings": len(self.bookings),
            "log_entries": len(self.log),
            "consents": self.consents,
            "webhook_deliveries": len(self.own_deliveries) + len(self.other_deliveries),
            "brevo_deliveries": len(self.brevo_deliveries),
            "debug_records": len(self.rows.get(models.DebugRecord, ())),
            "differences": len(self.rows.get(models.Drift, ())),
            "notices": len(self.rows.get(models.Notice, ())),
            "booking_requests": len(self.rows.get(models.BookingRequest, ())),
            "scheduling_links": len(self.rows.get(models.SchedulingLink, ())),
            "audit_lines": len(self.rows.get(LogEntry, ())),
            "mentions": len(self.mentions) + len(self.open_bodies),
        }
        return {name: count for name, count in found.items() if count}

    @property
    def is_empty(self) -> bool:
        """Return whether nothing names the address."""
        return not self.counts


def find(email: str) -> Found:
    """Return everything that names an address, in any connection."""
    trace = Trace(email)
    bookings = dict(models.Booking.objects.filter(person__email=trace.email).values_list("pk", "uri"))
    own, others, open_bodies = _deliveries(trace, frozenset(bookings.values()))
    from_brevo, open_from_brevo = _from_brevo(trace)
    return Found(
        people=_keys(models.Person.objects.filter(email=trace.email)),
        bookings=tuple(bookings),
        log=_keys(models.SyncLogEntry.objects.filter(person__email=trace.email)),
        consents=models.ConsentProof.objects.filter(person__email=trace.email).count(),
        own_deliveries=own,
        other_deliveries=others,
        brevo_deliveries=from_brevo,
        open_bodies=(*open_bodies, *open_from_brevo),
        rows={
            **{model: found for model in WHOLE if (found := _whole(model, trace, (*own, *others)))},
            **{model: found for model in OWN if (found := _keys(model._default_manager.filter(email=trace.email)))},
        },
        mentions=tuple(mention for model in _looked_through() for mention in _mentions(model, trace)),
    )


def naming(rows: QuerySet[Any], trace: Trace) -> Iterator[tuple[Any, tuple[str, ...]]]:
    """Yield the rows whose text or JSON columns name the address, with those columns."""
    columns = _columns(rows.model)
    if not columns:
        return
    wanted = Q()
    for column in columns:
        name = f"text_of_{column.name}" if isinstance(column, JSONField) else column.name
        wanted |= Q(**{f"{name}__icontains": trace.piece})
    casts = {f"text_of_{each.name}": Cast(each.name, TextField()) for each in columns if isinstance(each, JSONField)}
    names = [column.name for column in columns]
    for row in rows.annotate(**casts).filter(wanted).only("pk", *names).order_by("pk").iterator(chunk_size=BATCH):
        if found := tuple(name for name in names if trace.is_in(getattr(row, name))):
            yield row, found


def _columns(model: type[Model]) -> "list[Field[Any, Any]]":
    """Return the columns that may hold words, but for secrets and for choices of our own."""
    texts = (CharField, TextField, JSONField)
    found = [column for column in model._meta.local_concrete_fields if isinstance(column, texts)]
    return [column for column in found if not isinstance(column, EncryptedTextField) and not column.choices]


def _looked_through() -> list[type[Model]]:
    apart = {*CONFIGURED, *WHOLE, models.Person}
    return [model for model in apps.get_app_config(APP).get_models() if model not in apart]


def _mentions(model: type[Model], trace: Trace) -> Iterator[Mention]:
    rows = model._default_manager.all()
    if any(column.name == "person" for column in model._meta.local_fields):
        rows = rows.exclude(person__email=trace.email)
    if model is models.WebhookDelivery or model in OWN:
        rows = rows.exclude(email=trace.email)
    for row, columns in naming(rows, trace):
        yield Mention(model=model, pk=row.pk, columns=columns)


def _whole(model: type[Model], trace: Trace, deliveries: Sequence[int]) -> tuple[int, ...]:
    rows = model._default_manager.all()
    found = {row.pk for row, _columns_of in naming(rows, trace)}
    if model is models.Drift:
        found.update(_keys(rows.filter(Q(email=trace.email) | Q(person__email=trace.email))))
    if model is models.DebugRecord:
        for start in range(0, len(deliveries), BATCH):
            found.update(_keys(rows.filter(delivery__in=deliveries[start : start + BATCH])))
    return tuple(sorted(found))


def _deliveries(trace: Trace, bookings: frozenset[str]) -> tuple[tuple[int, ...], tuple[int, ...], list[Mention]]:
    """Return the deliveries about the person, those about others that name them, and of these what still waits."""
    own: list[int] = []
    others: list[int] = []
    still_open: list[Mention] = []
    states = models.WebhookDelivery.State
    rows = models.WebhookDelivery.objects.values_list("pk", "email", "booking_uri", "state", "body")
    for pk, email, uri, state, body in _in_batches(rows):
        if email == trace.email or (uri and uri in bookings):
            own.append(pk)
        elif not trace.is_in_body(bytes(body)):
            continue
        elif state in (states.STORED, states.FAILED):  # to delete it would lose somebody else's booking
            still_open.append(Mention(model=models.WebhookDelivery, pk=pk, columns=("body",)))
        else:
            others.append(pk)
    return tuple(own), tuple(others), still_open


def _from_brevo(trace: Trace) -> tuple[tuple[int, ...], list[Mention]]:
    settled: list[int] = []
    still_open: list[Mention] = []
    for pk, state, body in _in_batches(models.BrevoDelivery.objects.values_list("pk", "state", "body")):
        if not trace.is_in_body(bytes(body)):
            continue
        if state == models.BrevoDelivery.State.STORED:
            still_open.append(Mention(model=models.BrevoDelivery, pk=pk, columns=("body",)))
        else:
            settled.append(pk)
    return tuple(settled), still_open


def _in_batches(rows: QuerySet[Any, tuple[Any, ...]]) -> Iterator[tuple[Any, ...]]:
    """Yield rows by their keys, a batch at a time: bodies are many, and a transaction of minutes holds others up."""
    last = 0
    while batch := list(rows.filter(pk__gt=last).order_by("pk")[:BATCH]):
        yield from batch
        last = batch[-1][0]


def _keys(rows: QuerySet[Any]) -> tuple[int, ...]:
    return tuple(rows.order_by("pk").values_list("pk", flat=True))
