"""How one member of staff likes to read the admin."""

from django.conf import settings
from django.db import models


class StaffPreference(models.Model):
    """Language and time zone of one user; empty means the installation's."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="connector_preference")
    language = models.CharField(max_length=10, blank=True)
    timezone = models.CharField(max_length=64, blank=True)

    def __str__(self) -> str:
        return f"{self.user}"
