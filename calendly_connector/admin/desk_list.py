"""Lists of what is edited on a connection's own pages: they can be read here, and lead there."""

from typing import Any, ClassVar

from django.http import HttpRequest, HttpResponse
from django.utils.functional import Promise
from django.utils.translation import gettext as _

from calendly_connector.admin import page
from calendly_connector.admin.base import HistoryAdmin, Row
from calendly_connector.models import Connection

MOST_LINKS = 5
"""Connections that get a button of their own; with more of them, each row has its link."""


class DeskListAdmin(HistoryAdmin[Row]):
    """Rows that can be read here, with buttons to where they are edited."""

    change_list_template = "admin/calendly_connector/desk_list.html"
    desk_page: ClassVar[str] = "mapping"  # the page's name
    desk_words: ClassVar[str | Promise] = ""  # what the button says

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Add a button for each connection."""
        found = Connection.objects.only("name").order_by("name", "pk")[: MOST_LINKS + 1]
        known = list(found) if len(found) <= MOST_LINKS else []
        links = [(self._words(row, len(known)), page.address_of(row, self.desk_page)) for row in known]
        return super().changelist_view(request, {"desk_links": links, **(extra_context or {})})

    def _words(self, connection: Connection, count: int) -> str:
        if count == 1:
            return str(self.desk_words)
        return _("%(what)s: %(connection)s") % {"what": self.desk_words, "connection": connection}
