"""What debug mode keeps: calls with their headers and bodies, without secrets and people."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from calendly_connector.models.connection import Connection
from calendly_connector.models.delivery import WebhookDelivery


class DebugRecord(models.Model):
    """One call, masked before it was stored."""

    class Direction(models.TextChoices):
        """Who called whom."""

        FROM_CALENDLY = "from_calendly", _("Calendly → us")
        TO_CALENDLY = "to_calendly", _("us → Calendly")
        TO_BREVO = "to_brevo", _("us → Brevo")

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="debug_records")
    delivery = models.ForeignKey(WebhookDelivery, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    direction = models.CharField(max_length=15, choices=Direction)
    method = models.CharField(max_length=10)
    address = models.CharField(max_length=500)
    status = models.PositiveSmallIntegerField(null=True, blank=True)
    request_headers = models.JSONField(default=dict)
    request_body = models.TextField(blank=True)
    answer_headers = models.JSONField(default=dict)
    answer_body = models.TextField(blank=True)
    milliseconds = models.PositiveIntegerField(default=0)
    at = models.DateTimeField()

    class Meta:
        """Found by time."""

        indexes: ClassVar = [models.Index(fields=["connection", "at"], name="debug_record_at")]

    def __str__(self) -> str:
        return f"{self.method} {self.address}"
