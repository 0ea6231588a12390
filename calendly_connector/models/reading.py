"""A stretch of time whose bookings are read from Calendly, how far that has come, and what is still to be read."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from calendly_connector.models.connection import Connection


class Reading(models.Model):
    """One reading. Meetings are listed first, page by page; then the invitees of each are read."""

    class Kind(models.TextChoices):
        """Why it is read, which decides what becomes of what it finds."""

        GAP = "gap", _("After a gap")
        HISTORY = "history", _("History")
        CHECK = "check", _("Check")
        DRIFT = "drift", _("Comparison")

    class State(models.TextChoices):
        """Where it stands."""

        RUNNING = "running", _("Running")
        PAUSED = "paused", _("Paused")
        CANCELED = "canceled", _("Canceled")
        FINISHED = "finished", _("Finished")

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="readings")
    kind = models.CharField(max_length=8, choices=Kind, default=Kind.GAP)
    state = models.CharField(max_length=8, choices=State, default=State.RUNNING)
    since = models.DateTimeField(help_text=_("After a gap: what changed from here on. Else: meetings that begin then."))
    until = models.DateTimeField(null=True, blank=True, help_text=_("Only meetings that begin before; empty: all."))
    event_types = models.JSONField(default=list, blank=True, help_text=_("Only these event types; empty: all."))
    events_since = models.DateTimeField(
        null=True, blank=True, help_text=_("Automation events leave for what happened from here on; empty: for none.")
    )
    unknown_since = models.DateTimeField(
        null=True, blank=True, help_text=_("Unknown bookings made before are left to a backfill; empty: none are.")
    )
    is_thorough = models.BooleanField(
        _("reads all again"), default=True, help_text=_("Off: meetings that were read lately are passed over.")
    )
    why = models.CharField(max_length=200, blank=True)
    asked_by = models.CharField(max_length=150, blank=True)
    listed_to = models.DateTimeField(null=True, blank=True, help_text=_("Meetings that begin before were listed."))
    page_token = models.TextField(blank=True, help_text=_("Calendly's next page, where a page begins at one moment."))
    listed_last = models.JSONField(default=list, blank=True, help_text=_("Meetings that the next page may show again."))
    is_listed = models.BooleanField(_("all listed"), default=False)
    meetings = models.PositiveIntegerField(_("meetings seen"), default=0)
    meetings_read = models.PositiveIntegerField(_("meetings read"), default=0)
    invitees = models.PositiveIntegerField(_("bookings read"), default=0)
    news = models.PositiveIntegerField(_("found"), default=0, help_text=_("Bookings of which something was news."))
    added = models.PositiveIntegerField(_("new"), default=0, help_text=_("Bookings that were not known at all."))
    held_back = models.PositiveIntegerField(
        _("events held back"), default=0, help_text=_("Automation events that did not leave because of this reading.")
    )
    skipped = models.JSONField(default=dict, blank=True, help_text=_("What was left out: reason → how often."))
    words = models.TextField(blank=True, help_text=_("Why it doesn't go on, for staff; or what came of it."))
    asked_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """One open reading of each kind per connection: a second wish widens it, or joins it."""

        ordering: ClassVar = ["-asked_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["connection", "kind"], condition=models.Q(finished_at=None), name="one_open_reading"
            )
        ]

    def __str__(self) -> str:
        return gettext("bookings since %(at)s UTC") % {"at": f"{self.since:%Y-%m-%d %H:%M}"}


class PendingMeeting(models.Model):
    """A listed meeting whose invitees a reading is still to read. Gone once they are."""

    reading = models.ForeignKey(Reading, on_delete=models.CASCADE, related_name="pending")
    uri = models.CharField(max_length=255)
    row = models.JSONField(help_text=_("The scheduled event as Calendly listed it."))
    listed_at = models.DateTimeField()

    class Meta:
        """Each once, however often a listing repeats it."""

        constraints: ClassVar = [models.UniqueConstraint(fields=["reading", "uri"], name="pending_once")]

    def __str__(self) -> str:
        return self.uri.rsplit("/", 1)[-1]


class KnownMeeting(models.Model):
    """A meeting whose invitees were read, and how it looked then: while it looks the same, no call is spent on it."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="known_meetings")
    uri = models.CharField(max_length=255)
    mark = models.CharField(max_length=64, help_text=_("Its own change time and its numbers of invitees."))
    is_partial = models.BooleanField(default=False, help_text=_("Some of its bookings were left to a backfill."))
    read_at = models.DateTimeField()

    class Meta:
        """One row each."""

        constraints: ClassVar = [models.UniqueConstraint(fields=["connection", "uri"], name="known_meeting_once")]

    def __str__(self) -> str:
        return self.uri.rsplit("/", 1)[-1]
