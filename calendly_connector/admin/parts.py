"""The small pieces that every page is made of: badges, ages, links and tables. All of them escape what they show."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from enum import StrEnum
from typing import Any
from urllib.parse import urlencode

from django.contrib.admin.utils import quote
from django.db.models import Model
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import ngettext_lazy

from calendly_connector.admin import said as stored
from calendly_connector.core.mask import ACTS, TOLD
from calendly_connector.models import Booking, Reading

NOTHING = mark_safe("–")
Cell = str | SafeString | Promise


class Tone(StrEnum):
    """How a state feels. The badge's text says it, its sign repeats it, and colour only helps."""

    GOOD = "good"
    WAIT = "wait"
    WARN = "warn"
    BAD = "bad"
    QUIET = "quiet"


SIGNS = {Tone.GOOD: "✓", Tone.WAIT: "…", Tone.WARN: "!", Tone.BAD: "✕", Tone.QUIET: "–"}
UNITS = (
    (86_400, ngettext_lazy("%(count)d day", "%(count)d days", "count")),
    (3600, ngettext_lazy("%(count)d h", "%(count)d h", "count")),
    (60, ngettext_lazy("%(count)d min", "%(count)d min", "count")),
)


def badge(text: object, tone: Tone) -> SafeString:
    """Return a state as a word with a sign."""
    return format_html(
        '<span class="cc-badge cc-{}"><span class="cc-sign" aria-hidden="true">{}</span>{}</span>',
        tone,
        SIGNS[tone],
        text,
    )


def exactly(moment: datetime) -> str:
    """Return a moment in the zone of whoever reads it, to the second."""
    return f"{timezone.localtime(moment):%Y-%m-%d %H:%M:%S %Z}"


def short_month(day: date) -> str:
    """Return a month's short name, with a capital in the languages that write months so: Django's own always has."""
    short = date_format(day, "b")
    return short.title() if date_format(day, "F")[:1].isupper() else short


def to_the_minute(moment: datetime) -> str:
    """Return a moment in the zone of whoever reads it, short enough for a name."""
    return f"{timezone.localtime(moment):%Y-%m-%d %H:%M %Z}"


def age(moment: datetime | None, *, now: datetime | None = None) -> SafeString:
    """Return how long ago a moment was, or in how long it will be; the exact time is its title."""
    if moment is None:
        return NOTHING
    words = distance((moment - (now or timezone.now())).total_seconds())
    return format_html('<time datetime="{}" title="{}">{}</time>', moment.isoformat(), exactly(moment), words)


def distance(seconds: float) -> str:
    """Return a span of time in words, from its largest unit; negative spans are past."""
    size = abs(seconds)
    if size < 60:
        return _("just now") if seconds <= 0 else _("in a moment")
    words = length(size)
    return _("in %(words)s") % {"words": words} if seconds > 0 else _("%(words)s ago") % {"words": words}


