"""The home page put together: how each connection is, what needs somebody, what happened, what comes next."""

from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _

from calendly_connector.admin import home_banner, home_charts, home_needs, parts
from calendly_connector.admin.charts import Chart
from calendly_connector.admin.home_banner import Banner, Viewer
from calendly_connector.admin.home_charts import Outcomes
from calendly_connector.admin.home_needs import Need
from calendly_connector.admin.job import words_for
from calendly_connector.admin.parts import Tone
from calendly_connector.models import Connection, EventType, FieldMapping, Schedule, SyncLogEntry
from calendly_connector.services import home
from calendly_connector.services import schedule as schedules
from calendly_connector.services.home import Pulse, Undecided
from calendly_connector.services.unmapped import UnknownTargets


@dataclass(frozen=True, kw_only=True)
class Home:
    """What the template shows. What a member of staff may not see is None or empty."""

    banners: list[Banner]
    needs: list[Need]
    charts: list[Chart]
    counted_at: SafeString | None  # of the charts
    outcomes: list[Outcomes]
    schedule: SafeString | None
    set_up: str | None  # where the first connection is added; empty for whoever may not
    sees_anything: bool


def describe(request: HttpRequest) -> dict[str, Any]:
    """Return the template's context. The number of queries depends on nothing but what may be seen."""
    viewer = Viewer(request=request)
    connections = home.connections_shown()
    pulses, lacks = _allowed(viewer, home.pulses()), _lacks(viewer)
    sees_connections = viewer.may_see(Connection)
    banners = [
        home_banner.banner_of(viewer, row, pulses.get(row.pk, Pulse()), lacks.get(row.pk, Undecided()))
        for row in (connections if sees_connections else ())
    ]
    needs = home_needs.needs_of(viewer, connections, pulses, lacks)
    found = Home(
        banners=banners,
        needs=needs,
        charts=home_charts.charts_of(viewer) if connections else [],
        counted_at=_counted_at() if connections else None,
        outcomes=home_charts.outcomes_of(viewer) if connections else [],
        schedule=_schedule() if viewer.may_see(Schedule) else None,
        set_up=None if connections else _set_up(request),
        sees_anything=sees_connections or viewer.may_see(SyncLogEntry) or bool(needs),
    )
    return {"home": found}


def _counted_at() -> SafeString | None:
    at = home.counted_at()
    return parts.moment(at) if at else None


def _allowed(viewer: Viewer, pulses: dict[int, Pulse]) -> dict[int, Pulse]:
    """Return the pulses without the numbers of a log that isn't theirs to read."""
    return (
        pulses if viewer.may_see(SyncLogEntry) else {key: Pulse(received_at=p.received_at) for key, p in pulses.items()}
    )


def _lacks(viewer: Viewer) -> dict[int, Undecided]:
    """Return what the mappings lack, as far as a member of staff may know."""
    sees_types, sees_fields = viewer.may_see(EventType), viewer.may_see(FieldMapping)
    return {
        key: Undecided(
            types=each.types if sees_types else (),
            questions=each.questions if sees_fields else (),
            unknown=each.unknown if sees_types else UnknownTargets(),
            unasked=each.unasked if sees_types else (),
        )
        for key, each in home.undecided().items()
    }


def _schedule() -> SafeString:
    heads = (_("Work"), _("Next"), _("Last finished"), _("Last result"))
    return parts.table(heads, [_line(row) for row in home.schedules()], empty=_("The worker has not run yet."))


def _line(row: Schedule) -> tuple[SafeString | str, ...]:
    work = parts.link(Schedule, row.pk, words_for(row.name))
    due = parts.age(row.next_run_at) if row.is_enabled else parts.badge(_("Off"), Tone.WARN)
    result = parts.long_text(parts.said(row.last_result)) or parts.NOTHING
    if row.last_result.startswith(schedules.FAILED):
        result = parts.badge(parts.said(row.last_result), Tone.BAD)
    return work, due, parts.age(row.last_finished_at), result


def _set_up(request: HttpRequest) -> str:
    if not admin.site.get_model_admin(Connection).has_add_permission(request):
        return ""
    return reverse("admin:calendly_connector_connection_add")
