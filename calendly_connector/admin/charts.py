"""Charts drawn on the server as SVG: no script, no colour that carries a meaning, and a table with the same numbers."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from calendly_connector.admin import parts

WIDTH, HEIGHT = 360, 150
LEFT, RIGHT, TOP, BOTTOM = 50, 352, 24, 124
"""The plot inside the picture; numbers stand left of it, days below."""

GAP = 0.25  # of a day's width, between two bars
Words = Callable[[float], str]


@dataclass(frozen=True, kw_only=True)
class Chart:
    """A picture, what it says in a line, and the same as a table."""

    key: str
    title: str
    summary: str
    svg: SafeString
    table: SafeString


@dataclass(frozen=True, kw_only=True)
class Series:
    """One value per day; None where there is none. `mark` tells its line from others without colour."""

    name: str
    values: Sequence[float | None]
    mark: str = "circle"


def bar_chart(key: str, title: str, days: Sequence[str], values: Sequence[float], *, summary: str, unit: str) -> Chart:
    """Return a bar for each day (in words), the highest one with its number. `unit` heads the table's column."""
    top = ceiling(max(values, default=0))
    shapes = format_html_join("", "{}", ((_bar(days, values, at, top),) for at in range(len(days))))
    peak = max(range(len(values)), key=lambda at: values[at]) if any(values) else None
    label = _text(_x(len(days), peak + 0.5), _y(values[peak], top) - 4, whole(values[peak])) if peak is not None else ""
    return Chart(
        key=key,
        title=title,
        summary=summary,
        svg=_picture(key, title, summary, days, top, whole, format_html("{}{}", shapes, label)),
        table=_table((_("Day"), unit), [(day, whole(value)) for day, value in zip(days, values, strict=True)]),
    )


def line_chart(key: str, title: str, days: Sequence[str], rows: Sequence[Series], *, summary: str) -> Chart:
    """Return a line of seconds for each series, told apart by its dashes and marks, and named above."""
    top = ceiling(max((value for row in rows for value in row.values if value is not None), default=0))
    shapes = format_html_join("", "{}{}", ((_line(days, row, top), _legend(row, at)) for at, row in enumerate(rows)))
    cells = zip(days, *(row.values for row in rows), strict=True)
    return Chart(
        key=key,
        title=title,
        summary=summary,
        svg=_picture(key, title, summary, days, top, seconds, shapes),
        table=_table(
            (_("Day"), *(row.name for row in rows)),
            [
                (day, *(parts.NOTHING if value is None else seconds(value) for value in values))
                for day, *values in cells
            ],
        ),
    )


def share_bar(part: float, whole_: float, longest: float) -> SafeString:
    """Return a bar as decoration beside its numbers: an outline for the whole, filled as far as the part goes."""
    outline = 200 * whole_ / longest if longest else 0
    return format_html(
        '<svg class="cc-share" viewBox="0 0 202 14" preserveAspectRatio="none" aria-hidden="true">'
        '<rect class="cc-outline" x="1" y="1" width="{}" height="12"/>'
        '<rect class="cc-fill" x="1" y="1" width="{}" height="12"/></svg>',
        round(outline, 1),
        round(outline * part / whole_, 1) if whole_ else 0,
    )


def ceiling(value: float) -> float:
    """Return a round number that is not below a value: 1, 2 or 5 with noughts."""
    if value <= 0:
        return 1
    size = 10.0 ** math.floor(math.log10(value))
    return next(step * size for step in (1, 2, 5, 10) if step * size >= value)


def whole(value: float) -> str:
    """Return a count."""
    return f"{value:,.0f}"


def seconds(value: float) -> str:
    """Return a length of time, short."""
    if value < 1:
        return _("%(number)s ms") % {"number": f"{value * 1000:.0f}"}
    if value < 120:
        return _("%(number)s s") % {"number": f"{value:.3g}"}
    if value < 7200:
        return _("%(number)s min") % {"number": f"{value / 60:.3g}"}
    return _("%(number)s h") % {"number": f"{value / 3600:.3g}"}


def in_days(count: int) -> str:
    """Return how many days a chart shows, in words."""
    return ngettext("in %(count)s day", "in %(count)s days", count) % {"count": count}


