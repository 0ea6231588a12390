"""Saved versions of a connection's whole mapping: who, when, what changed, and the way back."""

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from calendly_connector.models.connection import Connection


class MappingVersion(models.Model):
    """The mapping as it was from `made_at` on, until the next version. `content` is `services.snapshot`'s."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="mapping_versions")
    number = models.PositiveIntegerField()
    made_at = models.DateTimeField()
    made_by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True)
    made_by_name = models.CharField(_("who"), max_length=150, blank=True)
    reason = models.CharField(_("why"), max_length=200)
    changes = models.JSONField(default=list, help_text=_("One line of words per change."))
    content = models.JSONField()

    class Meta:
        """Numbered per connection."""

        ordering: ClassVar = ["-number"]
        constraints: ClassVar = [models.UniqueConstraint(fields=["connection", "number"], name="mapping_version_once")]
        indexes: ClassVar = [models.Index(fields=["connection", "made_at"], name="mapping_version_made")]

    def __str__(self) -> str:
        return gettext("Version %(number)s") % {"number": self.number}
