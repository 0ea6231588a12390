"""Deletes what is kept only for a while: raw deliveries for 30 days, the log for a year."""

from datetime import timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from calendly_connector.models import SyncLogEntry, WebhookDelivery

KEEP_DELIVERIES, KEEP_LOG = timedelta(days=30), timedelta(days=365)
BATCH = 5000
DELIVERY_ENDS = ("processed", "ignored")
LOG_ENDS = ("done", "merged", "skipped", "failed")


def prune() -> str:
    """Delete old settled rows, a batch at a time; return words for the schedule's last result."""
    now = timezone.now()
    deliveries = WebhookDelivery.objects.filter(received_at__lt=now - KEEP_DELIVERIES, state__in=DELIVERY_ENDS)
    entries = SyncLogEntry.objects.filter(created_at__lt=now - KEEP_LOG, state__in=LOG_ENDS)
    return f"{_delete(deliveries)} deliveries and {_delete(entries)} log entries deleted"


def _delete(rows: QuerySet[Any]) -> int:
    total = 0
    while numbers := list(rows.values_list("pk", flat=True)[:BATCH]):
        rows.model.objects.filter(pk__in=numbers).delete()
        total += len(numbers)
    return total