def length(seconds: float) -> str:
    """Return a length of time in words, from its largest unit; at least a minute."""
    size, unit = next(((size, unit) for size, unit in UNITS if seconds >= size), UNITS[-1])
    return str(unit % {"count": max(1, int(seconds // size))})


def page_of(model: type[Model], key: int | str) -> str:
    """Return the address of a row's page."""
    return reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_change", args=[quote(key)])


def list_of(model: type[Model], **filters: object) -> str:
    """Return the address of a filtered list."""
    address = reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist")
    return f"{address}?{urlencode(filters)}" if filters else address


def link(model: type[Model], key: int | str | None, text: object) -> SafeString:
    """Return a link to a row's page by its key; a dash without a key."""
    return format_html('<a href="{}">{}</a>', page_of(model, key), text) if key else NOTHING


def link_to(row: Model | None, text: object = "") -> SafeString:
    """Return a link to a row's page; a dash without a row."""
    return link(type(row), row.pk, text or name_of(row)) if row else NOTHING


def name_of(row: Model) -> str:
    """Return what a page calls a row: in the reader's language, and with times in the reader's zone."""
    if isinstance(row, Booking):
        values = {"meeting": row.meeting_name or _("Meeting"), "at": to_the_minute(row.start_at)}
        return _("%(meeting)s on %(at)s") % values
    if isinstance(row, Reading):
        return _("bookings since %(at)s") % {"at": to_the_minute(row.since)}
    return said(str(row))


def email(address: str) -> SafeString:
    """Return an e-mail address that may break before its "@"."""
    name, at, domain = address.partition("@")
    return format_html("{}<wbr>{}{}", name, at, domain)


def link_to_list(model: type[Model], text: object, **filters: object) -> SafeString:
    """Return a link to a filtered list."""
    return format_html('<a href="{}">{}</a>', list_of(model, **filters), text)


def link_outside(address: str, text: object = "") -> SafeString | str:
    """Return a link to an address of somebody else's if it is one, else the address as it is."""
    if not address.startswith(("https://", "http://")):
        return address or NOTHING
    return format_html('<a href="{}" rel="noopener noreferrer" target="_blank">{}</a>', address, text or address)


def link_that_acts(address: str, text: str) -> SafeString:
    """Return a link that needs no log-in: only staff who may see addresses get it."""
    return format_html("<span {}>{}</span>", ACTS, link_outside(address, text))


def said(text: str) -> str:
    """Return a sentence that the worker stored, as staff should read it: every page shows stored words through here."""
    return stored.said(text)


def told(text: object) -> SafeString:
    """Return what people told us: `core.mask` hides phone numbers in it from staff who may not see addresses."""
    return format_html("<span {}>{}</span>", TOLD, text)


def long_text(text: str) -> SafeString:
    """Return text of any length, cut in a list; the whole of it is its title."""
    return format_html('<span class="cc-clip" title="{0}">{0}</span>', text) if text else NOTHING


def with_reason(address: str, text: str, reason: str) -> SafeString:
    """Return a link with a reason below it: both fit into one column."""
    return format_html('<a href="{}">{}</a>{}', address, said(text), long_text(said(reason)) if reason else "")


def code(text: str) -> SafeString:
    """Return text to be copied as it stands."""
    return format_html('<code class="cc-code">{}</code>', text) if text else NOTHING


def table(heads: Sequence[str], rows: Iterable[Sequence[Cell]], *, empty: str) -> SafeString:
    """Return a table, or words when there is nothing to show."""
    return render("table", heads=heads, rows=list(rows), empty=empty)


def pairs(values: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return nested JSON as name and text, one row for each leaf."""
    rows: list[tuple[str, str]] = []
    for name, value in values.items():
        if isinstance(value, Mapping):
            rows += [(f"{name} › {inner}", text) for inner, text in pairs(value)]
        elif isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
            rows += [row for n, item in enumerate(value, 1) for row in _answer(name, n, item)]
        else:
            rows.append((name, ", ".join(map(str, value)) if isinstance(value, list) else str(value)))
    return rows


def filled(value: Any) -> Any:
    """Return JSON without whatever is empty in it, for `pairs` to show what is known."""
    if isinstance(value, Mapping):
        return {name: kept for name, inner in value.items() if (kept := filled(inner)) not in EMPTY}
    if isinstance(value, list):
        return [kept for inner in value if (kept := filled(inner)) not in EMPTY]
    return value


EMPTY: tuple[Any, ...] = (None, "", [], {})


def _answer(name: str, number: int, item: Any) -> list[tuple[str, str]]:
    """Return a question and its answer as one row; whatever else is in a list, leaf by leaf."""
    if isinstance(item, Mapping) and {"question", "answer"} <= item.keys() <= {"question", "answer", "position"}:
        return [(f"{name} › {item['question']}", str(item["answer"]))]
    return pairs({f"{name} {number}": item})


def render(name: str, **values: Any) -> SafeString:
    """Return one of our fragments."""
    return render_to_string(f"admin/calendly_connector/parts/{name}.html", values)


def moment(at: datetime | None) -> SafeString:
    """Return a time as it is, with its age beside it."""
    return format_html('{} <span class="cc-quiet">({})</span>', exactly(at), age(at)) if at else NOTHING


def span(seconds: int) -> str:
    """Return a length of time in its largest whole unit."""
    for length, unit in UNITS:
        if seconds >= length and seconds % length == 0:
            return unit % {"count": seconds // length}
    return _("%(count)d s") % {"count": seconds}
