"""The proof of a consent: what was asked, what was answered, when, and for which lists."""

import hashlib
import json
from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from calendly_connector.models.booking import Booking
from calendly_connector.models.person import Person


class ConsentProof(models.Model):
    """One consent that let a person join lists, or the mail that asked for it. Kept as it was given."""

    person = models.ForeignKey(Person, on_delete=models.CASCADE, related_name="consents")
    booking = models.ForeignKey(Booking, on_delete=models.SET_NULL, null=True, blank=True, related_name="consents")
    mode = models.CharField(max_length=15, help_text=_("The consent rule in force then."))
    question = models.CharField(max_length=300, blank=True)
    answer = models.TextField(blank=True)
    template = models.PositiveIntegerField(null=True, blank=True, help_text="Brevo's double opt-in template.")
    lists = models.JSONField(default=list, help_text=_("Ids of the Brevo lists it was given for."))
    given_at = models.DateTimeField(help_text=_("When the booking that gave it was made."))
    noted_at = models.DateTimeField(auto_now_add=True)
    fingerprint = models.CharField(max_length=64, editable=False, help_text=_("Digest of what was asked and answered."))

    class Meta:
        """One per booking and consent: an answer may be too long for an index, so its digest stands for it."""

        ordering: ClassVar = ["-given_at", "-pk"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["booking", "fingerprint"], name="consent_proof_once")]

    def __str__(self) -> str:
        return f"{self.question}: {self.answer}" if self.question else self.mode

    def digest(self) -> str:
        """Return what tells this consent from others of the same booking: rule, question, answer and template."""
        told = [self.mode, self.question, self.answer, self.template or 0]
        return hashlib.sha256(json.dumps(told).encode()).hexdigest()
