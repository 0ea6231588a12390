"""The two accounts that a connection joins. Secrets of the environment stay in the environment."""

import secrets
from typing import ClassVar

from django.db import models


def new_webhook_token() -> str:
    """Return the unguessable last part of a connection's webhook address."""
    return secrets.token_urlsafe(24)


class BrevoAccount(models.Model):
    """One Brevo account that contacts and events are written to."""

    class State(models.TextChoices):
        """Whether we may write."""

        ACTIVE = "active", "Active"
        PAUSED = "paused", "Paused"

    name = models.CharField(max_length=200)
    organization_id = models.CharField(max_length=100, blank=True, help_text="Brevo's own number of the account.")
    state = models.CharField(max_length=10, choices=State, default=State.ACTIVE)
    pause_reason = models.TextField(blank=True, help_text="What staff should do about it.")
    paused_at = models.DateTimeField(null=True, blank=True)
    attributes_read_at = models.DateTimeField(null=True, blank=True, help_text="Age of the attribute catalogue.")
    import_list = models.BigIntegerField(
        null=True, blank=True, help_text="A list of our own: Brevo imports only into lists. Emptied after each import."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """Readable names."""

        verbose_name = "Brevo account"

    def __str__(self) -> str:
        return self.name

    @property
    def is_paused(self) -> bool:
        """Return whether writing waits."""
        return self.state == self.State.PAUSED


class Connection(models.Model):
    """One Calendly account joined to one Brevo account."""

    class Scope(models.TextChoices):
        """Whose bookings we see."""

        ORGANIZATION = "organization", "Whole organization"
        USER = "user", "One user"

    name = models.CharField(max_length=200)
    is_environment = models.BooleanField(
        "configured by environment", default=False, help_text="Its secrets are environment variables, not kept here."
    )
    is_active = models.BooleanField("receives webhooks", default=True)
    webhook_token = models.CharField(max_length=64, unique=True, default=new_webhook_token)
    brevo_account = models.ForeignKey(BrevoAccount, on_delete=models.PROTECT, related_name="connections")
    organization = models.CharField("Calendly organization", max_length=255, blank=True)
    user = models.CharField("Calendly user", max_length=255, blank=True)
    user_name = models.CharField(max_length=255, blank=True)
    role = models.CharField(max_length=20, blank=True, help_text="owner, admin or user; empty when it isn't known.")
    scope = models.CharField(max_length=20, choices=Scope, default=Scope.ORGANIZATION)
    subscription = models.CharField("webhook subscription", max_length=255, blank=True)
    timezone = models.CharField(
        max_length=64,
        default="UTC",
        help_text="For invitees whose own zone Calendly doesn't know, such as Europe/Paris.",
    )
    phone_region = models.CharField(
        max_length=2, blank=True, help_text="Country of phone numbers written without a country code, such as DK."
    )
    grace_hours = models.PositiveSmallIntegerField(
        "grace time (hours)", default=24, help_text="After a meeting's end, before it counts as attended."
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """One connection at most lives in the environment."""

        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["is_environment"],
                condition=models.Q(is_environment=True),
                name="one_environment_connection",
            )
        ]

    def __str__(self) -> str:
        return self.name
