"""The Django app."""

from django.apps import AppConfig


class CalendlyConnectorConfig(AppConfig):
    """Calendly → Brevo."""

    name = "calendly_connector"
    verbose_name = "Calendly → Brevo"
