"""The ledger: one row per Calendly invitee, keyed by the invitee URI."""

from typing import ClassVar, Self

from django.db import models
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from calendly_connector.core import booking as core_booking
from calendly_connector.core import merge
from calendly_connector.models.connection import Connection
from calendly_connector.models.person import Person

MOST_WORDS = 200
"""Letters of a source, medium or campaign: PostgreSQL refuses a row of more than 2,704 bytes in one of its indexes."""

UTM = ("utm_source", "utm_medium", "utm_campaign")
REPORTED = ("connection", "booked_at", "old_invitee", "status", "end_at")
UNMOVED = models.Q(old_invitee="") & ~models.Q(status="rescheduled")
MOVED = ~models.Q(old_invitee="") | models.Q(status="rescheduled")
CAME = ~models.Q(utm_source="") | ~models.Q(utm_medium="") | ~models.Q(utm_campaign="")
"""Conditions of indexes for the attribution report, which has them word for word (`services.attribution_sql`)."""


class Booking(models.Model):
    """The newest snapshot of one booking, and what only we know. `core.merge.Entry` is its value."""

    class Status(models.TextChoices):
        """Mirrors `core.booking.Status`."""

        BOOKED = "booked", _("Booked")
        RESCHEDULED = "rescheduled", _("Moved")
        CANCELED = "canceled", _("Canceled")
        NO_SHOW = "no_show", _("No-show")
        ATTENDED = "attended", _("Attended")

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="bookings")
    person = models.ForeignKey(Person, on_delete=models.PROTECT, related_name="bookings")
    uri = models.CharField(_("invitee"), max_length=255)
    status = models.CharField(max_length=12, choices=Status)
    name = models.CharField(max_length=255, blank=True)
    meeting_name = models.CharField(_("meeting"), max_length=255, blank=True)
    event_type = models.CharField(max_length=255, blank=True)
    meeting_uri = models.CharField(_("scheduled event"), max_length=255)
    start_at = models.DateTimeField()
    end_at = models.DateTimeField()
    booked_at = models.DateTimeField()
    updated_at = models.DateTimeField(help_text=_("The invitee's own, by Calendly."))
    old_invitee = models.CharField(_("moved from"), max_length=255, blank=True)
    successor = models.CharField(_("moved to"), max_length=255, blank=True)
    moves = models.PositiveSmallIntegerField(default=0)
    attended_at = models.DateTimeField(null=True, blank=True)
    utm_source = models.CharField(max_length=255, blank=True)
    utm_medium = models.CharField(max_length=255, blank=True)
    utm_campaign = models.CharField(max_length=255, blank=True)
    host = models.CharField(max_length=320, blank=True, help_text=_("The first host's e-mail, else name."))
    was_undone = models.BooleanField(_("a no-show was withdrawn"), default=False)
    data = models.JSONField(help_text=_("The whole snapshot."))
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """Found by invitee, by the new half of a move, by person and by the clock; counted by where it came from."""

        constraints: ClassVar = [models.UniqueConstraint(fields=["connection", "uri"], name="booking_once")]
        indexes: ClassVar = [
            models.Index(
                fields=["connection", "old_invitee"], condition=~models.Q(old_invitee=""), name="booking_old_half"
            ),
            models.Index(fields=["start_at"], name="booking_start"),
            models.Index(fields=["connection", "booked_at"], name="booking_booked"),
            models.Index(fields=[*REPORTED, *UTM, "person"], condition=UNMOVED, name="booking_by_source"),
            models.Index(fields=[*REPORTED, "event_type", "host"], condition=UNMOVED, name="booking_by_type"),
            models.Index(fields=["connection", "booked_at"], condition=MOVED, name="booking_moved"),
            models.Index(fields=["person", "booked_at", "id", *UTM], condition=CAME, name="booking_touch"),
        ]

    def __str__(self) -> str:
        values = {"meeting": self.meeting_name or gettext("Meeting"), "at": f"{self.start_at:%Y-%m-%d %H:%M}"}
        return gettext("%(meeting)s on %(at)s UTC") % values

    def to_entry(self) -> merge.Entry:
        """Return the row as the core's value."""
        return merge.Entry(
            booking=core_booking.Booking.from_json(self.data),
            successor=self.successor,
            moves=self.moves,
            attended_at=self.attended_at,
            was_undone=self.was_undone,
        )

    def take(self, entry: merge.Entry) -> Self:
        """Set every column from the core's value; the caller saves."""
        invitee, meeting = entry.booking.invitee, entry.booking.meeting
        self.uri, self.status = entry.uri, entry.status.value
        self.name, self.meeting_name = invitee.name[:255], meeting.name[:255]
        self.event_type, self.meeting_uri = meeting.event_type, meeting.uri
        self.start_at, self.end_at = meeting.start_at, meeting.end_at
        self.booked_at, self.updated_at = invitee.created_at, invitee.updated_at
        self.old_invitee, self.successor, self.moves = invitee.old_invitee, entry.successor, entry.moves
        self.attended_at, self.was_undone = entry.attended_at, entry.was_undone
        tracking, host = invitee.tracking, next(iter(meeting.hosts), None)
        for name in UTM:
            setattr(self, name, getattr(tracking, name)[:MOST_WORDS])
        self.host = (host.email or host.name)[:320] if host else ""
        self.data = entry.booking.to_json()
        return self
