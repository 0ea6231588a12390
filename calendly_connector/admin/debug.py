"""Debug records: the calls of connections whose debug mode was on, without secrets and people."""

import json
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from calendly_connector.admin import parts
from calendly_connector.admin.base import HistoryAdmin
from calendly_connector.admin.parts import Tone
from calendly_connector.models import DebugRecord

if TYPE_CHECKING:
    from django.contrib.admin import ModelAdmin

TONES = {2: Tone.GOOD, 3: Tone.WARN, 4: Tone.BAD, 5: Tone.BAD}
"""First digit of a status → how it feels."""

LOST = "lost"


class StatusFilter(admin.SimpleListFilter):
    """What was answered."""

    title = gettext_lazy("status")
    parameter_name = "answer"

    def lookups(self, request: HttpRequest, model_admin: "ModelAdmin[Any]") -> Sequence[tuple[str, Any]]:
        """Return the kinds of answers."""
        return [
            ("2", _("2xx: done")),
            ("4", _("4xx: refused")),
            ("5", _("5xx: broken")),
            (LOST, _("no answer")),
        ]

    def queryset(self, request: HttpRequest, queryset: QuerySet[Any]) -> QuerySet[Any]:
        """Keep the calls that were answered so."""
        kind = self.value()
        if kind == LOST:
            return queryset.filter(status=None)
        if kind not in ("2", "4", "5"):
            return queryset
        return queryset.filter(status__gte=int(kind) * 100, status__lt=int(kind) * 100 + 100)


@admin.register(DebugRecord)
class DebugRecordAdmin(HistoryAdmin[DebugRecord]):
    """One row per call."""

    list_display = ("when", "direction", "what", "status_badge", "spent", "connection")
    list_display_links = None
    list_select_related = ("connection",)
    list_filter = ("direction", StatusFilter, "connection")
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ("kept", "direction", "call", "status_badge", "spent", "connection_link", "delivery_link")}),
        (gettext_lazy("Sent"), {"fields": ("sent",), "classes": ("cc-whole",)}),
        (gettext_lazy("Answered"), {"fields": ("answered",), "classes": ("cc-whole",)}),
    )

    def get_queryset(self, request: HttpRequest) -> QuerySet[DebugRecord]:
        """Leave headers and bodies in the database until they are shown."""
        rows = super().get_queryset(request)
        return rows.defer("request_headers", "request_body", "answer_headers", "answer_body")

    @admin.display(description=gettext_lazy("age"), ordering="pk")
    def when(self, row: DebugRecord) -> SafeString:
        """Return how long ago it was."""
        return parts.age(row.at)

    @admin.display(description=gettext_lazy("call"))
    def what(self, row: DebugRecord) -> SafeString:
        """Return method and path, leading to the record: whose host it is, the direction says."""
        path = urlsplit(row.address)._replace(scheme="", netloc="").geturl()
        return parts.link_to(row, f"{row.method} {path}")

    @admin.display(description=gettext_lazy("call"))
    def call(self, row: DebugRecord) -> SafeString:
        """Return method and address, to be copied."""
        return format_html("{} {}", row.method, parts.code(row.address))

    @admin.display(description=gettext_lazy("status"), ordering="status")
    def status_badge(self, row: DebugRecord) -> SafeString:
        """Return the status, or that no answer came."""
        if row.status is None:
            return parts.badge(_("No answer"), Tone.BAD)
        return parts.badge(row.status, TONES.get(row.status // 100, Tone.QUIET))

    @admin.display(description=gettext_lazy("time"), ordering="milliseconds")
    def spent(self, row: DebugRecord) -> str:
        """Return how long it took."""
        return f"{row.milliseconds} ms"

    @admin.display(description=gettext_lazy("when"))
    def kept(self, row: DebugRecord) -> SafeString:
        """Return when it was."""
        return parts.moment(row.at)

    @admin.display(description=gettext_lazy("connection"))
    def connection_link(self, row: DebugRecord) -> SafeString:
        """Return a link to the connection."""
        return parts.link_to(row.connection)

    @admin.display(description=gettext_lazy("delivery"))
    def delivery_link(self, row: DebugRecord) -> SafeString:
        """Return a link to the delivery as it is stored."""
        return parts.link_to(row.delivery)

    @admin.display(description=gettext_lazy("sent"))
    def sent(self, row: DebugRecord) -> SafeString:
        """Return what the caller sent."""
        return _message(row.request_headers, row.request_body)

    @admin.display(description=gettext_lazy("answered"))
    def answered(self, row: DebugRecord) -> SafeString:
        """Return what came back."""
        return _message(row.answer_headers, row.answer_body)


def _message(headers: Mapping[str, str], body: str) -> SafeString:
    """Return headers as a table, and the body below it."""
    table = parts.table((_("Header"), _("Value")), sorted(headers.items()), empty=_("No headers."))
    text = _indented(body) if body else _("No body.")
    return format_html('{}<pre class="cc-pre" tabindex="0">{}</pre>', table, text)


def _indented(body: str) -> str:
    """Return JSON to be read; what was cut, or is none, as it is."""
    try:
        return json.dumps(json.loads(body), indent=2, ensure_ascii=False)
    except (ValueError, RecursionError):
        return body
