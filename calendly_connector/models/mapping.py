"""What staff configure: which booking feeds which list, event and attribute."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from calendly_connector.core.rules import ConsentMode, Overwrite
from calendly_connector.models.connection import Connection


class TriggerMapping(models.Model):
    """One cell of the grid: what a trigger of one event type does. An empty event type is the default row."""

    class Trigger(models.TextChoices):
        """Mirrors `core.trigger.Trigger`."""

        BOOKED = "booked", _("Booked")
        RESCHEDULED = "rescheduled", _("Moved")
        CANCELED = "canceled", _("Canceled")
        NO_SHOW = "no_show", _("No-show")
        NO_SHOW_UNDONE = "no_show_undone", _("No-show withdrawn")
        ATTENDED = "attended", _("Attended")

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="trigger_mappings")
    event_type = models.CharField(
        max_length=255,
        blank=True,
        help_text=_("Address of the Calendly event type; empty: every type without its own."),
    )
    trigger = models.CharField(max_length=20, choices=Trigger)
    join_lists = models.JSONField(default=list, blank=True, help_text=_("Ids of Brevo lists, such as [10, 11]."))
    leave_lists = models.JSONField(default=list, blank=True, help_text=_("Ids of Brevo lists, such as [10, 11]."))
    sends_event = models.BooleanField(default=True)
    event_name = models.CharField(
        max_length=255, blank=True, help_text=_("Empty: calendly_meeting_… with the trigger's name.")
    )

    class Meta:
        """One cell per type and trigger."""

        constraints: ClassVar = [
            models.UniqueConstraint(fields=["connection", "event_type", "trigger"], name="trigger_mapping_once")
        ]

    def __str__(self) -> str:
        return f"{self.get_trigger_display()}: {self.event_type.rsplit('/', 1)[-1] or gettext('every other type')}"


class FieldMapping(models.Model):
    """One source of a booking written to one Brevo attribute."""

    class Overwrite(models.TextChoices):
        """Mirrors `core.rules.Overwrite`."""

        ALWAYS = Overwrite.ALWAYS.value, _("Always")
        IF_EMPTY = Overwrite.IF_EMPTY.value, _("Only if empty in Brevo")
        NEVER = Overwrite.NEVER.value, _("Never (switched off)")

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="field_mappings")
    source = models.CharField(max_length=300, help_text="A field's name, or answer:<text of the question>.")
    attribute = models.CharField(_("Brevo attribute"), max_length=200, help_text=_("In capitals, such as FIRSTNAME."))
    overwrite = models.CharField(_("writes"), max_length=10, choices=Overwrite, default=Overwrite.ALWAYS)

    class Meta:
        """One source per attribute."""

        constraints: ClassVar = [
            models.UniqueConstraint(fields=["connection", "attribute"], name="field_mapping_attribute_once")
        ]

    def __str__(self) -> str:
        return f"{self.source} → {self.attribute}"


class ConsentRule(models.Model):
    """When a row of the grid may let people join its lists. An empty event type is the default row."""

    class Mode(models.TextChoices):
        """Mirrors `core.rules.ConsentMode`."""

        ALWAYS = ConsentMode.ALWAYS.value, _("Always")
        ANSWER = ConsentMode.ANSWER.value, _("Only with a chosen answer")
        NEVER = ConsentMode.NEVER.value, _("Never: event and attributes only")
        DOUBLE_OPT_IN = ConsentMode.DOUBLE_OPT_IN.value, _("After a click in a mail (double opt-in)")

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="consent_rules")
    event_type = models.CharField(max_length=255, blank=True)
    mode = models.CharField(_("joins lists"), max_length=15, choices=Mode, default=Mode.ALWAYS)
    question = models.CharField(max_length=300, blank=True, help_text=_("The question that asks for consent."))
    answer = models.CharField(max_length=300, blank=True, help_text=_("The answer that gives it, such as Yes."))
    template = models.PositiveIntegerField(
        null=True, blank=True, help_text="Id of Brevo's double opt-in template: active and tagged “optin”."
    )
    redirect_url = models.CharField(
        _("page after the click"),
        max_length=500,
        blank=True,
        help_text=_("Where the person arrives, such as a thank-you page."),
    )

    class Meta:
        """One rule per row."""

        constraints: ClassVar = [models.UniqueConstraint(fields=["connection", "event_type"], name="consent_rule_once")]

    def __str__(self) -> str:
        return f"{self.event_type.rsplit('/', 1)[-1] or gettext('every other type')}: {self.get_mode_display()}"
