"""The home page's charts: which figures, with which words, for whoever may see the rows behind them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from calendly_connector.admin import charts, parts
from calendly_connector.admin.charts import Chart, Series
from calendly_connector.admin.home_banner import Viewer
from calendly_connector.models import Booking, SyncLogEntry, WebhookDelivery
from calendly_connector.services import figures, home
from calendly_connector.services.home import Outcome

DAYS, OUTCOME_DAYS, TOP = 30, 90, 10
Daily = Mapping[str, Mapping[date, float]]

COUNTS: dict[str, str | Promise] = {
    figures.BOOKED: gettext_lazy("Bookings"),
    figures.MOVED: gettext_lazy("Moves"),
    figures.CANCELED: gettext_lazy("Cancellations"),
    figures.NO_SHOW: gettext_lazy("No-shows"),
}


@dataclass(frozen=True, kw_only=True)
class Outcomes:
    """Booked → attended, by event type or by host."""

    title: str
    table: SafeString


def charts_of(viewer: Viewer) -> list[Chart]:
    """Return the charts per day. One query, none for whoever may see no chart."""
    sees_bookings, sees_webhooks = viewer.may_see(Booking), viewer.may_see(WebhookDelivery)
    if not (sees_bookings or sees_webhooks or viewer.may_see(SyncLogEntry)):
        return []
    daily, days = home.daily(DAYS), _days()
    found = [_counts(name, str(title), daily, days) for name, title in COUNTS.items() if sees_bookings]
    if sees_webhooks:
        found.append(_delay(daily, days))
    if viewer.may_see(SyncLogEntry):
        found.append(_counts(figures.FAILURES, _("Failed steps"), daily, days))
    return found


def outcomes_of(viewer: Viewer) -> list[Outcomes]:
    """Return what became of meetings, by event type and by host. Three queries."""
    if not viewer.may_see(Booking):
        return []
    by = {figures.TYPE: _("Event type"), figures.HOST: _("Host")}
    rows = {title: home.outcomes(prefix, days=OUTCOME_DAYS, top=TOP) for prefix, title in by.items()}
    shown = [title for title in rows if rows[title]] or [by[figures.TYPE]]  # that there are none is said once
    return [Outcomes(title=title, table=_outcomes(title, rows[title])) for title in shown]


def _counts(name: str, title: str, daily: Daily, days: list[date]) -> Chart:
    values = [daily.get(name, {}).get(day, 0.0) for day in days]
    summary = _("%(number)s %(days)s, %(today)s today") % {
        "number": charts.whole(sum(values)),
        "days": charts.in_days(len(days)),
        "today": charts.whole(values[-1]),
    }
    return charts.bar_chart(f"cc-{name}", title, _short(days), values, summary=summary, unit=title)


def _delay(daily: Daily, days: list[date]) -> Chart:
    """Return how long deliveries waited until they were taken in; of several connections, the slowest one."""
    middle, slow = ([daily.get(name, {}).get(day) for day in days] for name in (figures.LAG_P50, figures.LAG_P95))
    last = next((value for value in reversed(middle) if value is not None), None)
    return charts.line_chart(
        "cc-lag",
        _("Delivery lag"),
        _short(days),
        [Series(name=_("half within"), values=middle), Series(name=_("95 % within"), values=slow, mark="square")],
        summary=_("Half of the last day's webhooks were taken in within %(time)s") % {"time": charts.seconds(last)}
        if last is not None
        else _("Nothing was delivered"),
    )


def _outcomes(title: str, rows: list[Outcome]) -> SafeString:
    longest = max((row.booked for row in rows), default=0)
    heads = (title, _("Meetings"), _("Attended"), _("Share"), _("No-shows"), _("Canceled"), "")
    return parts.table(
        heads,
        [
            (
                row.name,
                charts.whole(row.booked),
                charts.whole(row.attended),
                f"{row.attended / row.booked:.0%}" if row.booked else parts.NOTHING,
                charts.whole(row.counts[figures.NO_SHOW]),
                charts.whole(row.counts[figures.CANCELED]),
                charts.share_bar(row.attended, row.booked, longest),
            )
            for row in rows
        ],
        empty=_("No meeting has been over for two days yet."),
    )


def _days() -> list[date]:
    last = figures.today()
    return list(figures.Days(first=last - (DAYS - 1) * figures.DAY, last=last))


def _short(days: list[date]) -> list[str]:
    """Return days as the axis shows them."""
    return [f"{day.day} {parts.short_month(day)}" for day in days]
