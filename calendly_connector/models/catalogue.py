"""Mirrors of what the two services offer, for pick-lists and for conversion to the right type."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from calendly_connector.core.attributes import Attribute
from calendly_connector.models.connection import BrevoAccount, Connection


class EventType(models.Model):
    """One kind of meeting of a connection."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="event_types")
    uri = models.CharField(max_length=255)
    name = models.CharField(max_length=255)
    is_active = models.BooleanField(default=True)
    kind = models.CharField(max_length=40, blank=True)
    owner = models.CharField(max_length=255, blank=True, help_text=_("The host's, or the team's, name."))
    is_team = models.BooleanField(_("belongs to a team"), default=False)
    questions = models.JSONField(default=list, blank=True)
    is_ignored = models.BooleanField(_("ignore its bookings"), default=False)
    decided_name = models.CharField(
        max_length=255, blank=True, help_text=_("Its name when staff decided how it is mapped; empty: not decided yet.")
    )
    read_at = models.DateTimeField()

    class Meta:
        """Once per connection."""

        constraints: ClassVar = [models.UniqueConstraint(fields=["connection", "uri"], name="event_type_once")]

    def __str__(self) -> str:
        return self.name

    @property
    def is_undecided(self) -> bool:
        """Return whether staff have not yet said how bookings of this type, under this name, are mapped."""
        return self.decided_name != self.name


class BrevoList(models.Model):
    """One list of a Brevo account."""

    account = models.ForeignKey(BrevoAccount, on_delete=models.CASCADE, related_name="lists")
    number = models.BigIntegerField(_("id in Brevo"))
    name = models.CharField(max_length=255)
    folder = models.CharField(max_length=255, blank=True, help_text=_("The folder's name in Brevo."))
    size = models.PositiveIntegerField(default=0)
    read_at = models.DateTimeField()

    class Meta:
        """Once per account."""

        verbose_name = _("Brevo list")
        verbose_name_plural = _("Brevo lists")
        constraints: ClassVar = [models.UniqueConstraint(fields=["account", "number"], name="brevo_list_once")]

    def __str__(self) -> str:
        return f"{self.name} (#{self.number})"


class BrevoAttribute(models.Model):
    """One contact attribute of a Brevo account."""

    account = models.ForeignKey(BrevoAccount, on_delete=models.CASCADE, related_name="attributes")
    name = models.CharField(max_length=200)
    kind = models.CharField(max_length=30)
    options = models.JSONField(default=list, blank=True, help_text=_("Pairs of stored value and label."))
    read_at = models.DateTimeField()

    class Meta:
        """Once per account."""

        verbose_name = _("Brevo attribute")
        verbose_name_plural = _("Brevo attributes")
        constraints: ClassVar = [models.UniqueConstraint(fields=["account", "name"], name="brevo_attribute_once")]

    def __str__(self) -> str:
        return self.name

    def to_value(self) -> Attribute:
        """Return the row as the core's value."""
        return Attribute(name=self.name, kind=self.kind, options=tuple((value, label) for value, label in self.options))
