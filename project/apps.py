"""Django's admin with our site: its name and its groups."""

from django.contrib.admin.apps import AdminConfig

from project import sentry


class ProjectAdminConfig(AdminConfig):
    """Stands in INSTALLED_APPS for django.contrib.admin."""

    default_site = "project.admin_site.ConnectorSite"

    def ready(self) -> None:
        """Let errors be reported before anything else can go wrong."""
        sentry.start()
        super().ready()
