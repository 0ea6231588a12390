"""The two accounts that a connection joins. Secrets of the environment stay in the environment."""

import secrets
from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from calendly_connector.models.fields import EncryptedTextField


def new_webhook_token() -> str:
    """Return the unguessable last part of a connection's webhook address."""
    return secrets.token_urlsafe(24)


class BrevoAccount(models.Model):
    """One Brevo account that contacts and events are written to."""

    class State(models.TextChoices):
        """Whether we may write."""

        ACTIVE = "active", _("Active")
        PAUSED = "paused", _("Paused")

    name = models.CharField(max_length=200)
    organization_id = models.CharField(max_length=100, blank=True, help_text=_("Brevo's own number of the account."))
    email = models.CharField(max_length=320, blank=True, help_text=_("Who the account belongs to."))
    plan = models.CharField(max_length=100, blank=True)
    has_automation = models.BooleanField(_("marketing automation is on"), default=True)
    api_key = EncryptedTextField(_("API key"), blank=True, default="", help_text=_("Empty: BREVO_API_KEY."))
    checked_at = models.DateTimeField(null=True, blank=True, help_text=_("When its key was last found good."))
    state = models.CharField(max_length=10, choices=State, default=State.ACTIVE)
    pause_reason = models.TextField(blank=True, help_text=_("What staff should do about it."))
    paused_at = models.DateTimeField(null=True, blank=True)
    attributes_read_at = models.DateTimeField(null=True, blank=True, help_text=_("Age of the attribute catalogue."))
    import_list = models.BigIntegerField(
        null=True,
        blank=True,
        help_text=_("A list of our own: Brevo imports only into lists. Emptied after each import."),
    )
    webhook_token = models.CharField(max_length=64, unique=True, default=new_webhook_token)
    webhook_secret = EncryptedTextField(blank=True, default="", help_text=_("Brevo proves itself with it."))
    webhook_id = models.BigIntegerField(null=True, blank=True, help_text=_("Brevo's number of our webhook."))
    webhook_checked_at = models.DateTimeField(null=True, blank=True, help_text=_("When it was last found good."))
    follows_opt_outs = models.BooleanField(
        _("keeps opt-outs in mind"),
        default=True,
        help_text=_("Who unsubscribed in Brevo joins no list here. Nothing is written to Brevo for it."),
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """Readable names."""

        verbose_name = _("Brevo account")
        verbose_name_plural = _("Brevo accounts")
        permissions: ClassVar = [("pause_brevoaccount", "Can pause and resume writing to Brevo")]

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

        ORGANIZATION = "organization", _("Whole organization")
        USER = "user", _("One user")

    class TokenKind(models.TextChoices):
        """Where the access token comes from."""

        ENVIRONMENT = "environment", "CALENDLY_ACCESS_TOKEN"
        PERSONAL = "personal", _("Personal access token")
        OAUTH = "oauth", _("Connected with the button")
        NONE = "none", _("Not connected")

    class GuestPolicy(models.TextChoices):
        """What becomes of the people whom an invitee brings along."""

        IGNORE = "ignore", _("Leave them alone")
        CONTACT = "contact", _("Make them contacts, in no list")

    class State(models.TextChoices):
        """Whether Calendly lets us in."""

        NEW = "new", _("Not connected yet")
        CONNECTED = "connected", _("Connected")
        RECONNECT = "reconnect", _("Reconnect needed")

    name = models.CharField(max_length=200)
    is_environment = models.BooleanField(
        _("configured by environment"),
        default=False,
        help_text=_("Its secrets are environment variables, not kept here."),
    )
    is_active = models.BooleanField(_("receives webhooks"), default=True)
    webhook_token = models.CharField(max_length=64, unique=True, default=new_webhook_token)
    brevo_account = models.ForeignKey(BrevoAccount, on_delete=models.PROTECT, related_name="connections")
    organization = models.CharField(_("Calendly organization"), max_length=255, blank=True)
    user = models.CharField(_("Calendly user"), max_length=255, blank=True)
    user_name = models.CharField(max_length=255, blank=True)
    role = models.CharField(max_length=20, blank=True, help_text=_("owner, admin or user; empty when it isn't known."))
    scope = models.CharField(max_length=20, choices=Scope, default=Scope.ORGANIZATION)
    state = models.CharField(max_length=10, choices=State, default=State.NEW)
    state_reason = models.TextField(blank=True, help_text=_("What staff should do about it."))

    token_kind = models.CharField(max_length=12, choices=TokenKind, default=TokenKind.NONE)
    access_token = EncryptedTextField(blank=True, default="")
    refresh_token = EncryptedTextField(blank=True, default="")
    token_expires_at = models.DateTimeField(null=True, blank=True)
    refresh_lease_until = models.DateTimeField(null=True, blank=True, help_text=_("Somebody is refreshing right now."))
    scopes = models.JSONField(null=True, blank=True, help_text=_("Granted scopes; empty when the token doesn't tell."))
    plan = models.CharField(max_length=40, blank=True)

    signing_key = EncryptedTextField(blank=True, default="", help_text=_("Signs this connection's webhooks."))
    previous_signing_key = EncryptedTextField(blank=True, default="", help_text=_("Still accepted after a change."))
    subscription = models.CharField(_("webhook subscription"), max_length=255, blank=True)
    subscription_state = models.CharField(max_length=10, blank=True, help_text=_("active or disabled, by Calendly."))
    subscription_checked_at = models.DateTimeField(null=True, blank=True)
    retry_started_at = models.DateTimeField(
        null=True, blank=True, help_text=_("Since when Calendly can't deliver; empty while all is well.")
    )
    reread_since = models.DateTimeField(
        null=True, blank=True, help_text=_("Bookings from here on are being read again to find what was missed.")
    )
    is_silent = models.BooleanField(_("unusually quiet"), default=False)
    timezone = models.CharField(
        max_length=64,
        default="UTC",
        help_text=_("For invitees whose own zone Calendly doesn't know, such as Europe/Paris."),
    )
    phone_region = models.CharField(
        max_length=2, blank=True, help_text=_("Country of phone numbers written without a country code, such as DK.")
    )
    grace_hours = models.PositiveSmallIntegerField(
        _("grace time (hours)"), default=24, help_text=_("After a meeting's end, before it counts as attended.")
    )
    guest_policy = models.CharField(
        max_length=10,
        choices=GuestPolicy,
        default=GuestPolicy.IGNORE,
        help_text=_("Guests have no booking of their own."),
    )
    makes_tasks = models.BooleanField(
        _("makes CRM tasks"),
        default=False,
        help_text=_("A task in Brevo's CRM for each meeting, moved and closed with it. At most 100 an hour."),
    )
    debug_until = models.DateTimeField(
        null=True, blank=True, help_text=_("Until then headers and bodies of all calls are kept, masked.")
    )
    restored_at = models.DateTimeField(
        _("backup restored at"),
        null=True,
        blank=True,
        editable=False,
        help_text=_("When a backup was restored: events from before are looked up in Brevo before they are sent."),
    )
    setup_notes = models.JSONField(default=dict, blank=True, help_text=_("What staff settled in the set-up wizard."))
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
