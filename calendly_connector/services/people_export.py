"""One JSON document of everything that we hold about an address: for the person who asks, and for a move elsewhere.

Rows of other people that name the address are listed, not copied: what they say is about somebody else.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from django.contrib.admin.models import LogEntry
from django.db.models import BinaryField, ForeignKey, Model
from django.utils import timezone

from calendly_connector.models import (
    Booking,
    BookingRequest,
    BrevoDelivery,
    ContactMirror,
    DebugRecord,
    Drift,
    Job,
    Notice,
    Person,
    Replay,
    SchedulingLink,
    SyncLogEntry,
    WebhookDelivery,
)
from calendly_connector.services import clock, ledger, people, traces
from calendly_connector.services.traces import Found

FORMAT = "calendly-connector/person/1"
Values = dict[str, Any]


def export(email: str) -> Values:
    """Return the document, in an order that stays the same; raise UnknownPerson when nothing names the address."""
    address = people.spelled(email)
    found = traces.find(address)
    if found.is_empty:
        raise people.UnknownPerson("Nothing here names this address.")
    rows = people.rows().filter(email=address).order_by("pk")
    return {
        "format": FORMAT,
        "exported_at": timezone.now().isoformat(),
        "email": address,
        "people": [_person(person) for person in rows],
        "webhook_deliveries": [_delivery(row) for row in _of(WebhookDelivery, found.own_deliveries)],
        "brevo_deliveries": [_delivery(row) for row in _of(BrevoDelivery, _from_brevo(found))],
        "debug_records": [_plain(row) for row in _of(DebugRecord, found.rows.get(DebugRecord, ()))],
        "differences": [_plain(row) for row in _of(Drift, found.rows.get(Drift, ()))],
        "notices": [_plain(row) for row in _of(Notice, found.rows.get(Notice, ()))],
        "booking_requests": [_plain(row) for row in _of(BookingRequest, found.rows.get(BookingRequest, ()))],
        "scheduling_links": [_plain(row) for row in _of(SchedulingLink, found.rows.get(SchedulingLink, ()))],
        "replays": [_plain(row) for row in _of(Replay, _mentioned(found, Replay))],
        "audit": [_plain(row) for row in _of(LogEntry, found.rows.get(LogEntry, ()))],
        "named_elsewhere": _named_elsewhere(found),
    }


def as_text(document: Mapping[str, Any]) -> str:
    """Return the document as it is written to a file."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def _person(person: Person) -> Values:
    log = list(person.sync_log.order_by("pk"))
    mirror = ContactMirror.objects.filter(person=person).first()
    return {
        **_plain(person),
        "connection_name": person.connection.name,
        "brevo_account_name": person.connection.brevo_account.name,
        "bookings": [_booking(row) for row in person.bookings.order_by("pk").prefetch_related("status_changes")],
        "log": [_plain(row) for row in log],
        "written": [_written(row) for row in log if _is_written(row)],
        "consents": [_plain(row) for row in person.consents.order_by("pk")],
        "mirror": _plain(mirror) if mirror else None,
        "jobs": [_plain(row) for row in _jobs(person)],
    }


def _booking(row: Booking) -> Values:
    changes = [_plain(change) for change in sorted(row.status_changes.all(), key=lambda change: change.pk)]
    return {**_plain(row), "status_changes": changes}


def _is_written(row: SyncLogEntry) -> bool:
    return row.kind == SyncLogEntry.Kind.CONTACT and row.state == SyncLogEntry.State.DONE and bool(row.request)


def _written(row: SyncLogEntry) -> Values:
    """Return one version of the contact as it was written to Brevo."""
    at = row.sent_at or row.settled_at
    return {"at": at.isoformat() if at else None, "log": row.pk, **row.request}


def _jobs(person: Person) -> Iterable[Job]:
    return Job.objects.filter(kind__in=(ledger.PUSH, clock.TURN), subject=person.pk).order_by("pk")


def _delivery(row: WebhookDelivery | BrevoDelivery) -> Values:
    return {**_plain(row), "body": _body(bytes(row.body))}


def _body(body: bytes) -> Any:
    """Return a body as JSON, or as the text it is."""
    try:
        return json.loads(body)
    except (ValueError, RecursionError):
        return body.decode("utf-8", "replace")


def _from_brevo(found: Found) -> tuple[int, ...]:
    waiting = [mention.pk for mention in found.open_bodies if mention.model is BrevoDelivery]
    return tuple(sorted((*found.brevo_deliveries, *waiting)))


def _mentioned(found: Found, model: type[Model]) -> tuple[int, ...]:
    return tuple(mention.pk for mention in found.mentions if mention.model is model)


def _named_elsewhere(found: Found) -> list[Values]:
    """Return the rows of others that name the address: which table, which row, which columns."""
    rows = [
        {"table": mention.model.__name__, "id": mention.pk, "columns": list(mention.columns)}
        for mention in (*found.mentions, *found.open_bodies)
        if mention.model not in (Replay, BrevoDelivery)
    ]
    return rows + [{"table": "WebhookDelivery", "id": key, "columns": ["body"]} for key in found.other_deliveries]


def _of(model: type[Model], keys: Iterable[int]) -> Iterable[Any]:
    wanted = list(keys)
    for start in range(0, len(wanted), traces.BATCH):
        yield from model._default_manager.filter(pk__in=wanted[start : start + traces.BATCH]).order_by("pk")


def _plain(row: Model) -> Values:
    """Return a row's columns as JSON has them; digests and bodies in bytes are left to who knows them."""
    columns = [each for each in row._meta.concrete_fields if not isinstance(each, BinaryField)]
    return {each.attname: _value(each, row) for each in columns}


def _value(column: Any, row: Model) -> Any:
    value = getattr(row, column.attname)
    if isinstance(column, ForeignKey) or value is None:
        return value
    return value.isoformat() if hasattr(value, "isoformat") else value
