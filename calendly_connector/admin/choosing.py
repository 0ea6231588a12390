"""From rows chosen in the sync log's list to a value that a replay can keep: picked ones, or all that match."""

from typing import Any

from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils.translation import gettext as _

from calendly_connector.models import SyncLogEntry
from calendly_connector.services import chosen
from calendly_connector.services.chosen import Chosen

FILTERS = {
    "state__exact": "states",
    "kind__exact": "kind",
    "trigger": "trigger",
    "cause__exact": "cause",
    "connection__id__exact": "connection",
    "person__id__exact": "person",
    "created_at__gte": "since",
    "created_at__lt": "until",
    "q": "search",
}
"""The list's parameter → what it chooses by."""

OF_THE_LIST = {"o", "p", "all", "e", "_changelist_filters"}
"""Parameters that only change how the list looks."""


def chosen_by(request: HttpRequest, queryset: QuerySet[SyncLogEntry]) -> Chosen:
    """Return what an action of the list was started for; raise ValueError, with words, for a filter unknown here."""
    if request.POST.get("select_across") != "1":
        picked = tuple(queryset.order_by("pk").values_list("pk", flat=True)[: chosen.PICKED_LIMIT])
        if not picked:  # none fits the list's filter any more; a choice of nothing in particular means every entry
            raise ValueError(_("Choose log entries in the sync log first."))
        return Chosen(ids=picked)
    found: dict[str, Any] = {"up_to": chosen.newest()}
    for name, value in request.GET.items():
        if name in OF_THE_LIST:
            continue
        if name not in FILTERS:
            raise ValueError(_("Entries can't be replayed by the filter “%(name)s”. Take it away.") % {"name": name})
        found[FILTERS[name]] = [value] if name == "state__exact" else value
    if found.get("cause") == "" and "cause" in found:
        found["cause"] = chosen.NO_CAUSE
    return Chosen.from_json(found)
