"""What Calendly posted to us, byte for byte, and what became of it."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from calendly_connector.models.connection import Connection


class WebhookDelivery(models.Model):
    """One verified webhook. The same bytes are stored once: Calendly repeats what it thinks we missed."""

    class State(models.TextChoices):
        """Where the delivery stands on the river."""

        STORED = "stored", _("Waiting")
        PROCESSED = "processed", _("Taken in")
        IGNORED = "ignored", _("Ignored")
        MALFORMED = "malformed", _("Can't be read")
        FAILED = "failed", _("Failed")

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="deliveries")
    digest = models.BinaryField(max_length=32, help_text=_("SHA-256 of the body."))
    body = models.BinaryField()
    state = models.CharField(max_length=10, choices=State, default=State.STORED)
    reason = models.TextField(blank=True, help_text=_("Why it was ignored or failed, for staff."))
    email = models.CharField(max_length=320, blank=True, help_text=_("The invitee's, trimmed and lower-cased."))
    webhook_name = models.CharField(max_length=100, blank=True)
    booking_uri = models.CharField(_("booking"), max_length=255, blank=True, db_index=True)
    received_at = models.DateTimeField()
    processed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """The database refuses the second copy."""

        verbose_name_plural = _("webhook deliveries")
        constraints: ClassVar = [models.UniqueConstraint(fields=["connection", "digest"], name="delivery_stored_once")]
        indexes: ClassVar = [
            models.Index(fields=["received_at"], name="delivery_received_at"),
            models.Index(
                fields=["connection", "state"],
                condition=models.Q(state__in=["failed", "malformed"]),
                name="delivery_left_behind",
            ),
            models.Index(
                fields=["connection", "email", "id"], condition=models.Q(state="stored"), name="delivery_waiting"
            ),
            models.Index(fields=["received_at"], condition=models.Q(state="stored"), name="delivery_oldest_waiting"),
        ]

    def __str__(self) -> str:
        return f"{self.webhook_name or 'delivery'} #{self.pk}"
