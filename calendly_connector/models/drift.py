"""Where Calendly, the ledger and Brevo disagree about a person, as the last comparison found it."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from calendly_connector.models.connection import Connection
from calendly_connector.models.person import Person
from calendly_connector.models.reading import Reading


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
    is_asked = models.BooleanField(default=False, help_text=_("While it is being fixed: what mends it was asked for."))
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


class DriftRun(models.Model):
    """One comparison of everybody, how far it has come, and what came of it."""

    class Stage(models.TextChoices):
        """What it does."""

        LISTING = "listing", _("Reading all contacts of Brevo")
        ASKING = "asking", _("Asking Brevo for single contacts")
        CALENDLY = "calendly", _("Reading Calendly")
        FINISHED = "finished", _("Finished")

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="drift_runs")
    reading = models.ForeignKey(
        Reading, on_delete=models.SET_NULL, null=True, blank=True, related_name="+", help_text=_("Calendly's part.")
    )
    stage = models.CharField(max_length=8, choices=Stage, default=Stage.LISTING)
    offset = models.PositiveIntegerField(default=0, help_text=_("Contacts of Brevo's listing that were read."))
    tail = models.JSONField(
        default=list, blank=True, help_text=_("The last contacts read, to tell whether rows moved.")
    )
    total = models.PositiveIntegerField(default=0, help_text=_("Contacts in Brevo."))
    reached = models.BigIntegerField(default=0, help_text=_("The last person who was asked for by name."))
    calls = models.PositiveIntegerField(default=0, help_text=_("To Brevo."))
    people = models.PositiveIntegerField(default=0, help_text=_("Compared."))
    waiting = models.PositiveIntegerField(default=0, help_text=_("Left out, for they are about to be written."))
    counts = models.JSONField(default=dict, blank=True, help_text=_("What was found, once it is finished."))
    words = models.TextField(blank=True, help_text=_("Why it doesn't go on, for staff; or what came of it."))
    asked_by = models.CharField(max_length=150, blank=True)
    asked_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """One at a time for each connection."""

        verbose_name = _("comparison")
        verbose_name_plural = _("comparisons")
        ordering: ClassVar = ["-asked_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(fields=["connection"], condition=models.Q(finished_at=None), name="one_open_run")
        ]

    def __str__(self) -> str:
        return f"comparison #{self.pk}"
