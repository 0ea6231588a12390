"""The Django app."""

from importlib import import_module

from django.apps import AppConfig
from django.db.models.signals import post_migrate


class CalendlyConnectorConfig(AppConfig):
    """Calendly → Brevo."""

    name = "calendly_connector"
    verbose_name = "Calendly → Brevo"

    def ready(self) -> None:
        """Register the start-up checks, and what follows a migration; both need the models to be there."""
        import_module(f"{self.name}.checks")
        roles = import_module(f"{self.name}.services.roles")
        post_migrate.connect(roles.set_permissions, sender=self, dispatch_uid=roles.__name__)
