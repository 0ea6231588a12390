"""The Django app."""

from importlib import import_module

from django.apps import AppConfig
from django.core.signals import request_finished
from django.db.models.signals import post_migrate


class CalendlyConnectorConfig(AppConfig):
    """Calendly → Brevo."""

    name = "calendly_connector"
    verbose_name = "Calendly → Brevo"

    def ready(self) -> None:
        """Finish what needs the models to be there: start-up checks, labels, and what follows a migration."""
        import_module(f"{self.name}.checks")
        labels = import_module(f"{self.name}.labels")
        labels.translate(self)
        http, tally = import_module(f"{self.name}.clients.http"), import_module(f"{self.name}.services.tally")
        http.listeners.append(tally.count_call)
        request_finished.connect(tally.write_if_due, dispatch_uid=tally.__name__)
        roles = import_module(f"{self.name}.services.roles")
        post_migrate.connect(roles.set_permissions, sender=self, dispatch_uid=roles.__name__)
        import_module(f"{self.name}.services.staff_sessions").connect_signals()
