"""The addresses of the whole project: the admin, and everything the connector adds."""

from django.contrib import admin
from django.urls import include, path

urlpatterns = [
    path("admin/", admin.site.urls),
    path("", include("calendly_connector.urls")),
]
