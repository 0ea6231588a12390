"""Remembering: fields, constraints, querysets and one-row mutators. No network, no rules."""

from calendly_connector.models.api_token import ApiToken
from calendly_connector.models.booking import Booking
from calendly_connector.models.bulk_import import BulkImport
from calendly_connector.models.catalogue import BrevoAttribute, BrevoList, EventType
from calendly_connector.models.connection import BrevoAccount, Connection
from calendly_connector.models.consent import ConsentProof
from calendly_connector.models.debug import DebugRecord
from calendly_connector.models.delivery import WebhookDelivery
from calendly_connector.models.drift import Drift, DriftRun
from calendly_connector.models.erasure import Erasure, ErasureKey
from calendly_connector.models.figure import DailyFigure
from calendly_connector.models.job import Job, Schedule
from calendly_connector.models.limit import RateLimit
from calendly_connector.models.mapping import ConsentRule, FieldMapping, TriggerMapping
from calendly_connector.models.mapping_version import MappingVersion
from calendly_connector.models.mirror import BrevoDelivery, ContactMirror
from calendly_connector.models.notice import Notice
from calendly_connector.models.person import Person
from calendly_connector.models.preference import StaffPreference
from calendly_connector.models.reading import KnownMeeting, PendingMeeting, Reading
from calendly_connector.models.replay import Replay
from calendly_connector.models.scheduling import BookingPage, BookingRequest, CrmTask, LinkRun, SchedulingLink
from calendly_connector.models.staff_login import RecoveryCode, StaffLogin
from calendly_connector.models.status_change import StatusChange
from calendly_connector.models.sync_log import SyncLogEntry
from calendly_connector.models.tally import Tally

__all__ = [
    "ApiToken",
    "Booking",
    "BookingPage",
    "BookingRequest",
    "BrevoAccount",
    "BrevoAttribute",
    "BrevoList",
    "BrevoDelivery",
    "BulkImport",
    "Connection",
    "ConsentProof",
    "ConsentRule",
    "ContactMirror",
    "CrmTask",
    "DailyFigure",
    "DebugRecord",
    "Drift",
    "DriftRun",
    "Erasure",
    "ErasureKey",
    "EventType",
    "FieldMapping",
    "Job",
    "KnownMeeting",
    "LinkRun",
    "MappingVersion",
    "Notice",
    "PendingMeeting",
    "Person",
    "RateLimit",
    "Reading",
    "RecoveryCode",
    "Replay",
    "Schedule",
    "SchedulingLink",
    "StaffLogin",
    "StaffPreference",
    "StatusChange",
    "SyncLogEntry",
    "Tally",
    "TriggerMapping",
    "WebhookDelivery",
]
