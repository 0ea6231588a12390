"""What Brevo told us of a person's contact, so that nothing that was done there is undone here."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from calendly_connector.models.connection import BrevoAccount
from calendly_connector.models.person import Person


class ContactMirror(models.Model):
    """One person's contact as Brevo told of it, by webhook or when it was read. There is none before that."""

    class OptOut(models.TextChoices):
        """Why Brevo sends this person no marketing mail."""

        NONE = "", _("No")
        UNSUBSCRIBED = "unsubscribed", _("Unsubscribed")
        BOUNCED = "bounced", _("The address bounced")
        COMPLAINED = "complained", _("Reported as spam")
        BLOCKED = "blocked", _("Blocked in Brevo")

    person = models.OneToOneField(Person, on_delete=models.CASCADE, primary_key=True, related_name="mirror")
    contact_id = models.BigIntegerField(null=True, blank=True, help_text=_("Brevo's number of the contact."))
    opt_out = models.CharField(_("opted out"), max_length=12, choices=OptOut, blank=True, default="")
    opted_out_at = models.DateTimeField(null=True, blank=True)
    unsubscribed_lists = models.JSONField(default=list, blank=True, help_text=_("Lists that the person left by mail."))
    deleted_at = models.DateTimeField(
        null=True, blank=True, help_text=_("When the contact was deleted in Brevo; a booking made later makes it anew.")
    )
    attributes = models.JSONField(default=dict, blank=True, help_text=_("Values that Brevo told of last."))
    heard = models.JSONField(
        default=dict, blank=True, help_text=_("What was told when, so that older news never hides newer.")
    )
    told_at = models.DateTimeField(null=True, blank=True, help_text=_("Brevo's time of its last news."))
    read_at = models.DateTimeField(null=True, blank=True, help_text=_("When the contact was read there last."))

    class Meta:
        """Found by what has to be respected."""

        indexes: ClassVar = [
            models.Index(fields=["opt_out"], condition=~models.Q(opt_out=""), name="mirror_opted_out"),
            models.Index(fields=["deleted_at"], condition=models.Q(deleted_at__isnull=False), name="mirror_deleted"),
        ]

    def __str__(self) -> str:
        return str(self.person)


class BrevoDelivery(models.Model):
    """What Brevo posted to us, stored before it is answered: what is answered with an error is never sent again."""

    class State(models.TextChoices):
        """What became of it."""

        STORED = "stored", _("Waiting")
        PROCESSED = "processed", _("Taken in")
        IGNORED = "ignored", _("Ignored")
        MALFORMED = "malformed", _("Can't be read")

    account = models.ForeignKey(BrevoAccount, on_delete=models.CASCADE, related_name="deliveries")
    digest = models.BinaryField(max_length=32, help_text=_("SHA-256 of the body."))
    body = models.BinaryField()
    state = models.CharField(max_length=10, choices=State, default=State.STORED)
    reason = models.TextField(blank=True, help_text=_("Why it was ignored, for staff; or what was done."))
    received_at = models.DateTimeField()
    processed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """The database refuses the second copy."""

        verbose_name = _("delivery from Brevo")
        verbose_name_plural = _("deliveries from Brevo")
        constraints: ClassVar = [models.UniqueConstraint(fields=["account", "digest"], name="brevo_delivery_once")]
        indexes: ClassVar = [
            models.Index(fields=["id"], condition=models.Q(state="stored"), name="brevo_delivery_waiting"),
            models.Index(fields=["received_at"], name="brevo_delivery_received_at"),
        ]

    def __str__(self) -> str:
        return f"delivery from Brevo #{self.pk}"
