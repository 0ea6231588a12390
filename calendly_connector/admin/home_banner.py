"""A connection on the home page: how it is, one sentence, one button, and four facts."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.db.models import Model
from django.http import HttpRequest
from django.urls import NoReverseMatch, reverse
from django.utils.functional import Promise
from django.utils.translation import gettext, ngettext
from django.utils.translation import gettext_lazy as _

from calendly_connector.admin import connection_pages, page, panels, parts
from calendly_connector.admin.mapping_row import CHANGE as CHANGE_MAPPING
from calendly_connector.admin.parts import Cell, Tone
from calendly_connector.admin.steps import CHANGE, STEPS
from calendly_connector.core import banner
from calendly_connector.core.banner import Finding, Level
from calendly_connector.models import Connection, EventType, FieldMapping, SyncLogEntry, WebhookDelivery
from calendly_connector.services import home
from calendly_connector.services.home import Pulse, Undecided
from calendly_connector.services.unmapped import UnknownTargets

REPAIR = "admin:calendly_connector_repair"
STATES: dict[Level, tuple[str | Promise, Tone]] = {
    Level.GOOD: (_("Well"), Tone.GOOD),
    Level.WARN: (_("Needs you"), Tone.WARN),
    Level.BAD: (_("Stopped"), Tone.BAD),
}

SENTENCES: dict[Finding, str | Promise] = {
    Finding.RECONNECT: _("Calendly doesn't let us in any more: connect it again."),
    Finding.NOT_CONNECTED: _("Calendly isn't connected yet."),
    Finding.DISABLED: _("Calendly has switched our webhook subscription off: no booking comes in."),
    Finding.NOT_SUBSCRIBED: _("Calendly hasn't been asked to tell us of bookings: none comes in."),
    Finding.PAUSED: _("Writing to Brevo is paused: bookings come in, and what they call for waits."),
    Finding.EXPIRED: _("The access to Calendly should have been renewed by now. Test both accounts."),
    Finding.CANT_DELIVER: _("Calendly has trouble delivering. Test whether it can reach us."),
    Finding.SWITCHED_OFF: _("This connection is switched off: it receives no webhooks."),
    Finding.SILENT: _("It is unusually quiet. Look at what came last, and whether the booking pages work."),
    Finding.FINE: _("All is well: bookings come in and are written to Brevo."),
}
"""Those with a number are in `sentence_for`."""


@dataclass(frozen=True, kw_only=True)
class Button:
    """What leads on: a link, or a step to be taken (which asks first where it should)."""

    label: str | Promise
    address: str
    is_step: bool = False


@dataclass(frozen=True, kw_only=True)
class Banner:
    """What the page shows of one connection."""

    name: str
    address: str
    level: Level
    badge: Cell
    sentence: str
    button: Button
    facts: list[tuple[str, Cell]]


@dataclass(frozen=True, kw_only=True)
class Viewer:
    """A member of staff who looks at the page."""

    request: HttpRequest

    def may_see(self, model: type[Model]) -> bool:
        """Return whether a model's page is theirs to read; its numbers are then, too."""
        return admin.site.get_model_admin(model).has_view_permission(self.request)

    def may(self, permission: str) -> bool:
        """Return whether they have a permission."""
        user: Any = self.request.user
        return bool(user.has_perm(permission))


def banner_of(viewer: Viewer, connection: Connection, pulse: Pulse, lacks: Undecided) -> Banner:
    """Return a connection's banner. What a member of staff may not see isn't counted for them."""
    finding = banner.choose(home.facts_of(connection, pulse, lacks))
    level = banner.level_of(finding)
    return Banner(
        name=connection.name,
        address=parts.page_of(Connection, connection.pk),
        level=level,
        badge=parts.badge(*STATES[level]),
        sentence=sentence_for(finding, pulse, lacks),
        button=button_for(viewer, connection, finding),
        facts=_facts(viewer, connection, pulse),
    )


def sentence_for(finding: Finding, pulse: Pulse, lacks: Undecided) -> str:
    """Return what is said of a connection."""
    if finding is Finding.FAILED:
        return ngettext(
            "%(count)s step failed and waits to be mended.",
            "%(count)s steps failed and wait to be mended.",
            pulse.failed,
        ) % {"count": counted(pulse.failed)}
    if finding is Finding.LEFT_OUT:
        return ngettext(
            "%(count)s step was done, but a value was left out.",
            "%(count)s steps were done, but values were left out.",
            pulse.left_out,
        ) % {"count": counted(pulse.left_out)}
    if finding is Finding.UNKNOWN:
        return unknown_in_words(lacks.unknown)
    if finding is Finding.UNASKED:
        return ngettext(
            "%(count)s question that asks for consent isn't asked: nobody joins its lists.",
            "%(count)s questions that ask for consent aren't asked: nobody joins their lists.",
            len(lacks.unasked),
        ) % {"count": len(lacks.unasked)}
    if finding is Finding.UNDECIDED:
        return ngettext(
            "%(count)s event type isn't mapped yet: the default row applies to it.",
            "%(count)s event types aren't mapped yet: the default row applies to them.",
            len(lacks.types),
        ) % {"count": len(lacks.types)}
    if finding is Finding.RENAMED:
        return ngettext(
            "%(count)s mapped question is asked no longer: its answers don't arrive.",
            "%(count)s mapped questions are asked no longer: their answers don't arrive.",
            len(lacks.questions),
        ) % {"count": len(lacks.questions)}
    return str(SENTENCES[finding])


