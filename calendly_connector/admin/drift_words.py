"""Differences in staff's words: what differs, what is wanted and what was found, and what becomes of it."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any

from django.utils.functional import Promise
from django.utils.html import format_html
from django.utils.safestring import SafeString
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from calendly_connector.admin import parts
from calendly_connector.admin.parts import Cell, Tone
from calendly_connector.admin.person_parts import WANTED
from calendly_connector.core.drift import CALENDLY, RESPECTED, Line, What
from calendly_connector.models import Booking, ContactMirror

SHOWN = 3  # lines in the list
Names = Mapping[int, str]  # a list's number → how staff know it

KINDS: Mapping[What, Promise] = {
    What.UNKNOWN: _("Booking that isn't known here"),
    What.STATUS: _("Status of a booking"),
    What.TIME: _("Time of a meeting"),
    What.DETAILS: _("Details of a booking"),
    What.MISSING: _("Contact that was never written"),
    What.ATTRIBUTE: _("Value of an attribute"),
    What.LIST: _("Membership of a list"),
    What.DELETED: _("Contact deleted in Brevo"),
    What.OPTED_OUT: _("Opted out in Brevo"),
    What.UNSUBSCRIBED: _("Left a list by mail"),
    What.LIST_CHANGED: _("List changed in Brevo"),
    What.KEPT: _("Value kept in Brevo"),
}
"""What differs, for the filter and for counting."""

OUTCOMES: Mapping[What, Promise] = {
    What.UNKNOWN: _("A fix reads the booking from Calendly and takes it in."),
    What.STATUS: _("A fix reads the booking from Calendly again."),
    What.TIME: _("A fix reads the booking from Calendly again."),
    What.DETAILS: _("A fix reads the booking from Calendly again."),
    What.MISSING: _("A fix writes the contact."),
    What.ATTRIBUTE: _("A fix writes the value that is wanted."),
    What.LIST: _("A fix lets the contact join or leave the list."),
    What.DELETED: _(
        "Who was deleted in Brevo isn't written there again, unless they book again. The person's page has a way back."
    ),
    What.OPTED_OUT: _("Nobody who opted out is subscribed again."),
    What.UNSUBSCRIBED: _("Who left a list by mail isn't put back on it."),
    What.LIST_CHANGED: _("The membership was changed in Brevo after we had set it."),
    What.KEPT: _("The mapping writes this value only where there is none."),
}
HELD = _("A write of this contact would also put the person back on a list that they left.")


def kinds_in_words(counts: Mapping[str, int]) -> list[str]:
    """Return counts by kind, such as "Opted out in Brevo: 3"."""
    return [f"{KINDS[What(kind)]}: {number}" for kind, number in counts.items()]


def in_short(lines: Iterable[Line], names: Names) -> SafeString:
    """Return the first lines, each as what differs, and what is wanted → what was found."""
    lines = list(lines)
    rows = [format_html("<li>{}</li>", _short(line, names)) for line in lines[:SHOWN]]
    more = len(lines) - SHOWN
    if more > 0:
        words = gettext("and %(count)d more") % {"count": more}
        rows.append(format_html('<li class="cc-quiet">{}</li>', words))
    return format_html('<ul class="cc-lines">{}</ul>', SafeString("".join(rows)))


def _short(line: Line, names: Names) -> SafeString:
    what, wanted, found = title_of(line, names), wanted_of(line), found_of(line)
    if wanted is parts.NOTHING and found is parts.NOTHING:
        return format_html("{}", what)
    if wanted is parts.NOTHING:
        return format_html("{}: {}", what, found)
    return format_html("{}: {} → {}", what, wanted, found)


def table(lines: Iterable[Line], names: Names) -> SafeString:
    """Return all lines as a table."""
    heads = (gettext("Between"), gettext("What differs"), gettext("Wanted"), gettext("Found"), gettext("What then"))
    rows = [
        (where_of(line), title_of(line, names), wanted_of(line), found_of(line), outcome_of(line)) for line in lines
    ]
    return parts.table(heads, rows, empty=gettext("Nothing differs any more."))


def where_of(line: Line) -> str:
    """Return which two sides differ."""
    return (
        gettext("Calendly and the bookings here") if line["where"] == CALENDLY else gettext("Bookings here and Brevo")
    )


def title_of(line: Line, names: Names) -> Cell:
    """Return what differs."""
    what = What(line["what"])
    if what in (What.ATTRIBUTE, What.KEPT):
        return str(line["name"])
    if what in (What.LIST, What.LIST_CHANGED, What.UNSUBSCRIBED):
        number = int(line["name"])
        return gettext("List %(name)s") % {"name": names.get(number, f"#{number}")}
    return str(KINDS[what])


def wanted_of(line: Line) -> Cell:
    """Return what should be there."""
    what, wanted = What(line["what"]), line["wanted"]
    if what in (What.LIST, What.LIST_CHANGED, What.UNSUBSCRIBED):
        return str(WANTED.get(wanted, wanted))
    return _value(what, wanted)


def found_of(line: Line) -> Cell:
    """Return what is there."""
    what, found = What(line["what"]), line["found"]
    if what in (What.LIST, What.LIST_CHANGED, What.UNSUBSCRIBED):
        return gettext("On it") if found else gettext("Not on it")
    if what is What.OPTED_OUT:
        return str(dict(ContactMirror.OptOut.choices).get(found, found))
    if what in (What.ATTRIBUTE, What.KEPT) and found is None:
        return format_html('<span class="cc-quiet">{}</span>', gettext("empty"))
    return _value(what, found)


def outcome_of(line: Line) -> SafeString:
    """Return what a fix makes of it, or why it is left."""
    what = What(line["what"])
    if line["is_fixable"]:
        return format_html("{}", OUTCOMES[what])
    words = OUTCOMES[what] if what in RESPECTED else HELD
    return format_html("{} {}", parts.badge(gettext("Respected"), Tone.QUIET), words)


def _value(what: What, value: Any) -> Cell:
    if value is None:
        return parts.NOTHING
    if what in (What.STATUS, What.UNKNOWN):
        return str(dict(Booking.Status.choices).get(value, value))
    if what is What.TIME:
        return parts.to_the_minute(datetime.fromisoformat(str(value).split("/")[0]))
    if isinstance(value, bool):
        return gettext("Yes") if value else gettext("No")
    return parts.told(", ".join(map(str, value)) if isinstance(value, list) else value)
