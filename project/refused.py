"""The pages for what isn't there (404) or isn't allowed (403): in the admin's look, with a way back."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 403. What the exception says is for us, not for whoever is refused."""
    return render(request, "403.html", {**_frame(request), "title": _("You may not do this")}, status=403)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer 404."""
    return render(request, "404.html", {**_frame(request), "title": _("This page isn't there")}, status=404)


def _frame(request: HttpRequest) -> dict[str, Any]:
    """Return the admin's menu for staff, for strangers none, and the page before this one if it was one of ours."""
    before = request.headers.get("Referer", "")
    is_ours = url_has_allowed_host_and_scheme(before, {request.get_host()}, require_https=request.is_secure())
    here = request.build_absolute_uri()
    found = {"before": before if is_ours and before != here else "", "is_nav_sidebar_enabled": False}
    # A webhook's door is before whatever finds out who asks.
    if hasattr(request, "user") and admin.site.has_permission(request):
        return {**found, **admin.site.each_context(request)}
    knows_where = request.path.startswith(reverse("admin:index"))  # whoever doesn't isn't told (ADMIN_PATH)
    return {**found, "site_header": admin.site.site_header, "knows_where": knows_where}
