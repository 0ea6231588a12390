"""The addresses of the whole project: the admin, and everything the connector adds."""

from django.conf import settings
from django.contrib import admin
from django.urls import include, path

from calendly_connector.admin import gate, second_factor
from calendly_connector.admin.my_settings import URL_NAME, my_settings

_admin = settings.ADMIN_PATH
urlpatterns = [
    path(f"{_admin}login/code/", gate.code_page, name=gate.CODE_PAGE),
    path(f"{_admin}my-settings/", admin.site.admin_view(my_settings), name=URL_NAME),
    path(f"{_admin}my-settings/second-factor/", second_factor.page, name=gate.FACTOR_PAGE),
    path(_admin, admin.site.urls),
    path("", include("calendly_connector.urls")),
]

handler403 = "project.refused.forbidden"
handler404 = "project.refused.not_found"
