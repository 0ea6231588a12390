"""Where Calendly, the ledger and Brevo disagree about a person, as the last comparison found it."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from calendly_connector.models.connection import Connection
from calendly_connector.models.person import Person


class Drift(models.Model):
    """One person's differences. Gone when a comparison finds none any more."""

    class State(models.TextChoices):
        """What staff made of it."""

        OPEN = "open", _("Open")
        FIXING = "fixing", _("Being fixed")
        IGNORED = "ignored", _("Ignored")

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="drifts")
    person = models.ForeignKey(Person, on_delete=models.CASCADE, null=True, blank=True, related_name="drifts")
    email = models.CharField(max_length=320, help_text=_("Trimmed and lower-cased."))
    state = models.CharField(max_length=8, choices=State, default=State.OPEN)
    kinds = models.JSONField(default=list, help_text=_("What differs, as codes."))
    is_fixable = models.BooleanField(_("can be fixed"), default=True, help_text=_("Off: it is respected, and shown."))
    lines = models.JSONField(default=list, help_text=_("Each difference: where, what, what is wanted, what was found."))
    digest = models.CharField(max_length=64, help_text=_("Of the lines: what is ignored stays so until they change."))
    found_at = models.DateTimeField()
    seen_at = models.DateTimeField(help_text=_("The last comparison that found it."))
    settled_at = models.DateTimeField(null=True, blank=True)
    settled_by = models.CharField(max_length=150, blank=True)

    class Meta:
        """One row per person."""

        verbose_name = _("difference")
        verbose_name_plural = _("differences")
        constraints: ClassVar = [models.UniqueConstraint(fields=["connection", "email"], name="drift_once")]
        indexes: ClassVar = [models.Index(fields=["connection", "state"], name="drift_state")]

    def __str__(self) -> str:
        return self.email