def unknown_in_words(unknown: UnknownTargets) -> str:
    """Return how much of the mapping neither service has."""
    types, lists = len(unknown.types), len(unknown.lists)
    lost_types = ngettext(
        "%(count)s mapped event type is not found in Calendly.",
        "%(count)s mapped event types are not found in Calendly.",
        types,
    )
    lost_lists = ngettext("%(count)s mapped list is not in Brevo.", "%(count)s mapped lists are not in Brevo.", lists)
    found = ((types, lost_types), (lists, lost_lists))
    return " ".join(words % {"count": count} for count, words in found if count)


def button_for(viewer: Viewer, connection: Connection, finding: Finding) -> Button:
    """Return the way on; to the connection's own page for whoever may not take it."""
    step = _STEPS.get(finding)
    if step and viewer.may(STEPS[step].permission):
        address = reverse(f"admin:{panels.STEP}", args=[connection.pk, step])
        return Button(label=STEPS[step].label, address=address, is_step=True)
    if finding in _LINKS:
        return _LINKS[finding](viewer, connection)
    return Button(label=_("Open the connection"), address=parts.page_of(Connection, connection.pk))


def page_link(viewer: Viewer, connection: Connection, *names: str) -> str:
    """Return the address of the first of a connection's pages that is there for them; empty without one."""
    pages = {each.name: each for each in connection_pages.PAGES if viewer.may(each.permission)}
    return next((page.address_of(connection, name) for name in names if name in pages), "")


def repair_link(connection: Connection | None = None) -> str:
    """Return where failures are mended: the repair page, or the log's failed entries."""
    try:
        return reverse(REPAIR)
    except NoReverseMatch:
        only = {"connection__id__exact": connection.pk} if connection else {}
        return parts.list_of(SyncLogEntry, state__exact=SyncLogEntry.State.FAILED, **only)


def types_link(viewer: Viewer, connection: Connection) -> str:
    """Return where event types are mapped."""
    return page_link(viewer, connection, "mapping") or parts.list_of(EventType, connection__id__exact=connection.pk)


def map_label(viewer: Viewer) -> str | Promise:
    """Return what there is to do with event types that aren't mapped yet: nothing, for who may only look."""
    return _("Map them") if viewer.may(CHANGE_MAPPING) else _("See them")


def fields_link(viewer: Viewer, connection: Connection) -> str:
    """Return where questions are mapped to attributes."""
    address = page_link(viewer, connection, "fields", "mapping")
    return address or parts.list_of(FieldMapping, connection__id__exact=connection.pk)


def counted(number: int) -> str:
    """Return a number that is counted no further than `home.CAP`."""
    return f"{number:,}" if number < home.CAP else gettext("%(count)s or more") % {"count": f"{number:,}"}


def _facts(viewer: Viewer, connection: Connection, pulse: Pulse) -> list[tuple[str, Cell]]:
    facts: list[tuple[str, Cell]] = []
    if viewer.may_see(WebhookDelivery):
        facts.append((gettext("Last webhook received"), parts.age(pulse.received_at)))
    if viewer.may_see(SyncLogEntry):
        facts.append((gettext("Last write to Brevo"), parts.age(pulse.written_at)))
        facts.append((gettext("Waiting"), _log_link(connection, pulse.waiting, SyncLogEntry.State.WAITING)))
        facts.append((gettext("Failed today"), _log_link(connection, pulse.failed_today, SyncLogEntry.State.FAILED)))
    return facts


def _log_link(connection: Connection, number: int, state: SyncLogEntry.State) -> Cell:
    if not number:
        return "0"
    only = {"state__exact": state, "connection__id__exact": connection.pk}
    return parts.link_to_list(SyncLogEntry, counted(number), **only)


def _connect(viewer: Viewer, connection: Connection) -> Button:
    address = page_link(viewer, connection, "setup") or parts.page_of(Connection, connection.pk)
    return Button(label=_("Set up") if viewer.may(CHANGE) else _("See how far it is"), address=address)


def _fine(viewer: Viewer, connection: Connection) -> Button:
    if address := page_link(viewer, connection, "preview"):
        return Button(label=_("Preview what is written"), address=address)
    if address := page_link(viewer, connection, "mapping"):
        return Button(label=_("Look at the mapping"), address=address)
    return Button(label=_("Open the connection"), address=parts.page_of(Connection, connection.pk))


_STEPS = {
    Finding.DISABLED: "subscribe",
    Finding.NOT_SUBSCRIBED: "subscribe",
    Finding.PAUSED: "resume",
    Finding.EXPIRED: "test",
    Finding.CANT_DELIVER: "reach",
}
_LINKS: dict[Finding, Callable[[Viewer, Connection], Button]] = {
    Finding.RECONNECT: lambda viewer, row: Button(label=_("Connect again"), address=parts.page_of(Connection, row.pk)),
    Finding.NOT_CONNECTED: _connect,
    Finding.FAILED: lambda viewer, row: Button(label=_("Repair"), address=repair_link(row)),
    Finding.LEFT_OUT: lambda viewer, row: Button(label=_("Repair"), address=repair_link(row)),
    Finding.UNKNOWN: lambda viewer, row: Button(label=_("Look at the mapping"), address=types_link(viewer, row)),
    Finding.UNASKED: lambda viewer, row: Button(label=_("Look at the mapping"), address=types_link(viewer, row)),
    Finding.UNDECIDED: lambda viewer, row: Button(label=map_label(viewer), address=types_link(viewer, row)),
    Finding.RENAMED: lambda viewer, row: Button(label=_("Look at the fields"), address=fields_link(viewer, row)),
    Finding.SILENT: lambda viewer, row: Button(
        label=_("See what came last"), address=parts.list_of(WebhookDelivery, connection__id__exact=row.pk)
    ),
    Finding.FINE: _fine,
}
