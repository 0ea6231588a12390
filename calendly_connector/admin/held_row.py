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
from calendly_connector.admin.held_words import SAID
from calendly_connector.admin.mask import PERMISSION as SEES_ADDRESSES
from calendly_connector.admin.parts import Cell, Tone
from calendly_connector.clients import errors
from calendly_connector.models import Booking, ContactMirror
from calendly_connector.services.marking import Said
from calendly_connector.services.recovery import WayBack

MARK, RECOVERY = "calendly_connector_held_mark", "calendly_connector_held_recovery"
ACT = "calendly_connector.change_booking"
ATTENDED, NO_SHOW, UNDO, LINK = "attended", "no_show", "undo", "link"
LABELS = {ATTENDED: gettext_lazy("Attended"), NO_SHOW: gettext_lazy("No-show"), UNDO: gettext_lazy("Undo")}
KEYS = {ATTENDED: "a", NO_SHOW: "n", UNDO: "u", LINK: "l"}
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
    """The way back for a no-show. Without a link, or with the common page alone, `address` makes one."""

    address: str  # "" for whoever may make none
    link: str = ""
    letter: str = ""  # a draft for the reader's own mail program
    note: str = ""
    is_common: bool = False
    key: str = KEYS[LINK]


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


def line_of(
    request: HttpRequest, row: Any, *, way: WayBack | None = None, said: str = "", is_well: bool = True
) -> Line:
    """Return a booking as a line, with the way back if it is known. Asks neither the database nor Calendly."""
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
        recovery=recovery_of(request, row, way) if status is Booking.Status.NO_SHOW else None,
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


def recovery_of(request: HttpRequest, row: Booking, way: WayBack | None) -> Recovery | None:
    """Return the way back as this reader gets it; None for whoever may not see addresses."""
    user: Any = request.user
    if not user.has_perm(SEES_ADDRESSES):
        return None
    query = request.GET.urlencode()
    address = reverse(f"admin:{RECOVERY}", args=[row.pk]) + (f"?{query}" if query else "")
    made_by = address if user.has_perm(ACT) else ""
    if way is None:
        return Recovery(address=made_by)
    return Recovery(
        address=made_by,
        link=way.address,
        letter=letter_to(row, way.address),
        note=_note(way),
        is_common=way.refusal is not None,
    )


def _note(way: WayBack) -> str:
    """Return what kind of link it is: for how long it can be used, or why it isn't the person's own."""
    if way.refusal is None:
        day = date_format(timezone.localtime(way.expires_at), "j F Y") if way.expires_at else ""
        return _("It can be booked with once, until %(day)s.") % {"day": day}
    scopes = way.refusal.required_scopes if isinstance(way.refusal, errors.Forbidden) else ()
    why = str(SAID[Said.LACKS_SCOPE]) % {"why": ", ".join(scopes)} if scopes else parts.said(str(way.refusal))
    return _("This is Calendly’s common page, for a link that works once could not be made. %(why)s") % {"why": why}


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
