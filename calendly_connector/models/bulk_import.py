"""Many people written to Brevo at once: one row per import, so that any worker can go on where another stopped."""

from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from calendly_connector.models.connection import BrevoAccount
from calendly_connector.models.reading import Reading


class BulkImport(models.Model):
    """One `POST /contacts/import` and what follows it. People point to it until it is over."""

    class State(models.TextChoices):
        """How far it has come."""

        GATHERING = "gathering", _("Gathering people")
        CLOSED = "closed", _("Gathered; being prepared")
        PREPARED = "prepared", _("Prepared")
        RUNNING = "running", _("Running at Brevo")
        IMPORTED = "imported", _("Imported; events follow")
        DONE = "done", _("Done")
        FAILED = "failed", _("Failed; its people are written one by one")

    account = models.ForeignKey(BrevoAccount, on_delete=models.CASCADE, related_name="bulk_imports")
    state = models.CharField(max_length=10, choices=State, default=State.PREPARED)
    reading = models.ForeignKey(
        Reading, on_delete=models.SET_NULL, null=True, blank=True, related_name="imports", help_text=_("Whose people.")
    )
    process = models.BigIntegerField(_("Brevo's process number"), null=True, blank=True)
    lists = models.JSONField(default=list, blank=True, help_text=_("Lists that its people join."))
    people_count = models.PositiveIntegerField(default=0)
    refused_count = models.PositiveIntegerField(default=0, help_text=_("Written one by one instead."))
    refused = models.JSONField(default=dict, blank=True, help_text=_("Brevo's report → how many addresses it names."))
    polls = models.PositiveSmallIntegerField(default=0)
    reason = models.TextField(blank=True)
    created_at = models.DateTimeField(auto_now_add=True)
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """Readable names."""

        verbose_name = _("bulk import")
        verbose_name_plural = _("bulk imports")

    def __str__(self) -> str:
        return gettext("Import of %(people_count)s people") % {"people_count": self.people_count}
