"""One row per rate limit of one account, shared by all workers and machines (dependencies.md §7)."""

from django.db import models


class RateLimit(models.Model):
    """A bucket by the generic cell rate algorithm. Times are Unix seconds: both databases add them alike."""

    key = models.CharField(max_length=80, primary_key=True, help_text="Such as brevo:1:contacts.")
    interval = models.FloatField(help_text="Seconds between calls at an even pace.")
    free_at = models.FloatField(default=0, help_text="When the next call is due at an even pace.")
    blocked_until = models.FloatField(default=0, help_text="Told by the service (429), or the account is paused.")

    def __str__(self) -> str:
        return self.key
