"""Remembering: fields, constraints, querysets and one-row mutators. No network, no rules."""

from calendly_connector.models.booking import Booking
from calendly_connector.models.bulk_import import BulkImport
from calendly_connector.models.catalogue import BrevoAttribute, BrevoList, EventType
from calendly_connector.models.connection import BrevoAccount, Connection
from calendly_connector.models.consent import ConsentProof
from calendly_connector.models.debug import DebugRecord
from calendly_connector.models.delivery import WebhookDelivery
from calendly_connector.models.figure import DailyFigure
from calendly_connector.models.job import Job, Schedule
from calendly_connector.models.limit import RateLimit
from calendly_connector.models.mapping import ConsentRule, FieldMapping, TriggerMapping
from calendly_connector.models.mapping_version import MappingVersion
from calendly_connector.models.notice import Notice
from calendly_connector.models.person import Person
from calendly_connector.models.preference import StaffPreference
from calendly_connector.models.replay import Replay
from calendly_connector.models.reread import Reread
from calendly_connector.models.status_change import StatusChange
from calendly_connector.models.sync_log import SyncLogEntry

__all__ = [
    "Booking",
    "BrevoAccount",
    "BrevoAttribute",
    "BrevoList",
    "BulkImport",
    "Connection",
    "ConsentProof",
    "ConsentRule",
    "DailyFigure",
    "DebugRecord",
    "EventType",
    "FieldMapping",
    "Job",
    "MappingVersion",
    "Notice",
    "Person",
    "RateLimit",
    "Replay",
    "Reread",
    "Schedule",
    "StaffPreference",
    "StatusChange",
    "SyncLogEntry",
    "TriggerMapping",
    "WebhookDelivery",
]
