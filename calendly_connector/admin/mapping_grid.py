"""The page “mapping” of a connection: a row per event type, and what each of its triggers does, in words."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from django.contrib import messages
from django.core.exceptions import PermissionDenied
from django.core.paginator import Paginator
from django.db.models import Max
from django.http import HttpRequest, HttpResponse, HttpResponseNotAllowed, HttpResponseRedirect
from django.utils.functional import Promise
from django.utils.html import format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from calendly_connector.admin import audit, mapping_remove, mapping_row, page, parts
from calendly_connector.admin.page import Page
from calendly_connector.admin.parts import Tone
from calendly_connector.admin.steps import EXPECTED, words_for
from calendly_connector.core.decide import EVENT_PREFIX
from calendly_connector.core.rules import ConsentMode, ConsentRule, TriggerRule
from calendly_connector.core.trigger import Trigger
from calendly_connector.models import BrevoList, Connection, EventType, TriggerMapping
from calendly_connector.services import catalogue, grid, unmapped
from calendly_connector.services import connection as connections
from calendly_connector.services.grid import Choice, Row, Show

NAME, PER_PAGE = mapping_row.NAME, 50
NAMED = 20  # event types that a question names
SHOWS: dict[Show, Promise] = {
    Show.ALL: gettext_lazy("All event types"),
    Show.NEW: gettext_lazy("Not mapped yet"),
    Show.RENAMED: gettext_lazy("Renamed since they were mapped"),
    Show.OWN: gettext_lazy("With a mapping of their own"),
    Show.DEFAULT: gettext_lazy("As every other type"),
    Show.IGNORED: gettext_lazy("Ignored"),
    Show.LOST_TYPE: gettext_lazy("Not found in Calendly"),
    Show.LOST_LIST: gettext_lazy("With a list that Brevo doesn't have"),
}
KINDS: dict[str, Promise] = {
    "solo": gettext_lazy("One-on-one"),
    "group": gettext_lazy("Group"),
    "round_robin": gettext_lazy("Round robin"),
    "collective": gettext_lazy("Collective"),
    "multi_pool": gettext_lazy("Several pools of hosts"),
}


@dataclass(frozen=True, kw_only=True)
class ListWords:
    """One list of a cell."""

    number: int
    name: str  # empty: Brevo has none of this number, as far as we read


@dataclass(frozen=True, kw_only=True)
class CellWords:
    """What one trigger of one row does."""

    trigger: str
    is_own: bool
    joins: list[ListWords]
    leaves: list[ListWords]
    event_name: SafeString | str  # empty: none is sent


@dataclass(frozen=True, kw_only=True)
class RowWords:
    """One line of the page."""

    row: Row
    address: str
    kind: str
    badges: list[SafeString]
    removal: str  # where a row is removed that Calendly doesn't list; empty for every other row
    cells: list[CellWords]
    consent: str


def view(request: HttpRequest, connection: Connection, rest: str) -> HttpResponse:
    """Show the grid; serve the form of one row, and the button that reads the pick-lists afresh."""
    if not rest:
        return show(request, connection)
    is_read = request.method in ("GET", "HEAD") and rest not in BUTTONS
    if not is_read and not request.user.has_perm(mapping_row.CHANGE):
        raise PermissionDenied
    if rest in BUTTONS:
        return BUTTONS[rest](request, connection) if request.method == "POST" else HttpResponseNotAllowed(["POST"])
    return mapping_row.view(request, connection, rest)


def show(request: HttpRequest, connection: Connection) -> HttpResponse:
    """Answer with one page of rows. The number of queries is the same however many types there are."""
    search, wanted = request.GET.get("q", "").replace("\x00", "").strip(), request.GET.get("show", "")
    shown = Show(wanted) if wanted in set(Show) else Show.ALL
    types = Paginator(grid.types_of(connection, search=search, show=shown), PER_PAGE).get_page(request.GET.get("page"))
    lost = grid.lost_types(connection, search=search, show=shown) if types.number == 1 else []
    default, *rows = lines_of(connection, [None, *lost, *types.object_list], request.GET)
    open_types = {each: grid.types_of(connection, show=each).count() for each in (Show.NEW, Show.RENAMED)}
    return page.render(
        request,
        connection,
        "mapping/grid.html",
        title=_("Mapping"),
        current=NAME,
        triggers=TriggerMapping.Trigger.labels,
        default=default,
        rows=rows,
        types=types,
        search=search,
        shown=shown,
        shows=SHOWS,
        open_types=open_types,
        unknown=unmapped.unknown_targets(connection),
        ages=ages_of(connection),
        may_change=request.user.has_perm(mapping_row.CHANGE),
        refresh_address=page.address_of(connection, NAME, "refresh"),
        accept_address=page.address_of(connection, NAME, "accept"),
    )


def lines_of(connection: Connection, types: Sequence[EventType | None], query: Any) -> list[RowWords]:
    """Return the rows of some types in words. `query` is what the page was asked for, to come back to it."""
    names = dict(BrevoList.objects.filter(account=connection.brevo_account_id).values_list("number", "name"))
    back = f"?{urlencode({'list': query.urlencode()})}" if query else ""
    return [
        RowWords(
            row=row,
            address=mapping_row.address_of(connection, row.event_type) + back,
            kind=str(KINDS.get(row.event_type.kind, row.event_type.kind)) if row.event_type else "",
            badges=[*_badges(row), *_list_badges(row, names)],
            removal=mapping_remove.address_of(connection, row.event_type),
            cells=[_cell(trigger, rule, row, names) for trigger, rule in row.cells.items()],
            consent=consent_words(row.consent),
        )
        for row in grid.rows_of(connection, types)
    ]


def _cell(trigger: Trigger, rule: TriggerRule, row: Row, names: Mapping[int, str]) -> CellWords:
    return CellWords(
        trigger=str(TriggerMapping.Trigger(trigger.value).label),
        is_own=row.event_type is None or trigger in row.own_cells,
        joins=[ListWords(number=number, name=names.get(number, "")) for number in rule.join_lists],
        leaves=[ListWords(number=number, name=names.get(number, "")) for number in rule.leave_lists],
        event_name=_breakable(rule.event_name or EVENT_PREFIX + trigger) if rule.sends_event else "",
    )


def _breakable(name: str) -> SafeString:
    return format_html_join(mark_safe("_<wbr>"), "{}", ((part,) for part in name.split("_")))


def _badges(row: Row) -> list[SafeString]:
    """Return what decides for a row, what staff should look at, and whether it can be booked at all."""
    event_type = row.event_type
    if event_type is None:
        return []
    found = []
    is_open = event_type.is_undecided and event_type.is_active and not event_type.is_ignored
    if is_open:
        words = _("Renamed since it was mapped") if event_type.decided_name else _("Not mapped yet")
        found.append(parts.badge(words, Tone.WARN))
    if grid.is_lost(event_type):
        return [parts.badge(_("Not found in Calendly"), Tone.WARN)]
    if row.choice is Choice.IGNORE:
        found.append(parts.badge(_("Ignored"), Tone.QUIET))
    elif row.choice is Choice.OWN:
        found.append(parts.badge(_("Own mapping"), Tone.GOOD))
    elif not is_open:
        found.append(parts.badge(_("Follows the default row"), Tone.GOOD))
    if row.has_own_consent and row.choice is Choice.DEFAULT:
        found.append(parts.badge(_("Consent rule of its own"), Tone.QUIET))
    return found if event_type.is_active else [*found, parts.badge(_("Switched off in Calendly"), Tone.QUIET)]


def _list_badges(row: Row, names: Mapping[int, str]) -> list[SafeString]:
    """Return a warning for a row of its own that names lists which Brevo doesn't have."""
    rules = row.cells.values() if row.choice is Choice.OWN else ()
    lost = {number for rule in rules for number in (*rule.join_lists, *rule.leave_lists)} - names.keys()
    words = ngettext("A list is not in Brevo", "%(count)d lists are not in Brevo", len(lost))
    return [parts.badge(words % {"count": len(lost)}, Tone.WARN)] if lost else []


