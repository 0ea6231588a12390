"""The queue: rows that say "look at this", claimed by one statement (design.md §7, dependencies.md §2d)."""

from collections.abc import Mapping
from typing import ClassVar

from django.db import models
from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _


class Job(models.Model):
    """Work to be done soon. A finished job's row is gone; what it did is written where it belongs."""

    class State(models.TextChoices):
        """Whether somebody works on it."""

        READY = "ready", _("Waiting")
        RUNNING = "running", _("Running")
        FAILED = "failed", _("Gave up")

    kind = models.CharField(max_length=40)
    subject = models.BigIntegerField(default=0, help_text=_("The row to look at."))
    dedupe_key = models.CharField(max_length=120, unique=True, help_text=_("One job at a time for the same thing."))
    lane = models.CharField(
        max_length=80, blank=True, help_text=_("The rate limit that must be open before it starts.")
    )
    state = models.CharField(max_length=10, choices=State, default=State.READY)
    is_wanted_again = models.BooleanField(default=False, help_text=_("Asked for while it was running."))
    run_after = models.DateTimeField()
    attempts = models.PositiveIntegerField(
        default=0, help_text=_("Claims so far; fences off a worker that lost its lease.")
    )
    failures = models.PositiveSmallIntegerField(default=0)
    last_error = models.TextField(blank=True)
    lease_until = models.DateTimeField(null=True, blank=True)
    worker = models.CharField(max_length=80, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        """Claimed in the order of their time."""

        indexes: ClassVar = [models.Index(fields=["state", "run_after"], name="job_due")]

    def __str__(self) -> str:
        return f"{self.kind} {self.subject or ''}".strip()


REPEATING: Mapping[str, Promise] = {
    "refresh_tokens": _("Refresh Calendly's tokens before they expire"),
    "watch": _("See whether Calendly still delivers"),
    "reconcile": _("Compare the last 30 days and what is to come with Calendly"),
    "notices": _("Remind staff of what lasts"),
    "catalogues": _("Refresh event types, lists and attributes"),
    "sweep": _("Look for work that nobody asked for"),
    "clock": _("Look for people whose time has come"),
    "figures": _("Count today and yesterday for the overview"),
    "past_figures": _("Count the days before for the overview"),
    "keep_alive": _("Use each Brevo key once a day, and see whether it is accepted"),
    "expire_links": _("Mark the links that have expired"),
    "drift": _("Compare Calendly, the bookings here and Brevo"),
    "prune": _("Delete what is kept only for a while"),
    "sessions": _("Delete sessions and failed log-ins that are over"),
}
"""Name of repeating work → in staff's words."""


class Schedule(models.Model):
    """Repeating work: advanced by one statement, so there is one tick however many workers look."""

    name = models.CharField(max_length=40, unique=True)
    every_seconds = models.PositiveIntegerField()
    next_run_at = models.DateTimeField()
    is_enabled = models.BooleanField(default=True)
    last_started_at = models.DateTimeField(null=True, blank=True)
    last_finished_at = models.DateTimeField(null=True, blank=True)
    last_result = models.TextField(blank=True)

    class Meta:
        """Soonest first."""

        ordering: ClassVar = ["next_run_at"]

    def __str__(self) -> str:
        return str(REPEATING.get(self.name, self.name))
