"""Deletes what is kept only for a while: raw deliveries and what was asked to be booked for 30 days, the log for a
year, debug records for a week, and regular checks, of which there is one every hour, for 90 days."""

from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from calendly_connector.models import (
    BookingRequest,
    BrevoDelivery,
    DebugRecord,
    Reading,
    SyncLogEntry,
    WebhookDelivery,
)

KEEP_DELIVERIES, KEEP_LOG, KEEP_DEBUG = timedelta(days=30), timedelta(days=365), timedelta(days=7)
KEEP_CHECKS = timedelta(days=90)
BATCH = 5000
DELIVERY_ENDS = ("processed", "ignored")
LOG_ENDS = ("done", "merged", "skipped", "failed")


def prune() -> str:
    """Delete old settled rows, a batch at a time; return words for the schedule's last result."""
    now = timezone.now()
    deliveries = WebhookDelivery.objects.filter(received_at__lt=now - KEEP_DELIVERIES, state__in=DELIVERY_ENDS)
    told = BrevoDelivery.objects.filter(received_at__lt=now - KEEP_DELIVERIES).exclude(state="stored")
    entries = SyncLogEntry.objects.filter(created_at__lt=now - KEEP_LOG, state__in=LOG_ENDS)
    records = DebugRecord.objects.filter(at__lt=now - KEEP_DEBUG)
    _delete(Reading.objects.filter(kind=Reading.Kind.CHECK, finished_at__lt=now - KEEP_CHECKS))
    asked = BookingRequest.objects.filter(asked_at__lt=now - KEEP_DELIVERIES).exclude(state="sending")
    counts = f"{_delete(deliveries)} deliveries, {_delete(told)} of Brevo's, {_delete(entries)} log entries"
    return f"{counts}, {_delete(asked)} booking requests and {_delete(records)} debug records deleted"


def _delete(rows: QuerySet[Any]) -> int:
    total = 0
    while numbers := list(rows.values_list("pk", flat=True)[:BATCH]):
        rows.model.objects.filter(pk__in=numbers).delete()
        total += len(numbers)
    return total
