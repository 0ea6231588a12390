"""Running counts for whoever watches from outside: one row each, added to by all processes."""

from django.db import models


class Tally(models.Model):
    """A number that survives restarts. `services.tally` adds to it, `services.metrics` shows it."""

    key = models.CharField(max_length=160, primary_key=True, help_text="What is counted, such as api_calls|Brevo|2xx.")
    value = models.FloatField(default=0)
    changed_at = models.FloatField(default=0, help_text="Unix seconds.")

    def __str__(self) -> str:
        return self.key
