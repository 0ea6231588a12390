"""Running counts for whoever watches from outside: one row each, added to by all processes."""

from django.db import models
from django.utils.translation import gettext_lazy as _


class Tally(models.Model):
    """A number that survives restarts. `services.tally` adds to it, `services.metrics` shows it."""

    key = models.CharField(
        _("key"), max_length=160, primary_key=True, help_text=_("What is counted, such as api_calls|Brevo|2xx.")
    )
    value = models.FloatField(_("value"), default=0)
    changed_at = models.FloatField(_("changed at"), default=0, help_text=_("Unix seconds."))

    class Meta:
        """Readable names."""

        verbose_name = _("tally")
        verbose_name_plural = _("tallies")

    def __str__(self) -> str:
        return self.key
