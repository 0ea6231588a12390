"""What staff see: Django's admin made pleasant. Translates and delegates; mirrors models/ file by file."""

from calendly_connector.admin.api_token import ApiTokenAdmin
from calendly_connector.admin.audit_log import AuditAdmin
from calendly_connector.admin.booking import BookingAdmin
from calendly_connector.admin.booking_page import BookingPageAdmin, BookingRequestAdmin
from calendly_connector.admin.brevo_account import BrevoAccountAdmin
from calendly_connector.admin.brevo_delivery import BrevoDeliveryAdmin
from calendly_connector.admin.bulk_import import BulkImportAdmin
from calendly_connector.admin.catalogue import BrevoAttributeAdmin, BrevoListAdmin, EventTypeAdmin
from calendly_connector.admin.connection import ConnectionAdmin
from calendly_connector.admin.consent import ConsentProofAdmin, ConsentRuleAdmin
from calendly_connector.admin.debug import DebugRecordAdmin
from calendly_connector.admin.delivery import WebhookDeliveryAdmin
from calendly_connector.admin.drift import DriftAdmin
from calendly_connector.admin.erasure import ErasureAdmin
from calendly_connector.admin.field_mapping import FieldMappingAdmin
from calendly_connector.admin.job import JobAdmin, ScheduleAdmin
from calendly_connector.admin.link_run import LinkRunAdmin
from calendly_connector.admin.locked import FailedLoginAdmin
from calendly_connector.admin.mapping_version import MappingVersionAdmin
from calendly_connector.admin.notice import NoticeAdmin
from calendly_connector.admin.person import PersonAdmin
from calendly_connector.admin.reading import ReadingAdmin
from calendly_connector.admin.replay import ReplayAdmin
from calendly_connector.admin.scheduling_link import SchedulingLinkAdmin
from calendly_connector.admin.staff import StaffAdmin
from calendly_connector.admin.sync_log import SyncLogAdmin
from calendly_connector.admin.trigger_mapping import TriggerMappingAdmin

__all__ = [
    "ApiTokenAdmin",
    "AuditAdmin",
    "BookingAdmin",
    "BookingPageAdmin",
    "BookingRequestAdmin",
    "BrevoAccountAdmin",
    "BrevoAttributeAdmin",
    "BrevoDeliveryAdmin",
    "BrevoListAdmin",
    "BulkImportAdmin",
    "ConnectionAdmin",
    "ConsentProofAdmin",
    "ConsentRuleAdmin",
    "DebugRecordAdmin",
    "DriftAdmin",
    "ErasureAdmin",
    "EventTypeAdmin",
    "FailedLoginAdmin",
    "FieldMappingAdmin",
    "JobAdmin",
    "LinkRunAdmin",
    "MappingVersionAdmin",
    "NoticeAdmin",
    "PersonAdmin",
    "ReplayAdmin",
    "ReadingAdmin",
    "ScheduleAdmin",
    "SchedulingLinkAdmin",
    "StaffAdmin",
    "SyncLogAdmin",
    "TriggerMappingAdmin",
    "WebhookDeliveryAdmin",
]
