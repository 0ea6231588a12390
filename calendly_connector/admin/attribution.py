"""Attribution: where bookings came from and what became of them, as a table, a chart and a file."""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlencode

from django import forms
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponseBase, StreamingHttpResponse
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils import timezone
from django.utils.functional import Promise
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from calendly_connector.admin import charts, parts
from calendly_connector.admin.charts import Chart
from calendly_connector.masking import without_people
from calendly_connector.models import Booking, Connection
from calendly_connector.services import attribution
from calendly_connector.services.attribution import By, Counts, Question, Report, Touch

NAME, EXPORT = "calendly_connector_attribution", "calendly_connector_attribution_csv"
SEES, SEES_ADDRESSES = "calendly_connector.view_booking", "calendly_connector.view_addresses"
OWN = "own"
PERIODS: dict[str, Promise] = {
    "7": gettext_lazy("Last 7 days"),
    "30": gettext_lazy("Last 30 days"),
    "90": gettext_lazy("Last 90 days"),
    "month": gettext_lazy("This month"),
    "last_month": gettext_lazy("Last month"),
    "year": gettext_lazy("This year"),
    OWN: gettext_lazy("Own dates"),
}
GROUPS: dict[str, Promise] = {
    By.SOURCE.value: gettext_lazy("UTM source"),
    By.MEDIUM.value: gettext_lazy("UTM medium"),
    By.CAMPAIGN.value: gettext_lazy("UTM campaign"),
    By.EVENT_TYPE.value: gettext_lazy("Event type"),
    By.HOST.value: gettext_lazy("Host"),
}
TOUCHES: dict[str, Promise] = {
    Touch.BOOKING.value: gettext_lazy("This booking"),
    Touch.FIRST.value: gettext_lazy("Person's first touch"),
    Touch.LAST.value: gettext_lazy("Person's last touch"),
}
FORMULA = ("=", "+", "-", "@", "\t", "\r")
"""How a cell begins that a spreadsheet would calculate."""


