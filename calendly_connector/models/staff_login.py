"""How one member of staff gets in: the second factor, and which of their sessions still count."""

from django.conf import settings
from django.db import models

from calendly_connector.models.fields import EncryptedTextField


class StaffLogin(models.Model):
    """One user's second factor, if there is one, and the count that ends their sessions when it grows."""

    user = models.OneToOneField(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="staff_login")
    secret = EncryptedTextField(blank=True, default="", help_text="Of the one-time codes, in base32.")
    confirmed_at = models.DateTimeField(null=True, blank=True, help_text="Empty: no code has been shown yet.")
    last_step = models.BigIntegerField(default=0, help_text="Of the last code that was taken: each works once.")
    epoch = models.PositiveIntegerField(default=0, help_text="A session of another epoch is over.")

    def __str__(self) -> str:
        return f"{self.user}"

    @property
    def has_factor(self) -> bool:
        """Return whether a code is asked for after the password."""
        return self.confirmed_at is not None


class RecoveryCode(models.Model):
    """One code that opens once, without the phone. Kept as a digest: 80 random bits are not guessed."""

    login = models.ForeignKey(StaffLogin, on_delete=models.CASCADE, related_name="recovery_codes")
    digest = models.CharField(max_length=64)

    class Meta:
        """No code twice."""

        constraints = (models.UniqueConstraint(fields=("login", "digest"), name="one_recovery_code"),)

    def __str__(self) -> str:
        return f"{self.login}"
