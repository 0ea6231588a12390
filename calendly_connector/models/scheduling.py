"""Bookings without a redirect: our own pages, what visitors asked for there, and links for single people."""

from typing import ClassVar

from django.db import models
from django.utils.translation import gettext_lazy as _

from calendly_connector.models.booking import Booking
from calendly_connector.models.connection import Connection
from calendly_connector.models.person import Person


class BookingPage(models.Model):
    """One public page, `/book/<slug>`, on which visitors book event types of a connection."""

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="booking_pages")
    slug = models.SlugField(max_length=80, unique=True, help_text=_("The last part of its address."))
    title = models.CharField(max_length=200, help_text=_("What visitors read on top."))
    intro = models.TextField(_("introduction"), blank=True, help_text=_("A sentence or two below the title."))
    event_types = models.JSONField(default=list, help_text=_("What may be booked, in this order."))
    is_active = models.BooleanField(_("open to visitors"), default=True)
    days_ahead = models.PositiveSmallIntegerField(default=60, help_text=_("How far ahead times are offered."))
    asks_for_guests = models.BooleanField(_("visitors may bring guests"), default=True)
    consent_text = models.TextField(
        _("words beside the consent box"),
        blank=True,
        help_text=_("Empty: the mapping's question. Where the mapping asks none, there is no box."),
    )
    allowed_origins = models.JSONField(
        default=list, blank=True, help_text=_("Sites that may embed it, such as https://www.example.com; empty: none.")
    )
    theme = models.JSONField(default=dict, blank=True, help_text=_("CSS variable → value."))
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """By its title."""

        verbose_name = _("booking page")
        verbose_name_plural = _("booking pages")
        ordering: ClassVar = ["title"]

    def __str__(self) -> str:
        return self.title


class BookingRequest(models.Model):
    """What somebody asked Calendly to book through us, and what came of it. Also counts towards Calendly's limits."""

    class State(models.TextChoices):
        """How far it came."""

        ASKED = "asked", _("Waiting")
        SENDING = "sending", _("Being booked")
        BOOKED = "booked", _("Booked")
        TAKEN = "taken", _("The time was taken")
        REFUSED = "refused", _("Refused")
        UNKNOWN = "unknown", _("Outcome unknown")

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="booking_requests")
    page = models.ForeignKey(BookingPage, on_delete=models.SET_NULL, null=True, blank=True, related_name="requests")
    key = models.CharField(max_length=64, unique=True, help_text=_("Of the form, so that a double click books once."))
    event_type = models.CharField(max_length=255)
    start_at = models.DateTimeField()
    email = models.CharField(max_length=320, help_text=_("Trimmed and lower-cased."))
    wish = models.JSONField(help_text=_("What was asked for."))
    state = models.CharField(max_length=8, choices=State, default=State.ASKED)
    lane = models.PositiveSmallIntegerField(default=0, help_text=_("Which of the time's places it tries to get."))
    attempt = models.PositiveSmallIntegerField(default=1, help_text=_("2: the first one's outcome was unknown."))
    reason = models.TextField(blank=True)
    invitee = models.CharField(max_length=255, blank=True, help_text=_("The booking's address at Calendly."))
    asked_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True, help_text=_("When it was counted towards the limits."))
    settled_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """Found by what counts towards the limits, and by what is of unknown outcome. One at a time for each place."""

        verbose_name = _("booking request")
        verbose_name_plural = _("booking requests")
        ordering: ClassVar = ["-asked_at"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["connection", "event_type", "start_at", "lane"],
                condition=models.Q(state="sending"),
                name="one_sending_per_place",
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["connection", "sent_at"], name="request_sent"),
            models.Index(fields=["connection", "settled_at"], name="request_settled"),
            models.Index(fields=["state"], condition=models.Q(state__in=["sending", "unknown"]), name="request_open"),
        ]

    def __str__(self) -> str:
        return f"{self.email}, {self.start_at:%Y-%m-%d %H:%M} UTC"