class AttributionForm(forms.Form):
    """What is asked. Every part may be missing: then it is the first choice."""

    period = forms.ChoiceField(choices=list(PERIODS.items()), required=False, label=gettext_lazy("Period"))
    since = forms.DateField(
        required=False, label=gettext_lazy("From"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    until = forms.DateField(
        required=False, label=gettext_lazy("To"), widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d")
    )
    connection = forms.ModelChoiceField(
        Connection.objects.only("pk", "name").order_by("name"),
        required=False,
        label=gettext_lazy("Connection"),
        empty_label=gettext_lazy("All"),
    )
    by = forms.ChoiceField(choices=list(GROUPS.items()), required=False, label=gettext_lazy("Grouped by"))
    touch = forms.ChoiceField(choices=list(TOUCHES.items()), required=False, label=gettext_lazy("UTM of"))

    def clean(self) -> dict[str, Any]:
        """Refuse own dates that are missing, in the wrong order, or too far apart."""
        data = super().clean() or {}
        if data.get("period") == OWN and not self.errors:
            since, until = data.get("since"), data.get("until")
            if not since or not until:
                raise forms.ValidationError(_("Say from which day to which day."))
            if since > until:
                raise forms.ValidationError(_("The first day comes after the last one."))
            if (until - since).days >= attribution.LONGEST:
                raise forms.ValidationError(_("That is too long: ten years at most."))
        return data

    def question(self) -> Question:
        """Return what is asked; as long as the form has errors, what is asked by default."""
        data = self.cleaned_data if self.is_valid() else {}
        first, last = days_of(data.get("period") or "30", data.get("since"), data.get("until"))
        connection = data.get("connection")
        return Question(
            first=first,
            last=last,
            zone=timezone.get_current_timezone(),
            by=By(data.get("by") or By.SOURCE),
            touch=Touch(data.get("touch") or Touch.BOOKING),
            connection=connection.pk if connection else None,
        )


@dataclass(frozen=True, kw_only=True)
class Line:
    """One row of the table."""

    name: SafeString | str
    cells: Sequence[str]
    is_total: bool = False


def days_of(period: str, since: date | None, until: date | None) -> tuple[date, date]:
    """Return the first and the last day of a period, in the zone of whoever reads."""
    today = timezone.localdate()
    if period == OWN and since and until:
        return since, until
    if period == "month":
        return today.replace(day=1), today
    if period == "last_month":
        last = today.replace(day=1) - timedelta(days=1)
        return last.replace(day=1), last
    if period == "year":
        return today.replace(month=1, day=1), today
    return today - timedelta(days=int(period) - 1 if period.isdecimal() else 29), today


def show(request: HttpRequest) -> TemplateResponse:
    """Return the page. The same number of queries, however many bookings and groups there are."""
    form = _form_of(request)
    asked = form.question()
    question = attribution.bounded(asked)
    found = attribution.report(question)
    context = {
        **admin.site.each_context(request),
        "title": _("Attribution"),
        "opts": Booking._meta,
        "form": form,
        "heads": heads(question),
        "lines": _lines(found),
        "is_empty": not found.total.bookings,
        "chart": _chart(question),
        "shortened": _shortened(question) if question != asked else "",
        "days": f"{question.first:%Y-%m-%d} – {question.last:%Y-%m-%d} ({timezone.get_current_timezone_name()})",
        "export": f"{reverse(f'admin:{EXPORT}')}?{urlencode(_given(request))}",
    }
    return TemplateResponse(request, "admin/calendly_connector/attribution.html", context)


def export(request: HttpRequest) -> HttpResponseBase:
    """Return the same as a CSV file with every group, a line at a time, so that Excel reads it as UTF-8."""
    question = attribution.bounded(_form_of(request).question())
    found = attribution.report(question, top=None)
    may_see_addresses = request.user.has_perm(SEES_ADDRESSES)
    answer = StreamingHttpResponse(
        _csv(found, may_see_addresses=may_see_addresses), content_type="text/csv; charset=utf-8"
    )
    name = f"attribution-{question.by}-{question.first:%Y-%m-%d}-{question.last:%Y-%m-%d}.csv"
    answer["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def heads(question: Question) -> list[str]:
    """Return the columns' names."""
    return [
        str(GROUPS[question.by]),
        _("Bookings"),
        _("Upcoming"),
        _("Not settled"),
        _("Attended"),
        _("No-shows"),
        _("Canceled"),
        _("Moves"),
        _("Attended, share"),
        _("Canceled, share"),
    ]


def safe_cell(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(FORMULA) else text


def _form_of(request: HttpRequest) -> AttributionForm:
    if not request.user.has_perm(SEES):
        raise PermissionDenied
    return AttributionForm({"period": "30", **_given(request)})


def _given(request: HttpRequest) -> dict[str, str]:
    return {name: request.GET[name] for name in AttributionForm.base_fields if name in request.GET}


def _shortened(question: Question) -> str:
    values = {"number": charts.whole(attribution.MOST), "day": f"{question.first:%Y-%m-%d}"}
    return _("More than %(number)s bookings: counted from %(day)s on. Choose own dates to see those before.") % values


def _lines(found: Report) -> list[Line]:
    lines = [Line(name=_shown(group.name), cells=_cells(group.counts)) for group in found.groups]
    if found.other_groups:
        words = ngettext("%(count)d other", "%(count)d others", found.other_groups) % {"count": found.other_groups}
        lines.append(Line(name=words, cells=_cells(found.others)))
    return [*lines, Line(name=_("Total"), cells=_cells(found.total), is_total=True)]


def _shown(name: str) -> SafeString | str:
    return parts.told(name) if name else _("(none)")


def _cells(counts: Counts) -> list[str]:
    return [*map(charts.whole, _numbers(counts)), _percent(counts.attendance), _percent(counts.cancellation)]


def _numbers(counts: Counts) -> tuple[int, ...]:
    return (
        *(counts.bookings, counts.upcoming, counts.open, counts.attended),
        *(counts.no_shows, counts.canceled, counts.moves),
    )


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{share:.0%}"


def _chart(question: Question) -> Chart:
    bars = attribution.bars(question)
    days = [f"{bar.day.day} {parts.short_month(bar.day)}" for bar in bars]
    is_daily = len(bars) < 2 or (bars[1].day - bars[0].day).days == 1
    title = _("Bookings per day") if is_daily else _("Bookings, by the day on which each stretch begins")
    summary = _("%(number)s bookings") % {"number": charts.whole(sum(bar.bookings for bar in bars))}
    values = [float(bar.bookings) for bar in bars]
    return charts.bar_chart("cc-attribution", title, days, values, summary=summary, unit=_("Bookings"))


class _Echo:
    """A file whose `write` returns what it was given: how the csv module makes single lines."""

    def write(self, text: str) -> str:
        """Return the text."""
        return text


def _csv(found: Report, *, may_see_addresses: bool) -> Iterator[str]:
    """Yield the file line by line, beginning with the mark by which Excel knows UTF-8."""
    writer = csv.writer(_Echo())
    hide = str if may_see_addresses else without_people
    yield "\ufeff" + writer.writerow(heads(found.question))
    for group in found.groups:
        yield writer.writerow([safe_cell(hide(group.name) or _("(none)")), *_plain(group.counts)])
    yield writer.writerow([_("Total"), *_plain(found.total)])


def _plain(counts: Counts) -> list[object]:
    shares = ("" if share is None else f"{share:.4f}" for share in (counts.attendance, counts.cancellation))
    return [*_numbers(counts), *shares]
