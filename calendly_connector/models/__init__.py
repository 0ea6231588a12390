"""Remembering: fields, constraints, querysets and one-row mutators. No network, no rules."""

from calendly_connector.models.booking import Booking
from calendly_connector.models.bulk_import import BulkImport
from calendly_connector.models.catalogue import BrevoAttribute, BrevoList, EventType
from calendly_connector.models.connection import BrevoAccount, Connection
from calendly_connector.models.delivery import WebhookDelivery
from calendly_connector.models.job import Job, Schedule
from calendly_connector.models.limit import RateLimit
from calendly_connector.models.mapping import FieldMapping, TriggerMapping
from calendly_connector.models.notice import Notice
from calendly_connector.models.person import Person
from calendly_connector.models.reread import Reread
from calendly_connector.models.sync_log import SyncLogEntry

__all__ = [
    "Booking",
    "BrevoAccount",
    "BrevoAttribute",
    "BrevoList",
    "BulkImport",
    "Connection",
    "EventType",
    "FieldMapping",
    "Job",
    "Notice",
    "Person",
    "RateLimit",
    "Reread",
    "Schedule",
    "SyncLogEntry",
    "TriggerMapping",
    "WebhookDelivery",
]
