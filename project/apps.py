"""Django's admin with our site: its name and its groups."""

from django.contrib.admin.apps import AdminConfig


class ProjectAdminConfig(AdminConfig):
    """Stands in INSTALLED_APPS for django.contrib.admin."""

    default_site = "project.admin_site.ConnectorSite"
