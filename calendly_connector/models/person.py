"""A person: one e-mail address of one connection."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from calendly_connector.models.bulk_import import BulkImport
from calendly_connector.models.connection import Connection


class Person(models.Model):
    """Someone who booked. Their row is the lock that keeps their bookings and steps in order."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="people")
    email = models.CharField(max_length=320, help_text=_("Trimmed and lower-cased."))
    list_operations = models.JSONField(
        default=dict, blank=True, help_text=_("List id → join or leave: what was done in Brevo last.")
    )
    filled_attributes = models.TextField(
        blank=True,
        default="",
        db_default="",
        help_text=_("Brevo's attributes that hold a value which may pass, such as the next meeting: ours to clear."),
    )
    clock_at = models.DateTimeField(
        null=True, blank=True, help_text=_("When time alone next changes what Brevo should show.")
    )
    pushed_at = models.DateTimeField(null=True, blank=True)
    pushed_digest = models.CharField(max_length=64, blank=True, help_text=_("What was written last, to tell a change."))
    bulk_import = models.ForeignKey(
        BulkImport, on_delete=models.SET_NULL, null=True, blank=True, related_name="people", help_text=_("Under way.")
    )
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """Found by e-mail and by the clock."""

        verbose_name_plural = _("people")
        permissions: ClassVar = [("view_addresses", "Can see people's e-mail addresses")]
        constraints: ClassVar = [models.UniqueConstraint(fields=["connection", "email"], name="person_once")]
        indexes: ClassVar = [
            models.Index(fields=["clock_at"], condition=models.Q(clock_at__isnull=False), name="person_clock")
        ]

    def __str__(self) -> str:
        return self.email
