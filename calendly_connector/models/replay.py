"""Replays: many log entries done once more, planned first, with their progress."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from calendly_connector.models.connection import Connection


class Replay(models.Model):
    """One replay. `chosen` says which entries; `reached` is the last one that was done."""

    class State(models.TextChoices):
        """Where it stands."""

        RUNNING = "running", _("Running")
        PAUSED = "paused", _("Paused")
        CANCELED = "canceled", _("Canceled")
        FINISHED = "finished", _("Finished")

    class Rules(models.TextChoices):
        """Which mapping decides."""

        TODAY = "today", _("Today's mapping")
        THEN = "then", _("The mapping of that day")

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="replays")
    chosen = models.JSONField(help_text=_("Which log entries, as a filter."))
    rules = models.CharField(_("mapping"), max_length=5, choices=Rules, default=Rules.TODAY)
    sends_events_again = models.BooleanField(_("sends done events again"), default=False)
    state = models.CharField(max_length=10, choices=State, default=State.RUNNING)
    why = models.CharField(max_length=200, blank=True)
    asked_by = models.CharField(max_length=150, blank=True)
    total = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)
    left_out = models.PositiveIntegerField(default=0, help_text=_("Entries that could not be replayed."))
    reached = models.BigIntegerField(default=0)
    words = models.TextField(blank=True, help_text=_("How it stands, for staff."))
    asked_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """Newest first."""

        ordering: ClassVar = ["-pk"]

    def __str__(self) -> str:
        return self.why or gettext("Replay %(pk)s") % {"pk": self.pk}
