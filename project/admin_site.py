"""The admin site: its name, and the start page's groups in the order of staff's questions."""

from typing import Any

from django.contrib.admin import AdminSite
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.functional import Promise
from django.utils.module_loading import import_string
from django.utils.translation import gettext_lazy as _

REPAIR, HELD, ATTRIBUTION, DOCTOR = "Repair", "Held", "Attribution", "Doctor"  # pages of their own, without a model

Text = str | Promise
GROUPS = {
    _("What happened"): (
        "Booking",
        HELD,
        "BookingRequest",
        "Person",
        ATTRIBUTION,
        "SyncLogEntry",
        REPAIR,
        "Drift",
        "SchedulingLink",
        "WebhookDelivery",
        "ConsentProof",
        "Notice",
        "Erasure",
    ),
    _("What goes where"): (
        *("TriggerMapping", "ConsentRule", "FieldMapping", "MappingVersion"),
        *("BookingPage", "EventType", "BrevoList", "BrevoAttribute"),
    ),
    _("Accounts"): ("Connection", "BrevoAccount", "ApiToken"),
    _("Behind the scenes"): (
        DOCTOR,
        "Job",
        "BrevoDelivery",
        "BulkImport",
        "Replay",
        "LinkRun",
        "Reading",
        "Schedule",
        "DebugRecord",
        "AccessAttempt",
        "LogEntry",
    ),
}
"""Heading → models, as they are listed."""

APP = "calendly_connector"
OURS = (APP, "admin", "axes")
RENAMED = {"LogEntry": _("Audit"), "AccessAttempt": _("Failed log-ins")}  # what others call otherwise

HOME = "calendly_connector.admin.home.describe"
"""What fills the start page. By its name: the pages there register with this very site, so they come after it."""


class ConnectorSite(AdminSite):
    """Django's admin site under our name."""

    site_header = site_title = "Calendly → Brevo"
    index_title = _("Overview")
    site_url = None  # there is no other site to view

    def index(self, request: HttpRequest, extra_context: dict[str, Any] | None = None) -> TemplateResponse:
        """Show how everything is, above the list of pages."""
        return super().index(request, {**import_string(HOME)(request), **(extra_context or {})})

    def get_app_list(self, request: HttpRequest, app_label: str | None = None) -> list[Any]:
        """Return our models in groups, then every other app as Django lists it."""
        apps: list[Any] = super().get_app_list(request, app_label)
        if app_label is not None:
            return apps
        ours = [app for app in apps if app["app_label"] in OURS]
        if request.user.has_perm(f"{APP}.view_synclogentry"):
            ours = [*ours, {"models": [_page(self.name, "repair", REPAIR, _("Repair and pausing"))]}]
        if request.user.has_perm(f"{APP}.view_booking"):
            ours = [*ours, {"models": [_page(self.name, "held", HELD, _("Who came?"))]}]
            ours = [*ours, {"models": [_page(self.name, "attribution", ATTRIBUTION, _("Attribution"))]}]
        if request.user.has_perm(f"{APP}.change_job"):
            ours = [*ours, {"models": [_page(self.name, "doctor", DOCTOR, _("Doctor"))]}]
        return [*_grouped(ours), *(app for app in apps if app["app_label"] not in OURS)]


def _page(site: str, address: str, key: str, name: Text) -> dict[str, Any]:
    """Return a page without a model as if it were a model's."""
    url = reverse(f"admin:{APP}_{address}", current_app=site)
    return {"name": name, "object_name": key, "admin_url": url, "add_url": None, "view_only": True}


def _grouped(apps: list[Any]) -> list[dict[str, Any]]:
    """Return one pretended app per group that has a model this user may see."""
    models = {model["object_name"]: model for app in apps for model in app["models"]}
    for name in RENAMED.keys() & models.keys():
        models[name] = {**models[name], "name": RENAMED[name]}
    grouped = {heading: [models[name] for name in names if name in models] for heading, names in GROUPS.items()}
    return [{**apps[0], "app_label": APP, "name": heading, "models": rows} for heading, rows in grouped.items() if rows]
