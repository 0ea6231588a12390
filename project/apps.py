"""Django's admin with our site: its name and its groups. And, when a broker is named, word to it of every work."""

from importlib import import_module

from django.apps import AppConfig
from django.contrib.admin.apps import AdminConfig
from django.core.exceptions import ImproperlyConfigured

from project import sentry


class ProjectAdminConfig(AdminConfig):
    """Stands in INSTALLED_APPS for django.contrib.admin."""

    default_site = "project.admin_site.ConnectorSite"

    def ready(self) -> None:
        """Let errors be reported before anything else can go wrong."""
        sentry.start()
        super().ready()


class BrokerConfig(AppConfig):
    """Stands in INSTALLED_APPS when TASK_QUEUE_URL is set."""

    name = "project"

    def ready(self) -> None:
        """Tell the broker of work from now on. Raise ImproperlyConfigured when Celery isn't installed."""
        try:
            broker, celery = import_module("project.broker"), import_module("project.celery")
        except ImportError as error:
            raise ImproperlyConfigured(f"TASK_QUEUE_URL needs Celery: pip install 'celery[redis]'. {error}") from error
        broker.Messenger(celery.app).listen()
