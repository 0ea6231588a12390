"""The addresses of the whole project: the admin, and everything the connector adds."""

from django.contrib import admin
from django.urls import include, path

from calendly_connector.admin.my_settings import URL_NAME, my_settings

urlpatterns = [
    path("admin/my-settings/", admin.site.admin_view(my_settings), name=URL_NAME),
    path("admin/", admin.site.urls),
    path("", include("calendly_connector.urls")),
]

handler403 = "project.refused.forbidden"
handler404 = "project.refused.not_found"
