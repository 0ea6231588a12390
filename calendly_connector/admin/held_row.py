"""One meeting of somebody, as the page of meetings that are over shows it: who, what, how it stands, what to press."""

from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from django.http import HttpRequest
from django.template.loader import render_to_string
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from calendly_connector.admin import parts
from calendly_connector.admin.booking_parts import TONES
from calendly_connector.admin.mask import PERMISSION as SEES_ADDRESSES
from calendly_connector.admin.parts import Cell, Tone
from calendly_connector.models import Booking, ContactMirror
from calendly_connector.services import recovery

MARK, RECOVERY = "calendly_connector_held_mark", "calendly_connector_held_recovery"
ACT = "calendly_connector.change_booking"
ATTENDED, NO_SHOW, UNDO = "attended", "no_show", "undo"
LABELS = {ATTENDED: gettext_lazy("Attended"), NO_SHOW: gettext_lazy("No-show"), UNDO: gettext_lazy("Undo")}
KEYS = {ATTENDED: "a", NO_SHOW: "n", UNDO: "u"}
OFFERS = {
    Booking.Status.BOOKED: (ATTENDED, NO_SHOW),
    Booking.Status.ATTENDED: (NO_SHOW,),
    Booking.Status.NO_SHOW: (UNDO,),
}
"""Status → what may be pressed. Attended by mistake is mended by marking a no-show."""


@dataclass(frozen=True, kw_only=True)
class Button:
    """What can be pressed, and by which key."""

    act: str
    label: str
    key: str


@dataclass(frozen=True, kw_only=True)
class Recovery:
    """The way back for a no-show. Without a link, `address` asks for one."""

    address: str
    link: str = ""
    letter: str = ""  # a draft for the reader's own mail program


@dataclass(frozen=True, kw_only=True)
class Line:
    """What the template shows of a booking."""

    key: int
    name: str
    page: str
    email: Cell
    meeting: str
    time: str
    starts: str
    host: str
    status: str
    badge: Cell
    hints: list[Cell]
    buttons: list[Button]
    address: str
    recovery: Recovery | None
    said: str = ""
    is_well: bool = True


def line_of(request: HttpRequest, row: Any, *, said: str = "", is_well: bool = True) -> Line:
    """Return a booking as a line. Asks neither the database nor Calendly."""
    user: Any = request.user
    start, end = timezone.localtime(row.start_at), timezone.localtime(row.end_at)
    status = Booking.Status(row.status)
    query = request.GET.urlencode()
    return Line(
        key=row.pk,
        name=row.name or row.person.email,
        page=parts.page_of(Booking, row.pk),
        email=parts.email(row.person.email) if row.name else "",
        meeting=row.meeting_name or _("Meeting"),
        time=f"{start:%H:%M}–{end:%H:%M}",
        starts=row.start_at.isoformat(),
        host=row.host,
        status=row.status,
        badge=parts.badge(row.get_status_display(), TONES[status]),
        hints=_hints(row),
        buttons=_buttons(status) if user.has_perm(ACT) else [],
        address=reverse(f"admin:{MARK}", args=[row.pk]) + (f"?{query}" if query else ""),
        recovery=_recovery(row) if status is Booking.Status.NO_SHOW and user.has_perm(SEES_ADDRESSES) else None,
        said=said,
        is_well=is_well,
    )


def render(request: HttpRequest, line: Line) -> SafeString:
    """Return one line as HTML."""
    return render_to_string("admin/calendly_connector/held/row.html", {"line": line}, request)


def day_of(row: Booking) -> str:
    """Return the day of a meeting, in the reader's zone and language."""
    return date_format(timezone.localtime(row.start_at), "l j F Y")


def _buttons(status: Booking.Status) -> list[Button]:
    return [Button(act=act, label=str(LABELS[act]), key=KEYS[act]) for act in OFFERS.get(status, ())]


def _hints(row: Any) -> list[Cell]:
    """Return what is known of the person's consent and opt-out."""
    mirror = getattr(row.person, "mirror", None)
    found: list[Cell] = []
    if mirror and mirror.opt_out:
        words = _("Gets no marketing mail: %(why)s") % {"why": ContactMirror.OptOut(mirror.opt_out).label}
        found.append(parts.badge(words, Tone.WARN))
    if row.has_consented:
        found.append(parts.badge(_("Has consented"), Tone.GOOD))
    return found


def _recovery(row: Booking) -> Recovery:
    link = recovery.known_link(row)
    address = reverse(f"admin:{RECOVERY}", args=[row.pk])
    return Recovery(address=address, link=link, letter=letter_to(row, link) if link else "")


def letter_to(row: Booking, link: str) -> str:
    """Return a `mailto:` address with a draft, in the reader's language."""
    values = {
        "name": row.name or row.person.email,
        "meeting": row.meeting_name or _("Meeting"),
        "day": date_format(timezone.localtime(row.start_at), "j F"),
        "link": link,
    }
    body = _(
        "Hello %(name)s,\n\nwe missed you at “%(meeting)s” on %(day)s. It happens. "
        "If you would still like to talk, choose another time here:\n\n%(link)s\n\nKind regards"
    )
    draft = {"subject": _("Shall we find another time?"), "body": body % values}
    return f"mailto:{quote(row.person.email)}?{urlencode(draft, quote_via=quote)}"
