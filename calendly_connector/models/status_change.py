"""The history of a booking's status: one row per change, when it happened and how we learnt of it."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from calendly_connector.models.booking import Booking
from calendly_connector.models.delivery import WebhookDelivery


class StatusChange(models.Model):
    """A booking took on a status."""

    class Source(models.TextChoices):
        """How we learnt of it."""

        WEBHOOK = "webhook", _("Calendly's webhook")
        LISTING = "listing", _("Read from Calendly")
        CLOCK = "clock", _("Time passed")
        NEIGHBOUR = "neighbour", _("The other half of a move")
        STAFF = "staff", _("Said by staff")

    booking = models.ForeignKey(Booking, on_delete=models.CASCADE, related_name="status_changes")
    status = models.CharField(max_length=12, choices=Booking.Status)
    source = models.CharField(max_length=10, choices=Source)
    delivery = models.ForeignKey(WebhookDelivery, on_delete=models.SET_NULL, null=True, blank=True, related_name="+")
    happened_at = models.DateTimeField(help_text=_("At Calendly."))
    noted_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """Read per booking, and counted per day."""

        ordering: ClassVar = ["pk"]
        indexes: ClassVar = [models.Index(fields=["noted_at"], name="status_change_noted")]

    def __str__(self) -> str:
        return self.get_status_display()