class LinkRun(models.Model):
    """Single-use links for many people at once: made, prefilled, written to a contact attribute."""

    class State(models.TextChoices):
        """Where it stands."""

        RUNNING = "running", _("Running")
        PAUSED = "paused", _("Paused")
        CANCELED = "canceled", _("Canceled")
        FINISHED = "finished", _("Finished")

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="link_runs")
    event_type = models.CharField(max_length=255)
    list_number = models.BigIntegerField(_("Brevo list"), null=True, blank=True, help_text=_("Empty: one address."))
    attribute = models.CharField(max_length=100, help_text=_("Where each contact's link is written."))
    tracking = models.JSONField(default=dict, blank=True, help_text=_("UTM parameters of every link."))
    state = models.CharField(max_length=8, choices=State, default=State.RUNNING)
    is_refill = models.BooleanField(default=False, help_text=_("Only in place of used and expired ones."))
    total = models.PositiveIntegerField(default=0)
    offset = models.PositiveIntegerField(default=0, help_text=_("Contacts of the list that were read."))
    fallback = models.CharField(
        max_length=500, blank=True, help_text=_("Calendly's common page, for contacts without a link.")
    )
    listed_last = models.JSONField(default=list, blank=True, help_text=_("Contacts that the next page may show again."))
    is_listed = models.BooleanField(default=False)
    process = models.BigIntegerField(_("Brevo's process number"), null=True, blank=True)
    polls = models.PositiveSmallIntegerField(default=0)
    written_to = models.BigIntegerField(default=0, help_text=_("The last link of which Brevo has told."))
    piece_to = models.BigIntegerField(default=0, help_text=_("The last link of the import under way."))
    made = models.PositiveIntegerField(default=0)
    written = models.PositiveIntegerField(default=0)
    left_out = models.JSONField(default=dict, blank=True, help_text=_("Why not → how many."))
    words = models.TextField(blank=True)
    asked_by = models.CharField(max_length=150, blank=True)
    asked_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """Newest first."""

        verbose_name = _("link run")
        verbose_name_plural = _("link runs")
        ordering: ClassVar = ["-asked_at"]

    def __str__(self) -> str:
        return f"{self.attribute}, {self.asked_at:%Y-%m-%d %H:%M} UTC"


class SchedulingLink(models.Model):
    """One single-use link of one person. Calendly can't be asked about it, so what we know is kept here."""

    class State(models.TextChoices):
        """What became of it."""

        WANTED = "wanted", _("To be made")
        LIVE = "live", _("Can be used")
        USED = "used", _("Used")
        EXPIRED = "expired", _("Expired")
        REPLACED = "replaced", _("Replaced")

    connection = models.ForeignKey(Connection, on_delete=models.CASCADE, related_name="links")
    run = models.ForeignKey(LinkRun, on_delete=models.SET_NULL, null=True, blank=True, related_name="links")
    person = models.ForeignKey(Person, on_delete=models.SET_NULL, null=True, blank=True, related_name="links")
    event_type = models.CharField(max_length=255)
    email = models.CharField(max_length=320, help_text=_("Trimmed and lower-cased."))
    name = models.CharField(max_length=255, blank=True)
    state = models.CharField(max_length=8, choices=State, default=State.WANTED)
    url = models.CharField(max_length=500, blank=True, help_text=_("Calendly's own address."))
    tag = models.CharField(max_length=40, unique=True, help_text=_("Comes back with the booking, as utm_content."))
    made_at = models.DateTimeField(null=True, blank=True)
    expires_at = models.DateTimeField(null=True, blank=True)
    written_at = models.DateTimeField(null=True, blank=True, help_text=_("When Brevo had it."))
    booking = models.ForeignKey(Booking, on_delete=models.SET_NULL, null=True, blank=True, related_name="links")
    used_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """One link at a time that somebody can use for an event type."""

        verbose_name = _("scheduling link")
        verbose_name_plural = _("scheduling links")
        ordering: ClassVar = ["-pk"]
        constraints: ClassVar = [
            models.UniqueConstraint(
                fields=["connection", "event_type", "email"],
                condition=models.Q(state__in=["wanted", "live"]),
                name="one_live_link",
            )
        ]
        indexes: ClassVar = [
            models.Index(fields=["expires_at"], condition=models.Q(state="live"), name="link_expires"),
            models.Index(fields=["run", "state"], name="link_run"),
        ]

    def __str__(self) -> str:
        return f"{self.email} ({self.get_state_display()})"


class CrmTask(models.Model):
    """The task in Brevo's CRM that stands for a booking."""

    booking = models.OneToOneField(Booking, on_delete=models.CASCADE, primary_key=True, related_name="crm_task")
    number = models.CharField(_("Brevo's id"), max_length=64, blank=True)
    digest = models.CharField(max_length=64, blank=True, help_text=_("What was written last."))
    words = models.TextField(blank=True, help_text=_("Why it couldn't be written."))
    written_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        """Readable names."""

        verbose_name = _("CRM task")
        verbose_name_plural = _("CRM tasks")

    def __str__(self) -> str:
        return str(self.booking)
