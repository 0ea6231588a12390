"""The Django app."""

from importlib import import_module

from django.apps import AppConfig


class CalendlyConnectorConfig(AppConfig):
    """Calendly → Brevo."""

    name = "calendly_connector"
    verbose_name = "Calendly → Brevo"

    def ready(self) -> None:
        """Register the start-up checks, which need the models to be there."""
        import_module(f"{self.name}.checks")
