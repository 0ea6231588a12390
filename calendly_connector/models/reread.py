"""A stretch of time whose bookings are read again from Calendly, and how far that has come."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from calendly_connector.models.connection import Connection


class Reread(models.Model):
    """One reading. Open until everything has been read; then it is history."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="rereads")
    since = models.DateTimeField(help_text=_("Whatever changed from here on is read again."))
    until = models.DateTimeField(null=True, blank=True, help_text=_("Only meetings that begin before; empty: all."))
    is_history = models.BooleanField(
        _("history"), default=False, help_text=_("Everything is taken in, and no automation event leaves.")
    )
    why = models.CharField(max_length=200, blank=True)
    reached_at = models.DateTimeField(null=True, blank=True, help_text=_("Meetings that begin before have been read."))
    meetings = models.PositiveIntegerField(_("meetings seen"), default=0)
    invitees = models.PositiveIntegerField(_("invitees read"), default=0)
    news = models.PositiveIntegerField(
        _("found"), default=0, help_text=_("Bookings of which something had been missed.")
    )
    words = models.TextField(blank=True, help_text=_("Why it doesn't go on, for staff; or what came of it."))
    asked_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """One open reading of each sort per connection: a second wish widens it."""

        ordering: ClassVar = ["-asked_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["connection", "is_history"], condition=models.Q(finished_at=None), name="one_open_reread"
            )
        ]

    def __str__(self) -> str:
        return gettext("bookings since %(at)s UTC") % {"at": f"{self.since:%Y-%m-%d %H:%M}"}
