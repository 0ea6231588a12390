"""The sync log: one row per step, from "wanted" to its outcome, in words for staff."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from calendly_connector.models.booking import Booking
from calendly_connector.models.connection import Connection
from calendly_connector.models.delivery import WebhookDelivery
from calendly_connector.models.person import Person


class SyncLogEntry(models.Model):
    """One step for Brevo. Waiting rows are the outbox; the others are history."""

    class Kind(models.TextChoices):
        """What the step does."""

        CONTACT = "contact", _("Write contact")
        LEAVE_LISTS = "leave_lists", _("Leave lists")
        OPT_IN = "opt_in", _("Ask for consent")
        EVENT = "event", _("Send event")

    class State(models.TextChoices):
        """What became of it."""

        WAITING = "waiting", _("Waiting")
        SENDING = "sending", _("Being sent")
        DONE = "done", _("Done")
        MERGED = "merged", _("Done with a later write")
        SKIPPED = "skipped", _("Left out")
        UNKNOWN = "unknown", _("Outcome unknown")
        FAILED = "failed", _("Failed")

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="sync_log")
    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="sync_log")
    booking = models.ForeignKey(Booking, on_delete=models.SET_NULL, null=True, blank=True, related_name="sync_log")
    delivery = models.ForeignKey(
        WebhookDelivery, on_delete=models.SET_NULL, null=True, blank=True, related_name="sync_log"
    )
    kind = models.CharField(max_length=12, choices=Kind)
    happening = models.CharField(
        _("trigger"), max_length=300, blank=True, help_text=_("What may happen only once in a booking's life.")
    )
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    summary = models.CharField(max_length=300, help_text=_("What is to be done, or was done."))
    reason = models.TextField(blank=True, help_text=_("Why not, or what to do about it."))
    cause = models.CharField(
        max_length=120, blank=True, help_text=_("What staff should mend, as a code that equal failures share.")
    )
    request = models.JSONField(default=dict, blank=True, help_text=_("What is, or was, sent to Brevo."))
    attempts = models.PositiveSmallIntegerField(default=0)
    created_at = models.DateTimeField(auto_now_add=True)
    sent_at = models.DateTimeField(null=True, blank=True)
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """An automation event exists once; what waits is found quickly."""

        verbose_name = _("sync log entry")
        verbose_name_plural = _("sync log entries")
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["booking", "happening"], condition=models.Q(kind="event"), name="event_once_per_happening"
            )
        ]
        indexes: ClassVar = [
            models.Index(
                fields=["person", "id"],
                condition=models.Q(state__in=["waiting", "sending", "unknown"]),
                name="log_open",
            ),
            models.Index(fields=["cause", "connection"], condition=~models.Q(cause=""), name="log_cause"),
            models.Index(fields=["person"], condition=~models.Q(cause=""), name="log_person_cause"),
            models.Index(fields=["created_at"], name="log_created_at"),
            models.Index(fields=["state", "created_at"], name="log_state"),
        ]

    def __str__(self) -> str:
        return self.summary