def consent_words(rule: ConsentRule) -> str:
    """Return when people join lists, as a sentence."""
    if rule.mode is ConsentMode.ANSWER:
        words = _("Lists are joined only by those who answer “%(answer)s” to “%(question)s”.")
        return words % {"answer": rule.answer, "question": rule.question}
    if rule.mode is ConsentMode.DOUBLE_OPT_IN:
        return _("Lists are joined after a click in a mail (template %(number)s).") % {"number": rule.template}
    if rule.mode is ConsentMode.NEVER:
        return _("No list is joined: event and attributes only.")
    return _("Lists are joined without asking.")


def ages_of(connection: Connection) -> list[tuple[str, datetime | None]]:
    """Return when each pick-list was read."""
    account = connection.brevo_account
    return [
        (_("Event types"), connection.event_types.aggregate(at=Max("read_at"))["at"]),
        (_("Lists"), account.lists.aggregate(at=Max("read_at"))["at"]),
        (_("Attributes"), account.attributes_read_at),
    ]


def refresh(request: HttpRequest, connection: Connection) -> HttpResponse:
    """Read event types, lists and attributes now; what one service refuses doesn't stop the other."""
    for read in (_read_calendly, _read_brevo):
        try:
            messages.success(request, read(connection))
        except EXPECTED as error:
            messages.error(request, words_for(error))
    return HttpResponseRedirect(page.address_of(connection, NAME))


def accept(request: HttpRequest, connection: Connection) -> HttpResponse:
    """Ask whether all event types that are not mapped yet shall stay as they are, then do it."""
    if "confirmed" not in request.POST:
        types = grid.types_of(connection, show=Show.NEW)
        context = {"types": types[:NAMED], "count": types.count(), "back": page.address_of(connection, NAME)}
        title = _("Leave them to the first row?")
        return page.render(request, connection, "mapping/accept.html", title=title, current=NAME, **context)
    count = grid.accept(connection, by=request.user)
    words = ngettext(
        "%(count)d event type counts as mapped now.", "%(count)d event types count as mapped now.", count
    ) % {"count": count}
    audit.note(request, connection, words)
    messages.success(request, words)
    return HttpResponseRedirect(page.address_of(connection, NAME))


def _read_calendly(connection: Connection) -> str:
    count = catalogue.refresh_event_types(connection)
    words = ngettext(
        "%(count)d event type was read from Calendly.", "%(count)d event types were read from Calendly.", count
    )
    return words % {"count": count}


def _read_brevo(connection: Connection) -> str:
    account = connection.brevo_account
    client = connections.brevo_client(account)
    catalogue.refresh_attributes(account, client)
    catalogue.refresh_lists(account, client)
    lists, attributes = account.lists.count(), account.attributes.count()
    return _("Read from Brevo: %(lists)s and %(attributes)s.") % {
        "lists": ngettext("%(count)d list", "%(count)d lists", lists) % {"count": lists},
        "attributes": ngettext("%(count)d attribute", "%(count)d attributes", attributes) % {"count": attributes},
    }


BUTTONS = {"refresh": refresh, "accept": accept, mapping_remove.NAME: mapping_remove.view}
"""The last part of the address → what a button does there."""

PAGE = Page(name=NAME, title=gettext_lazy("Mapping"), view=view, permission="calendly_connector.view_triggermapping")
