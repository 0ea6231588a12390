"""Who was erased on request, without saying who: their past must not come back with the next reading."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from calendly_connector.models.fields import EncryptedTextField


class Erasure(models.Model):
    """One erased address, as a keyed digest. Bookings made before it are not taken in again; later ones are new."""

    digest = models.CharField(max_length=64, unique=True, help_text=_("Of the address, with a key of this machine."))
    erased_at = models.DateTimeField()
    asked_by = models.CharField(max_length=150, blank=True)
    words = models.TextField(blank=True, help_text=_("What was deleted, as counts, and what could not be."))

    class Meta:
        """Newest first."""

        ordering: ClassVar = ["-erased_at"]

    def __str__(self) -> str:
        return f"erasure #{self.pk}"


class ErasureKey(models.Model):
    """The key of all digests: one row, made with the first erasure. Encrypted at rest, so that it outlives a change of
    FIELD_ENCRYPTION_KEYS; a key derived from those would be lost with the old one, and every erasure with it."""

    key = EncryptedTextField(default="")

    def __str__(self) -> str:
        return "the key of erasures"
