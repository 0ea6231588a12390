"""What staff were told about, so that they are told of a change and not again and again."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Notice(models.Model):
    """One trouble of one thing. Open until the thing recovers."""

    key = models.CharField(
        max_length=120, unique=True, help_text=_("What it is about, such as connection:3:reconnect.")
    )
    title = models.CharField(max_length=200)
    message = models.TextField(help_text=_("What happened and what to do, for staff."))
    is_open = models.BooleanField(default=True)
    opened_at = models.DateTimeField()
    closed_at = models.DateTimeField(null=True, blank=True)
    last_sent_at = models.DateTimeField(null=True, blank=True)
    times_sent = models.PositiveSmallIntegerField(default=0)

    def __str__(self) -> str:
        return self.title
