"""Bookings: the meeting, the person's answers, the chain of moves, and all that happened."""

from dataclasses import asdict
from typing import Any, ClassVar

from django.contrib import admin
from django.db.models import OuterRef, QuerySet, Subquery
from django.http import HttpRequest, HttpResponse
from django.urls import path
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from calendly_connector.admin import (
    attribution,
    booking_parts,
    cancel,
    connection_pages,
    held,
    held_recovery,
    page,
    parts,
    person_parts,
    timeline,
)
from calendly_connector.admin.base import HistoryAdmin
from calendly_connector.admin.booking_parts import (
    SECRETS,
    TONES,
    Status,
    chain_of,
    history_of,
    local_time,
    newest_body,
    snapshot,
)
from calendly_connector.admin.delivery import as_text
from calendly_connector.admin.filters import EventTypeFilter, titled
from calendly_connector.models import Booking, EventType

SOMETIMES = ("cancellation", "no_show")  # shown where there is something to show
ADDRESSES = ("uri", "meeting_uri", "event_type")
PREVIEW = "preview"


@admin.register(Booking)
class BookingAdmin(HistoryAdmin[Booking]):
    """One row per invitee."""

    change_form_template = "admin/calendly_connector/booking.html"
    list_display = ("who", "status_badge", "meeting_name", "when", "other_half", "booked")
    list_display_links = None
    list_filter = ("status", EventTypeFilter, ("start_at", titled(gettext_lazy("meeting time"))), "connection")
    address_fields = ("person", "uri")
    search_fields = ("name", "person__email", "uri", "meeting_name")
    search_help_text = gettext_lazy("E-mail, name, invitee address, or meeting")
    fieldsets: ClassVar[Any] = (
        (None, {"fields": ("status_badge", *SOMETIMES, "name", "person_link", "connection_link", "elsewhere")}),
        (gettext_lazy("Meeting"), {"fields": ("meeting", "when", "exact", "hosts", "location", "join", "guests")}),
        (gettext_lazy("Moves"), {"fields": ("chain",), "classes": ("cc-whole",)}),
        (gettext_lazy("Answers"), {"fields": ("answers",), "classes": ("cc-whole",)}),
        (gettext_lazy("Consent"), {"fields": ("consent",), "classes": ("cc-whole",)}),
        (gettext_lazy("Status, step by step"), {"fields": ("history",), "classes": ("cc-whole",)}),
        (gettext_lazy("What happened"), {"fields": ("story",), "classes": ("cc-whole",)}),
        (gettext_lazy("More"), {"fields": ("booked", "changed", "tracking", "payment", "task_in_crm", *ADDRESSES)}),
        (gettext_lazy("What Calendly told us, value by value"), {"fields": ("payload",), "classes": ("cc-whole",)}),
    )

    def get_urls(self) -> list[Any]:
        """Add the pages of meetings that are over and of where bookings come from, and the one that cancels."""
        wrap = self.admin_site.admin_view
        return [
            *held.urls(self.admin_site),
            *held_recovery.urls(self.admin_site),
            *cancel.urls(self.admin_site),
            path("attribution/", wrap(attribution.show), name=attribution.NAME),
            path("attribution/csv/", wrap(attribution.export), name=attribution.EXPORT),
            *super().get_urls(),
        ]

    def render_change_form(self, request: HttpRequest, context: dict[str, Any], *args: Any, **kw: Any) -> HttpResponse:
        """Add the way to cancel the meeting."""
        context["cancel_address"] = cancel.address_for(request, context["original"])
        return super().render_change_form(request, context, *args, **kw)

    def get_queryset(self, request: HttpRequest) -> QuerySet[Booking]:
        """Find both neighbours of a move along the way."""
        same = Booking.objects.filter(connection=OuterRef("connection"))
        return (
            super()
            .get_queryset(request)
            .select_related("person", "connection")
            .defer(*SECRETS)
            .annotate(
                found_new=Subquery(same.filter(uri=OuterRef("successor")).values("pk")[:1]),
                found_old=Subquery(same.filter(uri=OuterRef("old_invitee")).values("pk")[:1]),
            )
        )

    def get_fieldsets(self, request: HttpRequest, obj: Booking | None = None) -> Any:
        """Leave out the cancellation and the no-show where there is none."""
        (title, first), *others = super().get_fieldsets(request, obj)
        kept = {"cancellation": obj and obj.status == Status.CANCELED, "no_show": obj and _no_show(obj)}
        shown = [name for name in first["fields"] if kept.get(str(name), True)]
        return [(title, {**first, "fields": shown}), *others]

    @admin.display(description=gettext_lazy("invitee"), ordering="name")
    def who(self, row: Booking) -> SafeString:
        """Return the name as it was written, and below it whose booking it is."""
        name = parts.link_to(row, row.name or _("Booking"))
        return format_html('{}<span class="cc-why">{}</span>', name, parts.link_to(row.person))

    @admin.display(description=gettext_lazy("status"), ordering="status")
    def status_badge(self, row: Booking) -> SafeString:
        """Return where the booking stands, and how often it was moved."""
        found = parts.badge(row.get_status_display(), TONES[Status(row.status)])
        moved = _("moved %(count)d×") % {"count": row.moves} if row.moves else ""
        return format_html('{} <span class="cc-quiet">{}</span>', found, moved) if moved else found

    @admin.display(description=gettext_lazy("meeting time"), ordering="start_at")
    def when(self, row: Booking) -> SafeString:
        """Return the meeting's time as the invitee reads it."""
        return local_time(row)

    @admin.display(description=gettext_lazy("person"), ordering="person__email")
    def person_link(self, row: Booking) -> SafeString:
        """Return a link to the person."""
        return parts.link_to(row.person)

    @admin.display(description=gettext_lazy("other half"))
    def other_half(self, row: Any) -> SafeString:
        """Return links to the bookings that this one was moved to and from."""
        new = parts.link(Booking, row.found_new, _("moved to →")) if row.found_new else ""
        old = parts.link(Booking, row.found_old, _("← moved from")) if row.found_old else ""
        return format_html("{} {}", old, new) if old or new else parts.NOTHING

    @admin.display(description=gettext_lazy("booked"), ordering="booked_at")
    def booked(self, row: Booking) -> SafeString:
        """Return how long ago it was booked."""
        return parts.age(row.booked_at)

    @admin.display(description=gettext_lazy("connection"))
    def connection_link(self, row: Booking) -> SafeString:
        """Return a link to the connection."""
        return parts.link_to(row.connection)

    @admin.display(description=gettext_lazy("canceled"))
    def cancellation(self, row: Booking) -> SafeString | str:
        """Return by whom and why it was canceled."""
        canceled = snapshot(row).invitee.cancellation
        if canceled is None:
            return "–"
        words = {"who": canceled.canceled_by, "kind": _canceler(canceled.canceler_type), "why": canceled.reason}
        told = _("by %(who)s (%(kind)s): %(why)s") if canceled.reason else _("by %(who)s (%(kind)s)")
        return parts.told(told % words)

    @admin.display(description=gettext_lazy("meeting"))
    def meeting(self, row: Booking) -> SafeString:
        """Return the meeting's name, as a link to its event type."""
        found = EventType.objects.filter(connection=row.connection, uri=row.event_type).first()
        return parts.link_to(found, row.meeting_name) if found else format_html("{}", row.meeting_name or "–")

    @admin.display(description=gettext_lazy("in our zone"))
    def exact(self, row: Booking) -> SafeString:
        """Return the start in the installation's zone."""
        return parts.moment(row.start_at)

    @admin.display(description=gettext_lazy("hosts"))
    def hosts(self, row: Booking) -> str:
        """Return who hosts the meeting."""
        found = [f"{host.name} ({host.email})" if host.email else host.name for host in snapshot(row).meeting.hosts]
        return ", ".join(found) or "–"

    @admin.display(description=gettext_lazy("location"))
    def location(self, row: Booking) -> SafeString | str:
        """Return where it takes place."""
        meeting = snapshot(row).meeting
        kind = meeting.location_kind.replace("_", " ")
        return format_html("{} {}", _place(meeting.location), f"({kind})" if kind else "")

    @admin.display(description=gettext_lazy("join link"))
    def join(self, row: Booking) -> SafeString | str:
        """Return the address of an online meeting."""
        return parts.link_outside(snapshot(row).meeting.join_url)

    @admin.display(description=gettext_lazy("guests"))
    def guests(self, row: Booking) -> str:
        """Return who else comes."""
        return ", ".join(snapshot(row).meeting.guests) or "–"

    @admin.display(description=gettext_lazy("moves"))
    def chain(self, row: Booking) -> SafeString:
        """Return every booking of the chain, oldest first."""
        links = [
            {
                "badge": parts.badge(each.get_status_display(), TONES[Status(each.status)]),
                "address": "" if each == row else parts.page_of(Booking, each.pk),
                "name": each.meeting_name or _("Meeting"),
                "time": local_time(each),
            }
            for each in chain_of(row)
        ]
        return parts.render("chain", links=links)

    @admin.display(description=gettext_lazy("answers"))
    def answers(self, row: Booking) -> SafeString:
        """Return what was asked and answered."""
        rows = [(answer.question, parts.told(answer.answer)) for answer in snapshot(row).invitee.answers]
        return parts.table((_("Question"), _("Answer")), rows, empty=_("Nothing was asked."))

    @admin.display(description=gettext_lazy("timeline"))
    def story(self, row: Booking) -> SafeString:
        """Return its deliveries and what they led to, in the order of time."""
        return parts.render("timeline", blocks=timeline.of_booking(row))

    @admin.display(description=gettext_lazy("status"))
    def history(self, row: Booking) -> SafeString:
        """Return each status it took on, and how we learnt of it."""
        heads = (_("Status"), _("At Calendly"), _("Noted by us"), _("How we learnt of it"), _("Delivery"))
        return parts.table(heads, history_of(row), empty=_("No change of status has been noted yet."))

    @admin.display(description=gettext_lazy("consent"))
    def consent(self, row: Booking) -> SafeString:
        """Return the consents that this booking gave."""
        return person_parts.consents_table(row.consents.all(), timeline.list_names(row.connection.brevo_account_id))

    @admin.display(description=gettext_lazy("payload"))
    def payload(self, row: Booking) -> SafeString:
        """Return the newest snapshot, one line for each value, and the newest delivery as it was posted."""
        return parts.render("payload", rows=parts.pairs(parts.filled(row.data)), text=as_text(newest_body(row)))

    @admin.display(description=gettext_lazy("elsewhere"))
    def elsewhere(self, row: Booking) -> SafeString:
        """Return links to Calendly's own pages, and to the preview of what this booking means for Brevo."""
        found = person_parts.calendly_links(row)
        if any(each.name == PREVIEW for each in connection_pages.PAGES):
            address = f"{page.address_of(row.connection, PREVIEW)}?booking={row.pk}"
            found.append(format_html('<a href="{}">{}</a>', address, _("Preview what is sent to Brevo")))
        return format_html_join(" · ", "{}", ((each,) for each in found)) or parts.NOTHING

    @admin.display(description=gettext_lazy("no-show"))
    def no_show(self, row: Booking) -> str:
        """Return whether a no-show is marked, or was."""
        return _no_show(row)

    @admin.display(description=gettext_lazy("last changed"))
    def changed(self, row: Booking) -> SafeString:
        """Return when Calendly changed it last."""
        return parts.moment(row.updated_at)

    @admin.display(description=gettext_lazy("UTM"))
    def tracking(self, row: Booking) -> str:
        """Return what the booked page was called with."""
        found = asdict(snapshot(row).invitee.tracking)
        return ", ".join(f"{name.removeprefix('utm_')}: {value}" for name, value in found.items() if value) or "–"

    @admin.display(description=gettext_lazy("CRM task"))
    def task_in_crm(self, row: Booking) -> SafeString:
        """Return whether Brevo's CRM has a task for it."""
        return booking_parts.task_of(row)

    @admin.display(description=gettext_lazy("payment"))
    def payment(self, row: Booking) -> str:
        """Return what was paid."""
        paid = snapshot(row).invitee.payment
        return f"{paid.amount:g} {paid.currency} ({paid.provider})" if paid else "–"


def _place(text: str) -> SafeString | str:
    """Return an address as a link, and any other place as it is: it may be the phone number to call."""
    return parts.link_outside(text) if text.startswith(("http://", "https://")) or not text else parts.told(text)


def _no_show(row: Booking) -> str:
    """Return words about the mark in Calendly; none when there never was one."""
    mark = snapshot(row).invitee.no_show_uri
    if mark:
        return _("Marked in Calendly: %(mark)s") % {"mark": mark}
    return _("Was marked, and the mark was taken back.") if row.was_undone else ""


def _canceler(kind: str) -> str:
    """Return Calendly's word for who canceled, in staff's language."""
    return {"host": _("host"), "invitee": _("invitee")}.get(kind, kind)