def _picture(
    key: str, title: str, summary: str, days: Sequence[str], top: float, words: Words, shapes: SafeString
) -> SafeString:
    """Return the frame: name and description, two lines with their numbers, the first and the last day."""
    return format_html(
        '<svg class="cc-plot" viewBox="0 0 {} {}" role="img" aria-labelledby="{key}-title {key}-desc">'
        '<title id="{key}-title">{}</title><desc id="{key}-desc">{}</desc>{}{}{}{}{}</svg>',
        WIDTH,
        HEIGHT,
        title,
        summary,
        _level(TOP, words(top)),
        _level(BOTTOM, words(0)),
        shapes,
        _text(LEFT, HEIGHT - 8, days[0], anchor="start"),
        _text(RIGHT, HEIGHT - 8, days[-1], anchor="end"),
        key=key,
    )


def _bar(days: Sequence[str], values: Sequence[float], at: int, top: float) -> SafeString:
    left, right = _x(len(days), at + GAP / 2), _x(len(days), at + 1 - GAP / 2)
    y = _y(values[at], top)
    return format_html(
        '<rect class="cc-bar" x="{}" y="{}" width="{}" height="{}"><title>{}: {}</title></rect>',
        round(left, 1),
        y,
        round(right - left, 1),
        round(BOTTOM - y, 1),
        days[at],
        whole(values[at]),
    )


def _line(days: Sequence[str], row: Series, top: float) -> SafeString:
    """Return a series: a line through the days that have a value, and a mark on each."""
    points = [
        (round(_x(len(days), at + 0.5), 1), _y(value, top), day, value)
        for at, (day, value) in enumerate(zip(days, row.values, strict=True))
        if value is not None
    ]
    if not points:
        return SafeString()
    marks = format_html_join("", "{}", ((_mark(row.mark, x, y, day, value),) for x, y, day, value in points))
    path = " ".join(f"{x},{y}" for x, y, *_rest in points)
    return format_html('<polyline class="cc-line cc-line-{}" points="{}"/>{}', row.mark, path, marks)


def _legend(row: Series, at: int) -> SafeString:
    """Return a series' name above the plot, with its line before it."""
    x, y = LEFT + at * (RIGHT - LEFT) / 2, 7
    line = format_html('<line class="cc-line cc-line-{}" x1="{}" x2="{}" y1="{}" y2="{}"/>', row.mark, x, x + 24, y, y)
    return format_html("{}{}{}", line, _shape(row.mark, x + 12, y, ""), _text(x + 30, y + 4, row.name, anchor="start"))


def _mark(mark: str, x: float, y: float, day: str, value: float) -> SafeString:
    return _shape(mark, x, y, f"{day}: {seconds(value)}")


def _shape(mark: str, x: float, y: float, title: str) -> SafeString:
    said = format_html("<title>{}</title>", title) if title else ""
    if mark == "circle":
        return format_html('<circle class="cc-mark" cx="{}" cy="{}" r="2.2">{}</circle>', x, y, said)
    left, top = round(x - 2.2, 1), round(y - 2.2, 1)
    return format_html('<rect class="cc-mark" x="{}" y="{}" width="4.4" height="4.4">{}</rect>', left, top, said)


def _level(y: float, words: str) -> SafeString:
    line = format_html('<line class="cc-grid" x1="{}" x2="{}" y1="{}" y2="{}"/>', LEFT, RIGHT, y, y)
    return format_html("{}{}", line, _text(LEFT - 4, y + 4, words, anchor="end"))


def _text(x: float, y: float, words: str, *, anchor: str = "middle") -> SafeString:
    return format_html('<text x="{}" y="{}" text-anchor="{}">{}</text>', round(x, 1), round(y, 1), anchor, words)


def _table(heads: Sequence[str], rows: Sequence[Sequence[str]]) -> SafeString:
    """Return the chart's numbers, the newest day first."""
    return parts.table(heads, reversed(rows), empty="")


def _x(count: int, at: float) -> float:
    return LEFT + (RIGHT - LEFT) * at / max(1, count)


def _y(value: float, top: float) -> float:
    return round(BOTTOM - (BOTTOM - TOP) * value / top, 1)
